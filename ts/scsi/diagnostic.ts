/**
 * SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS (SPC-4 6.42, 6.28), and the header of their pages (SPC-4 7.2.1): self-tests of any device,
 * and pages, of which enclosures have most (`ses`).
 *
 *     RECEIVE DIAGNOSTIC RESULTS  1: PCV 0                                            2: PAGE CODE   3,4: ALLOCATION LENGTH
 *     SEND DIAGNOSTIC             1: SELF-TEST CODE 7..5, PF 4, SELFTEST 2,                          3,4: PARAMETER LIST LENGTH
 *                                    DEVOFFL 1, UNITOFFL 0
 *     a page                      0: PAGE CODE   1: page specific                     2,3: PAGE LENGTH (n-3)
 */

import { badResponse, checkUint, getUint16, needBytes, setUint16 } from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'

/** SELF-TEST CODE (SPC-4 6.42); the default self-test is a bit of its own. */
export const SelfTest = {
  DEFAULT: 0,
  BACKGROUND_SHORT: 1,
  BACKGROUND_EXTENDED: 2,
  ABORT_BACKGROUND: 4,
  FOREGROUND_SHORT: 5,
  FOREGROUND_EXTENDED: 6,
} as const
export type SelfTest = (typeof SelfTest)[keyof typeof SelfTest]

export interface SelfTestOptions {
  /** Default: the default self-test, by SELFTEST. */
  readonly test?: SelfTest
  /** DEVOFFL, UNITOFFL: it may affect other units, or what the unit is used for. Default: false. */
  readonly deviceOffline?: boolean
  readonly unitOffline?: boolean
}

export interface DiagnosticOptions {
  /** Room for the page, 4 to 65,535 bytes. Default: 4096; the smallest nexus moves as much. A longer page is refused. */
  readonly allocationLength?: number
}

const SUPPORTED_DIAGNOSTIC_PAGES = 0x00
const HEADER = 4
const ALLOCATION_LENGTH = 4096
const PCV = 0x01
const PF = 0x10
const SELFTEST = 0x04
const DEVOFFL = 0x02
const UNITOFFL = 0x01

/** SEND DIAGNOSTIC for a self-test. One in the foreground is over when the command is, and ends in HARDWARE ERROR where it fails. */
export function sendSelfTest(options: SelfTestOptions = {}): TypedCommand<void> {
  const { test = SelfTest.DEFAULT, deviceOffline = false, unitOffline = false } = options
  const code = checkUint('test', test, 7)
  const flags =
    (code << 5) |
    (code === SelfTest.DEFAULT ? SELFTEST : 0) |
    (deviceOffline ? DEVOFFL : 0) |
    (unitOffline ? UNITOFFL : 0)
  const cdb = Uint8Array.of(Opcode.SEND_DIAGNOSTIC, flags, 0, 0, 0, 0)
  return { cdb, dataInLength: 0, parse: parseNothing }
}

/** SEND DIAGNOSTIC with PF: a page, with its header. */
export function sendDiagnosticPage(page: Uint8Array): TypedCommand<void> {
  const cdb = Uint8Array.of(Opcode.SEND_DIAGNOSTIC, PF, 0, 0, 0, 0)
  setUint16(cdb, 3, checkUint('page.length', page.length, 0xffff))
  return { cdb, dataInLength: 0, dataOut: page, parse: parseNothing }
}

/** A diagnostic page with its header. */
export function encodeDiagnosticPage(page: number, body: Uint8Array, specific = 0): Uint8Array {
  const data = new Uint8Array(HEADER + body.length)
  data[0] = checkUint('page', page, 0xff)
  data[1] = checkUint('specific', specific, 0xff)
  setUint16(data, 2, checkUint('body.length', body.length, 0xffff))
  data.set(body, HEADER)
  return data
}

/** RECEIVE DIAGNOSTIC RESULTS for the supported diagnostic pages: their codes. */
export function supportedDiagnosticPages(
  options: DiagnosticOptions = {},
): TypedCommand<readonly number[]> {
  const codes = (data: Uint8Array) => Array.from(data.subarray(HEADER))
  return receiveDiagnosticPage(SUPPORTED_DIAGNOSTIC_PAGES, codes, options)
}

/** RECEIVE DIAGNOSTIC RESULTS for any page; `parse` gets it whole, with its header, and cut to its length. */
export function receiveDiagnosticPage<T>(
  page: number,
  parse: (data: Uint8Array) => T,
  options: DiagnosticOptions = {},
): TypedCommand<T> {
  const { allocationLength = ALLOCATION_LENGTH } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xffff, HEADER)
  const cdb = Uint8Array.of(Opcode.RECEIVE_DIAGNOSTIC_RESULTS, PCV, 0, 0, 0, 0)
  cdb[2] = checkUint('page', page, 0xff)
  setUint16(cdb, 3, dataInLength)
  return { cdb, dataInLength, parse: (data) => parse(pageOf(data, page, dataInLength)) }
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
