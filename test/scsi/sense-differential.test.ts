import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { encodeSense, type SenseInit, SenseKey } from '#dist/scsi/sense.js'
import { SenseCode } from '#dist/scsi/sense-code.js'
import { suite } from '../harness/index.ts'

const skip =
  spawnSync('sg_decode_sense', ['--version']).error === undefined
    ? undefined
    : 'needs sg_decode_sense: apt-get install sg3-utils'

const test = suite('sense data against sg_decode_sense')

function decode(sense: Uint8Array): string {
  const hex = Array.from(sense, (byte) => byte.toString(16).padStart(2, '0'))
  const ran = spawnSync('sg_decode_sense', hex, { encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout.toLowerCase()
}

/** Words of a text, without the punctuation that two spellings of a name differ in. */
function words(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}

test(
  'agrees on the name of every additional sense code in use',
  () => {
    for (const [name, code] of Object.entries(SenseCode)) {
      const text = words(decode(encodeSense(SenseKey.ILLEGAL_REQUEST, code)))
      if (code !== 0) assert.ok(text.includes(words(name)), `${name}: ${text}`)
    }
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'agrees on every sense key, in both formats',
  () => {
    for (const [name, key] of Object.entries(SenseKey)) {
      for (const descriptor of [false, true]) {
        const text = words(decode(encodeSense(key, 0, { descriptor })))
        const spelled = name === 'VENDOR_SPECIFIC' ? 'vendor specific' : words(name)
        assert.ok(text.includes(`sense key ${spelled}`), `${name}: ${text}`)
        assert.ok(text.includes(descriptor ? 'descriptor format' : 'fixed format'), text)
      }
    }
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'agrees on information, command-specific information and what is sense key specific',
  () => {
    const cases: readonly (readonly [key: number, init: SenseInit, ...expected: RegExp[]])[] = [
      [5, { specific: { kind: 'field', byte: 2, bit: 7, inCdb: true } }, /command: byte 2 bit 7/],
      [5, { specific: { kind: 'field', byte: 300, inCdb: false } }, /data parameters: byte 300/],
      [2, { specific: { kind: 'progress', progress: 0x4000 } }, /progress indication: 25/],
      [3, { specific: { kind: 'retries', retries: 12 } }, /actual retry count: (0x000c|12|0xc)/],
      [3, { information: 0x12345678 }, /(info fld=|information: )0x0*12345678/],
      [5, { fieldReplaceableUnit: 0x2a }, /field replaceable unit code: (42|0x2a)/],
      [8, { incorrectLength: true }, /ili|incorrect length/],
    ]
    for (const [key, init, ...expected] of cases) {
      for (const descriptor of [false, true]) {
        const text = decode(encodeSense(key, 0, { ...init, descriptor }))
        for (const pattern of expected) assert.match(text, pattern)
      }
    }
  },
  { skip, deadlineMs: 60_000 },
)

test.run()
