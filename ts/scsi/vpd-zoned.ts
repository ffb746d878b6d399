/** Zoned block device characteristics (ZBC-2 clause 6). */

import {
  checkUint,
  checkUint64,
  getUint32,
  getUint64,
  needBytes,
  setUint32,
  setUint64,
} from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type Flag, readFlags, writeFlags } from './flags.ts'
import { type VpdOptions, VpdPage, vpdCommand } from './vpd.ts'

/** Zoned block device characteristics (B6h). Numbers of zones are FFFFFFFFh where they are not reported or there is no limit. */
export interface ZonedBlockDeviceCharacteristics {
  /** ZONED BLOCK DEVICE EXTENSION: 0 as the device type says, 1 host aware, 2 domains and realms. */
  readonly extension: number
  /** AAORB: activation is aligned on realms' boundaries. */
  readonly activationOnRealms: boolean
  /** URSWRZ: sequential write required zones can be read beyond their write pointers. */
  readonly unrestrictedReads: boolean
  readonly optimalOpenPreferred: number
  readonly optimalNonSequentialPreferred: number
  readonly maxOpenRequired: number
  /** ZONE ALIGNMENT METHOD: 0 not reported, 1 constant lengths, 8 constant starting LBA offsets. */
  readonly alignmentMethod: number
  /** ZONE STARTING LBA GRANULARITY, blocks. */
  readonly startingLbaGranularity: bigint
}

const BODY_LENGTH = 60
const FLAGS = {
  activationOnRealms: [0, 1],
  unrestrictedReads: [0, 0],
} as const satisfies Record<string, Flag>

/** INQUIRY for the zoned block device characteristics page. */
export function vpdZonedBlockDeviceCharacteristics(
  options?: VpdOptions,
): TypedCommand<ZonedBlockDeviceCharacteristics> {
  return vpdCommand(VpdPage.ZONED_BLOCK_DEVICE_CHARACTERISTICS, parseZoned, options)
}

/** The body of the zoned block device characteristics page; what is not given is 0. */
export function encodeZoned(zoned: Partial<ZonedBlockDeviceCharacteristics>): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  writeFlags(body, FLAGS, zoned)
  body[0]! |= checkUint('extension', zoned.extension ?? 0, 0xf) << 4
  const uint32 = (at: number, name: string, value = 0) => {
    setUint32(body, at, checkUint(name, value, 0xffff_ffff))
  }
  uint32(4, 'optimalOpenPreferred', zoned.optimalOpenPreferred)
  uint32(8, 'optimalNonSequentialPreferred', zoned.optimalNonSequentialPreferred)
  uint32(12, 'maxOpenRequired', zoned.maxOpenRequired)
  body[19] = checkUint('alignmentMethod', zoned.alignmentMethod ?? 0, 0xf)
  setUint64(body, 20, checkUint64('startingLbaGranularity', zoned.startingLbaGranularity ?? 0n))
  return body
}

function parseZoned(short: Uint8Array): ZonedBlockDeviceCharacteristics {
  needBytes('zoned block device characteristics', short, 16)
  // ZBC ends here; what it does not say is 0.
  const body = new Uint8Array(BODY_LENGTH)
  body.set(short.subarray(0, BODY_LENGTH))
  return {
    ...readFlags(body, FLAGS),
    extension: body[0]! >> 4,
    optimalOpenPreferred: getUint32(body, 4),
    optimalNonSequentialPreferred: getUint32(body, 8),
    maxOpenRequired: getUint32(body, 12),
    alignmentMethod: body[19]! & 0xf,
    startingLbaGranularity: getUint64(body, 20),
  }
}
