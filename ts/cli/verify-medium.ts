/** VERIFY of a unit's blocks, by the unit itself: no data come. */

import { CheckConditionError } from '../initiator/status-error.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { verify16 } from '../scsi/block-verify.ts'
import { type Copying, inParts } from './copying.ts'

export interface Verifying extends Pick<Copying, 'range' | 'pace' | 'signal'> {
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly blockLength: number
  moved(bytes: number): void
}

/**
 * Sends VERIFY(16) (SBC-3 5.31) with BYTCHK 00b for all blocks of a range, some at a time. Rejects with the first error, when nothing is
 * under way any more.
 */
export async function verifyMedium(verifying: Verifying): Promise<void> {
  const { unit, options, blockLength, range, moved } = verifying
  await inParts(verifying, async (at, length) => {
    const lba = BigInt((range.skip + at) / blockLength)
    const blocks = length / blockLength
    await unit.run(verify16({ lba, blocks, blockLength }), options)
    moved(length)
    return length
  })
}

/** The block that an error is about, where it says so: INFORMATION (SBC-3 4.18.1). */
export function blockInError(error: unknown): bigint | undefined {
  return error instanceof CheckConditionError && error.sense.valid
    ? error.sense.information
    : undefined
}
