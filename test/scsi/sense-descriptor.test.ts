import assert from 'node:assert/strict'
import { parseAtaStatusReturn } from '#dist/scsi/ata-status.js'
import { encodeSense, parseSense, type SenseDetail, SenseKey } from '#dist/scsi/sense.js'
import {
  encodeSenseDescriptor,
  parseSenseDescriptor,
  SenseDescriptorType,
} from '#dist/scsi/sense-descriptor.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('sense data descriptors')

const ata = {
  extend: true,
  error: 0x40,
  count: 0x0102,
  lba: 0xf1f2_f3f4_f5f6,
  device: 0xe0,
  status: 0x51,
}
const details: readonly (readonly [hex: string, detail: SenseDetail])[] = [
  ['000a80000000000000000007', { kind: 'information', valid: true, information: 7n }],
  ['000a00000000000000000007', { kind: 'information', valid: false, information: 7n }],
  ['010a0000ffffffffffffffff', { kind: 'commandSpecific', commandSpecific: 2n ** 64n - 1n }],
  [
    '02060000cf12340' + '0',
    { kind: 'specific', specific: { kind: 'field', byte: 0x1234, bit: 7, inCdb: true } },
  ],
  ['0206000000000000', { kind: 'specific', specific: undefined }],
  ['0302002a', { kind: 'fieldReplaceableUnit', code: 0x2a }],
  ['040200a0', { kind: 'stream', filemark: true, endOfMedium: false, incorrectLength: true }],
  ['05020020', { kind: 'block', incorrectLength: true }],
  ['06020102', { kind: 'raw', type: 6, data: Uint8Array.of(1, 2) }],
  ['090c01400102f3f6f2f5f1f4e051', { kind: 'ataStatus', ata }],
  ['0a06020407008000', { kind: 'progress', key: 2, asc: 4, ascq: 7, progress: 0x8000 }],
  [
    '0b1e0100' + '00000002' + '0000000000000001' + '0000000000000009' + '01000005' + '02000006',
    {
      kind: 'referral',
      more: true,
      segments: [
        {
          firstLba: 1n,
          lastLba: 9n,
          groups: [
            { state: 1, group: 5 },
            { state: 2, group: 6 },
          ],
        },
      ],
    },
  ],
  [
    '0c0681020500' + '2400',
    {
      kind: 'forwarded',
      truncated: true,
      source: 1,
      status: 2,
      sense: Uint8Array.of(5, 0, 0x24, 0),
    },
  ],
  [
    '0d1ea000c800022a' + '0000000000000003' + '0000000000000004' + '0000000000000000',
    {
      kind: 'directAccess',
      valid: true,
      incorrectLength: true,
      specific: { kind: 'field', byte: 2, bit: 0, inCdb: true },
      fieldReplaceableUnit: 0x2a,
      information: 3n,
      commandSpecific: 4n,
    },
  ],
  [
    '0e0e0002' + '01030008' + '3001020304050607',
    {
      kind: 'designation',
      reason: 2,
      designator: {
        association: 0,
        type: 3,
        codeSet: 1,
        protocol: undefined,
        designator: Uint8Array.of(0x30, 1, 2, 3, 4, 5, 6, 7),
      },
    },
  ],
  ['0f06000000000102', { kind: 'microcode', activationSeconds: 258 }],
  ['80020a0b', { kind: 'raw', type: 0x80, data: Uint8Array.of(10, 11) }],
]

test('writes and reads each type byte by byte (spc-5 4.4.2, sat-4 12.2.2)', () => {
  for (const [hex, detail] of details) {
    const { type, data } = encodeSenseDescriptor(detail)
    assert.equal(Buffer.from([type, data.length, ...data]).toString('hex'), hex, detail.kind)
    assert.deepEqual(parseSenseDescriptor({ type, data }, SenseKey.ILLEGAL_REQUEST), detail)
  }
})

