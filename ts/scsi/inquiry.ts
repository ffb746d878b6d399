/** TEST UNIT READY and standard INQUIRY data (SPC-4 6.6, 6.47). */

import { badResponse, checkUint, getAscii, needBytes, setAscii, setUint16 } from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'

/** PERIPHERAL DEVICE TYPE. */
export const DeviceType = {
  DIRECT_ACCESS_BLOCK: 0x00,
  SEQUENTIAL_ACCESS: 0x01,
  PROCESSOR: 0x03,
  CD_DVD: 0x05,
  MEDIA_CHANGER: 0x08,
  STORAGE_ARRAY_CONTROLLER: 0x0c,
  ENCLOSURE_SERVICES: 0x0d,
  HOST_MANAGED_ZONED: 0x14,
  WELL_KNOWN_LOGICAL_UNIT: 0x1e,
  UNKNOWN: 0x1f,
} as const
export type DeviceType = (typeof DeviceType)[keyof typeof DeviceType]

/** PERIPHERAL QUALIFIER. */
export const PeripheralQualifier = {
  CONNECTED: 0b000,
  NOT_CONNECTED: 0b001,
  NOT_CAPABLE: 0b011,
} as const
export type PeripheralQualifier = (typeof PeripheralQualifier)[keyof typeof PeripheralQualifier]

/** What standard INQUIRY data say (SPC-4 6.6.2). */
export interface Inquiry {
  readonly qualifier: number
  readonly deviceType: number
  readonly removable: boolean
  /** VERSION: 06h is SPC-4, 07h is SPC-5. */
  readonly version: number
  /** NORMACA: NACA may be one in a CDB. */
  readonly normalAca: boolean
  /** HISUP: REPORT LUNS lists the logical units by the hierarchical addressing of SAM-5. */
  readonly hierarchical: boolean
  /** TPGS: asymmetric logical unit access, 0 is none. */
  readonly targetPortGroups: number
  readonly thirdPartyCopy: boolean
  /** PROTECT: protection information is supported. */
  readonly protect: boolean
  readonly multiPort: boolean
  /** CMDQUE: the full task management model of SAM-5. */
  readonly commandQueue: boolean
  /** T10 vendor identification, 8 characters without padding. */
  readonly vendor: string
  /** 16 characters without padding. */
  readonly product: string
  /** 4 characters without padding. */
  readonly revision: string
}

/** The least that standard INQUIRY data have. */
export const STANDARD_INQUIRY_LENGTH = 36

/** TEST UNIT READY: GOOD means that the medium can be accessed. */
export function testUnitReady(): TypedCommand<void> {
  return {
    cdb: Uint8Array.of(Opcode.TEST_UNIT_READY, 0, 0, 0, 0, 0),
    dataInLength: 0,
    parse: parseNothing,
  }
}

/** INQUIRY for standard data. */
export function inquiry(): TypedCommand<Inquiry> {
  return {
    cdb: inquiryCdb(STANDARD_INQUIRY_LENGTH),
    dataInLength: STANDARD_INQUIRY_LENGTH,
    parse: parseInquiry,
  }
}

/** The CDB of INQUIRY, for standard data or, with `page`, for vital product data. */
export function inquiryCdb(allocationLength: number, page?: number): Uint8Array {
  const cdb = Uint8Array.of(Opcode.INQUIRY, 0, 0, 0, 0, 0)
  if (page !== undefined) {
    cdb[1] = 1
    cdb[2] = checkUint('page', page, 0xff)
  }
  setUint16(cdb, 3, checkUint('allocationLength', allocationLength, 0xffff))
  return cdb
}

/** Reads standard INQUIRY data. */
export function parseInquiry(data: Uint8Array): Inquiry {
  needBytes('INQUIRY data', data, STANDARD_INQUIRY_LENGTH)
  if (data[4]! + 5 < STANDARD_INQUIRY_LENGTH) {
    throw badResponse(`INQUIRY data: an additional length of ${data[4]} is too short`)
  }
  return {
    qualifier: data[0]! >> 5,
    deviceType: data[0]! & 0x1f,
    removable: (data[1]! & 0x80) !== 0,
    version: data[2]!,
    normalAca: (data[3]! & 0x20) !== 0,
    hierarchical: (data[3]! & 0x10) !== 0,
    targetPortGroups: (data[5]! >> 4) & 3,
    thirdPartyCopy: (data[5]! & 0x08) !== 0,
    protect: (data[5]! & 0x01) !== 0,
    multiPort: (data[6]! & 0x10) !== 0,
    commandQueue: (data[7]! & 0x02) !== 0,
    vendor: getAscii(data, 8, 8),
    product: getAscii(data, 16, 16),
    revision: getAscii(data, 32, 4),
  }
}

/** Standard INQUIRY data: 36 bytes. Text that is too long is cut. */
export function encodeInquiry(inquiry: Inquiry): Uint8Array {
  const data = new Uint8Array(STANDARD_INQUIRY_LENGTH)
  data[0] = (inquiry.qualifier << 5) | inquiry.deviceType
  data[1] = inquiry.removable ? 0x80 : 0
  data[2] = inquiry.version
  data[3] =
    (inquiry.normalAca ? 0x20 : 0) | (inquiry.hierarchical ? 0x10 : 0) | RESPONSE_DATA_FORMAT
  data[4] = STANDARD_INQUIRY_LENGTH - 5
  data[5] =
    (inquiry.targetPortGroups << 4) |
    (inquiry.thirdPartyCopy ? 0x08 : 0) |
    (inquiry.protect ? 0x01 : 0)
  data[6] = inquiry.multiPort ? 0x10 : 0
  data[7] = inquiry.commandQueue ? 0x02 : 0
  setAscii(data, 8, 8, inquiry.vendor)
  setAscii(data, 16, 16, inquiry.product)
  setAscii(data, 32, 4, inquiry.revision)
  return data
}

/** The only RESPONSE DATA FORMAT since SPC-2. */
const RESPONSE_DATA_FORMAT = 2
