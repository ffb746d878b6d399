/** Which answers say that what was written with success, or read, may not be what it was taken for. */

import { SgringError, TransportError } from '../errors.ts'
import { type Sense, SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { Status } from '../task/command.ts'
import { CheckConditionError, ScsiStatusError } from './status-error.ts'

/** ASC and the last ASCQ: powered on or reset, in whatever way; those behind it are of the transceiver and of the nexus (SPC-5 annex F). */
const POWER_ON_OR_RESET = 0x29
const LAST_RESET = 0x04
/** Codes of a unit attention condition after which a nexus may be at another medium, or at another unit. */
const OTHER_MEDIUM: ReadonlySet<number> = new Set([
  SenseCode.NOT_READY_TO_READY_CHANGE_MEDIUM_MAY_HAVE_CHANGED,
  SenseCode.INQUIRY_DATA_HAS_CHANGED,
])

/**
 * Whether an earlier command, which had ended with success, has failed after all, such as a WRITE that a cache has lost (SPC-4 4.5.7). Nothing that is done now
 * makes up for it. What a deferred RECOVERED ERROR tells of has not failed; any other deferred error counts, also a UNIT ATTENTION.
 */
export function tellsOfEarlierFailure({ deferred, key }: Pick<Sense, 'deferred' | 'key'>): boolean {
  return deferred && key !== SenseKey.RECOVERED_ERROR
}

/** Whether the unit may have lost what was in its volatile cache (SBC-3 4.15). Most resets leave it; the code that covers them all is told for a power failure, too. */
export function tellsOfPowerOn({ key, asc, ascq }: Pick<Sense, 'key' | 'asc' | 'ascq'>): boolean {
  return key === SenseKey.UNIT_ATTENTION && asc === POWER_ON_OR_RESET && ascq <= LAST_RESET
}

/** Whether what is there now may be something else. */
export function tellsOfOtherMedium({
  key,
  asc,
  ascq,
}: Pick<Sense, 'key' | 'asc' | 'ascq'>): boolean {
  return key === SenseKey.UNIT_ATTENTION && OTHER_MEDIUM.has((asc << 8) | ascq)
}

/** Whether a command that failed so says that what others have moved, with success, may be lost. */
export function tellsOfLoss(error: unknown): boolean {
  if (!(error instanceof CheckConditionError)) return false
  const { sense } = error
  return [tellsOfEarlierFailure, tellsOfPowerOn, tellsOfOtherMedium].some((tells) => tells(sense))
}

/** Whether nobody knows what a command that failed so has told, which is not told again: it had no answer, or one whose sense data did not come, or make no sense. */
export function isUnheard(error: unknown): boolean {
  if (error instanceof TransportError) return true
  if (error instanceof CheckConditionError || !(error instanceof SgringError)) return false
  if (error instanceof ScsiStatusError) return error.status === Status.CHECK_CONDITION
  return error.code === 'ERR_SGRING_RESPONSE'
}

/** Whether what was written with success may be lost after a command that failed so: it says so, or may have said so. */
export function mayBeLost(error: unknown): boolean {
  return isUnheard(error) || tellsOfLoss(error)
}
