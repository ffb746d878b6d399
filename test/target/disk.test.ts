import assert from 'node:assert/strict'
import {
  read6,
  read10,
  read12,
  read16,
  synchronizeCache10,
  synchronizeCache16,
  write6,
  write10,
  write12,
  write16,
} from '#dist/scsi/block.js'
import { readCapacity10, readCapacity16 } from '#dist/scsi/capacity.js'
import { Disk, type DiskOptions } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { Status } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import type { Outcome, PlainCommand } from './plain-task.ts'

const test = suite('a disk')

const BLOCKS = 1024

/** A disk whose first unit attention is over, and what sends to it. */
function disk(
  options: Partial<DiskOptions> = {},
  backing: PlainBacking = new PlainBacking(BLOCKS * (options.blockLength ?? 512)),
): { send(command: PlainCommand): Outcome; backing: PlainBacking } {
  const target = new Target([[0, new Disk({ ...options, backing })]])
  const nexus = new PlainNexus(target)
  run(nexus, { cdb: new Uint8Array(6) })
  return { send: (command) => run(nexus, command), backing }
}

const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8))

for (const blockLength of [512, 4096] as const) {
  test(`writes and reads the same blocks with 6, 10, 12 and 16 byte CDBs, ${blockLength} bytes each`, () => {
    const { send, backing } = disk({ blockLength })
    const data = pattern(3 * blockLength)
    let lba = 1
    for (const [write, read] of [
      [write6, read6],
      [write10, read10],
      [write12, read12],
      [write16, read16],
    ] as const) {
      const written = send(write({ lba, data, blockLength }))
      assert.deepEqual([written.status, written.residualOut], [Status.GOOD, 0])
      assert.deepEqual(backing.bytes.subarray(lba * blockLength, (lba + 3) * blockLength), data)
      const got = send(read({ lba, blocks: 3, blockLength }))
      assert.deepEqual([got.status, got.residual], [Status.GOOD, 0])
      assert.deepEqual(got.data, data)
      lba += 17
    }
  })
}

test('moves 256 blocks for a length of 0 in READ(6), and none in the others (sbc-3 clause 5)', () => {
  const { send, backing } = disk()
  const six = send(read6({ lba: 0, blocks: 256, blockLength: 512 }))
  assert.equal(six.data.length, 256 * 512)
  backing.log.length = 0
  for (const read of [read10, read12, read16]) {
    const none = send({ ...read({ lba: 0, blocks: 0, blockLength: 512 }), dataInLength: 512 })
    assert.deepEqual([none.status, none.residual], [Status.GOOD, 512])
  }
  for (const write of [write10, write12, write16]) {
    assert.equal(
      send(write({ lba: 0, data: new Uint8Array(0), blockLength: 512 })).status,
      Status.GOOD,
    )
  }
  assert.deepEqual(backing.log, [])
})

test('refuses every block beyond the end, naming the first (sbc-3 4.18.1)', () => {
  const { send, backing } = disk()
  const end = BigInt(BLOCKS)
  const cases: readonly (readonly [lba: bigint, blocks: number, first: bigint | undefined])[] = [
    [end - 1n, 2, end],
    [end, 1, end],
    [end + 1n, 0, end + 1n],
    [0n, BLOCKS + 1, end],
    [0xffff_ffffn, 1, 0xffff_ffffn],
    [2n ** 53n - 1n, 1, undefined],
    [2n ** 53n + 1n, 0, undefined],
    [2n ** 64n - 1n, 1, undefined],
    [2n ** 64n - 1n, 0xffff, undefined],
  ]
  for (const [lba, blocks, first] of cases) {
    const data = new Uint8Array(blocks * 512)
    for (const command of [
      read16({ lba, blocks, blockLength: 512 }),
      write16({ lba, data, blockLength: 512 }),
      synchronizeCache16({ lba, blocks }),
    ]) {
      const { senseText, sense } = send(command)
      assert.equal(senseText, '5/21/00')
      // Fixed format has no room for more than 32 bits.
      assert.equal(sense?.valid ? sense.information : undefined, first)
    }
  }
  assert.equal(send(read16({ lba: end, blocks: 0, blockLength: 512 })).status, Status.GOOD)
  assert.equal(send(read16({ lba: end - 1n, blocks: 1, blockLength: 512 })).status, Status.GOOD)
  assert.deepEqual(backing.log, ['read 523776 512'])
})

test('refuses more than MAXIMUM TRANSFER LENGTH, and protection information', () => {
  const { send } = disk({ maxTransferBytes: 8 * 512 })
  assert.equal(send(read12({ lba: 0, blocks: 8, blockLength: 512 })).status, Status.GOOD)
  const long = send(read12({ lba: 0, blocks: 9, blockLength: 512 }))
  assert.equal(long.senseText, '5/24/00')
  assert.deepEqual(long.sense?.specific, { kind: 'field', byte: 6, bit: 7, inCdb: true })
  for (const command of [
    read10({ lba: 0, blocks: 1, blockLength: 512 }),
    write16({ lba: 0, data: new Uint8Array(512), blockLength: 512 }),
  ]) {
    command.cdb[1] = 0x20
    const refused = send(command)
    assert.equal(refused.senseText, '5/24/00')
    assert.deepEqual(refused.sense?.specific, { kind: 'field', byte: 1, bit: 7, inCdb: true })
  }
})

