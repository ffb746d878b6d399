import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, type NexusInfo, serve } from '#dist/index.js'
import {
  SLOT_ATTRIBUTE,
  SLOT_CDB,
  SLOT_CDB_LEN,
  SLOT_IN,
  SLOT_IN_LEN,
  SLOT_IN_SEGMENTS,
} from '#dist/ring/layout.gen.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { ServerProcess } from '../support/server.ts'
import { Bystander } from './bystander.ts'
import { ARENA, Hostile, segments, toldEnd } from './hostile-client.ts'

const test = suite('a hostile client')

const listen = join(temporaryFolder(), 'target.sock')
const bystander = new Bystander(test, () => serve({ listen, units: [{ memory: 1 << 20 }] }))

/** An indirect table of `count` segments of a page each, at `table`. */
function indirect(count: number, table: number, tableBytes: number) {
  return (slot: DataView, arena: DataView) => {
    slot.setUint32(SLOT_IN_LEN, count * 16, true)
    slot.setUint16(SLOT_IN_SEGMENTS, count, true)
    slot.setUint32(SLOT_IN, table, true)
    slot.setUint32(SLOT_IN + 4, tableBytes, true)
    for (let index = 0; index < count && table + 8 * index + 8 <= ARENA; index++) {
      arena.setUint32(table + 8 * index, 8192 + 16 * index, true)
      arena.setUint32(table + 8 * index + 4, 16, true)
    }
  }
}

const cdbLength = (length: number) => (slot: DataView) => slot.setUint16(SLOT_CDB_LEN, length, true)

const cases: readonly (readonly [
  what: string,
  reason: RegExp,
  forge: (slot: DataView, arena: DataView) => void,
])[] = [
  ['a CDB of 0 bytes', /CDB shorter/, cdbLength(0)],
  ['a CDB of 5 bytes', /CDB shorter/, cdbLength(5)],
  ['a CDB of 261 bytes', /CDB shorter/, cdbLength(261)],
  ['a CDB of 65,535 bytes', /CDB shorter/, cdbLength(65_535)],
  ['an attribute that there is not', /attribute/, (slot) => slot.setUint8(SLOT_ATTRIBUTE, 200)],
  ['an empty segment', /no bytes/, segments('in', 0, { offset: 0, length: 0 })],
  [
    'a segment beyond the arena',
    /beyond the arena/,
    segments('in', 16, { offset: ARENA, length: 16 }),
  ],
  [
    'a segment that ends beyond it',
    /beyond the arena/,
    segments('out', 4097, { offset: ARENA - 4096, length: 4097 }),
  ],
  [
    'a segment that wraps around 2^32',
    /beyond the arena/,
    segments('in', 8192, { offset: 0xffff_f000, length: 8192 }),
  ],
  [
    'a segment of 2^32-1 bytes',
    /beyond the arena/,
    segments('out', 0xffff_ffff, { offset: 1, length: 0xffff_ffff }),
  ],
  [
    'the same segment twice',
    /overlap/,
    segments('in', 32, { offset: 64, length: 16 }, { offset: 64, length: 16 }),
  ],
  [
    'segments that overlap by a byte',
    /overlap/,
    segments('out', 32, { offset: 64, length: 16 }, { offset: 79, length: 16 }),
  ],
  [
    'more data than its segments hold',
    /sum of its segments/,
    segments('in', 17, { offset: 0, length: 16 }),
  ],
  [
    'less data than its segments hold',
    /sum of its segments/,
    segments('in', 15, { offset: 0, length: 16 }),
  ],
  ['data without segments', /sum of its segments/, segments('out', 100)],
  ['257 segments', /more than 256/, indirect(257, 0, 8 * 257)],
  ['a table beyond the arena', /beyond the arena/, indirect(3, ARENA, 24)],
  ['a table that ends beyond the arena', /beyond the arena/, indirect(3, ARENA - 16, 24)],
]

for (const [index, [what, reason, forge]] of cases.entries()) {
  test(`that submits ${what} loses its nexus, and nobody else's`, async () => {
    const closing = new Promise<[NexusInfo, string | undefined]>((resolve) =>
      bystander.server.events.once('nexusClosed', (nexus, why) => resolve([nexus, why])),
    )
    const hostile = await Hostile.connect(listen)
    const busy = bystander.undisturbed(index)
    hostile.submit(forge)
    const [nexus, why] = await closing
    assert.match(why ?? '', reason)
    assert.equal(bystander.server.stats.recent.at(-1), toldEnd(nexus, why))
    assert.notEqual(nexus.id, bystander.nexus.id)
    await hostile.hungUp()
    await busy
    await bystander.undisturbed(index + 100)
  })
}

test('that keeps writing a slot which the target is reading hurts only itself', async () => {
  const hostile = await Hostile.connect(listen)
  hostile.submit(segments('in', 4096, { offset: 0, length: 4096 }))
  const noise = new Uint8Array(hostile.slots.buffer)
  for (let round = 0; round < 50; round++) {
    noise.set(pattern(noise.length, round))
    await bystander.nexus.unit(0).testUnitReady()
  }
  hostile.leave()
  await bystander.undisturbed(1)
})

test('that punches holes under transfers which run gets zeros, and nobody else does', async () => {
  const target = await ServerProcess.start({ units: [{ memory: 1 << 20 }] })
  const honest = await connect(target.socket)
  const data = pattern(96 * 512, 1)
  await honest.unit(0).write({ lba: 0, data })
  const hostile = await Hostile.connect(target.socket)
  const read = (slot: DataView) => {
    for (const [at, byte] of [0x28, 0, 0, 0, 0, 0, 0, 0, 96].entries()) {
      slot.setUint8(SLOT_CDB + at, byte)
    }
    slot.setUint16(SLOT_CDB_LEN, 10, true)
    segments('in', data.length, { offset: 0, length: data.length })(slot)
  }
  for (let round = 0; round < 300; round++) {
    hostile.submit(read)
    let completed = 0
    while (completed === 0) {
      hostile.pair.giveBack(0, ARENA)
      completed = hostile.calls.reap(false)
    }
    assert.equal(completed, 1)
  }
  assert.deepEqual(await honest.unit(0).read({ lba: 0, blocks: 96 }), data)
  hostile.leave()
  assert.deepEqual(await honest.unit(0).read({ lba: 0, blocks: 96 }), data)
  await honest.close()
  await target.close()
})

test('whose segment is torn down in mid-command is gone, and nobody else', async () => {
  for (let round = 0; round < 20; round++) {
    const hostile = await Hostile.connect(listen)
    hostile.submit(() => {})
    hostile.leave()
  }
  await bystander.undisturbed(2)
})

test('is one that left in peace when it did nothing wrong', async () => {
  const closing = new Promise((resolve) =>
    bystander.server.events.once('nexusClosed', (_nexus, why) => resolve(why)),
  )
  const hostile = await Hostile.connect(listen)
  hostile.submit(indirect(3, 0, 24))
  await bystander.undisturbed(3)
  hostile.leave()
  assert.equal(await closing, undefined)
})

test.run()
