import assert from 'node:assert/strict'
import {
  type Element,
  ElementType,
  exchangeMedium,
  initializeElementStatus,
  initializeElementStatusWithRange,
  moveMedium,
  positionToElement,
  readElementStatus,
} from '#dist/scsi/smc/index.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../any-bytes.ts'
import { bytes, hex } from '../hex.ts'

const test = suite('media changers')

const refused = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }

test('has each field where the standard has it (smc-3 clause 6)', () => {
  const expected: readonly (readonly [{ cdb: Uint8Array }, string])[] = [
    [
      moveMedium({ transport: 0x102, source: 0x304, destination: 0x506, invert: true }),
      'a50001020304050600000100',
    ],
    [moveMedium({ source: 1, destination: 2 }), 'a50000000001000200000000'],
    [
      exchangeMedium({
        transport: 1,
        source: 2,
        firstDestination: 3,
        secondDestination: 4,
        invertFirst: true,
        invertSecond: true,
      }),
      'a60000010002000300040300',
    ],
    [
      positionToElement({ transport: 0x102, destination: 0x304, invert: true }),
      '2b000102030400000100',
    ],
    [initializeElementStatus(), '070000000000'],
    [initializeElementStatusWithRange(), '37000000000000000000'],
    [
      initializeElementStatusWithRange({ first: 0x102, elements: 0x304, fast: true }),
      '37030102000003040000',
    ],
    [readElementStatus(), 'b8100000ffff000010000000'],
    [
      readElementStatus({
        type: ElementType.DATA_TRANSFER,
        first: 0x102,
        elements: 0x304,
        volumeTags: false,
        currentData: true,
        deviceIdentifiers: true,
        allocationLength: 0x50607,
      }),
      'b80401020304030506070000',
    ],
  ]
  for (const [command, cdb] of expected) assert.equal(hex(command.cdb), cdb)
  assert.throws(() => moveMedium({ source: 65_536, destination: 0 }), argument)
  assert.throws(() => readElementStatus({ allocationLength: 7 }), argument)
})

/** 32 characters of a label, and its sequence number. */
const tag = (label: string, sequence = 0) =>
  `${Buffer.from(label.padEnd(32)).toString('hex')}0000${sequence.toString(16).padStart(4, '0')}`
const page = (type: number, flags: number, ...descriptors: string[]) => {
  const length = bytes(descriptors[0]!).length
  const word = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const head = `${word(type, 2)}${word(flags, 2)}${word(length, 4)}00${word(length * descriptors.length, 6)}`
  return head + descriptors.join('')
}
const report = (elements: number, ...pages: string[]) => {
  const body = bytes(pages.join(''))
  const head = bytes(
    `0001 ${elements.toString(16).padStart(4, '0')} 00 ${body.length.toString(16).padStart(6, '0')}`,
  )
  return Uint8Array.of(...head, ...body)
}

/** A library with a picker, two slots, a mail slot and a drive. */
const LIBRARY = report(
  5,
  page(1, 0, '0001 00 00 0000 000000 00 0000'),
  page(
    2,
    0x80,
    `03e8 09 00 0000 000000 81 03e8${tag('ABC123L6', 7)}`,
    `03e9 0c 00 8301 000000 08 0000${tag('')}`,
  ),
  page(3, 0x80, `0065 fb 00 0000 000000 00 0000${tag('CLNU01L6')}`),
  page(
    4,
    0xc0,
    `0101 09 00 0000 b2 05 00 c1 03e8${tag('ABC124L6')}${tag('SIDE B')} 02 01 00 06 ${Buffer.from('SERIAL').toString('hex')}`,
  ),
)

