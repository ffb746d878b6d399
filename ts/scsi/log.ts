/**
 * LOG SENSE and LOG SELECT, and the pages that both carry (SPC-4 6.7, 6.8, 7.3).
 *
 *     page                              parameter
 *     0     DS | SPF | PAGE CODE        0,1   PARAMETER CODE
 *     1     SUBPAGE CODE                2     DU TSD ETC TMC | FORMAT AND LINKING
 *     2,3   PAGE LENGTH (n-3)           3     PARAMETER LENGTH (n-3)
 *     4..   parameters                  4..n  PARAMETER VALUE
 */

import { badResponse, checkUint, getUint16, needBytes, setUint16 } from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
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

/** A page and its subpage. */
export interface LogPageName {
  readonly page: number
  readonly subpage: number
}

export interface LogSelectOptions {
  /** Which values are set. Default: the cumulative values. */
  readonly control?: LogPageControl
  /** PCR: every parameter that can be, of these values, goes back to its default; then without `pages`. Default: false. */
  readonly reset?: boolean
  /** SP: they are saved, too. Default: false. */
  readonly save?: boolean
  /** Pages in ascending order of their codes. Default: none, and with it no parameter list. */
  readonly pages?: readonly LogPage[]
  /** Of PCR: only this page's; all pages' otherwise (SPC-4 6.7). */
  readonly only?: LogPageName
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
/** The same, of an ASCII format list parameter (SPC-4 7.3.2.2.2.4). */
export const ASCII_LIST = 0x21
/** That of a data counter that is never saved, and goes on when another one is full: unbounded, or bounded all the same (SPC-4 7.3.2.2.2.2). */
export const DATA_COUNTER = 0x22

const HEADER = 4
const PARAMETER_HEADER = 4
const ALLOCATION_LENGTH = 4096
const DS = 0x80
const SPF = 0x40
const PCR = 0x02
const SP = 0x01
const ALL_SUBPAGES = 0xff

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

/** LOG SENSE for the supported log pages and subpages page (SPC-4 7.3.19). */
export function supportedLogSubpages(): TypedCommand<readonly LogPageName[]> {
  const page = LogPageCode.SUPPORTED_PAGES
  return logCommand({ page, subpage: ALL_SUBPAGES }, (data) => {
    const body = logBody(data, page, ALL_SUBPAGES)
    return Array.from({ length: body.length >> 1 }, (_, index) => ({
      page: body[2 * index]! & 0x3f,
      subpage: body[2 * index + 1]!,
    }))
  })
}

/** LOG SELECT (SPC-4 6.7): sets parameters, or all of them back. */
export function logSelect(options: LogSelectOptions): TypedCommand<void> {
  const { control = LogPageControl.CUMULATIVE, pages = [], only } = options
  const encoded = pages.map(({ page, subpage, parameters }) => {
    const bytes = encodeLogPage(page, parameters, subpage)
    // DS is reserved in LOG SELECT.
    bytes[0]! &= ~DS
    return bytes
  })
  const dataOut = new Uint8Array(Buffer.concat(encoded))
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.LOG_SELECT
  cdb[1] = (options.reset === true ? PCR : 0) | (options.save === true ? SP : 0)
  cdb[2] = (checkUint('control', control, 3) << 6) | checkUint('page', only?.page ?? 0, 0x3f)
  cdb[3] = checkUint('subpage', only?.subpage ?? 0, 0xff)
  setUint16(cdb, 7, checkUint('the length of the parameter list', dataOut.length, 0xffff))
  return { cdb, ...(dataOut.length > 0 && { dataOut }), dataInLength: 0, parse: parseNothing }
}

/** A page of parameters, which stand in ascending order and are never saved (DS). */
export function encodeLogPage(
  page: number,
  parameters: readonly LogParameter[],
  subpage = 0,
): Uint8Array {
  const length = parameters.reduce((sum, { value }) => sum + PARAMETER_HEADER + value.length, 0)
  const data = pageOf(DS | (subpage === 0 ? 0 : SPF) | page, length)
  data[1] = subpage
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

/** The supported log pages and subpages page, of pages in ascending order. */
export function encodeSupportedLogSubpages(pages: readonly LogPageName[]): Uint8Array {
  const data = pageOf(SPF | LogPageCode.SUPPORTED_PAGES, 2 * pages.length)
  data[1] = ALL_SUBPAGES
  for (const [index, { page, subpage }] of pages.entries()) {
    data.set([page, subpage], HEADER + 2 * index)
  }
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
