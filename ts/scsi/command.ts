/** A command whose answer has a type: what the builders of this folder make and `unit.run()` takes. */

import type { Sense } from './sense.ts'

/**
 * One SCSI command with its parser. `parse` gets the data-in that came with success, cut to the bytes that came; it throws
 * `ERR_SGRING_RESPONSE` for data that the command does not allow, and nothing else. A vendor's command is an object like any other:
 *
 * @example
 * const temperature: TypedCommand<number> = {
 *   cdb: Uint8Array.of(0xc5, 0, 0, 0, 1, 0),
 *   dataInLength: 1,
 *   parse: (data) => data[0] ?? Number.NaN,
 * }
 */
export interface TypedCommand<T> {
  /** 6 to 260 bytes (SPC-5 4.2). */
  readonly cdb: Uint8Array
  /** Bytes of data-in that the command asks for; 0 when it has none. */
  readonly dataInLength: number
  readonly dataOut?: Uint8Array
  readonly parse: (data: Uint8Array) => T
  /**
   * For commands of which some results come as CHECK CONDITION: a filemark, the registers of an ATA device. Gets the sense data and the
   * data-in that came with them, before anything else is made of either; `undefined` says that they are no result.
   */
  readonly parseCheckCondition?: (sense: Sense, data: Uint8Array) => T | undefined
}

/** The command of a CDB that moves no data. */
export function noData(cdb: Uint8Array): TypedCommand<void> {
  return { cdb, dataInLength: 0, parse: parseNothing }
}

/** The parser of a command that returns nothing. */
export function parseNothing(): void {}
