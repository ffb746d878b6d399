import assert from 'node:assert/strict'
import {
  blockCount,
  blockLba,
  blockLbaExact,
  hasFua,
  hasProtect,
  parseBlockCdb,
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
import { isPlainCdb } from '#dist/scsi/opcode.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from './random.ts'

const test = suite('block commands')

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const blockLength = 512

test('writes the READ CDBs byte by byte (sbc-3 clause 5)', () => {
  const flags = { blockLength, dpo: true, fua: true }
  assert.equal(hex(read6({ lba: 0x1f2f3f, blocks: 256, blockLength }).cdb), '081f2f3f0000')
  assert.equal(
    hex(read10({ lba: 0x01020304, blocks: 0x0506, ...flags }).cdb),
    '28180102030400050600',
  )
  assert.equal(
    hex(read12({ lba: 0x01020304, blocks: 0x05060708, blockLength }).cdb),
    'a80001020304050607080000',
  )
  assert.equal(
    hex(read16({ lba: 0x0102030405060708n, blocks: 0x090a0b0c, ...flags }).cdb),
    '88180102030405060708090a0b0c0000',
  )
})

test('writes the WRITE CDBs with the length that their data have', () => {
  const data = new Uint8Array(3 * blockLength)
  for (const [build, opcode] of [
    [write6, 0x0a],
    [write10, 0x2a],
    [write12, 0xaa],
    [write16, 0x8a],
  ] as const) {
    const command = build({ lba: 9, data, blockLength })
    assert.equal(command.cdb[0], opcode)
    assert.deepEqual([blockLba(command.cdb), blockCount(command.cdb)], [9, 3])
    assert.equal(command.dataOut, data)
  }
})

test('writes the SYNCHRONIZE CACHE CDBs byte by byte', () => {
  assert.equal(
    hex(synchronizeCache10({ lba: 1, blocks: 2, immed: true }).cdb),
    '35020000000100000200',
  )
  assert.equal(
    hex(synchronizeCache16({ lba: 1, blocks: 2 }).cdb),
    '91000000000000000001000000020000',
  )
})

test('reads back the fields it writes, for random values', () => {
  const next = generator(seed)
  for (let round = 0; round < 5_000; round++) {
    const lba = (BigInt(next()) << 32n) | BigInt(next())
    const blocks = next()
    const { cdb } = read16({ lba, blocks, blockLength: 1, fua: (blocks & 1) === 1 })
    const message = `seed ${seed}, round ${round}`
    assert.equal(blockLbaExact(cdb), lba, message)
    assert.equal(blockCount(cdb), blocks, message)
    assert.equal(hasFua(cdb), (blocks & 1) === 1, message)
    assert.equal(blockLba(cdb), Number(lba), message)
    const short = Number(lba & 0x1f_ffffn)
    assert.equal(blockLba(read6({ lba: short, blocks: 1, blockLength }).cdb), short, message)
  }
})

test('keeps the order of LBAs beyond 2^53, up to 2^64-1', () => {
  const cdb = read16({ lba: 2n ** 64n - 1n, blocks: 1, blockLength }).cdb
  assert.ok(blockLba(cdb) >= 2 ** 53)
  assert.equal(blockLbaExact(cdb), 2n ** 64n - 1n)
})

test('has no flags in the 6-byte CDBs, where LBA bits stand there', () => {
  const cdb = read6({ lba: 0x1f_ffff, blocks: 1, blockLength }).cdb
  cdb[1]! |= 0xe0
  assert.deepEqual([hasFua(cdb), hasProtect(cdb), blockLba(cdb)], [false, false, 0x1f_ffff])
})

test('refuses what its fields cannot hold, before anything is sent', () => {
  assert.throws(() => read6({ lba: 0x20_0000, blocks: 1, blockLength }), invalid)
  assert.throws(() => read6({ lba: 0, blocks: 0, blockLength }), invalid)
  assert.throws(() => read6({ lba: 0, blocks: 257, blockLength }), invalid)
  assert.throws(() => read6({ lba: 0, blocks: 1, blockLength, fua: true }), invalid)
  assert.throws(() => read10({ lba: 2 ** 32, blocks: 1, blockLength }), invalid)
  assert.throws(() => read10({ lba: 0, blocks: 65_536, blockLength }), invalid)
  assert.throws(() => read16({ lba: 2 ** 53, blocks: 1, blockLength }), /use a bigint beyond/)
  assert.throws(() => read16({ lba: 2n ** 64n, blocks: 1, blockLength }), invalid)
  assert.throws(() => read16({ lba: -1, blocks: 1, blockLength }), invalid)
  assert.throws(() => read16({ lba: 0, blocks: 1, blockLength: 0 }), invalid)
  assert.throws(() => write10({ lba: 0, data: new Uint8Array(100), blockLength }), invalid)
})

test('takes exactly the blocks asked for as the answer of a READ', () => {
  const command = read10({ lba: 0, blocks: 2, blockLength })
  assert.equal(command.dataInLength, 1024)
  assert.equal(command.parse(new Uint8Array(1024)).length, 1024)
  for (const length of [0, 1023, 1025]) {
    assert.throws(() => command.parse(new Uint8Array(length)), { code: 'ERR_SGRING_RESPONSE' })
  }
})

test('finds NACA and short CDBs by the operation code (spc-5 4.2, sam-5 5.2)', () => {
  for (const [opcode, length, control] of [
    [0x00, 6, 5],
    [0x28, 10, 9],
    [0x5a, 10, 9],
    [0x88, 16, 15],
    [0xa8, 12, 11],
    [0x7f, 6, 1],
  ] as const) {
    const cdb = new Uint8Array(260)
    cdb[0] = opcode
    assert.equal(isPlainCdb(cdb, length), true)
    assert.equal(isPlainCdb(cdb, 260), true)
    assert.equal(isPlainCdb(cdb, length - 1), false)
    cdb[control] = 4
    assert.equal(isPlainCdb(cdb, length), false)
  }
})

test('reads the CDBs of READ and WRITE back, and no other', () => {
  const lba = 0x10_0203
  const data = new Uint8Array(3 * blockLength)
  for (const build of [read6, read10, read12, read16]) {
    const { cdb } = build({ lba, blocks: 3, blockLength })
    assert.deepEqual(parseBlockCdb(cdb), { write: false, lba: 0x10_0203n, blocks: 3 })
    assert.equal(parseBlockCdb(cdb.subarray(1)), undefined)
    assert.equal(parseBlockCdb(cdb.subarray(0, -1)), undefined)
  }
  for (const build of [write6, write10, write12, write16]) {
    const { cdb } = build({ lba, data, blockLength })
    assert.deepEqual(parseBlockCdb(cdb), { write: true, lba: 0x10_0203n, blocks: 3 })
  }
  const { cdb: wide } = read16({ lba: 2n ** 64n - 1n, blocks: 1, blockLength })
  assert.equal(parseBlockCdb(wide)?.lba, 2n ** 64n - 1n)
  assert.equal(parseBlockCdb(synchronizeCache10().cdb), undefined)
  assert.equal(parseBlockCdb(new Uint8Array(0)), undefined)
})

test.run()
