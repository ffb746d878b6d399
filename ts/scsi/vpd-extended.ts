/** Extended INQUIRY data (SPC-4 7.8): which task attributes and caches a logical unit has. */

import { needBytes } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type VpdOptions, VpdPage, vpdCommand } from './vpd.ts'

/** Extended INQUIRY data (86h), as far as this package says or asks it. */
export interface ExtendedInquiry {
  /** HEADSUP, ORDSUP, SIMPSUP: the task attributes that commands may have. */
  readonly headOfQueue: boolean
  readonly ordered: boolean
  readonly simple: boolean
  /** PRIOR_SUP: command priority counts (SAM-5 8.8). */
  readonly priority: boolean
  /** LUICLR: REPORT LUNS clears REPORTED LUNS DATA HAS CHANGED for its own nexus only, at every unit (SAM-5 5.14). */
  readonly clearsPerNexus: boolean
  /** V_SUP: there is a volatile cache. */
  readonly volatileCache: boolean
}

const BODY_LENGTH = 60

/** INQUIRY for the extended INQUIRY data page. */
export function vpdExtendedInquiry(options?: VpdOptions): TypedCommand<ExtendedInquiry> {
  return vpdCommand(VpdPage.EXTENDED_INQUIRY, parseExtendedInquiry, options)
}

/** The body of the extended INQUIRY data page. */
export function encodeExtendedInquiry(extended: ExtendedInquiry): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  body[1] =
    (extended.priority ? 8 : 0) |
    (extended.headOfQueue ? 4 : 0) |
    (extended.ordered ? 2 : 0) |
    (extended.simple ? 1 : 0)
  body[2] = extended.volatileCache ? 1 : 0
  body[3] = extended.clearsPerNexus ? 1 : 0
  return body
}

function parseExtendedInquiry(body: Uint8Array): ExtendedInquiry {
  needBytes('extended INQUIRY data', body, 4)
  return {
    headOfQueue: (body[1]! & 4) !== 0,
    ordered: (body[1]! & 2) !== 0,
    simple: (body[1]! & 1) !== 0,
    priority: (body[1]! & 8) !== 0,
    volatileCache: (body[2]! & 1) !== 0,
    clearsPerNexus: (body[3]! & 1) !== 0,
  }
}
