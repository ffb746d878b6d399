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
import {
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
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('parameter data')

const response = { code: 'ERR_SGRING_RESPONSE' }

test('reads back standard INQUIRY data (spc-4 6.6.2)', () => {
  const data = {
    qualifier: 1,
    deviceType: 8,
    removable: true,
    version: 6,
    normalAca: true,
    hierarchical: true,
    targetPortGroups: 3,
    thirdPartyCopy: true,
    protect: true,
    multiPort: true,
    commandQueue: true,
    vendor: 'VENDOR',
    product: 'A PRODUCT',
    revision: '1.0',
  }
  assert.deepEqual(inquiry().parse(encodeInquiry(data)), data)
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

test('reads back vital product data (spc-4 7.8, sbc-3 6.6)', () => {
  const limits = {
    writeSameNonZero: true,
    maxCompareAndWriteLength: 1,
    optimalTransferLengthGranularity: 2,
    maxTransferLength: 0xffff_ffff,
    optimalTransferLength: 4,
    maxPrefetchLength: 5,
    maxUnmapLbaCount: 6,
    maxUnmapDescriptorCount: 7,
    optimalUnmapGranularity: 8,
    unmapGranularityAlignment: 0x7fff_ffff,
    maxWriteSameLength: 2n ** 64n - 1n,
  }
  const characteristics = {
    rotationRate: 7200,
    productType: 3,
    formFactor: 2,
    fuab: true,
    vbuls: true,
  }
  const extended = {
    headOfQueue: true,
    ordered: false,
    simple: true,
    priority: false,
    volatileCache: true,
    clearsPerNexus: true,
  }
  const designators = [
    { association: 0, type: 3, codeSet: 1, protocol: undefined, designator: new Uint8Array(8) },
    {
      association: 1,
      type: 8,
      codeSet: 3,
      protocol: 5,
      designator: new Uint8Array(255).fill(0x41),
    },
  ]
  assert.deepEqual(vpdBlockLimits().parse(encodeVpd(0, 0xb0, encodeBlockLimits(limits))), limits)
  assert.deepEqual(
    vpdBlockDeviceCharacteristics().parse(
      encodeVpd(0, 0xb1, encodeCharacteristics(characteristics)),
    ),
    characteristics,
  )
  assert.deepEqual(
    vpdExtendedInquiry().parse(encodeVpd(0, 0x86, encodeExtendedInquiry(extended))),
    extended,
  )
  assert.deepEqual(
    vpdDeviceIdentification().parse(encodeVpd(0, 0x83, encodeDesignators(designators))),
    designators,
  )
  assert.deepEqual(vpdSupportedPages().parse(encodeVpd(0, 0, Uint8Array.of(0, 0x83))), [0, 0x83])
  assert.equal(vpdUnitSerialNumber().parse(encodeVpd(0, 0x80, Buffer.from('  S1  '))), 'S1')
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
