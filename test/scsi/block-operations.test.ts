import assert from 'node:assert/strict'
import {
  formatUnit,
  readDefectData12,
  sanitizeBlockErase,
  sanitizeExitFailureMode,
  sanitizeOverwrite,
} from '#dist/scsi/block-medium.js'
import {
  encodeLbaStatus,
  getLbaStatus,
  preFetch10,
  preFetch16,
  unmap,
  writeSame10,
  writeSame16,
} from '#dist/scsi/block-provisioning.js'
import {
  compareAndWrite,
  orWrite16,
  verify10,
  verify12,
  verify16,
  writeAndVerify10,
  writeAndVerify12,
  writeAndVerify16,
} from '#dist/scsi/block-verify.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from './random.ts'

const test = suite('block commands that move no blocks, or compare them')

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const blockLength = 512
const two = new Uint8Array(1024).fill(1)
const one = new Uint8Array(512).fill(2)

test('writes VERIFY and WRITE AND VERIFY byte by byte, with BYTCHK by what is compared (sbc-3 5.29, 5.39)', () => {
  const lba = 0x01020304
  assert.equal(
    hex(verify10({ lba, blocks: 5, blockLength, dpo: true }).cdb),
    '2f100102030400000500',
  )
  assert.equal(hex(verify12({ lba, data: two, blockLength }).cdb), 'af0201020304000000020000')
  assert.equal(
    hex(verify16({ lba, blocks: 7, data: one, blockLength }).cdb),
    '8f060000000001020304000000070000',
  )
  assert.equal(hex(verify10({ lba, data: one, blockLength }).cdb), '2f020102030400000100')
  assert.equal(hex(writeAndVerify10({ lba, data: two, blockLength }).cdb), '2e000102030400000200')
  assert.equal(
    hex(writeAndVerify12({ lba, data: two, blockLength, compare: true }).cdb),
    'ae0201020304000000020000',
  )
  assert.equal(
    hex(writeAndVerify16({ lba, data: one, blockLength, dpo: true }).cdb),
    '8e100000000001020304000000010000',
  )
  assert.throws(() => verify16({ lba, blocks: 3, data: two, blockLength }), invalid)
})

test('writes COMPARE AND WRITE with both halves behind each other, and ORWRITE (sbc-3 5.2, 5.9)', () => {
  const lba = 0x0102030405060708n
  const swap = compareAndWrite({
    lba,
    expected: one,
    data: new Uint8Array(512),
    blockLength,
    fua: true,
  })
  assert.equal(hex(swap.cdb), '89080102030405060708000000010000')
  assert.deepEqual([swap.dataOut?.length, swap.dataOut?.[511], swap.dataOut?.[512]], [1024, 2, 0])
  assert.equal(
    hex(orWrite16({ lba, data: two, blockLength }).cdb),
    '8b000102030405060708000000020000',
  )
  assert.throws(() => compareAndWrite({ lba, expected: one, data: two, blockLength }), invalid)
  const long = new Uint8Array(256 * 512)
  assert.throws(() => compareAndWrite({ lba, expected: long, data: long, blockLength }), invalid)
})

test('writes UNMAP with its list, WRITE SAME, PRE-FETCH and GET LBA STATUS byte by byte (sbc-3 5.28, 5.43, 5.8, 5.4)', () => {
  const freed = unmap([
    { lba: 0x0102030405060708n, blocks: 9 },
    { lba: 1, blocks: 2 ** 32 - 1 },
  ])
  assert.equal(hex(freed.cdb), '42000000000000002800')
  assert.equal(
    hex(freed.dataOut),
    '0026002000000000' + '01020304050607080000000900000000' + '0000000000000001ffffffff00000000',
  )
  assert.throws(() => unmap(Array.from({ length: 4096 }, () => ({ lba: 0, blocks: 1 }))), invalid)
  assert.equal(hex(writeSame10({ lba: 1, blocks: 2, data: one }).cdb), '41000000000100000200')
  assert.equal(
    hex(writeSame16({ lba: 1, blocks: 2, data: one, unmap: true }).cdb),
    '93080000000000000001000000020000',
  )
  const none = writeSame16({ lba: 1, blocks: 2 })
  assert.deepEqual([hex(none.cdb), none.dataOut], ['93010000000000000001000000020000', undefined])
  assert.equal(hex(preFetch10({ lba: 1, blocks: 2, immed: true }).cdb), '34020000000100000200')
  assert.equal(hex(preFetch16({ lba: 1, blocks: 0 }).cdb), '90000000000000000001000000000000')
  assert.equal(
    hex(getLbaStatus({ lba: 3, allocationLength: 24 }).cdb),
    '9e120000000000000003000000180000',
  )
})

test('writes FORMAT UNIT, SANITIZE and READ DEFECT DATA byte by byte (sbc-3 5.3, 5.24, 5.18)', () => {
  assert.deepEqual([hex(formatUnit().cdb), hex(formatUnit().dataOut)], ['041000000000', '00000000'])
  assert.equal(
    hex(formatUnit({ immed: true, pattern: Uint8Array.of(0xab, 0xcd) }).dataOut),
    '008a000000010002abcd',
  )
  const overwrite = sanitizeOverwrite({
    pattern: Uint8Array.of(7),
    passes: 3,
    invert: true,
    immed: true,
  })
  assert.deepEqual(
    [hex(overwrite.cdb), hex(overwrite.dataOut)],
    ['48810000000000000500', '8300000107'],
  )
  assert.equal(hex(sanitizeBlockErase({ unrestrictedExit: true }).cdb), '48220000000000000000')
  assert.equal(hex(sanitizeExitFailureMode().cdb), '481f0000000000000000')
  assert.equal(hex(readDefectData12(5).cdb), 'b71d00000000000000080000')
  assert.throws(() => sanitizeOverwrite({ pattern: one, passes: 32 }), invalid)
  assert.throws(() => sanitizeOverwrite({ pattern: new Uint8Array(0) }), invalid)
})

test('reads the LBA status that it writes, whole or cut, and random bytes as some or a typed error', () => {
  const { parse } = getLbaStatus({ lba: 0 })
  const extents = [
    { lba: 0n, blocks: 8, status: 0 },
    { lba: 2n ** 40n, blocks: 2 ** 32 - 1, status: 1 },
  ]
  const data = encodeLbaStatus(extents)
  assert.deepEqual(parse(data), extents)
  assert.deepEqual(parse(data.subarray(0, 39)), extents.slice(0, 1))
  const next = generator(seed)
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from({ length: next() % 80 }, next)
    try {
      for (const { blocks, status } of parse(bytes)) assert.ok(blocks >= 0 && status < 16)
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_SGRING_RESPONSE', `seed ${seed}`)
    }
  }
})

test.run()
