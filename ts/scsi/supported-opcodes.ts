/**
 * REPORT SUPPORTED OPERATION CODES (SPC-4 6.35, with MLU and CDLP of SPC-5): which commands a unit has, which bits of their CDBs count,
 * and how long they take.
 *
 *     all                                  one
 *     0..3  length of the list             0      RWCDLP
 *     each command:                        1      CTDP | MLU | CDLP | SUPPORT
 *     0     OPERATION CODE                 2,3    CDB SIZE (n-3)
 *     2,3   SERVICE ACTION                 4..n   usage data: the opcode, then the bits that count
 *     5     RWCDLP MLU CDLP CTDP SERVACTV  n+1..  timeouts, if CTDP
 *     6,7   CDB LENGTH
 *     8..19 timeouts, if CTDP
 */

import {
  badResponse,
  checkUint,
  getUint16,
  getUint32,
  needBytes,
  setUint16,
  setUint32,
} from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { MaintenanceIn, Opcode } from './opcode.ts'

/** How long a command may take, in seconds; 0 where that is not reported. */
export interface CommandTimeouts {
  /** What it means is the command's own matter. */
  readonly commandSpecific: number
  /** NOMINAL COMMAND PROCESSING TIMEOUT: from then on somebody may ask how it goes. */
  readonly nominal: number
  /** RECOMMENDED COMMAND TIMEOUT: from then on it may be given up. */
  readonly recommended: number
}

/** What both forms say of a command. */
export interface CommandTraits {
  /** CDLP, with RWCDLP as its bit 2: which mode page holds the command's duration limits; 0 is none. */
  readonly durationLimitPage: number
  /** MLU: whether it acts on several logical units; 0 is not reported. */
  readonly multipleUnits: number
  /** Undefined unless asked for (RCTD) and given. */
  readonly timeouts: CommandTimeouts | undefined
}

/** A command of the list of all. */
export interface SupportedCommand extends CommandTraits {
  readonly opcode: number
  /** Undefined for commands without service actions. */
  readonly serviceAction: number | undefined
  /** Bytes. */
  readonly cdbLength: number
}

/** SUPPORT: 1 no, 3 as its standard says, 5 in the vendor's way, 0 ask later. */
export const Support = { NOT_NOW: 0, NONE: 1, STANDARD: 3, VENDOR: 5 } as const
export type Support = (typeof Support)[keyof typeof Support]

/** The answer for one command. */
export interface CommandSupport extends CommandTraits {
  /** A `Support`. */
  readonly support: number
  /** CDB USAGE DATA: the opcode, and where it has one the service action, as they are; of all other bits, which ones count. Empty where there is no support. */
  readonly usage: Uint8Array
}

export interface SupportedOpcodesOptions {
  /** RCTD: ask for timeouts, too. Default: false. */
  readonly timeouts?: boolean
  /** Room for the list, 4 bytes at least. Default: 4096, for 204 commands with timeouts. */
  readonly allocationLength?: number
}

export interface SupportedOpcodeOptions extends SupportedOpcodesOptions {
  readonly opcode: number
  /** With it the device must have the opcode in that service action; without, as one that has none. */
  readonly serviceAction?: number
  /** The device takes the service action only where the opcode has any (REPORTING OPTIONS 3, SPC-4). Default: false. */
  readonly lenient?: boolean
}

/** Every command that is supported. */
export interface SupportedCommands {
  readonly commands: readonly SupportedCommand[]
  /** Bytes of the list that the allocation length had no room for. */
  readonly missing: number
}

const Reporting = { ALL: 0, OPCODE: 1, SERVICE_ACTION: 2, EITHER: 3 } as const
const RCTD = 0x80
const CTDP_IN_ALL = 0x02
const SERVACTV = 0x01
const CTDP_IN_ONE = 0x80
const DESCRIPTOR = 8
const TIMEOUTS = 12
const ALLOCATION_LENGTH = 4096

/** REPORT SUPPORTED OPERATION CODES for all commands. */
export function reportSupportedOpcodes(
  options: SupportedOpcodesOptions = {},
): TypedCommand<SupportedCommands> {
  const { cdb, dataInLength } = report(Reporting.ALL, options)
  return { cdb, dataInLength, parse: parseAll }
}

/** REPORT SUPPORTED OPERATION CODES for one command. */
export function reportSupportedOpcode(
  options: SupportedOpcodeOptions,
): TypedCommand<CommandSupport> {
  const { opcode, serviceAction, lenient = false } = options
  const withAction = lenient ? Reporting.EITHER : Reporting.SERVICE_ACTION
  const reporting = serviceAction === undefined ? Reporting.OPCODE : withAction
  const { cdb, dataInLength } = report(reporting, options)
  cdb[3] = checkUint('opcode', opcode, 0xff)
  setUint16(cdb, 4, checkUint('serviceAction', serviceAction ?? 0, 0xffff))
  return { cdb, dataInLength, parse: parseOne }
}

function report(reporting: number, options: SupportedOpcodesOptions) {
  const cdb = new Uint8Array(12)
  cdb[0] = Opcode.MAINTENANCE_IN
  cdb[1] = MaintenanceIn.REPORT_SUPPORTED_OPERATION_CODES
  cdb[2] = (options.timeouts === true ? RCTD : 0) | reporting
  const dataInLength = checkUint(
    'allocationLength',
    options.allocationLength ?? ALLOCATION_LENGTH,
    0xffff_ffff,
    4,
  )
  setUint32(cdb, 6, dataInLength)
  return { cdb, dataInLength }
}

