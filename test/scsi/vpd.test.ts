import assert from 'node:assert/strict'
import { inquiryCdb } from '#dist/scsi/inquiry.js'
import {
  Association,
  CodeSet,
  type Designator,
  DesignatorType,
  designatorText,
  encodeDesignators,
  encodeVpd,
  vpdDeviceIdentification,
  vpdSupportedPages,
  vpdUnitSerialNumber,
} from '#dist/scsi/vpd.js'
import {
  encodeBlockLimits,
  encodeCharacteristics,
  vpdBlockDeviceCharacteristics,
  vpdBlockLimits,
} from '#dist/scsi/vpd-block.js'
import { encodeExtendedInquiry, vpdExtendedInquiry } from '#dist/scsi/vpd-extended.js'
import { encodePolicies, ModePagePolicy, vpdModePagePolicy } from '#dist/scsi/vpd-policy.js'
import { encodeProvisioning, vpdLogicalBlockProvisioning } from '#dist/scsi/vpd-provisioning.js'
import { encodeZoned, vpdZonedBlockDeviceCharacteristics } from '#dist/scsi/vpd-zoned.js'
import { suite } from '../harness/index.ts'
import { everyField } from './vpd-values.ts'

const test = suite('vital product data')

const response = { code: 'ERR_SGRING_RESPONSE' }
const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }

test('asks for each page by its code (spc-5 7.7, sbc-4 6.6, zbc-2 clause 6)', () => {
  const commands = [
    vpdSupportedPages(),
    vpdUnitSerialNumber(),
    vpdDeviceIdentification(),
    vpdExtendedInquiry(),
    vpdModePagePolicy(),
    vpdBlockLimits(),
    vpdBlockDeviceCharacteristics(),
    vpdLogicalBlockProvisioning(),
    vpdZonedBlockDeviceCharacteristics(),
  ]
  assert.deepEqual(
    commands.map(({ cdb }) => cdb),
    [0x00, 0x80, 0x83, 0x86, 0x87, 0xb0, 0xb1, 0xb2, 0xb6].map((page) => inquiryCdb(1024, page)),
  )
})

test('reads back every field of every page', () => {
  const { limits, characteristics, extended, provisioning, zoned, policies, designators } =
    everyField
  const rows = [
    [0xb0, vpdBlockLimits(), encodeBlockLimits(limits), limits],
    [
      0xb1,
      vpdBlockDeviceCharacteristics(),
      encodeCharacteristics(characteristics),
      characteristics,
    ],
    [0x86, vpdExtendedInquiry(), encodeExtendedInquiry(extended), extended],
    [0xb2, vpdLogicalBlockProvisioning(), encodeProvisioning(provisioning), provisioning],
    [0xb6, vpdZonedBlockDeviceCharacteristics(), encodeZoned(zoned), zoned],
    [0x87, vpdModePagePolicy(), encodePolicies(policies), policies],
    [0x83, vpdDeviceIdentification(), encodeDesignators(designators), designators],
  ] as const
  for (const [page, { parse }, body, wanted] of rows) {
    assert.deepEqual(parse(encodeVpd(0, page, body)), wanted, page.toString(16))
  }
  assert.deepEqual(vpdSupportedPages().parse(encodeVpd(0, 0, Uint8Array.of(0, 0x83))), [0, 0x83])
  assert.equal(vpdUnitSerialNumber().parse(encodeVpd(0, 0x80, Buffer.from('  S1  '))), 'S1')
})

test('takes what the pages of older standards do not have as 0 or false', () => {
  const short = <T>(command: { parse: (data: Uint8Array) => T }, page: number, length: number) =>
    command.parse(encodeVpd(0, page, new Uint8Array(length).fill(0xff)))
  const limits = short(vpdBlockLimits(), 0xb0, 12)
  assert.deepEqual([limits.maxPrefetchLength, limits.maxWriteSameLength], [0, 0n])
  assert.equal(limits.unmapGranularityAlignment, undefined)
  assert.equal(short(vpdExtendedInquiry(), 0x86, 4).referrals, false)
  assert.equal(short(vpdBlockDeviceCharacteristics(), 0xb1, 5).depopulationSeconds, 0)
  assert.equal(short(vpdZonedBlockDeviceCharacteristics(), 0xb6, 16).alignmentMethod, 0)
  // DP without a descriptor.
  assert.equal(short(vpdLogicalBlockProvisioning(), 0xb2, 4).group, undefined)
})

