/** Clients that write where no honest one can: to the queues themselves, to all of their segment, and to data while they are compared. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, type Nexus, type NexusInfo, type Server, serve } from '#dist/index.js'
import { SLOT_CDB, SLOT_CDB_LEN } from '#dist/ring/layout.gen.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { ServerProcess } from '../support/server.ts'
import { Hostile, SLOTS, segments, toldEnd } from './hostile-client.ts'
import type { Entry } from './shared-bytes.ts'

const test = suite('a client that writes to any byte of its segment')

const listen = join(temporaryFolder(), 'target.sock')
let server: Server
let bystander: Nexus
test.before(async () => {
  server = await serve({ listen, units: [{ memory: 1 << 20 }] })
  bystander = await connect(listen)
})
test.after(async () => {
  await bystander.close()
  await server.close()
})

/** The bystander's data are what they were, and it can go on. */
async function undisturbed(seed: number, nexus = bystander): Promise<void> {
  const data = pattern(64 << 10, seed)
  await nexus.unit(0).write({ lba: 0, data })
  assert.ok(Buffer.from(await nexus.unit(0).read({ lba: 0, blocks: 128 })).equals(data))
}

function closing(): Promise<[NexusInfo, string | undefined]> {
  return new Promise((resolve) =>
    server.events.once('nexusClosed', (nexus, why) => resolve([nexus, why])),
  )
}

const first: Entry = { lap: 1, slot: 0, generation: 1 }
const cases: readonly (readonly [what: string, reason: RegExp, entries: readonly Entry[]])[] = [
  ['an entry of a later lap', /neither the next/, [{ ...first, lap: 3 }]],
  ['an entry of no lap that there was', /neither the next/, [{ ...first, lap: 0xffff }]],
  ['the slot after the last', /beyond the last slot/, [{ ...first, slot: SLOTS }]],
  ['slot 65,535', /beyond the last slot/, [{ ...first, slot: 0xffff }]],
  ['an entry of another epoch', /another epoch/, [{ ...first, epoch: 0x7777 }]],
  ['a generation that was skipped', /another generation/, [{ ...first, generation: 2 }]],
  ['a slot that is still under way', /not its to submit/, [first, { ...first, generation: 2 }]],
]

for (const [what, reason, entries] of cases) {
  test(`and publishes ${what} loses its nexus, and nobody else's`, async () => {
    const closed = closing()
    const hostile = await Hostile.connect(listen)
    hostile.slots.setUint16(SLOT_CDB_LEN, 6, true)
    for (const [index, entry] of entries.entries()) hostile.bytes.submit(index, entry)
    hostile.ring()
    const [nexus, why] = await closed
    assert.match(why ?? '', reason)
    assert.equal(server.stats.recent.at(-1), toldEnd(nexus, why))
    await hostile.hungUp()
    await undisturbed(1)
  })
}

// In this process there is one mapping then, the client's, which stays for as long as it is written to.
test(
  'and to all of them at once, over and over, loses its nexus, and nobody else’s',
  async () => {
    const target = await ServerProcess.start({ units: [{ memory: 1 << 20 }] })
    const honest = await connect(target.socket)
    const ended = () => target.events.filter(({ event }) => event === 'nexusClosed')
    for (let round = 0; round < 10; round++) {
      const hostile = await Hostile.connect(target.socket)
      const stop = await hostile.bytes.scribble(round)
      for (let turn = 0; ended().length === round; turn++) {
        hostile.ring()
        await undisturbed(turn, honest)
      }
      await stop()
      assert.match(ended().at(-1)?.reason ?? '', /an? (queue )?entry|slot|CDB|attribute|data/)
      await hostile.hungUp()
    }
    await undisturbed(2, honest)
    await honest.close()
    await target.close()
  },
  { deadlineMs: 120_000 },
)

test(
  'and flips data while they are compared gets a medium that is all old, or all new (sbc-3 5.2)',
  async () => {
    const BLOCKS = 32
    const bytes = 512 * BLOCKS
    const [old, fresh] = [pattern(bytes, 1), pattern(bytes, 2)]
    const hostile = await Hostile.connect(listen)
    const arena = new Uint8Array(hostile.arena.buffer)
    let [good, other] = [0, 0]
    for (let round = 0; round < 200; round++) {
      await bystander.unit(0).write({ lba: 512, data: old })
      arena.set(old, 0)
      arena.set(fresh, bytes)
      hostile.submit((slot) => {
        const cdb = [0x89, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, BLOCKS, 0, 0]
        for (const [at, byte] of cdb.entries()) slot.setUint8(SLOT_CDB + at, byte)
        slot.setUint16(SLOT_CDB_LEN, cdb.length, true)
        segments('out', 2 * bytes, { offset: 0, length: 2 * bytes })(slot)
      })
      let completed = 0
      for (let flips = round; completed === 0; flips++) {
        arena[(flips * 997) % bytes]! ^= 0xff
        completed = hostile.pair.reap(false)
        if (flips % 64 === 0) await new Promise(setImmediate)
      }
      assert.equal(completed, 1)
      const now = await bystander.unit(0).read({ lba: 512, blocks: BLOCKS })
      const isGood = hostile.statusOf(0) === 0
      assert.deepEqual(now, isGood ? fresh : old)
      if (isGood) good++
      else other++
    }
    assert.equal(good + other, 200)
    hostile.leave()
    await undisturbed(3)
  },
  { deadlineMs: 120_000 },
)

test.run()
