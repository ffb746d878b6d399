/** Vital product data: the pages' frame, supported pages, serial number, identification (SPC-4 7.8). */

import { badResponse, checkUint, getAscii, getUint16, needBytes, setUint16 } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type Designator, parseDesignators } from './designator.ts'
import { inquiryCdb } from './inquiry.ts'

export {
  Association,
  CodeSet,
  type Designator,
  DesignatorType,
  designatorText,
  encodeDesignators,
} from './designator.ts'

/** Page codes (SPC-4 7.8, SBC-4 6.6, ZBC clause 6). */
export const VpdPage = {
  SUPPORTED_PAGES: 0x00,
  UNIT_SERIAL_NUMBER: 0x80,
  DEVICE_IDENTIFICATION: 0x83,
  EXTENDED_INQUIRY: 0x86,
  MODE_PAGE_POLICY: 0x87,
  BLOCK_LIMITS: 0xb0,
  BLOCK_DEVICE_CHARACTERISTICS: 0xb1,
  LOGICAL_BLOCK_PROVISIONING: 0xb2,
  ZONED_BLOCK_DEVICE_CHARACTERISTICS: 0xb6,
} as const
export type VpdPage = (typeof VpdPage)[keyof typeof VpdPage]

/** What every page's builder takes. */
export interface VpdOptions {
  /** Room for the page, 4 to 65,535 bytes. Default: 1024, more than any page of this package's units. */
  readonly allocationLength?: number
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

function vpdBody(page: number, data: Uint8Array): Uint8Array {
  const name = `VPD page ${page.toString(16).padStart(2, '0')}h`
  needBytes(name, data, 4)
  if (data[1] !== page) throw badResponse(`${name}: page ${data[1]!.toString(16)}h came instead`)
  const end = 4 + getUint16(data, 2)
  needBytes(name, data, end)
  return data.slice(4, end)
}
