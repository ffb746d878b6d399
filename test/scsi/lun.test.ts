import assert from 'node:assert/strict'
import { encodeLun, lunOfWord, lunWord, MAX_LUN, parseLun, WellKnownLun } from '#dist/scsi/lun.js'
import { suite } from '../harness/index.ts'

const test = suite('logical unit numbers')

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('writes peripheral device addressing below 256, flat space above (sam-5 4.7)', () => {
  assert.equal(hex(encodeLun(0)), '0000000000000000')
  assert.equal(hex(encodeLun(255)), '00ff000000000000')
  assert.equal(hex(encodeLun(256)), '4100000000000000')
  assert.equal(hex(encodeLun(16_383)), '7fff000000000000')
})

test('writes well known logical units by extended addressing (spc-4 8.1)', () => {
  assert.equal(hex(encodeLun(WellKnownLun.REPORT_LUNS)), 'c101000000000000')
  assert.equal(hex(encodeLun(WellKnownLun.TARGET_LOG_PAGES)), 'c103000000000000')
})

test('reads every LUN back', () => {
  for (let lun = 0; lun <= MAX_LUN; lun++) {
    assert.equal(parseLun(encodeLun(lun)), lun)
    assert.equal(lunOfWord(lunWord(lun)), lun)
  }
})

test('takes a LUN below 256 in flat space addressing as the same unit (sam-5 4.7)', () => {
  assert.equal(parseLun(Buffer.from('4005000000000000', 'hex')), 5)
})

test('takes a word with its sign bit set as the unsigned one', () => {
  assert.equal(lunOfWord(0xc1010000 | 0), -1)
  assert.equal(lunOfWord(0x7fff0000 | 0), 16_383)
})

test('refuses several levels, other buses, extended addressing and wrong lengths', () => {
  for (const text of [
    '0000000100000000',
    '0005000000000001',
    '0105000000000000',
    '8000000000000000',
    'c101000000000000',
    '00',
    '',
  ]) {
    assert.throws(() => parseLun(Buffer.from(text, 'hex')), { code: 'ERR_SGRING_RESPONSE' }, text)
  }
})

test('refuses numbers that one level cannot hold', () => {
  for (const lun of [-1, 16_384, 0xc0ff, 0xc200, 0xc101 + 0.5, 1.5, Number.NaN]) {
    assert.throws(() => encodeLun(lun), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
  }
})

test.run()
