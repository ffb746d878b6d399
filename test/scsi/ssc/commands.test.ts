import assert from 'node:assert/strict'
import {
  encodeBlockLimits,
  erase6,
  formatMedium,
  LocateDestination,
  loadUnload,
  locate10,
  locate16,
  MediumFormat,
  parseSpaceCdb,
  parseTransferCdb,
  preventAllowMediumRemoval,
  read6,
  readBlockLimits,
  readMaximumLogicalObject,
  readPosition,
  readPositionExtended,
  readPositionLong,
  reportDensitySupport,
  reportMediumTypes,
  rewind,
  SpaceCode,
  setCapacity,
  space6,
  space16,
  writeFilemarks6,
  writeFilemarks16,
} from '#dist/scsi/ssc/index.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../any-bytes.ts'
import { bytes, hex } from '../hex.ts'
import { LTO4_DENSITIES, LTO4_MEDIUM_TYPES } from './dumps.ts'

const test = suite('commands of a tape')

const refused = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }

test('has each field where the standard has it (ssc-3 clauses 5 to 7)', () => {
  const expected: readonly (readonly [{ cdb: Uint8Array }, string])[] = [
    [rewind(), '010000000000'],
    [rewind({ immed: true }), '010100000000'],
    [writeFilemarks6(), '100000000100'],
    [writeFilemarks6({ count: 0, immed: true }), '100100000000'],
    [
      writeFilemarks16({
        logicalObject: 2n ** 64n - 1n,
        partition: 3,
        count: 2,
        lastOfSequence: true,
      }),
      '80040003ffffffffffffffff00000200',
    ],
    [
      writeFilemarks16({ logicalObject: 1, firstOfSequence: true, immed: true }),
      '80090000000000000000000100000100',
    ],
    [space6({ count: -1 }), '1100ffffff00'],
    [space6({ code: SpaceCode.FILEMARKS, count: 0x7fffff }), '11017fffff00'],
    [space6({ code: SpaceCode.END_OF_DATA }), '110300000000'],
    [space16({ code: SpaceCode.FILEMARKS, count: -2n }), '91010000fffffffffffffffe00000000'],
    [space16({ count: 2 ** 40 }), '91000000000001000000000000000000'],
    [locate10({ identifier: 0xfedcba98 }), '2b0000fedcba98000000'],
    [locate10({ identifier: 1, partition: 2, immed: true }), '2b030000000001000200'],
    [
      locate16({ destination: LocateDestination.LOGICAL_FILE, identifier: 5n, partition: 1 }),
      '920a0001000000000000000500000000',
    ],
    [locate16({ destination: LocateDestination.END_OF_DATA }), '92180000000000000000000000000000'],
    [readPosition(), '34000000000000000000'],
    [readPositionLong(), '34060000000000000000'],
    [readPositionExtended(), '34080000000000002000'],
    [erase6({ long: true }), '190100000000'],
    [erase6({ immed: true }), '190200000000'],
    [loadUnload({ load: true }), '1b0000000100'],
    [
      loadUnload({ load: false, endOfTape: true, retension: true, hold: true, immed: true }),
      '1b0100000e00',
    ],
    [readBlockLimits(), '050000000000'],
    [readMaximumLogicalObject(), '050100000000'],
    [reportDensitySupport(), '44000000000000100000'],
    [reportMediumTypes({ mounted: true, allocationLength: 0x1234 }), '44030000000000123400'],
    [formatMedium({ format: MediumFormat.PARTITION, verify: true }), '040201000000'],
    [formatMedium({ parameters: new Uint8Array(0x102) }), '040000010200'],
    [setCapacity({ proportion: 0x1234, immed: true }), '0b0100123400'],
    [preventAllowMediumRemoval({ prevent: true }), '1e0000000100'],
    [preventAllowMediumRemoval({ prevent: false, persistent: true }), '1e0000000200'],
  ]
  for (const [command, cdb] of expected) assert.equal(hex(command.cdb), cdb)
})

test('refuses counts that their fields cannot hold', () => {
  assert.throws(() => space6({ count: 0x80_0000 }), argument)
  assert.throws(() => space6({ count: -0x80_0001 }), argument)
  assert.throws(() => space16({ count: 2n ** 63n }), argument)
  assert.throws(() => space16({ count: -(2n ** 63n) - 1n }), argument)
  assert.equal(hex(space16({ count: -(2n ** 63n) }).cdb.subarray(4, 12)), '8000000000000000')
  assert.throws(() => locate10({ identifier: 2 ** 32 }), argument)
})

test('reads its own CDBs back, for handlers', () => {
  assert.deepEqual(parseTransferCdb(read6({ length: 7, sili: true }).cdb), {
    write: false,
    fixed: false,
    sili: true,
    length: 7,
  })
  assert.equal(parseTransferCdb(rewind().cdb), undefined)
  assert.equal(parseTransferCdb(read6({ length: 7 }).cdb.subarray(0, 5)), undefined)
  assert.deepEqual(parseSpaceCdb(space6({ code: 1, count: -3 }).cdb), { code: 1, count: -3n })
  assert.deepEqual(parseSpaceCdb(space16({ count: -(2n ** 40n) }).cdb), {
    code: 0,
    count: -(2n ** 40n),
  })
  assert.equal(parseSpaceCdb(rewind().cdb), undefined)
  assert.equal(parseSpaceCdb(new Uint8Array(0)), undefined)
})

