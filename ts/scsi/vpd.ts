/** Vital product data: the pages' frame, supported pages, serial number, identification (SPC-4 7.8). */

import { badResponse, checkUint, getAscii, getUint16, needBytes, setUint16 } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { inquiryCdb } from './inquiry.ts'

/** Page codes (SPC-4 7.8, SBC-3 6.6). */
export const VpdPage = {
  SUPPORTED_PAGES: 0x00,
  UNIT_SERIAL_NUMBER: 0x80,
  DEVICE_IDENTIFICATION: 0x83,
  EXTENDED_INQUIRY: 0x86,
  BLOCK_LIMITS: 0xb0,
  BLOCK_DEVICE_CHARACTERISTICS: 0xb1,
} as const
export type VpdPage = (typeof VpdPage)[keyof typeof VpdPage]

/** What every page's builder takes. */
export interface VpdOptions {
  /** Room for the page, 4 to 65,535 bytes. Default: 1024, more than any page of this package's units. */
  readonly allocationLength?: number
}

/** CODE SET of a designator. */
export const CodeSet = { BINARY: 1, ASCII: 2, UTF8: 3 } as const

/** What a designator names. */
export const Association = { LOGICAL_UNIT: 0, TARGET_PORT: 1, TARGET_DEVICE: 2 } as const

/** DESIGNATOR TYPE. */
export const DesignatorType = {
  VENDOR_SPECIFIC: 0,
  T10_VENDOR_ID: 1,
  EUI64: 2,
  NAA: 3,
  RELATIVE_TARGET_PORT: 4,
  TARGET_PORT_GROUP: 5,
  LOGICAL_UNIT_GROUP: 6,
  MD5: 7,
  SCSI_NAME: 8,
  PROTOCOL_SPECIFIC_PORT: 9,
  UUID: 10,
} as const

/** A designation descriptor. */
export interface Designator {
  readonly association: number
  readonly type: number
  readonly codeSet: number
  /** PROTOCOL IDENTIFIER where it is valid (PIV), which it is for target ports and target devices only. */
  readonly protocol: number | undefined
  readonly designator: Uint8Array
}

/** Supported VPD pages (00h): their codes in the device's order, which shall be ascending. */
export function vpdSupportedPages(options?: VpdOptions): TypedCommand<readonly number[]> {
  return vpdCommand(VpdPage.SUPPORTED_PAGES, (body) => Array.from(body), options)
}

/** Unit serial number (80h), without padding. */
export function vpdUnitSerialNumber(options?: VpdOptions): TypedCommand<string> {
  return vpdCommand(
    VpdPage.UNIT_SERIAL_NUMBER,
    (body) => getAscii(body, 0, body.length).trimStart(),
    options,
  )
}

/** Device identification (83h): all designators, in the device's order. */
export function vpdDeviceIdentification(options?: VpdOptions): TypedCommand<readonly Designator[]> {
  return vpdCommand(VpdPage.DEVICE_IDENTIFICATION, parseDesignators, options)
}

/** INQUIRY for one page, with the parser of what follows the page's four-byte header. */
export function vpdCommand<T>(
  page: number,
  parseBody: (body: Uint8Array) => T,
  options: VpdOptions = {},
): TypedCommand<T> {
  const allocationLength = checkUint(
    'allocationLength',
    options.allocationLength ?? 1024,
    0xffff,
    4,
  )
  return {
    cdb: inquiryCdb(allocationLength, page),
    dataInLength: allocationLength,
    parse: (data) => parseBody(vpdBody(page, data)),
  }
}

/** A page: header and body. `peripheral` is byte 0 of the standard INQUIRY data. */
export function encodeVpd(peripheral: number, page: number, body: Uint8Array): Uint8Array {
  const data = new Uint8Array(4 + body.length)
  data[0] = peripheral
  data[1] = page
  setUint16(data, 2, body.length)
  data.set(body, 4)
  return data
}

/** The body of the device identification page. */
export function encodeDesignators(designators: readonly Designator[]): Uint8Array {
  const bytes: number[] = []
  for (const one of designators) {
    bytes.push(
      ((one.protocol ?? 0) << 4) | one.codeSet,
      (one.protocol === undefined ? 0 : 0x80) | (one.association << 4) | one.type,
      0,
      checkUint('designator.length', one.designator.length, 0xff),
      ...one.designator,
    )
  }
  return Uint8Array.from(bytes)
}

function vpdBody(page: number, data: Uint8Array): Uint8Array {
  const name = `VPD page ${page.toString(16).padStart(2, '0')}h`
  needBytes(name, data, 4)
  if (data[1] !== page) throw badResponse(`${name}: page ${data[1]!.toString(16)}h came instead`)
  const end = 4 + getUint16(data, 2)
  needBytes(name, data, end)
  return data.slice(4, end)
}

function parseDesignators(body: Uint8Array): readonly Designator[] {
  const designators: Designator[] = []
  for (let at = 0; at < body.length; ) {
    const end = at + 4 + (body[at + 3] ?? 0)
    needBytes('designation descriptors', body, end)
    designators.push({
      association: (body[at + 1]! >> 4) & 3,
      type: body[at + 1]! & 0xf,
      codeSet: body[at]! & 0xf,
      protocol: (body[at + 1]! & 0x80) === 0 ? undefined : body[at]! >> 4,
      designator: body.slice(at + 4, end),
    })
    at = end
  }
  return designators
}
