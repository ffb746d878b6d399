/** What a tape medium is made into: ERASE(6), FORMAT MEDIUM, SET CAPACITY (SSC-4 6.2, 7.1, 7.10). */

import { checkUint, setUint16 } from '../bytes.ts'
import { noData, type TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'
import type { Immediate } from './position.ts'

export interface EraseOptions extends Immediate {
  /** LONG: to the end of the partition, else what the device takes for enough. Default: false. */
  readonly long?: boolean
}

/** ERASE(6), from where the tape stands. IMMED is bit 1 here. */
export function erase6(options: EraseOptions = {}): TypedCommand<void> {
  const flags = (options.immed === true ? 2 : 0) | (options.long === true ? 1 : 0)
  return noData(Uint8Array.of(Opcode.ERASE_6, flags, 0, 0, 0, 0))
}

/** FORMAT of FORMAT MEDIUM; 8h to Fh are vendor specific. */
export const MediumFormat = { DEFAULT: 0, PARTITION: 1, DEFAULT_THEN_PARTITION: 2 } as const
export type MediumFormat = (typeof MediumFormat)[keyof typeof MediumFormat]

export interface FormatMediumOptions extends Immediate {
  /** 0 to 15, see `MediumFormat`. Default: 0. */
  readonly format?: number
  /** VERIFY: check what was formatted. Default: false. */
  readonly verify?: boolean
  /** A vendor specific parameter list of at most 65,535 bytes. Default: none. */
  readonly parameters?: Uint8Array
}

/** FORMAT MEDIUM: all data are lost. At the beginning of partition 0 only. */
export function formatMedium(options: FormatMediumOptions = {}): TypedCommand<void> {
  const { parameters } = options
  const cdb = Uint8Array.of(Opcode.FORMAT_MEDIUM, 0, 0, 0, 0, 0)
  cdb[1] = (options.verify === true ? 2 : 0) | (options.immed === true ? 1 : 0)
  cdb[2] = checkUint('format', options.format ?? MediumFormat.DEFAULT, 0xf)
  setUint16(cdb, 3, checkUint('parameters.length', parameters?.length ?? 0, 0xffff))
  return { ...noData(cdb), ...(parameters && { dataOut: parameters }) }
}

export interface SetCapacityOptions extends Immediate {
  /** CAPACITY PROPORTION VALUE: how much of the medium is used, in 65,535ths. */
  readonly proportion: number
}

/** SET CAPACITY: all data are lost. At the beginning of partition 0 only. */
export function setCapacity(options: SetCapacityOptions): TypedCommand<void> {
  const cdb = Uint8Array.of(Opcode.SET_CAPACITY, options.immed === true ? 1 : 0, 0, 0, 0, 0)
  setUint16(cdb, 3, checkUint('proportion', options.proportion, 0xffff))
  return noData(cdb)
}
