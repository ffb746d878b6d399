/** Commands about the medium as a whole (SBC-3 5.3, 5.17, 5.24); START STOP UNIT has a file of its own. */

import { checkUint, getUint32, needBytes, setUint16, setUint32 } from './bytes.ts'
import { noData, parseNothing, type TypedCommand } from './command.ts'
import { Opcode, SanitizeAction } from './opcode.ts'

export interface FormatOptions {
  /** Answer before it is done: REQUEST SENSE tells how far it has come. Default: false. */
  readonly immed?: boolean
  /** What all blocks are filled with, 1 byte to a block. Default: what the device likes. */
  readonly pattern?: Uint8Array
}

/** FORMAT UNIT: **all that is on the medium is lost.** */
export function formatUnit({ immed = false, pattern }: FormatOptions = {}): TypedCommand<void> {
  const length = pattern === undefined ? 0 : checkUint('pattern.length', pattern.length, 0xffff, 1)
  const list = new Uint8Array(4 + (pattern === undefined ? 0 : 4 + length))
  // FOV and IP
  list[1] = (immed ? 0x02 : 0) | (pattern === undefined ? 0 : 0x88)
  if (pattern !== undefined) {
    list[5] = 1
    setUint16(list, 6, length)
    list.set(pattern, 8)
  }
  const cdb = Uint8Array.of(Opcode.FORMAT_UNIT, 0x10, 0, 0, 0, 0)
  return { cdb, dataInLength: 0, dataOut: list, parse: parseNothing }
}

export interface SanitizeOptions {
  /** Answer before it is done: REQUEST SENSE tells how far it has come. Default: false. */
  readonly immed?: boolean
  /** AUSE: if it fails, EXIT FAILURE MODE may make the medium usable again. Default: false. */
  readonly unrestrictedExit?: boolean
}

export interface OverwriteOptions extends SanitizeOptions {
  /** What all blocks are filled with, 1 byte to a block. */
  readonly pattern: Uint8Array
  /** Times, 1 to 31. Default: 1. */
  readonly passes?: number
  /** Every second pass writes the inverse. Default: false. */
  readonly invert?: boolean
}

/** SANITIZE, OVERWRITE: **all that is on the medium is lost.** */
export function sanitizeOverwrite(options: OverwriteOptions): TypedCommand<void> {
  const { pattern } = options
  const list = new Uint8Array(4 + pattern.length)
  list[0] = (options.invert === true ? 0x80 : 0) | checkUint('passes', options.passes ?? 1, 31, 1)
  setUint16(list, 2, checkUint('pattern.length', pattern.length, 0xffff - 4, 1))
  list.set(pattern, 4)
  const command = sanitize(SanitizeAction.OVERWRITE, options)
  setUint16(command.cdb, 7, list.length)
  return { ...command, dataOut: list }
}

/** SANITIZE, BLOCK ERASE: **all that is on the medium is lost.** */
export function sanitizeBlockErase(options: SanitizeOptions = {}): TypedCommand<void> {
  return sanitize(SanitizeAction.BLOCK_ERASE, options)
}

/** SANITIZE, EXIT FAILURE MODE. */
export function sanitizeExitFailureMode(): TypedCommand<void> {
  return sanitize(SanitizeAction.EXIT_FAILURE_MODE, {})
}

function sanitize(action: number, options: SanitizeOptions): TypedCommand<void> {
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.SANITIZE
  cdb[1] =
    action | (options.immed === true ? 0x80 : 0) | (options.unrestrictedExit === true ? 0x20 : 0)
  return noData(cdb)
}

/** READ DEFECT DATA(12), without the descriptors. */
export interface DefectLists {
  /** Bytes of both lists' descriptors. */
  readonly lengthBytes: number
  /** Whether the primary and the grown list are in it. */
  readonly primary: boolean
  readonly grown: boolean
  /** DEFECT LIST FORMAT. */
  readonly format: number
}

/** READ DEFECT DATA(12): how long both lists are, in the short block format unless another is named. */
export function readDefectData12(format = 0): TypedCommand<DefectLists> {
  const cdb = new Uint8Array(12)
  cdb[0] = Opcode.READ_DEFECT_DATA_12
  cdb[1] = 0x18 | checkUint('format', format, 7)
  setUint32(cdb, 6, 8)
  return {
    cdb,
    dataInLength: 8,
    parse: (data) => {
      needBytes('defect data', data, 8)
      const flags = data[1]!
      return {
        lengthBytes: getUint32(data, 4),
        primary: (flags & 0x10) !== 0,
        grown: (flags & 0x08) !== 0,
        format: flags & 7,
      }
    },
  }
}