const NOTHING: Element = {
  type: 0,
  address: 0,
  full: false,
  exception: false,
  asc: 0,
  ascq: 0,
  access: false,
  importedByOperator: false,
  exportEnabled: false,
  importEnabled: false,
  operatorIntervention: false,
  inMagazine: false,
  disabled: false,
  mediumType: 0,
  inverted: false,
  source: undefined,
  primaryVolumeTag: undefined,
  alternateVolumeTag: undefined,
  bus: undefined,
  device: undefined,
}

test('reads elements of every type, with volume tags and device identifiers (smc-3 6.11)', () => {
  const status = readElementStatus().parse(LIBRARY)
  assert.deepEqual([status.firstAddress, status.available, status.bytes], [1, 5, LIBRARY.length])
  assert.deepEqual(status.elements, [
    { ...NOTHING, type: 1, address: 1 },
    {
      ...NOTHING,
      type: 2,
      address: 1000,
      full: true,
      access: true,
      mediumType: 1,
      source: 1000,
      primaryVolumeTag: { volume: 'ABC123L6', sequence: 7 },
    },
    {
      ...NOTHING,
      type: 2,
      address: 1001,
      exception: true,
      access: true,
      asc: 0x83,
      ascq: 1,
      disabled: true,
      primaryVolumeTag: { volume: '', sequence: 0 },
    },
    {
      ...NOTHING,
      type: 3,
      address: 101,
      full: true,
      access: true,
      importedByOperator: true,
      exportEnabled: true,
      importEnabled: true,
      operatorIntervention: true,
      inMagazine: true,
      primaryVolumeTag: { volume: 'CLNU01L6', sequence: 0 },
    },
    {
      ...NOTHING,
      type: 4,
      address: 257,
      full: true,
      access: true,
      mediumType: 1,
      inverted: true,
      source: 1000,
      primaryVolumeTag: { volume: 'ABC124L6', sequence: 0 },
      alternateVolumeTag: { volume: 'SIDE B', sequence: 0 },
      bus: { otherBus: true, address: 5, lun: 2 },
      device: { codeSet: 2, type: 1, identifier: Uint8Array.from(Buffer.from('SERIAL')) },
    },
  ])
})

test('reads descriptors of 16 bytes without an identifier, as python-scsi makes them', () => {
  const data = bytes(`000c 0003 00 000040
    02 00 0010 00 000010 000c 0d 00 3738 000000 ca 001b 00000000
    04 00 0010 00 000020 000d 0c 00 3738 000000 cf 001c 00000000
                         000e 08 00 3738 000000 86 001d 00000000`)
  const { elements, available } = readElementStatus().parse(data)
  assert.equal(available, 3)
  assert.deepEqual(
    elements.map((one) => [
      one.type,
      one.address,
      one.full,
      one.exception,
      one.inverted,
      one.disabled,
      one.mediumType,
      one.source,
    ]),
    [
      [2, 12, true, true, true, true, 2, 27],
      [4, 13, false, true, true, true, 7, 28],
      [4, 14, false, false, false, false, 6, 29],
    ],
  )
})

test('leaves out what the allocation length has cut, and says how much there is', () => {
  for (let length = 8; length < LIBRARY.length; length++) {
    const { elements, bytes } = readElementStatus({ allocationLength: length }).parse(
      LIBRARY.subarray(0, length),
    )
    assert.ok(elements.length < 5 && bytes === LIBRARY.length)
  }
  assert.throws(() => readElementStatus().parse(LIBRARY.subarray(0, 100)), refused)
})

test('refuses pages that end behind the report, and descriptors that are too short for what they have', () => {
  const changed = (at: number, value: number) => {
    const data = LIBRARY.slice()
    data[at] = value
    return () => readElementStatus().parse(data)
  }
  assert.throws(changed(15, 200), refused)
  assert.throws(changed(11, 11), refused)
  assert.throws(changed(9, 0x80), refused)
  assert.throws(changed(LIBRARY.length - 7, 7), refused)
})

test('gives a result or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  survivesAnyBytes('element status', LIBRARY, readElementStatus().parse)
})

test.run()
