import assert from 'node:assert/strict'
import {
  encodeDiagnosticPage,
  receiveDiagnosticPage,
  SelfTest,
  sendDiagnosticPage,
  sendSelfTest,
  supportedDiagnosticPages,
} from '#dist/scsi/diagnostic.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('diagnostic pages and self-tests')

const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const response = { code: 'ERR_SGRING_RESPONSE' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('asks for self-tests: the default one by its bit, others by their codes (spc-4 6.42)', () => {
  assert.equal(hex(sendSelfTest().cdb), '1d0400000000')
  for (const [name, byte] of [
    ['BACKGROUND_SHORT', '20'],
    ['BACKGROUND_EXTENDED', '40'],
    ['ABORT_BACKGROUND', '80'],
    ['FOREGROUND_SHORT', 'a0'],
    ['FOREGROUND_EXTENDED', 'c0'],
  ] as const) {
    assert.equal(hex(sendSelfTest({ test: SelfTest[name] }).cdb), `1d${byte}00000000`)
  }
  const offline = sendSelfTest({ deviceOffline: true, unitOffline: true })
  assert.equal(hex(offline.cdb), '1d0700000000')
  assert.throws(() => sendSelfTest({ test: 8 as never }), argument)
})

test('sends a page whole, and asks for one by its code (spc-4 6.28, 7.2.1)', () => {
  const page = encodeDiagnosticPage(0x40, Uint8Array.of(1, 2, 3), 0x80)
  assert.equal(hex(page), '40800003010203')
  const sent = sendDiagnosticPage(page)
  assert.deepEqual([hex(sent.cdb), sent.dataOut], ['1d1000000700', page])
  const asked = receiveDiagnosticPage(0x40, hex, { allocationLength: 0x1234 })
  assert.equal(hex(asked.cdb), '1c0140123400')
  assert.equal(asked.parse(Uint8Array.of(...page, 0xff)), '40800003010203')
  assert.deepEqual(supportedDiagnosticPages().parse(Uint8Array.of(0, 0, 0, 2, 0, 0x40)), [0, 0x40])
  assert.throws(() => encodeDiagnosticPage(256, new Uint8Array(0)), argument)
})

test('refuses what is cut, is another page, or has no room', () => {
  const { parse } = receiveDiagnosticPage(0x40, hex, { allocationLength: 8 })
  for (const text of ['', '400000', '4100000100', '4000000201', '4000000501020304']) {
    assert.throws(() => parse(Uint8Array.from(Buffer.from(text, 'hex'))), response, text)
  }
  const next = generator(seed)
  for (let round = 0; round < 2000; round++) {
    const bytes = randomBytes(next, next() % 12)
    try {
      parse(bytes)
    } catch (error) {
      assert.equal((error as { code: string }).code, response.code)
    }
  }
})

test.run()