test('fills a smaller data-in room, and tells the overflow (rfc 7143 11.4.5.2)', () => {
  const { send, backing } = disk()
  backing.bytes.set(pattern(1024))
  const { cdb } = read10({ lba: 0, blocks: 2, blockLength: 512 })
  for (const [room, residual] of [
    [0, -1024],
    [700, -324],
    [1024, 0],
    [2000, 976],
  ] as const) {
    const answer = send({ cdb, dataInLength: room })
    assert.deepEqual([answer.status, answer.residual], [Status.GOOD, residual])
    assert.deepEqual(answer.data, backing.bytes.subarray(0, Math.min(room, 1024)))
  }
})

test('writes all blocks that a WRITE names, or none when less data-out comes (0e 03)', () => {
  const { cdb } = write10({ lba: 0, data: new Uint8Array(1024), blockLength: 512 })
  for (const [given, written, outcome] of [
    [0, 0, [Status.CHECK_CONDITION, 0, '5/0e/03']],
    [512, 0, [Status.CHECK_CONDITION, 512, '5/0e/03']],
    [700, 0, [Status.CHECK_CONDITION, 700, '5/0e/03']],
    [1024, 1024, [Status.GOOD, 0, '']],
    [1100, 1024, [Status.GOOD, 76, '']],
  ] as const) {
    const { send, backing } = disk()
    const answer = send({ cdb, dataOut: new Uint8Array(given).fill(1) })
    assert.deepEqual([answer.status, answer.residualOut, answer.senseText], outcome)
    assert.equal(backing.bytes.filter((byte) => byte === 1).length, written)
  }
})

test('puts blocks on the medium for FUA and SYNCHRONIZE CACHE (sbc-3 4.15)', () => {
  const blockLength = 512
  const data = new Uint8Array(512)
  const { send, backing } = disk({}, new PlainBacking(1 << 20, { kind: 'file' }))
  send(write10({ lba: 1, data, blockLength, dpo: true }))
  send(write10({ lba: 1, data, blockLength, fua: true }))
  send(read10({ lba: 1, blocks: 1, blockLength, dpo: true }))
  send(read10({ lba: 1, blocks: 1, blockLength, fua: true }))
  send(synchronizeCache10())
  send(synchronizeCache16({ immed: true }))
  assert.deepEqual(backing.log, [
    'write 512 512',
    'write 512 512 fua',
    'read 512 512',
    'flush',
    'read 512 512',
    'flush',
    'flush',
  ])
})

test('has nothing to flush in memory, which is its own medium', () => {
  const { send, backing } = disk()
  assert.equal(send(synchronizeCache10()).status, Status.GOOD)
  send(read10({ lba: 0, blocks: 1, blockLength: 512, fua: true }))
  assert.deepEqual(backing.log, ['read 0 512'])
})

test('tells its capacity, saturated in READ CAPACITY(10) (sbc-3 5.15, 5.16)', () => {
  const ten = readCapacity10()
  const sixteen = readCapacity16()
  for (const [blocks, lastLba10] of [
    [BLOCKS, BLOCKS - 1],
    [0xffff_ffff, 0xffff_fffe],
    [0x1_0000_0000, undefined],
    [2 ** 40, undefined],
  ] as const) {
    const { send } = disk({}, new PlainBacking(0, { claimed: blocks * 512 + 511 }))
    assert.deepEqual(ten.parse(send(ten).data), { lastLba: lastLba10, blockLength: 512 })
    const { lastLba, blockLength } = sixteen.parse(send(sixteen).data)
    assert.deepEqual([lastLba, blockLength], [BigInt(blocks) - 1n, 512])
  }
  const { send } = disk()
  assert.equal(send({ cdb: sixteen.cdb.with(13, 12), dataInLength: 32 }).data.length, 12)
})

test('refuses operation codes and service actions that it does not have', () => {
  const { send } = disk()
  for (const opcode of [0x01, 0x42, 0x5f, 0x7f, 0x83, 0xa4, 0xc0, 0xff]) {
    const cdb = new Uint8Array(16)
    cdb[0] = opcode
    assert.equal(send({ cdb }).senseText, '5/20/00')
  }
  const action = send({ cdb: readCapacity16().cdb.with(1, 0x12), dataInLength: 32 })
  assert.equal(action.senseText, '5/24/00')
  assert.deepEqual(action.sense?.specific, { kind: 'field', byte: 1, bit: 4, inCdb: true })
})

test('refuses options outside their range', () => {
  const make = (options: object, bytes = 4096): Disk =>
    new Disk({ backing: new PlainBacking(bytes), ...options })
  const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
  assert.throws(() => make({ blockLength: 520 }), invalid)
  assert.throws(() => make({ maxTransferBytes: 511 }), invalid)
  assert.throws(() => make({ maxTransferBytes: Number.NaN }), invalid)
  assert.throws(() => make({ product: 'seventeen letters' }), invalid)
  assert.throws(() => make({}, 511), { code: 'ERR_SGRING_BACKING' })
})

test.run()
