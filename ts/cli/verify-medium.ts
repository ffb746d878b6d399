/** VERIFY of a unit's blocks, by the unit itself: no data come. */

import { CheckConditionError } from '../initiator/status-error.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { verify16 } from '../scsi/block-verify.ts'
import { least } from './transfer.ts'

/** One command verifies this much, and so many are under way. */
const PART_BYTES = 4 << 20
const DEPTH = 8

export interface MediumRange {
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly blockLength: number
  readonly lba: bigint
  readonly blocks: bigint
  moved(bytes: number): void
}

/**
 * Sends VERIFY(16) (SBC-3 5.33) with BYTCHK 00b for all blocks, some at a time. Rejects with the first error, when nothing is under way any
 * more.
 */
export async function verifyMedium(range: MediumRange): Promise<void> {
  const { unit, options, blockLength, moved } = range
  const end = range.lba + range.blocks
  const part = BigInt(Math.max(1, Math.floor(PART_BYTES / blockLength)))
  let next = range.lba
  let failure: { readonly error: unknown } | undefined
  const lane = async () => {
    while (failure === undefined && next < end) {
      const lba = next
      const blocks = Number(least(end - lba, part))
      next += BigInt(blocks)
      try {
        await unit.run(verify16({ lba, blocks, blockLength }), options)
        moved(blocks * blockLength)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: DEPTH }, lane))
  if (failure !== undefined) throw failure.error
}

/** The block that an error is about, where it says so: INFORMATION (SBC-3 4.18.1). */
export function blockInError(error: unknown): bigint | undefined {
  return error instanceof CheckConditionError && error.sense.valid
    ? error.sense.information
    : undefined
}
