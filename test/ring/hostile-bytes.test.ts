/** Clients that write where no honest one can: to the queues themselves, to all of their segment, and to data while they are compared. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  compareAndWrite,
  connect,
  type NexusInfo,
  parseSense,
  SenseKey,
  Status,
  serve,
} from '#dist/index.js'
import {
  SLOT_CDB,
  SLOT_CDB_LEN,
  SLOT_SENSE,
  SLOT_SENSE_LEN,
  VIOLATIONS,
} from '#dist/ring/layout.gen.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'
import { Bystander, undisturbed } from './bystander.ts'
import { Hostile, SLOTS, segments, toldEnd } from './hostile-client.ts'
import type { Entry } from './shared-bytes.ts'

const test = suite('a client that writes to any byte of its segment')

const listen = join(temporaryFolder(), 'target.sock')
const bystander = new Bystander(test, () => serve({ listen, units: [{ memory: 1 << 20 }] }))

function closing(): Promise<[NexusInfo, string | undefined]> {
  return new Promise((resolve) =>
    bystander.server.events.once('nexusClosed', (nexus, why) => resolve([nexus, why])),
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
    assert.equal(bystander.server.stats.recent.at(-1), toldEnd(nexus, why))
    await hostile.hungUp()
    await bystander.undisturbed(1)
  })
}

// In this process there is one mapping then, the client's, which stays for as long as it is written to.
test(
  'and to all of them at once, over and over, loses its nexus, and nobody else’s',
  async () => {
    await using target = await ServerProcess.start({ units: [{ memory: 1 << 20 }] })
    const honest = await connect(target.socket)
    const ended = () => target.events.filter(({ event }) => event === 'nexusClosed')
    for (let round = 0; round < 10; round++) {
      const hostile = await Hostile.connect(target.socket)
      const stop = await hostile.bytes.scribble(round)
      try {
        for (let turn = 0; ended().length === round; turn++) {
          hostile.ring()
          await undisturbed(honest, turn)
        }
      } finally {
        await stop()
      }
      const why = ended().at(-1)?.reason
      assert.ok(
        VIOLATIONS.some(({ reason }) => reason === why),
        why,
      )
      await hostile.hungUp()
    }
    await undisturbed(honest, 2)
    await honest.close()
    await target.close()
  },
  { deadlineMs: 120_000 },
)

// The target is another process: it takes the data while they change. What it compares and writes crosses a border of the pieces of a store (1 MiB).
test(
  'and flips data while they are compared and written gets a medium that is all old, or all new (sbc-3 5.2)',
  async () => {
    const blockLength = 4096
    const half = 255 * blockLength
    const lba = 128
    const old = pattern(half, 1)
    const fresh = pattern(half, 2)
    const flipped = fresh.with(half / 3, fresh[half / 3]! ^ 0xff)
    await using target = await ServerProcess.start({ units: [{ memory: 4 << 20, blockLength }] })
    const honest = await connect(target.socket)
    const unit = honest.unit(0)
    const hostile = await Hostile.connect(target.socket, 2 << 20)
    const arena = new Uint8Array(hostile.arena.buffer)
    const { cdb } = compareAndWrite({ lba, expected: old, data: fresh, blockLength })
    const both = segments('out', 2 * half, { offset: 0, length: 2 * half })
    const expected = half - 1
    const written = half + half / 3

    /** What a command has left, once it is over; until then a byte of each half changes to and fro. */
    const outcome = async () => {
      await unit.write({ lba, data: old })
      arena.set(old, 0)
      arena.set(fresh, half)
      hostile.submit((slot) => {
        for (const [at, byte] of cdb.entries()) slot.setUint8(SLOT_CDB + at, byte)
        slot.setUint16(SLOT_CDB_LEN, cdb.length, true)
        both(slot)
      })
      let completed = 0
      for (let turn = 1; completed === 0; turn++) {
        // Odd numbers: what takes longer between them finds the bytes either way.
        for (let flips = 0; flips < 301; flips++) {
          arena[expected]! ^= 0xff
          if (flips % 2 === 0) arena[written]! ^= 0xff
        }
        completed = hostile.calls.reap(false)
        if (turn % 33 === 0) await new Promise(setImmediate)
      }
      assert.equal(completed, 1)
      const now = Buffer.from(await unit.read({ lba, blocks: 255 }))
      const left = [old, fresh, flipped].findIndex((one) => now.equals(one))
      return `${end()}, ${['torn', 'old', 'new', 'new, flipped'][left + 1]}`
    }
    const end = () => {
      const status = hostile.statusOf(0)
      if (status !== Status.CHECK_CONDITION) return `status ${status}`
      const length = hostile.slots.getUint16(SLOT_SENSE_LEN, true)
      const sense = new Uint8Array(hostile.slots.buffer, SLOT_SENSE, length)
      return `sense key ${parseSense(sense)?.key}`
    }

    const possible = [
      `status ${Status.GOOD}, new`,
      `status ${Status.GOOD}, new, flipped`,
      `sense key ${SenseKey.MISCOMPARE}, old`,
    ]
    // The unit attention of a new nexus.
    hostile.submit(() => {})
    await until('its first command', () => hostile.calls.reap(false) === 1)
    const seen = new Set<string>()
    for (let round = 0; round < 40 || seen.size < possible.length; round++) {
      const one = await outcome()
      assert.ok(possible.includes(one), one)
      seen.add(one)
    }
    hostile.leave()
    await undisturbed(honest, 3, blockLength)
    await honest.close()
    await target.close()
  },
  { deadlineMs: 120_000 },
)

test.run()