/** The data for all commands: those with timeouts have them in it, so leave them out where RCTD is zero. */
export function encodeSupportedCommands(commands: readonly SupportedCommand[]): Uint8Array {
  const length = commands.reduce((sum, one) => sum + descriptorLength(one.timeouts), 0)
  const data = new Uint8Array(4 + length)
  setUint32(data, 0, length)
  let at = 4
  for (const one of commands) {
    data[at] = checkUint('opcode', one.opcode, 0xff)
    setUint16(data, at + 2, checkUint('serviceAction', one.serviceAction ?? 0, 0xffff))
    const { low, high } = durationLimit(one)
    data[at + 5] =
      (high << 6) |
      (checkUint('multipleUnits', one.multipleUnits, 3) << 4) |
      (low << 2) |
      (one.timeouts === undefined ? 0 : CTDP_IN_ALL) |
      (one.serviceAction === undefined ? 0 : SERVACTV)
    setUint16(data, at + 6, checkUint('cdbLength', one.cdbLength, 0xffff))
    if (one.timeouts !== undefined) setTimeouts(data, at + DESCRIPTOR, one.timeouts)
    at += descriptorLength(one.timeouts)
  }
  return data
}

/** The data for one command. */
export function encodeCommandSupport(support: CommandSupport): Uint8Array {
  const { usage, timeouts } = support
  const end = 4 + usage.length
  const data = new Uint8Array(end + (timeouts === undefined ? 0 : TIMEOUTS))
  const { low, high } = durationLimit(support)
  data[0] = high
  data[1] =
    (timeouts === undefined ? 0 : CTDP_IN_ONE) |
    (checkUint('multipleUnits', support.multipleUnits, 3) << 5) |
    (low << 3) |
    checkUint('support', support.support, 7)
  setUint16(data, 2, usage.length)
  data.set(usage, 4)
  if (timeouts !== undefined) setTimeouts(data, end, timeouts)
  return data
}

function parseAll(data: Uint8Array): SupportedCommands {
  needBytes('supported operation codes', data, 4)
  const end = 4 + getUint32(data, 0)
  const commands: SupportedCommand[] = []
  let at = 4
  while (at + DESCRIPTOR <= Math.min(end, data.length)) {
    const flags = data[at + 5]!
    const hasTimeouts = (flags & CTDP_IN_ALL) !== 0
    const next = at + DESCRIPTOR + (hasTimeouts ? TIMEOUTS : 0)
    if (next > end) throw badResponse('supported operation codes: timeouts end beyond the list')
    if (next > data.length) break
    commands.push({
      opcode: data[at]!,
      serviceAction: (flags & SERVACTV) === 0 ? undefined : getUint16(data, at + 2),
      cdbLength: getUint16(data, at + 6),
      durationLimitPage: ((flags >> 4) & 4) | ((flags >> 2) & 3),
      multipleUnits: (flags >> 4) & 3,
      timeouts: hasTimeouts ? timeoutsAt(data, at + DESCRIPTOR) : undefined,
    })
    at = next
  }
  return { commands, missing: end - at }
}

function parseOne(data: Uint8Array): CommandSupport {
  needBytes('support of an operation code', data, 4)
  const flags = data[1]!
  const end = 4 + getUint16(data, 2)
  const hasTimeouts = (flags & CTDP_IN_ONE) !== 0
  needBytes('support of an operation code', data, end + (hasTimeouts ? TIMEOUTS : 0))
  return {
    support: flags & 7,
    usage: data.slice(4, end),
    durationLimitPage: ((data[0]! & 1) << 2) | ((flags >> 3) & 3),
    multipleUnits: (flags >> 5) & 3,
    timeouts: hasTimeouts ? timeoutsAt(data, end) : undefined,
  }
}

function descriptorLength(timeouts: CommandTimeouts | undefined): number {
  return DESCRIPTOR + (timeouts === undefined ? 0 : TIMEOUTS)
}

/** CDLP has two bits, and RWCDLP, elsewhere, says which meaning they have. */
function durationLimit({ durationLimitPage }: CommandTraits): { low: number; high: number } {
  const page = checkUint('durationLimitPage', durationLimitPage, 7)
  return { low: page & 3, high: page >> 2 }
}

/** The command timeouts descriptor (SPC-4 6.35); its first two bytes are the length of the rest. */
function setTimeouts(data: Uint8Array, at: number, timeouts: CommandTimeouts): void {
  setUint16(data, at, TIMEOUTS - 2)
  data[at + 3] = checkUint('commandSpecific', timeouts.commandSpecific, 0xff)
  setUint32(data, at + 4, checkUint('nominal', timeouts.nominal, 0xffff_ffff))
  setUint32(data, at + 8, checkUint('recommended', timeouts.recommended, 0xffff_ffff))
}

function timeoutsAt(data: Uint8Array, at: number): CommandTimeouts {
  return {
    commandSpecific: data[at + 3]!,
    nominal: getUint32(data, at + 4),
    recommended: getUint32(data, at + 8),
  }
}
