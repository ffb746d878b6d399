import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { encodeSense, parseSense, type SenseDetail } from '#dist/scsi/sense.js'
import { senseCodeName } from '#dist/scsi/sense-code.js'
import { encodeSenseDescriptor } from '#dist/scsi/sense-descriptor.js'
import { suite } from '../harness/index.ts'
import { SENSE_CODES, SENSE_DATA } from './differences.ts'
import { generator, randomBytes, seed } from './random.ts'
import { additionalSense, comparable, decoded, expected, hexOf, words } from './sg-sense.ts'

const skip =
  spawnSync('sg_decode_sense', ['--version']).error === undefined
    ? undefined
    : 'needs sg_decode_sense: apt-get install sg3-utils'

const test = suite('sense data against sg_decode_sense')

/** So many senses in one that what the tool prints of them fits into its 2,048 bytes. */
const AT_ONCE = 7

test(
  'agrees on the name of every ASC and ASCQ, 0000h to FFFFh',
  async () => {
    const senses: Uint8Array[] = []
    for (let first = 0; first < 0x1_0000; first += AT_ONCE) {
      const codes = Array.from({ length: AT_ONCE }, (_, index) => Math.min(first + index, 0xffff))
      const details = codes
        .slice(1)
        .map((code) => forwarded(Uint8Array.of(0x72, 0, code >> 8, code)))
      senses.push(encodeSense(0, codes[0]!, { descriptor: true, details }))
    }
    let named = 0
    const different: number[] = []
    const names = (await decoded(senses)).map((lines) =>
      lines.map(additionalSense).filter((name) => name !== null),
    )
    assert.deepEqual(new Set(names.map(({ length }) => length)), new Set([AT_ONCE]))
    const flat = names.flat().slice(0, 0x1_0000)
    for (let code = 0; code < 0x1_0000; code++) {
      const theirs = flat[code]
      const ours = senseCodeName(code >> 8, code & 0xff)
      if (theirs !== undefined) named += 1
      if (theirs !== (ours && words(ours))) different.push(code)
    }
    const unlisted = different.filter(
      (code) => !SENSE_CODES.some(([from, to]) => code >= from && code <= to),
    )
    assert.deepEqual(
      unlisted.map((code) => [
        code.toString(16),
        senseCodeName(code >> 8, code & 0xff),
        flat[code],
      ]),
      [],
    )
    console.log(
      `compared ${flat.length.toLocaleString('en')} ASC and ASCQ pairs, ${named} of them with names: ` +
        `${different.length} differ, by ${SENSE_CODES.length} listed rules`,
    )
  },
  { skip, deadlineMs: 120_000 },
)

test(
  'agrees on fixed and descriptor format, every key and every descriptor',
  async () => {
    const next = generator(seed)
    const senses: Uint8Array[] = []
    for (let round = 0; round < 1_200; round++) {
      senses.push(round % 2 === 0 ? randomFixed(next) : randomDescriptors(next))
    }
    const outputs = await decoded(senses)
    let lines = 0
    const kinds = new Set<string>()
    senses.forEach((sense, index) => {
      const wanted = expected(sense)
      lines += wanted.length
      for (const { kind } of parseSense(sense).details) kinds.add(kind)
      const hex = hexOf(sense)
      assert.deepEqual(comparable(outputs[index]!), wanted, `seed ${seed}: sg_decode_sense ${hex}`)
    })
    assert.equal(kinds.size, 14, [...kinds].join())
    console.log(
      `compared ${senses.length} sense data, ${lines} lines: 0 differ but in ${SENSE_DATA.length} listed rules`,
    )
  },
  { skip, deadlineMs: 120_000 },
)

/** Codes on whose names both agree, and one that has none. */
const CODES = [0x0000, 0x0407, 0x1100, 0x2400, 0x2900, 0x5d10, 0x3a08, 0x4081]

function randomFixed(next: () => number): Uint8Array {
  const bytes = randomBytes(next, 18)
  bytes[0] = 0x70 | (next() & 0x81)
  bytes[7] = 10
  const code = CODES[next() % CODES.length]!
  bytes.set([code >> 8, code & 0xff], 12)
  return bytes
}

function randomDescriptors(next: () => number): Uint8Array {
  const key = next() & 0xf
  const bytes = [0x72 | (next() & 1), key, 0x24, 0, (next() & 1) << 7, 0, 0, 0]
  for (let count = next() % 5; count > 0; count--) {
    const { type, data } = encodeSenseDescriptor(randomDetail(next))
    bytes.push(type, data.length, ...data)
  }
  bytes[7] = bytes.length - 8
  return Uint8Array.from(bytes)
}

function randomDetail(next: () => number): SenseDetail {
  const yes = () => (next() & 1) === 1
  const wide = () => (BigInt(next()) << 32n) | BigInt(next())
  const specific = { kind: 'raw', bytes: Uint8Array.of(0x80 | next(), next(), next()) } as const
  const extend = yes()
  const details: readonly SenseDetail[] = [
    { kind: 'information', valid: yes(), information: wide() },
    { kind: 'commandSpecific', commandSpecific: wide() },
    { kind: 'specific', specific },
    { kind: 'fieldReplaceableUnit', code: next() & 0xff },
    { kind: 'stream', filemark: yes(), endOfMedium: yes(), incorrectLength: yes() },
    { kind: 'block', incorrectLength: yes() },
    { kind: 'raw', type: 6 + (next() % 3), data: randomBytes(next, 2 + (next() % 8)) },
    {
      kind: 'ataStatus',
      ata: {
        extend,
        error: next() & 0xff,
        count: next() & (extend ? 0xffff : 0xff),
        lba: extend ? (next() & 0xffff) * 2 ** 32 + next() : next() >>> 8,
        device: next() & 0xff,
        status: next() & 0xff,
      },
    },
    { kind: 'progress', key: next() & 0xf, asc: 4, ascq: next() & 0xff, progress: next() & 0xffff },
    {
      kind: 'referral',
      more: yes(),
      segments: Array.from({ length: next() % 3 }, () => ({
        firstLba: wide(),
        lastLba: wide(),
        groups: Array.from({ length: next() % 3 }, () => ({
          state: next() & 3,
          group: next() & 0xffff,
        })),
      })),
    },
    forwarded(encodeSense(next() & 0xf, 0x1100, { descriptor: true }), yes(), next() & 7),
    {
      kind: 'directAccess',
      valid: yes(),
      incorrectLength: yes(),
      specific,
      fieldReplaceableUnit: next() & 0xff,
      information: wide(),
      commandSpecific: wide(),
    },
    {
      kind: 'designation',
      reason: next() & 0xf,
      designator: {
        association: 0,
        type: 3,
        codeSet: 1,
        protocol: undefined,
        designator: Uint8Array.of(0x30 | (next() & 0xf), ...randomBytes(next, 7)),
      },
    },
    { kind: 'microcode', activationSeconds: yes() ? 0 : next() & 0xffff },
    { kind: 'raw', type: 0x80 + (next() % 0x5e), data: randomBytes(next, 1 + (next() % 8)) },
  ]
  return details[next() % details.length]!
}

function forwarded(sense: Uint8Array, truncated = false, source = 0): SenseDetail {
  return { kind: 'forwarded', truncated, source, status: 2, sense }
}

test.run()
