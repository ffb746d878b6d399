/** The format of sense data, which is decided when it is reported (D_SENSE, SPC-4 7.5.8). */

import { encodeSense, parseSense } from './sense.ts'

const FIXED = 0x70

/**
 * Sense data in descriptor format: what is in fixed format is written anew, in other words only, and what is not stays as it is. A deferred
 * error stays deferred. Bytes beyond those of SPC-5 4.4.3 are vendor specific and have no place there.
 */
export function inDescriptorFormat(sense: Uint8Array): Uint8Array {
  const whole = sense.length > 13 && (sense[0]! & 0x7e) === FIXED
  if (!whole) return sense
  const { valid, information, commandSpecific, fieldReplaceableUnit, specific, ...rest } =
    parseSense(sense)
  return encodeSense(rest.key, (rest.asc << 8) | rest.ascq, {
    descriptor: true,
    deferred: rest.deferred,
    filemark: rest.filemark,
    endOfMedium: rest.endOfMedium,
    incorrectLength: rest.incorrectLength,
    ...(valid && { information }),
    ...(commandSpecific !== 0n && { commandSpecific }),
    ...(fieldReplaceableUnit !== 0 && { fieldReplaceableUnit }),
    ...(specific !== undefined && { specific }),
  })
}
