/** REQUEST SENSE as the device server answers it (SPC-4 6.39): sense data as parameter data, with status GOOD. */

import { encodeSense, type SenseInit } from '../scsi/sense.ts'
import { type Answer, good } from '../task/answer.ts'

/** The sense data in the format that DESC asks for, cut to the allocation length. */
export function answerRequestSense(
  cdb: Uint8Array,
  key: number,
  ascAscq: number,
  more: SenseInit = {},
): Answer {
  const descriptor = (cdb[1]! & 1) === 1
  return good(encodeSense(key, ascAscq, { ...more, descriptor }).subarray(0, cdb[4]!))
}
