import assert from 'node:assert/strict'
import {
  encodeCapacity10,
  encodeCapacity16,
  readCapacity10,
  readCapacity16,
} from '#dist/scsi/capacity.js'
import type { TypedCommand } from '#dist/scsi/command.js'
import { encodeInquiry, inquiry } from '#dist/scsi/inquiry.js'
import { encodeReportedLuns, reportLuns } from '#dist/scsi/report-luns.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { reportSupportedFunctions } from '#dist/scsi/supported-functions.js'
import { reportSupportedOpcode, reportSupportedOpcodes } from '#dist/scsi/supported-opcodes.js'
import { versionDescriptorName } from '#dist/scsi/version-descriptor.js'
import {
  encodeVpd,
  vpdDeviceIdentification,
  vpdSupportedPages,
  vpdUnitSerialNumber,
} from '#dist/scsi/vpd.js'
import { vpdBlockDeviceCharacteristics, vpdBlockLimits } from '#dist/scsi/vpd-block.js'
import { vpdExtendedInquiry } from '#dist/scsi/vpd-extended.js'
import { vpdModePagePolicy } from '#dist/scsi/vpd-policy.js'
import { vpdLogicalBlockProvisioning } from '#dist/scsi/vpd-provisioning.js'
import { vpdZonedBlockDeviceCharacteristics } from '#dist/scsi/vpd-zoned.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('parameter data')

const response = { code: 'ERR_SGRING_RESPONSE' }

test('reads back standard INQUIRY data (spc-4 6.6.2)', () => {
  const data = {
    qualifier: 1,
    deviceType: 8,
    removable: true,
    conglomerate: true,
    version: 6,
    normalAca: true,
    hierarchical: true,
    storageArrayController: true,
    targetPortGroups: 3,
    thirdPartyCopy: true,
    protect: true,
    enclosureServices: true,
    multiPort: true,
    commandQueue: true,
    vendor: 'VENDOR',
    product: 'A PRODUCT',
    revision: '1.0',
    versionDescriptors: [],
  }
  assert.deepEqual(inquiry().parse(encodeInquiry(data)), data)
  const claiming = { ...data, versionDescriptors: [0x00a0, 0x05c0, 0x0602] }
  const long = inquiry({ allocationLength: 96 })
  assert.deepEqual(long.parse(encodeInquiry(claiming)), claiming)
  assert.deepEqual(long.parse(encodeInquiry(claiming).subarray(0, 61)).versionDescriptors, [0x00a0])
  assert.throws(() => encodeInquiry({ ...data, versionDescriptors: new Array(9).fill(1) }))
})

test('names the standard of a version descriptor, whichever its revision (spc-5 6.7)', () => {
  const names = [0x05c0, 0x05df, 0x00a2, 0x0960, 0x1740, 0x0000, 0xffff].map(versionDescriptorName)
  assert.deepEqual(names, ['SPC-5', 'SPC-5', 'SAM-5', 'iSCSI', 'UAS', undefined, undefined])
})

test('makes text from a device fit for a terminal', () => {
  const data = encodeInquiry(inquiry().parse(new Uint8Array(36).fill(31, 4, 5)))
  data.set([0x1b, 0x5b, 0x41, 0xff, 0], 8)
  assert.equal(inquiry().parse(data).vendor, '?[A?')
})

test('reads capacities up to 2^64-1, and saturates in 10 bytes (sbc-3 5.15, 5.16)', () => {
  const capacity = {
    lastLba: 2n ** 64n - 1n,
    blockLength: 4096,
    protectionType: 3,
    logicalBlocksPerPhysicalBlock: 8,
    lowestAlignedLba: 0x1234,
    provisioning: true,
    unmappedReadsZeros: true,
  }
  assert.deepEqual(readCapacity16().parse(encodeCapacity16(capacity)), capacity)
  const ten = (lastLba: bigint): number | undefined =>
    readCapacity10().parse(encodeCapacity10(lastLba, 512)).lastLba
  assert.equal(ten(0xffff_fffen), 0xffff_fffe)
  assert.equal(ten(0xffff_ffffn), undefined)
  assert.equal(ten(2n ** 40n), undefined)
})

