/**
 * REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-4 6.36): which functions a unit has, and how long they take.
 *
 *     0   ATS ATSS CACAS CTSS LURS QTS          8..11   long timeout
 *     1   QAES QTSS ITNRS                       12..15  short timeout
 *     3   ADDITIONAL DATA LENGTH (n-3)
 *     4   TMFTMOV
 *     6,7 which functions have the short timeout, as in 0 and 1
 */

import { checkUint, getUint32, needBytes, setUint32 } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type Flag, readFlags, writeFlags } from './flags.ts'
import { MaintenanceIn, Opcode } from './opcode.ts'

/** One value for each task management function (SAM-5 7.1). */
export interface OfEachFunction {
  readonly abortTask: boolean
  readonly abortTaskSet: boolean
  readonly clearAca: boolean
  readonly clearTaskSet: boolean
  readonly logicalUnitReset: boolean
  readonly queryTask: boolean
  readonly queryAsynchronousEvent: boolean
  readonly queryTaskSet: boolean
  readonly iTNexusReset: boolean
}

/** How long functions take, in tenths of a second. */
export interface FunctionTimeouts {
  readonly long: number
  readonly short: number
  /** Which functions have the short one. */
  readonly shortFor: OfEachFunction
}

export interface SupportedFunctions {
  readonly supported: OfEachFunction
  /** Undefined unless asked for (REPD), given, and valid (TMFTMOV). */
  readonly timeouts: FunctionTimeouts | undefined
}

export interface SupportedFunctionsOptions {
  /** REPD: ask for timeouts, too. Default: false. */
  readonly timeouts?: boolean
}

const REPD = 0x80
const TMFTMOV = 0x01
const SHORT = 4
const LONG = 16
const FLAGS: Readonly<Record<keyof OfEachFunction, Flag>> = {
  abortTask: [0, 7],
  abortTaskSet: [0, 6],
  clearAca: [0, 5],
  clearTaskSet: [0, 4],
  logicalUnitReset: [0, 3],
  queryTask: [0, 2],
  queryAsynchronousEvent: [1, 2],
  queryTaskSet: [1, 1],
  iTNexusReset: [1, 0],
}

/** REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS. */
export function reportSupportedFunctions(
  options: SupportedFunctionsOptions = {},
): TypedCommand<SupportedFunctions> {
  const cdb = new Uint8Array(12)
  cdb[0] = Opcode.MAINTENANCE_IN
  cdb[1] = MaintenanceIn.REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS
  cdb[2] = options.timeouts === true ? REPD : 0
  const dataInLength = options.timeouts === true ? LONG : SHORT
  setUint32(cdb, 6, dataInLength)
  return { cdb, dataInLength, parse: parseFunctions }
}

/** The data: 16 bytes with timeouts, 4 without. */
export function encodeSupportedFunctions(functions: SupportedFunctions): Uint8Array {
  const { supported, timeouts } = functions
  const data = new Uint8Array(timeouts === undefined ? SHORT : LONG)
  writeFlags(data, FLAGS, supported)
  data[3] = data.length - SHORT
  if (timeouts !== undefined) {
    data[4] = TMFTMOV
    writeFlags(data.subarray(6), FLAGS, timeouts.shortFor)
    setUint32(data, 8, checkUint('long', timeouts.long, 0xffff_ffff))
    setUint32(data, 12, checkUint('short', timeouts.short, 0xffff_ffff))
  }
  return data
}

function parseFunctions(data: Uint8Array): SupportedFunctions {
  needBytes('supported task management functions', data, SHORT)
  const more = data[3]! >= LONG - SHORT && data.length > SHORT
  if (more) needBytes('supported task management functions', data, LONG)
  return {
    supported: readFlags(data, FLAGS),
    timeouts:
      more && (data[4]! & TMFTMOV) !== 0
        ? {
            long: getUint32(data, 8),
            short: getUint32(data, 12),
            shortFor: readFlags(data.subarray(6), FLAGS),
          }
        : undefined,
  }
}
