/** REQUEST SENSE (SPC-4 6.39). */

import type { TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'
import { parseSense, type Sense } from './sense.ts'

export interface RequestSenseOptions {
  /** Descriptor format instead of fixed (DESC). Default: false. */
  readonly descriptor?: boolean
}

/** The largest sense data (SPC-5 4.4). */
export const MAX_SENSE_LENGTH = 252

/** REQUEST SENSE: what the unit has to say, as data; a unit attention condition that it tells is thereby cleared. */
export function requestSense(options: RequestSenseOptions = {}): TypedCommand<Sense> {
  const flags = options.descriptor === true ? 1 : 0
  return {
    cdb: Uint8Array.of(Opcode.REQUEST_SENSE, flags, 0, 0, MAX_SENSE_LENGTH, 0),
    dataInLength: MAX_SENSE_LENGTH,
    parse: parseSense,
  }
}
