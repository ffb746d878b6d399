/** What the sense data of a tape say of where a command ended (SSC-4 4.2, 6.4, 6.6, 6.8). */

import { badResponse } from '../bytes.ts'
import { type Sense, SenseKey } from '../sense.ts'

/** Additional sense codes that say where a tape stands, as one number: ASC in the high byte (SPC-5 annex F). */
export const SenseCode = {
  FILEMARK_DETECTED: 0x0001,
  END_OF_PARTITION_MEDIUM_DETECTED: 0x0002,
  SETMARK_DETECTED: 0x0003,
  BEGINNING_OF_PARTITION_MEDIUM_DETECTED: 0x0004,
  END_OF_DATA_DETECTED: 0x0005,
  PROGRAMMABLE_EARLY_WARNING_DETECTED: 0x0007,
} as const
export type SenseCode = (typeof SenseCode)[keyof typeof SenseCode]

/** Where a READ, SPACE, WRITE or WRITE FILEMARKS ended before it was done, or while it was. */
export interface StreamEnd {
  /** FILEMARK: a filemark was met, and the position is behind it (before it when spacing back). */
  readonly filemark: boolean
  /** EOM: at or behind the early warning, at the end of the partition, or at its beginning when spacing back. */
  readonly endOfMedium: boolean
  /** BLANK CHECK: nothing is recorded from here on. */
  readonly endOfData: boolean
  /** ILI: the block has another length than was asked for. */
  readonly incorrectLength: boolean
  /**
   * INFORMATION with its sign: what was asked for less what was done, in bytes, blocks or filemarks as the command counts them.
   * `undefined` unless VALID.
   */
  readonly residual: number | undefined
}

/**
 * Reads sense data of either format; also what `CheckConditionError.sense` has after SPACE. `undefined` for those of an earlier command,
 * and for those that say nothing of an end.
 */
export function parseStreamEnd(sense: Sense): StreamEnd | undefined {
  const { filemark, endOfMedium, incorrectLength, deferred } = sense
  const endOfData = sense.key === SenseKey.BLANK_CHECK
  if (deferred || !(filemark || endOfMedium || incorrectLength || endOfData)) return undefined
  const residual = sense.valid ? signed(sense.information) : undefined
  return { filemark, endOfMedium, endOfData, incorrectLength, residual }
}

/**
 * Two's complement, of 32 bits in fixed format. Descriptor format has 64 (SPC-5 4.4.2.2), which a device may fill from 32 with or
 * without the sign: no command here counts to 2^31 in a length, so that both read alike.
 */
function signed(information: bigint): number {
  const wide = BigInt.asIntN(64, information)
  if (wide >= -0x8000_0000n && wide <= 0xffff_ffffn) return Number(BigInt.asIntN(32, wide))
  if (wide >= -MAX_SAFE && wide <= MAX_SAFE) return Number(wide)
  throw badResponse(`sense data: INFORMATION of ${wide} is no residual`)
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)