test('carries them in descriptor format, and leaves them out of fixed format (spc-5 4.4)', () => {
  const wanted = details.slice(8, 12).map(([, detail]) => detail)
  const sense = encodeSense(SenseKey.ILLEGAL_REQUEST, 0x2400, { descriptor: true, details: wanted })
  assert.deepEqual(parseSense(sense).details, wanted)
  const fixed = encodeSense(SenseKey.ILLEGAL_REQUEST, 0x2400, { details: wanted })
  assert.deepEqual(fixed, encodeSense(SenseKey.ILLEGAL_REQUEST, 0x2400))
})

test('leaves out what goes beyond 252 bytes, and says so by SDAT_OVFL (spc-5 4.4.2)', () => {
  const sense = encodeSense(SenseKey.MEDIUM_ERROR, 0x1100, {
    descriptor: true,
    information: 5,
    details: Array.from({ length: 9 }, () => details[13]![1]),
  })
  const read = parseSense(sense)
  assert.deepEqual([sense.length, read.details.length, read.overflow], [244, 8, true])
  assert.equal(parseSense(encodeSense(3, 0x1100, { descriptor: true })).overflow, false)
})

test('reads the fields of a direct access block device descriptor as those of the others', () => {
  const direct = details.find(([, { kind }]) => kind === 'directAccess')![1]
  const init = { descriptor: true, details: [direct] }
  const sense = parseSense(encodeSense(SenseKey.ILLEGAL_REQUEST, 0x2400, init))
  assert.deepEqual([sense.valid, sense.information, sense.commandSpecific], [true, 3n, 4n])
  assert.deepEqual([sense.incorrectLength, sense.fieldReplaceableUnit], [true, 0x2a])
  assert.deepEqual(sense.specific, { kind: 'field', byte: 2, bit: 0, inCdb: true })
})

test('gives a descriptor that is shorter than its type asks as it is', () => {
  for (const [, detail] of details) {
    const { type, data } = encodeSenseDescriptor(detail)
    const cut = { type, data: data.slice(0, 1) }
    assert.deepEqual(parseSenseDescriptor(cut, 5), { kind: 'raw', ...cut })
  }
  const lying = { type: SenseDescriptorType.USER_DATA_SEGMENT_REFERRAL, data: new Uint8Array(30) }
  lying.data[5] = 3
  assert.equal(parseSenseDescriptor(lying, 5).kind, 'raw')
  const designation = { type: SenseDescriptorType.DEVICE_DESIGNATION, data: new Uint8Array(8) }
  designation.data[5] = 9
  assert.equal(parseSenseDescriptor(designation, 5).kind, 'raw')
})

test('refuses ATA registers that are cut, and those that do not fit 28-bit commands (sat-4 12.2.2)', () => {
  const { data } = encodeSenseDescriptor({ kind: 'ataStatus', ata })
  assert.deepEqual(parseAtaStatusReturn(data), ata)
  for (let length = 0; length < 12; length++) {
    assert.throws(() => parseAtaStatusReturn(data.subarray(0, length)), {
      code: 'ERR_SGRING_RESPONSE',
    })
  }
  const short = { ...ata, extend: false, count: 0x02, lba: 0xf4_f5f6 }
  assert.deepEqual(parseAtaStatusReturn(data.with(0, 0)), short)
  for (const wrong of [{ count: 0x100 }, { lba: 2 ** 24 }]) {
    const detail = { kind: 'ataStatus', ata: { ...short, ...wrong } } as const
    assert.throws(() => encodeSenseDescriptor(detail), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
  }
})

test('reads any bytes under any type and key, and writes back what it reads', () => {
  const next = generator(seed)
  let typed = 0
  for (let round = 0; round < 50_000; round++) {
    const descriptor = { type: next() & 0x1f, data: randomBytes(next, next() % 48) }
    const detail = parseSenseDescriptor(descriptor, next() & 0xf)
    if (detail.kind === 'raw') continue
    typed += 1
    // Reserved bits are not kept, so the second reading is what the first must be equal to.
    if (detail.kind === 'specific' || detail.kind === 'directAccess') continue
    const again = parseSenseDescriptor(encodeSenseDescriptor(detail), 0)
    assert.deepEqual(again, detail, `seed ${seed}, round ${round}`)
  }
  assert.ok(typed > 5_000, `only ${typed} had a type: seed ${seed}`)
})

test.run()
