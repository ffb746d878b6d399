/** TEST UNIT READY and standard INQUIRY data (SPC-4 6.6, 6.47). */

import {
  badResponse,
  checkUint,
  getAscii,
  getUint16,
  needBytes,
  setAscii,
  setUint16,
} from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { type Flag, readFlags, writeFlags } from './flags.ts'
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
  /** LU_CONG: the logical unit is part of a conglomerate (SAM-6 4.6). */
  readonly conglomerate: boolean
  /** VERSION: 06h is SPC-4, 07h is SPC-5. */
  readonly version: number
  /** NORMACA: NACA may be one in a CDB. */
  readonly normalAca: boolean
  /** HISUP: REPORT LUNS lists the logical units by the hierarchical addressing of SAM-5. */
  readonly hierarchical: boolean
  /** SCCS: there is an embedded storage array controller. */
  readonly storageArrayController: boolean
  /** TPGS: asymmetric logical unit access, 0 is none. */
  readonly targetPortGroups: number
  readonly thirdPartyCopy: boolean
  /** PROTECT: protection information is supported. */
  readonly protect: boolean
  /** ENCSERV: there is an embedded enclosure services process. */
  readonly enclosureServices: boolean
  readonly multiPort: boolean
  /** CMDQUE: the full task management model of SAM-5. */
  readonly commandQueue: boolean
  /** T10 vendor identification, 8 characters without padding. */
  readonly vendor: string
  /** 16 characters without padding. */
  readonly product: string
  /** 4 characters without padding. */
  readonly revision: string
  /** The version descriptors, at most eight: `versionDescriptorName()` names them. They need more than 36 bytes of data. */
  readonly versionDescriptors: readonly number[]
}

/** What INQUIRY is asked for. */
export interface InquiryOptions {
  /** Room for the data, 36 to 65,535 bytes. Default: 36, the least and what every device can answer; version descriptors need 74. */
  readonly allocationLength?: number
}

/** What standard INQUIRY data are made of: flags that are not given are false, lists are empty. */
export type InquiryInit = Partial<Inquiry> &
  Pick<Inquiry, 'qualifier' | 'deviceType' | 'version' | 'vendor' | 'product' | 'revision'>

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
export function inquiry(options: InquiryOptions = {}): TypedCommand<Inquiry> {
  const allocationLength = checkUint(
    'allocationLength',
    options.allocationLength ?? STANDARD_INQUIRY_LENGTH,
    0xffff,
    STANDARD_INQUIRY_LENGTH,
  )
  return {
    cdb: inquiryCdb(allocationLength),
    dataInLength: allocationLength,
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
    ...readFlags(data, FLAGS),
    qualifier: data[0]! >> 5,
    deviceType: data[0]! & 0x1f,
    version: data[2]!,
    targetPortGroups: (data[5]! >> 4) & 3,
    vendor: getAscii(data, 8, 8),
    product: getAscii(data, 16, 16),
    revision: getAscii(data, 32, 4),
    versionDescriptors: versionDescriptors(data.subarray(0, data[4]! + 5)),
  }
}

/** Standard INQUIRY data: 36 bytes, or 96 with version descriptors. Text that is too long is cut. */
export function encodeInquiry(inquiry: InquiryInit): Uint8Array {
  const versions = inquiry.versionDescriptors ?? []
  const data = new Uint8Array(versions.length === 0 ? STANDARD_INQUIRY_LENGTH : LONG_LENGTH)
  data[0] = (inquiry.qualifier << 5) | inquiry.deviceType
  data[2] = inquiry.version
  data[3] = RESPONSE_DATA_FORMAT
  data[4] = data.length - 5
  data[5] = checkUint('targetPortGroups', inquiry.targetPortGroups ?? 0, 3) << 4
  writeFlags(data, FLAGS, inquiry)
  setAscii(data, 8, 8, inquiry.vendor)
  setAscii(data, 16, 16, inquiry.product)
  setAscii(data, 32, 4, inquiry.revision)
  checkUint('versionDescriptors.length', versions.length, VERSIONS)
  versions.forEach((code, index) => {
    setUint16(data, VERSIONS_AT + 2 * index, checkUint('version descriptor', code, 0xffff))
  })
  return data
}

const FLAGS = {
  removable: [1, 7],
  conglomerate: [1, 6],
  normalAca: [3, 5],
  hierarchical: [3, 4],
  storageArrayController: [5, 7],
  thirdPartyCopy: [5, 3],
  protect: [5, 0],
  enclosureServices: [6, 6],
  multiPort: [6, 4],
  commandQueue: [7, 1],
} as const satisfies Record<string, Flag>

/** The only RESPONSE DATA FORMAT since SPC-2. */
const RESPONSE_DATA_FORMAT = 2
const LONG_LENGTH = 96
const VERSIONS_AT = 58
const VERSIONS = 8

/** Those that are within `data`; 0000h is none. */
function versionDescriptors(data: Uint8Array): number[] {
  const codes: number[] = []
  const end = Math.min(data.length, VERSIONS_AT + 2 * VERSIONS)
  for (let at = VERSIONS_AT; at + 2 <= end; at += 2) {
    const code = getUint16(data, at)
    if (code !== 0) codes.push(code)
  }
  return codes
}
