/**
 * LOG SENSE, and the pages that it returns (SPC-4 6.8, 7.3).
 *
 *     page                              parameter
 *     0     DS | SPF | PAGE CODE        0,1   PARAMETER CODE
 *     1     SUBPAGE CODE                2     DU TSD ETC TMC | FORMAT AND LINKING
 *     2,3   PAGE LENGTH (n-3)           3     PARAMETER LENGTH (n-3)
 *     4..   parameters                  4..n  PARAMETER VALUE
 */

import { badResponse, checkUint, getUint16, needBytes, setUint16 } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'

/** Log page codes (SPC-4 7.3.1); 30h to 3Eh are vendor specific. */
export const LogPageCode = { SUPPORTED_PAGES: 0x00, PROTOCOL_SPECIFIC_PORT: 0x18 } as const
export type LogPageCode = (typeof LogPageCode)[keyof typeof LogPageCode]

/** PC: which values of data counters are meant; list parameters have but one (SPC-4 6.7.1). */
export const LogPageControl = {
  THRESHOLD: 0,
  CUMULATIVE: 1,
  DEFAULT_THRESHOLD: 2,
  DEFAULT_CUMULATIVE: 3,
} as const
export type LogPageControl = (typeof LogPageControl)[keyof typeof LogPageControl]

export interface LogSenseOptions {
  /** 0 to 3Fh. */
  readonly page: number
  /** Default: 0. */
  readonly subpage?: number
  /** Default: the cumulative values. */
  readonly control?: LogPageControl
  /** The lowest parameter code that is wanted. Default: 0, which is all. */
  readonly parameterPointer?: number
  /** Room for the page, 4 to 65,535 bytes. Default: 4096; the smallest nexus moves as much. */
  readonly allocationLength?: number
}

/** A log parameter (SPC-4 7.3.2.2). */
export interface LogParameter {
  readonly code: number
  /** The parameter control byte. */
  readonly control: number
  /** At most 255 bytes. */
  readonly value: Uint8Array
}

/** A log page (SPC-4 7.3.2.1). */
export interface LogPage {
  readonly page: number
  readonly subpage: number
  /** In ascending order of their codes. */
  readonly parameters: readonly LogParameter[]
}

/** The control byte of a binary format list parameter that is never saved (SPC-4 7.3.2.2.2.5): TSD, and 11b for the format. */
export const BINARY_LIST = 0x23

const HEADER = 4
const PARAMETER_HEADER = 4
const ALLOCATION_LENGTH = 4096
const DS = 0x80
const SPF = 0x40

/** LOG SENSE for a page of parameters. */
export function logSense(options: LogSenseOptions): TypedCommand<LogPage> {
  const { page, subpage = 0 } = options
  return logCommand(options, (data) => parseLogPage(data, page, subpage))
}

/** LOG SENSE for the supported log pages page (SPC-4 7.3.18): the page codes, in the device's order, which shall be ascending. */
export function supportedLogPages(): TypedCommand<readonly number[]> {
  const page = LogPageCode.SUPPORTED_PAGES
  return logCommand({ page }, (data) => Array.from(logBody(data, page, 0), (byte) => byte & 0x3f))
}

/** A page of parameters, which stand in ascending order and are never saved (DS). */
export function encodeLogPage(page: number, parameters: readonly LogParameter[]): Uint8Array {
  const length = parameters.reduce((sum, { value }) => sum + PARAMETER_HEADER + value.length, 0)
  const data = pageOf(DS | page, length)
  let at = HEADER
  for (const { code, control, value } of parameters) {
    setUint16(data, at, code)
    data[at + 2] = control
    data[at + 3] = checkUint('value.length', value.length, 0xff)
    data.set(value, at + PARAMETER_HEADER)
    at += PARAMETER_HEADER + value.length
  }
  return data
}

/** The supported log pages page, of page codes in ascending order. */
export function encodeSupportedLogPages(pages: readonly number[]): Uint8Array {
  const data = pageOf(LogPageCode.SUPPORTED_PAGES, pages.length)
  data.set(pages, HEADER)
  return data
}

function logCommand<T>(options: LogSenseOptions, parse: (data: Uint8Array) => T): TypedCommand<T> {
  const { page, subpage = 0, control = LogPageControl.CUMULATIVE, parameterPointer = 0 } = options
  const { allocationLength = ALLOCATION_LENGTH } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xffff, HEADER)
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.LOG_SENSE
  cdb[2] = (checkUint('control', control, 3) << 6) | checkUint('page', page, 0x3f)
  cdb[3] = checkUint('subpage', subpage, 0xff)
  setUint16(cdb, 5, checkUint('parameterPointer', parameterPointer, 0xffff))
  setUint16(cdb, 7, dataInLength)
  return { cdb, dataInLength, parse }
}

function parseLogPage(data: Uint8Array, page: number, subpage: number): LogPage {
  const body = logBody(data, page, subpage)
  const parameters: LogParameter[] = []
  for (let at = 0; at < body.length; ) {
    needBytes('log parameters', body, at + PARAMETER_HEADER)
    const start = at + PARAMETER_HEADER
    const end = start + body[at + 3]!
    needBytes('log parameters', body, end)
    const value = body.slice(start, end)
    parameters.push({ code: getUint16(body, at), control: body[at + 2]!, value })
    at = end
  }
  return { page, subpage, parameters }
}

/** What follows the header of the page that was asked for. */
function logBody(data: Uint8Array, page: number, subpage: number): Uint8Array {
  needBytes('a log page', data, HEADER)
  const came = data[0]! & 0x3f
  const sub = (data[0]! & SPF) === 0 ? 0 : data[1]!
  if (came !== page || sub !== subpage) {
    throw badResponse(
      `log page ${hex(page)} ${hex(subpage)}: ${hex(came)} ${hex(sub)} came instead`,
    )
  }
  const end = HEADER + getUint16(data, 2)
  needBytes(`log page ${hex(page)}`, data, end)
  return data.subarray(HEADER, end)
}

function pageOf(first: number, length: number): Uint8Array {
  const data = new Uint8Array(HEADER + length)
  data[0] = first
  setUint16(data, 2, checkUint('the length of a log page', length, 0xffff))
  return data
}

function hex(byte: number): string {
  return `${byte.toString(16).padStart(2, '0')}h`
}
