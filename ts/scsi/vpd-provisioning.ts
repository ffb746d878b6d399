/** Logical block provisioning (SBC-4 6.6): how blocks are unmapped, and what of a thin unit's space is used. */

import { checkUint, needBytes } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type Designator, encodeDesignators, firstDesignator } from './designator.ts'
import { type Flag, readFlags, writeFlags } from './flags.ts'
import { type VpdOptions, VpdPage, vpdCommand } from './vpd.ts'

/** PROVISIONING TYPE. */
export const ProvisioningType = { FULL: 0, RESOURCE: 1, THIN: 2 } as const
export type ProvisioningType = (typeof ProvisioningType)[keyof typeof ProvisioningType]

/** Logical block provisioning (B2h). */
export interface LogicalBlockProvisioning {
  /** A threshold counts 2 to the power of this in blocks; 0 if there are none. */
  readonly thresholdExponent: number
  /** LBPU: UNMAP. */
  readonly unmap: boolean
  /** LBPWS, LBPWS10: WRITE SAME(16) and WRITE SAME(10) with UNMAP. */
  readonly writeSame16: boolean
  readonly writeSame10: boolean
  /** LBPRZ: what unmapped blocks read as: 0 not reported, xx1b zeros, 2 a pattern of the provisioning initialization. */
  readonly unmappedReads: number
  /** ANC_SUP: blocks can be anchored. */
  readonly anchors: boolean
  /** A `ProvisioningType`: FULL also where it is not reported. */
  readonly provisioningType: number
  /** MINIMUM PERCENTAGE and THRESHOLD PERCENTAGE; 0 if there are none. */
  readonly minimumPercentage: number
  readonly thresholdPercentage: number
  /** The provisioning group (DP), whose space this unit shares. */
  readonly group: Designator | undefined
}

const FLAGS = {
  unmap: [1, 7],
  writeSame16: [1, 6],
  writeSame10: [1, 5],
  anchors: [1, 1],
} as const satisfies Record<string, Flag>
const DP = 1

/** INQUIRY for the logical block provisioning page. */
export function vpdLogicalBlockProvisioning(
  options?: VpdOptions,
): TypedCommand<LogicalBlockProvisioning> {
  return vpdCommand(VpdPage.LOGICAL_BLOCK_PROVISIONING, parseProvisioning, options)
}

/** The body of the logical block provisioning page; what is not given is 0. */
export function encodeProvisioning(provisioning: Partial<LogicalBlockProvisioning>): Uint8Array {
  const group = provisioning.group === undefined ? [] : encodeDesignators([provisioning.group])
  const body = Uint8Array.of(0, 0, 0, 0, ...group)
  body[0] = checkUint('thresholdExponent', provisioning.thresholdExponent ?? 0, 0xff)
  writeFlags(body, FLAGS, provisioning)
  body[1]! |= checkUint('unmappedReads', provisioning.unmappedReads ?? 0, 7) << 2
  if (provisioning.group !== undefined) body[1]! |= DP
  body[2] =
    (checkUint('minimumPercentage', provisioning.minimumPercentage ?? 0, 0x1f) << 3) |
    checkUint('provisioningType', provisioning.provisioningType ?? 0, 7)
  body[3] = checkUint('thresholdPercentage', provisioning.thresholdPercentage ?? 0, 0xff)
  return body
}

function parseProvisioning(body: Uint8Array): LogicalBlockProvisioning {
  needBytes('logical block provisioning', body, 4)
  return {
    ...readFlags(body, FLAGS),
    thresholdExponent: body[0]!,
    unmappedReads: (body[1]! >> 2) & 7,
    provisioningType: body[2]! & 7,
    minimumPercentage: body[2]! >> 3,
    thresholdPercentage: body[3]!,
    group: (body[1]! & DP) === 0 ? undefined : firstDesignator(body.subarray(4)),
  }
}