test('refuses pages that are shorter than any standard has them, and lists that do not come out', () => {
  for (const [command, page, least] of [
    [vpdBlockLimits(), 0xb0, 12],
    [vpdExtendedInquiry(), 0x86, 4],
    [vpdBlockDeviceCharacteristics(), 0xb1, 5],
    [vpdLogicalBlockProvisioning(), 0xb2, 4],
    [vpdZonedBlockDeviceCharacteristics(), 0xb6, 16],
  ] as const) {
    command.parse(encodeVpd(0, page, new Uint8Array(least)))
    const cut = encodeVpd(0, page, new Uint8Array(least - 1))
    assert.throws(() => command.parse(cut), response, page.toString(16))
  }
  const odd = encodeVpd(0, 0x87, new Uint8Array(5))
  assert.throws(() => vpdModePagePolicy().parse(odd), response)
})

test('refuses values that their fields cannot hold', () => {
  assert.throws(() => encodeBlockLimits({ maxTransferLength: 2 ** 32 }), invalid)
  assert.throws(() => encodeBlockLimits({ maxWriteSameLength: -1n }), invalid)
  assert.throws(() => encodeCharacteristics({ formFactor: 16 }), invalid)
  assert.throws(() => encodeExtendedInquiry({ maxSenseLength: 256 }), invalid)
  assert.throws(() => encodeProvisioning({ minimumPercentage: 32 }), invalid)
  assert.throws(() => encodeZoned({ maxOpenRequired: -1 }), invalid)
  const policy = { page: 64, subpage: 0, manyUnits: false, policy: ModePagePolicy.SHARED }
  assert.throws(() => encodePolicies([policy]), invalid)
})

test('writes designators as one word (rfc 3980)', () => {
  const text = (type: number, designator: Uint8Array, codeSet: number = CodeSet.BINARY) => {
    const one: Designator = {
      association: Association.LOGICAL_UNIT,
      type,
      codeSet,
      protocol: undefined,
      designator,
    }
    return designatorText(one)
  }
  const bytes = Uint8Array.from({ length: 18 }, (_, index) => index)
  assert.equal(text(DesignatorType.NAA, Uint8Array.of(0x50, 1, 2, 3)), 'naa.50010203')
  assert.equal(text(DesignatorType.EUI64, bytes.subarray(0, 8)), 'eui.0001020304050607')
  assert.equal(text(DesignatorType.T10_VENDOR_ID, Buffer.from('VENDOR  S1')), 't10.VENDOR  S1')
  assert.equal(text(DesignatorType.SCSI_NAME, Buffer.from('iqn.x\0\x1b')), 'iqn.x ?')
  assert.equal(text(DesignatorType.RELATIVE_TARGET_PORT, Uint8Array.of(0, 0, 1, 2)), '258')
  assert.equal(text(DesignatorType.TARGET_PORT_GROUP, Uint8Array.of(1)), '01')
  assert.equal(text(DesignatorType.UUID, bytes), 'uuid.02030405-0607-0809-0a0b-0c0d0e0f1011')
  assert.equal(
    text(DesignatorType.UUID, bytes.subarray(1)),
    Buffer.from(bytes.subarray(1)).toString('hex'),
  )
  assert.equal(text(DesignatorType.VENDOR_SPECIFIC, Uint8Array.of(0x41)), '41')
  assert.equal(text(DesignatorType.VENDOR_SPECIFIC, Uint8Array.of(0x41), CodeSet.ASCII), 'A')
  assert.equal(text(DesignatorType.MD5, new Uint8Array(0)), '')
})

test.run()
