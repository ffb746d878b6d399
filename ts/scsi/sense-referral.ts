/**
 * The user data segment referral sense data descriptor (SPC-5 4.4.2, SBC-4 clause 4): by which target port groups parts of a logical
 * unit's data are to be reached.
 *
 *     descriptor              each segment                            each port group
 *     2     NOT_ALL_R         3       number of port groups           0    ASYMMETRIC ACCESS STATE
 *     4..   segments          4..11   first LBA, 12..19 last LBA      2,3  TARGET PORT GROUP
 *                             20..    port groups
 */

import { checkUint, checkUint64, getUint16, getUint64, setUint16, setUint64 } from './bytes.ts'

/** A target port group, and how the segment is reached by it. */
export interface ReferralPortGroup {
  /** ASYMMETRIC ACCESS STATE, as REPORT TARGET PORT GROUPS says it. */
  readonly state: number
  readonly group: number
}

/** A range of LBAs. */
export interface ReferralSegment {
  readonly firstLba: bigint
  readonly lastLba: bigint
  readonly groups: readonly ReferralPortGroup[]
}

export interface UserDataSegmentReferral {
  /** NOT_ALL_R: there are more segments than these. */
  readonly more: boolean
  readonly segments: readonly ReferralSegment[]
}

const SEGMENT = 20
const GROUP = 4

/** Reads what follows type and length; `undefined` where a segment ends beyond it. */
export function parseReferral(data: Uint8Array): UserDataSegmentReferral | undefined {
  const segments: ReferralSegment[] = []
  for (let at = 2; at < data.length; ) {
    const end = at + SEGMENT + (data[at + 3] ?? 0) * GROUP
    if (end > data.length) return undefined
    const groups: ReferralPortGroup[] = []
    for (let group = at + SEGMENT; group < end; group += GROUP) {
      groups.push({ state: data[group]! & 0xf, group: getUint16(data, group + 2) })
    }
    segments.push({ firstLba: getUint64(data, at + 4), lastLba: getUint64(data, at + 12), groups })
    at = end
  }
  return { more: (data[0]! & 1) !== 0, segments }
}

/** What follows type and length. */
export function encodeReferral(referral: UserDataSegmentReferral): Uint8Array {
  const { segments } = referral
  const length = segments.reduce((sum, one) => sum + SEGMENT + one.groups.length * GROUP, 2)
  const data = new Uint8Array(checkUint('segments', length, 0xff, 2))
  data[0] = referral.more ? 1 : 0
  let at = 2
  for (const { firstLba, lastLba, groups } of segments) {
    data[at + 3] = groups.length
    setUint64(data, at + 4, checkUint64('firstLba', firstLba))
    setUint64(data, at + 12, checkUint64('lastLba', lastLba))
    at += SEGMENT
    for (const { state, group } of groups) {
      data[at] = checkUint('state', state, 0xf)
      setUint16(data, at + 2, checkUint('group', group, 0xffff))
      at += GROUP
    }
  }
  return data
}
