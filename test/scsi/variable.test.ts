import assert from 'node:assert/strict'
import { read32, variableCdb, write32 } from '#dist/scsi/variable.js'
import { suite } from '../harness/index.ts'

const test = suite('variable length cdbs')

const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('has its length in it, and its service action (spc-5 4.2.3)', () => {
  assert.equal(hex(variableCdb(0x1234, Uint8Array.of(1, 2))), '7f00000000000004' + '1234' + '0102')
  assert.equal(variableCdb(0, new Uint8Array(250)).length, 260)
  for (const length of [0, 1, 3, 251, 254]) {
    assert.throws(() => variableCdb(0, new Uint8Array(length)), invalid)
  }
  assert.throws(() => variableCdb(0x1_0000, new Uint8Array(2)), invalid)
})

test('writes READ(32) byte by byte (sbc-4 clause 5)', () => {
  const { cdb, dataInLength, parse } = read32({
    lba: 0x0102_0304_0506_0708n,
    blocks: 2,
    blockLength: 520,
    protect: 5,
    dpo: true,
    fua: true,
    rarc: true,
    group: 0x3f,
    referenceTag: 0x1112_1314,
    applicationTag: 0x2122,
    applicationTagMask: 0x3132,
  })
  assert.equal(
    hex(cdb),
    '7f000000' +
      '00003f18' +
      '0009bc00' +
      '0102030405060708' +
      '11121314' +
      '21223132' +
      '00000002',
  )
  assert.equal(dataInLength, 1040)
  assert.equal(parse(new Uint8Array(1040)).length, 1040)
  assert.throws(() => parse(new Uint8Array(1039)), { code: 'ERR_SGRING_RESPONSE' })
})

test('writes WRITE(32) byte by byte (sbc-4 clause 5)', () => {
  const data = new Uint8Array(1024)
  const command = write32({ lba: 9, blockLength: 512, data })
  assert.equal(
    hex(command.cdb),
    `7f00000000000018000b0000${'0'.repeat(15)}9${'0'.repeat(16)}00000002`,
  )
  assert.equal(command.dataOut, data)
  assert.throws(() => write32({ lba: 9, blockLength: 512, data: new Uint8Array(513) }), invalid)
  assert.throws(() => write32({ lba: 9, blockLength: 512, data, protect: 8 }), invalid)
  assert.throws(() => read32({ lba: 2n ** 64n, blockLength: 512, blocks: 1 }), invalid)
  assert.throws(() => read32({ lba: 0, blockLength: 0, blocks: 1 }), invalid)
})

test.run()
