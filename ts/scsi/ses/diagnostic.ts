/**
 * RECEIVE DIAGNOSTIC RESULTS and SEND DIAGNOSTIC (SPC-4 6.28, 6.42), and the header of their pages (SPC-4 7.2.1).
 *
 *     RECEIVE DIAGNOSTIC RESULTS  1: PCV 0                               2: PAGE CODE   3,4: ALLOCATION LENGTH
 *     SEND DIAGNOSTIC             1: SELF-TEST CODE 7..5, PF 4                          3,4: PARAMETER LIST LENGTH
 *     a page                      0: PAGE CODE   1: page specific        2,3: PAGE LENGTH (n-3)
 */

import { badResponse, checkUint, getUint16, getUint32, needBytes, setUint16 } from '../bytes.ts'
import { parseNothing, type TypedCommand } from '../command.ts'

export const Opcode = { RECEIVE_DIAGNOSTIC_RESULTS: 0x1c, SEND_DIAGNOSTIC: 0x1d } as const

/** Diagnostic pages (SPC-4 7.2, SES-3 6.1). */
export const DiagnosticPage = {
  SUPPORTED_DIAGNOSTIC_PAGES: 0x00,
  CONFIGURATION: 0x01,
  ENCLOSURE_STATUS: 0x02,
  HELP_TEXT: 0x03,
  STRING: 0x04,
  THRESHOLD: 0x05,
  ELEMENT_DESCRIPTOR: 0x07,
  SHORT_ENCLOSURE_STATUS: 0x08,
  ENCLOSURE_BUSY: 0x09,
  ADDITIONAL_ELEMENT_STATUS: 0x0a,
  SUBENCLOSURE_HELP_TEXT: 0x0b,
  SUBENCLOSURE_STRING: 0x0c,
  SUPPORTED_SES_DIAGNOSTIC_PAGES: 0x0d,
  DOWNLOAD_MICROCODE: 0x0e,
  SUBENCLOSURE_NICKNAME: 0x0f,
} as const
export type DiagnosticPage = (typeof DiagnosticPage)[keyof typeof DiagnosticPage]

export interface DiagnosticOptions {
  /** Room for the page, 4 to 65,535 bytes. Default: 4096; the smallest nexus moves as much. A longer page is refused. */
  readonly allocationLength?: number
}

const HEADER = 4
const ALLOCATION_LENGTH = 4096

/** RECEIVE DIAGNOSTIC RESULTS for the supported diagnostic pages: their codes. */
export function supportedDiagnosticPages(
  options: DiagnosticOptions = {},
): TypedCommand<readonly number[]> {
  const page = DiagnosticPage.SUPPORTED_DIAGNOSTIC_PAGES
  return receiveDiagnosticPage(page, (data) => Array.from(data.subarray(HEADER)), options)
}

/** RECEIVE DIAGNOSTIC RESULTS for any page; `parse` gets it whole, with its header, and cut to its length. */
export function receiveDiagnosticPage<T>(
  page: number,
  parse: (data: Uint8Array) => T,
  options: DiagnosticOptions = {},
): TypedCommand<T> {
  const { allocationLength = ALLOCATION_LENGTH } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xffff, HEADER)
  const cdb = Uint8Array.of(Opcode.RECEIVE_DIAGNOSTIC_RESULTS, 1, 0, 0, 0, 0)
  cdb[2] = checkUint('page', page, 0xff)
  setUint16(cdb, 3, dataInLength)
  return { cdb, dataInLength, parse: (data) => parse(pageOf(data, page, dataInLength)) }
}

/** SEND DIAGNOSTIC with PF: a page, with its header. */
export function sendDiagnosticPage(page: Uint8Array): TypedCommand<void> {
  const cdb = Uint8Array.of(Opcode.SEND_DIAGNOSTIC, 0x10, 0, 0, 0, 0)
  setUint16(cdb, 3, checkUint('page.length', page.length, 0xffff))
  return { cdb, dataInLength: 0, dataOut: page, parse: parseNothing }
}

/** GENERATION CODE, which SES pages have behind their header; a page that does not fit the configuration is refused. */
export function checkGeneration(page: Uint8Array, generation: number): void {
  needBytes('a SES page', page, 8)
  const came = getUint32(page, 4)
  if (came === generation) return
  throw badResponse(`SES page: of generation ${came}, the configuration is of ${generation}`)
}

function pageOf(data: Uint8Array, page: number, allocationLength: number): Uint8Array {
  const what = `diagnostic page ${hex(page)}`
  needBytes(what, data, HEADER)
  if (data[0] !== page) throw badResponse(`${what}: ${hex(data[0]!)} came instead`)
  const end = HEADER + getUint16(data, 2)
  if (end > allocationLength) {
    throw badResponse(
      `${what} has ${end} bytes: an allocationLength of ${allocationLength} is short`,
    )
  }
  needBytes(what, data, end)
  return data.subarray(0, end)
}

function hex(byte: number): string {
  return `${byte.toString(16).padStart(2, '0')}h`
}
