import assert from 'node:assert/strict'
import { DeviceType } from '#dist/scsi/inquiry.js'
import { checkedRepetition, type Repetition, repetitionOf } from '#dist/target/repetition.js'
import { suite } from '../harness/index.ts'

const test = suite('what becomes of a command that its target had begun')

const DISK = DeviceType.DIRECT_ACCESS_BLOCK
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

for (const [name, cdb, repetition] of [
  ['READ(10)', '28 00 00000000 00 0001 00', 'free'],
  ['SYNCHRONIZE CACHE(10)', '35 00 00000000 00 0000 00', 'free'],
  ['WRITE(10)', '2a 00 00000102 00 0304 00', { lba: 0x102, blocks: 0x304 }],
  ['WRITE SAME(10)', '41 00 00000102 00 0304 00', { lba: 0x102, blocks: 0x304 }],
  [
    'WRITE SAME(16)',
    '93 00 0000000100000002 00000304 00 00',
    { lba: 0x1_0000_0002, blocks: 0x304 },
  ],
  [
    'COMPARE AND WRITE',
    '89 00 0000000000000102 000000 03 00 00',
    { lba: 0x102, blocks: 3, once: true },
  ],
  ['ORWRITE(16)', '8b 00 0000000000000102 00000003 00 00', { lba: 0x102, blocks: 3 }],
  ['UNMAP', '42 00 00000000 00 0008 00', 'last'],
  ['SANITIZE', '48 82 00000000 00 0000 00', 'last'],
  ['XPWRITE(10)', '51 00 00000102 00 0304 00', 'never'],
  ['XDWRITEREAD(10)', '53 00 00000102 00 0304 00', 'never'],
  ['PERSISTENT RESERVE OUT', '5f 00 00 0000 00000018 00', 'never'],
  ['REASSIGN BLOCKS', '07 00 00 00 00 00', 'never'],
  ['WRITE USING TOKEN', '83 11 00000000000000000000 00000000 00 00', 'never'],
  ['SECURITY PROTOCOL OUT', 'b5 00 0000 00 00 00000000 00 00', 'never'],
  ['MODE SELECT(6)', '15 10 0000 00 00', 'last'],
  ['a command that no standard has', 'c0 00 00 00 00 00', 'never'],
] as readonly (readonly [string, string, Repetition])[]) {
  test(`of ${name} on a disk`, () => {
    const bytes = hex(cdb)
    assert.deepEqual(repetitionOf(bytes, bytes.length, DISK), repetition)
  })
}

for (const [kind, deviceType, cdb, repetition] of [
  ['a tape', DeviceType.SEQUENTIAL_ACCESS, '0a 00 000001 00', 'never'],
  ['a tape', DeviceType.SEQUENTIAL_ACCESS, '08 00 000001 00', 'never'],
  ['a tape', DeviceType.SEQUENTIAL_ACCESS, '00 00 00 00 00 00', 'free'],
  ['any device', undefined, '15 10 0000 00 00', 'never'],
  ['any device', undefined, '2a 00 00000000 00 0001 00', 'never'],
  ['a changer', DeviceType.MEDIA_CHANGER, 'a6 00 0000 0001 0002 0003 00 00', 'never'],
  ['a changer', DeviceType.MEDIA_CHANGER, 'a5 00 0000 0001 0002 0000 00 00', 'never'],
  ['a disk whose zones are written in order', 0x14, '2a 00 00000000 00 0001 00', 'never'],
  ['any device', undefined, 'c0 00 00 00 00 00', 'never'],
  ['any device', undefined, '12 00 00 00 24 00', 'free'],
  ['a printer', 2, '1d 00 0000 00 00', 'never'],
] as readonly (readonly [string, number | undefined, string, Repetition])[]) {
  test(`of ${cdb} on ${kind}: ${repetition}`, () => {
    const bytes = hex(cdb)
    assert.deepEqual(repetitionOf(bytes, bytes.length, deviceType), repetition)
  })
}

for (const said of [
  { lba: Number.NaN, blocks: 1 },
  { lba: 0, blocks: Number.NaN },
  { lba: -1, blocks: 8 },
  { lba: 0.5, blocks: 1 },
  { lba: 8, blocks: -8 },
  { lba: 2 ** 53 - 1, blocks: 1 },
  { lba: 0n, blocks: 1 },
  { lba: 0 },
  'always',
  true,
  null,
] as unknown as readonly Repetition[]) {
  test(`${typeof said === 'object' && said !== null ? Object.values(said).join('+') : said}, which is none, is never`, () => {
    assert.equal(checkedRepetition(said), 'never')
  })
}

test('what is one stands, whatever said so', () => {
  for (const said of [
    'free',
    'last',
    'never',
    { lba: 0, blocks: 0 },
    { lba: 7, blocks: 2 },
  ] as const) {
    assert.equal(checkedRepetition(said), said)
  }
})

test.run()