test('refuses blocks of no bytes', () => {
  assert.throws(() => readCapacity10().parse(encodeCapacity10(7n, 0)), response)
  const { parse } = readCapacity16()
  assert.throws(() => parse(new Uint8Array(32).fill(1, 0, 8)), response)
})

test('asks for LUNs with no more room than the smallest nexus has', () => {
  assert.equal(reportLuns().dataInLength, 4096)
})

test('reads a list of LUNs, also where it was cut (spc-4 6.33)', () => {
  const luns = [0, 5, 255, 256, 16_383]
  assert.deepEqual(reportLuns().parse(encodeReportedLuns(luns, 1000)), {
    luns,
    others: [],
    missing: 0,
  })
  const short = reportLuns({ allocationLength: 24 })
  assert.deepEqual(short.parse(encodeReportedLuns(luns, 24)), {
    luns: [0, 5],
    others: [],
    missing: 3,
  })
  assert.throws(() => reportLuns().parse(encodeReportedLuns(luns, 24)), response)
})

test('keeps LUNs of several levels and well known units apart', () => {
  const data = encodeReportedLuns([1, 2, 3], 100)
  data.set([0xc1, 0x01], 8)
  data.set([0, 1], 18)
  assert.deepEqual(reportLuns().parse(data), {
    luns: [3],
    others: [0xc101_0000_0000_0000n, 0x0002_0001_0000_0000n],
    missing: 0,
  })
})

test('refuses another page, a page that is cut, and designators that end beyond it', () => {
  const page = encodeVpd(0, 0x83, Uint8Array.of(1, 3, 0, 9, 0, 0))
  assert.throws(() => vpdDeviceIdentification().parse(page), response)
  assert.throws(() => vpdUnitSerialNumber().parse(page), /page 83h came instead/)
  const serial = encodeVpd(0, 0x80, new Uint8Array(8))
  assert.throws(() => vpdUnitSerialNumber().parse(serial.subarray(0, 11)), response)
})

const commands: readonly TypedCommand<unknown>[] = [
  inquiry(),
  inquiry({ allocationLength: 96 }),
  vpdModePagePolicy(),
  vpdLogicalBlockProvisioning(),
  vpdZonedBlockDeviceCharacteristics(),
  reportSupportedOpcodes({ timeouts: true }),
  reportSupportedOpcode({ opcode: 0x12 }),
  reportSupportedFunctions({ timeouts: true }),
  vpdSupportedPages(),
  vpdUnitSerialNumber(),
  vpdDeviceIdentification(),
  vpdExtendedInquiry(),
  vpdBlockLimits(),
  vpdBlockDeviceCharacteristics(),
  readCapacity10(),
  readCapacity16(),
  reportLuns({ allocationLength: 64 }),
  requestSense(),
]

test('gives a result or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  const next = generator(seed)
  let results = 0
  for (let round = 0; round < 50_000; round++) {
    const command = commands[round % commands.length]!
    const data = randomBytes(next, next() % 100)
    // Half of the pages have their own code, or no parser would be reached beyond it.
    if (command.cdb[0] === 0x12 && data.length > 3 && (next() & 1) === 0) {
      data.set([command.cdb[2]!, 0, next() % 64], 1)
    }
    try {
      command.parse(data)
      results += 1
    } catch (error) {
      const code = (error as { code?: string }).code
      assert.equal(code, 'ERR_SGRING_RESPONSE', `seed ${seed}, round ${round}: ${String(error)}`)
    }
  }
  assert.ok(results > 1_000, `only ${results} were read: seed ${seed}`)
})

test('refuses no data at all', () => {
  for (const command of commands) assert.throws(() => command.parse(new Uint8Array(0)), response)
})

test.run()
