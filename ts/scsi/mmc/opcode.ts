/** The operation codes of disc drives (MMC-6 clause 6), and the answers that begin with their own length. */

import { badResponse, getUint16, needBytes } from '../bytes.ts'

export const Opcode = {
  READ_TOC_PMA_ATIP: 0x43,
  GET_CONFIGURATION: 0x46,
  GET_EVENT_STATUS_NOTIFICATION: 0x4a,
  READ_DISC_INFORMATION: 0x51,
} as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** Room for an answer where nothing is said: the smallest nexus moves as much. */
export const ALLOCATION_LENGTH = 4096

/**
 * An answer whose first two bytes say how many follow: as many as they say, or as were asked for if that is less.
 *
 * @param least bytes that it has at any rate
 */
export function lengthPrefixed(
  what: string,
  data: Uint8Array,
  allocationLength: number,
  least: number,
): Uint8Array {
  needBytes(what, data, least)
  const length = 2 + getUint16(data, 0)
  if (length < least) throw badResponse(`${what}: a length of ${length} bytes is too short`)
  const end = Math.min(length, allocationLength)
  needBytes(what, data, end)
  return data.subarray(0, end)
}