test('reads block limits, and the highest logical object (ssc-3 READ BLOCK LIMITS)', () => {
  const limits = { maximum: 0xff_ffff, minimum: 1, granularity: 9 }
  assert.equal(hex(encodeBlockLimits(limits)), '09ffffff0001')
  assert.deepEqual(readBlockLimits().parse(encodeBlockLimits(limits)), limits)
  const data = bytes('00 ffffff 0001 000000000000 00000002 00000001')
  assert.equal(readMaximumLogicalObject().parse(data), 0x2_0000_0001n)
  assert.throws(() => readMaximumLogicalObject().parse(data.subarray(0, 19)), refused)
})

test('reads every form of a position, and what is unknown (ssc-3 READ POSITION)', () => {
  const short = bytes('81 02 0000 00000010 0000000c 00 000004 00000800')
  const place = {
    beginningOfPartition: true,
    endOfPartition: false,
    beyondProgrammableEarlyWarning: true,
    partition: 2,
  }
  const held = { error: false, first: 16n, last: 12n, bufferedObjects: 4, bufferedBytes: 2048n }
  assert.deepEqual(readPosition().parse(short), { ...place, ...held })
  const extended = bytes('81 02 001c 00 000004 0000000000000010 000000000000000c 0000000000000800')
  assert.deepEqual(readPositionExtended().parse(extended), { ...place, ...held })
  const long = bytes('40 000000 00000001 0000000100000002 0000000000000003 0000000000000000')
  assert.deepEqual(readPositionLong().parse(long), {
    beginningOfPartition: false,
    endOfPartition: true,
    beyondProgrammableEarlyWarning: false,
    partition: 1,
    object: 0x1_0000_0002n,
    file: 3n,
  })
  short[0] = 0x36
  const { error, first, last, bufferedObjects, bufferedBytes } = readPosition().parse(short)
  assert.deepEqual(
    [error, first, last, bufferedObjects, bufferedBytes],
    [true, ...Array(4).fill(undefined)],
  )
  long[0] = 0x0c
  const { object, file } = readPositionLong().parse(long)
  assert.deepEqual([object, file], [undefined, undefined])
  extended[3] = 0x1b
  assert.throws(() => readPositionExtended().parse(extended), refused)
})

test('reads the densities of an LTO drive (ssc-3 REPORT DENSITY SUPPORT)', () => {
  const densities = reportDensitySupport().parse(LTO4_DENSITIES)
  assert.deepEqual(
    densities.map(
      ({ primaryCode, writable, default: standard, bitsPerMm, tracks, capacity, description }) => [
        primaryCode,
        writable,
        standard,
        bitsPerMm,
        tracks,
        capacity,
        description,
      ],
    ),
    [
      [0x44, false, false, 9638, 704, 400_000, 'Ultrium 3/16T'],
      [0x46, true, false, 12725, 896, 800_000, 'Ultrium 4/16T'],
      [0x58, true, true, 15142, 1280, 1_500_000, 'Ultrium 5/16T'],
    ],
  )
  assert.deepEqual(
    [densities[0]?.organization, densities[0]?.name, densities[0]?.mediaWidth],
    ['LTO-CVE', 'U-316', 127],
  )
  const types = reportMediumTypes().parse(LTO4_MEDIUM_TYPES)
  assert.deepEqual(
    types.map(({ mediumType, densityCodes, mediumLength, name }) => [
      mediumType,
      densityCodes,
      mediumLength,
      name,
    ]),
    [
      [0, [0x44], 680, 'LTO3Data'],
      [0, [0x46], 820, 'LTO4Data'],
      [0, [0x58], 846, 'LTO5Data'],
      [1, [0x44], 680, 'LTO3WORM'],
      [1, [0x46], 820, 'LTO4WORM'],
      [1, [0x58], 846, 'LTO5WORM'],
    ],
  )
})

test('leaves out a density that the allocation length has cut', () => {
  const { parse } = reportDensitySupport({ allocationLength: 100 })
  assert.equal(parse(LTO4_DENSITIES.subarray(0, 100)).length, 1)
  assert.throws(() => reportDensitySupport().parse(LTO4_DENSITIES.subarray(0, 100)), refused)
})

test('gives a result or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  const long = new Uint8Array(32)
  long[3] = 0x1c
  survivesAnyBytes('densities', LTO4_DENSITIES, reportDensitySupport().parse)
  survivesAnyBytes('medium types', LTO4_MEDIUM_TYPES, reportMediumTypes().parse)
  survivesAnyBytes('block limits', new Uint8Array(6), readBlockLimits().parse)
  survivesAnyBytes('objects', new Uint8Array(20), readMaximumLogicalObject().parse)
  survivesAnyBytes('short form', new Uint8Array(20), readPosition().parse)
  survivesAnyBytes('long form', long, readPositionLong().parse)
  survivesAnyBytes('extended form', long, readPositionExtended().parse)
})

test.run()
