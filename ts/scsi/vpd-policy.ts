/** Mode page policy (SPC-5 7.7): who shares which mode page. */

import { badResponse, checkUint } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type VpdOptions, VpdPage, vpdCommand } from './vpd.ts'

/** MODE PAGE POLICY. */
export const ModePagePolicy = {
  SHARED: 0,
  PER_TARGET_PORT: 1,
  PER_INITIATOR_PORT: 2,
  PER_I_T_NEXUS: 3,
} as const
export type ModePagePolicy = (typeof ModePagePolicy)[keyof typeof ModePagePolicy]

/** What holds for a mode page. */
export interface PagePolicy {
  /** 3Fh with subpage FFh: all pages that no other entry names. */
  readonly page: number
  readonly subpage: number
  /** MLUS: the page is shared by several logical units. */
  readonly manyUnits: boolean
  /** A `ModePagePolicy`. */
  readonly policy: number
}

const ENTRY = 4

/** INQUIRY for the mode page policy page (87h), in the device's order. */
export function vpdModePagePolicy(options?: VpdOptions): TypedCommand<readonly PagePolicy[]> {
  return vpdCommand(VpdPage.MODE_PAGE_POLICY, parsePolicies, options)
}

/** The body of the mode page policy page. */
export function encodePolicies(policies: readonly PagePolicy[]): Uint8Array {
  const body = new Uint8Array(policies.length * ENTRY)
  policies.forEach(({ page, subpage, manyUnits, policy }, index) => {
    body[index * ENTRY] = checkUint('page', page, 0x3f)
    body[index * ENTRY + 1] = checkUint('subpage', subpage, 0xff)
    body[index * ENTRY + 2] = (manyUnits ? 0x80 : 0) | checkUint('policy', policy, 3)
  })
  return body
}

function parsePolicies(body: Uint8Array): readonly PagePolicy[] {
  if (body.length % ENTRY !== 0) {
    throw badResponse(`mode page policy: ${body.length} bytes are no list of descriptors`)
  }
  return Array.from({ length: body.length / ENTRY }, (_, index) => ({
    page: body[index * ENTRY]! & 0x3f,
    subpage: body[index * ENTRY + 1]!,
    manyUnits: (body[index * ENTRY + 2]! & 0x80) !== 0,
    policy: body[index * ENTRY + 2]! & 3,
  }))
}
