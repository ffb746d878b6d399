import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { connect, type Nexus, type NexusInfo, type Server, serve } from '#dist/index.js'
import { type InitiatorPair, native } from '#dist/native.js'
import {
  SLOT_ATTRIBUTE,
  SLOT_BYTES,
  SLOT_CDB,
  SLOT_CDB_LEN,
  SLOT_IN,
  SLOT_IN_LEN,
  SLOT_IN_SEGMENTS,
  SLOT_OUT,
  SLOT_OUT_LEN,
  SLOT_OUT_SEGMENTS,
} from '#dist/ring/layout.gen.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('a hostile client')

const ARENA = 64 << 10
const SLOTS = 8
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

/** A client that writes what it likes into its segment. */
class Hostile {
  readonly pair: InitiatorPair
  readonly slots: DataView
  readonly arena: DataView
  readonly #desk: Uint32Array
  readonly #socket: Socket
  readonly #closed: Promise<void>

  private constructor(path: string) {
    const options = { path, slots: SLOTS, arenaBytes: ARENA, token: new Uint8Array(16) }
    this.pair = native().connectPair({ ...options, allowedUids: [process.geteuid?.() ?? 0] })
    this.slots = new DataView(this.pair.slots())
    this.arena = new DataView(this.pair.arena())
    this.#desk = new Uint32Array(this.pair.desk())
    this.#socket = new Socket({ fd: this.pair.takeSocket() })
    // A target that hangs up on what it has not read resets it: that is an end, too.
    this.#socket.on('error', () => {})
    this.#closed = new Promise((resolve) => this.#socket.once('close', () => resolve()))
  }

  static async connect(path = listen): Promise<Hostile> {
    const hostile = new Hostile(path)
    const [bytes] = (await once(hostile.#socket, 'data')) as [Buffer]
    assert.equal(native().decodeWelcome(bytes.subarray(0, 64)).code, 0)
    return hostile
  }

  /** A TEST UNIT READY in slot 0, changed by `forge`, and published. */
  submit(forge: (slot: DataView, arena: DataView) => void): void {
    new Uint8Array(this.slots.buffer, 0, SLOT_BYTES).fill(0)
    this.slots.setUint16(SLOT_CDB_LEN, 6, true)
    forge(this.slots, this.arena)
    this.#desk[0] = 0
    assert.equal(this.pair.submit(1), 0)
  }

  async hungUp(): Promise<void> {
    await this.#closed
    this.pair.close()
  }

  leave(): void {
    this.#socket.destroy()
    this.pair.close()
  }
}

interface Segment {
  readonly offset: number
  readonly length: number
}

/** Data segments in the slot's two inline places, under a length of their own. */
function segments(direction: 'out' | 'in', length: number, ...list: readonly Segment[]) {
  const [at, lengthAt, countAt] =
    direction === 'out'
      ? [SLOT_OUT, SLOT_OUT_LEN, SLOT_OUT_SEGMENTS]
      : [SLOT_IN, SLOT_IN_LEN, SLOT_IN_SEGMENTS]
  return (slot: DataView) => {
    slot.setUint32(lengthAt, length, true)
    slot.setUint16(countAt, list.length, true)
    for (const [index, segment] of list.entries()) {
      slot.setUint32(at + 8 * index, segment.offset, true)
      slot.setUint32(at + 8 * index + 4, segment.length, true)
    }
  }
}

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

/** The bystander's data are what they were, and it can go on. */
async function undisturbed(seed: number): Promise<void> {
  const data = pattern(64 << 10, seed)
  await bystander.unit(0).write({ lba: 0, data })
  assert.ok(Buffer.from(await bystander.unit(0).read({ lba: 0, blocks: 128 })).equals(data))
}

for (const [index, [what, reason, forge]] of cases.entries()) {
  test(`that submits ${what} loses its nexus, and nobody else's`, async () => {
    const closing = new Promise<[NexusInfo, string | undefined]>((resolve) =>
      server.events.once('nexusClosed', (nexus, why) => resolve([nexus, why])),
    )
    const hostile = await Hostile.connect()
    const busy = undisturbed(index)
    hostile.submit(forge)
    const [nexus, why] = await closing
    assert.match(why ?? '', reason)
    assert.equal(server.stats.recent.at(-1), toldEnd(nexus, why))
    assert.notEqual(nexus.id, bystander.id)
    await hostile.hungUp()
    await busy
    await undisturbed(index + 100)
  })
}

/** As `sgring stat` shows it. */
function toldEnd({ id, uid, pid }: NexusInfo, why = ''): string {
  return `ended: nexus ${id} of user ${uid}, process ${pid}: ${why}`
}

test('that keeps writing a slot which the target is reading hurts only itself', async () => {
  const hostile = await Hostile.connect()
  hostile.submit(segments('in', 4096, { offset: 0, length: 4096 }))
  const noise = new Uint8Array(hostile.slots.buffer)
  for (let round = 0; round < 50; round++) {
    noise.set(pattern(noise.length, round))
    await bystander.unit(0).testUnitReady()
  }
  hostile.leave()
  await undisturbed(1)
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
      completed = hostile.pair.reap(false)
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
    const hostile = await Hostile.connect()
    hostile.submit(() => {})
    hostile.leave()
  }
  await undisturbed(2)
})

test('is one that left in peace when it did nothing wrong', async () => {
  const closing = new Promise((resolve) =>
    server.events.once('nexusClosed', (_nexus, why) => resolve(why)),
  )
  const hostile = await Hostile.connect()
  hostile.submit(indirect(3, 0, 24))
  await undisturbed(3)
  hostile.leave()
  assert.equal(await closing, undefined)
})

test.run()
