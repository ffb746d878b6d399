/** The vital product data of block devices: block limits and characteristics (SBC-3 6.6). */

import {
  getUint16,
  getUint32,
  getUint64,
  needBytes,
  setUint16,
  setUint32,
  setUint64,
} from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type VpdOptions, VpdPage, vpdCommand } from './vpd.ts'

/** Block limits (B0h). 0 is "not reported" throughout. */
export interface BlockLimits {
  /** WSNZ: WRITE SAME does not take 0 as "to the end". */
  readonly writeSameNonZero: boolean
  /** Blocks. */
  readonly maxCompareAndWriteLength: number
  /** Blocks. */
  readonly optimalTransferLengthGranularity: number
  /** Blocks that one command moves at most; more is refused. */
  readonly maxTransferLength: number
  /** Blocks beyond which a transfer may be slower. */
  readonly optimalTransferLength: number
  readonly maxPrefetchLength: number
  readonly maxUnmapLbaCount: number
  readonly maxUnmapDescriptorCount: number
  readonly optimalUnmapGranularity: number
  /** `undefined` unless UGAVALID. */
  readonly unmapGranularityAlignment: number | undefined
  readonly maxWriteSameLength: bigint
}

/** Block device characteristics (B1h). */
export interface BlockDeviceCharacteristics {
  /** MEDIUM ROTATION RATE: 0 not reported, 1 does not rotate, else rotations per minute. */
  readonly rotationRate: number
  readonly productType: number
  /** NOMINAL FORM FACTOR: 0 not reported. */
  readonly formFactor: number
  /** FUAB: FUA and SYNCHRONIZE CACHE have the meaning of SBC-3 rather than that of SBC-2. */
  readonly fuab: boolean
  /** VBULS: VERIFY of blocks without data is supported. */
  readonly vbuls: boolean
}

const BODY_LENGTH = 60

/** INQUIRY for the block limits page. */
export function vpdBlockLimits(options?: VpdOptions): TypedCommand<BlockLimits> {
  return vpdCommand(VpdPage.BLOCK_LIMITS, parseBlockLimits, options)
}

/** INQUIRY for the block device characteristics page. */
export function vpdBlockDeviceCharacteristics(
  options?: VpdOptions,
): TypedCommand<BlockDeviceCharacteristics> {
  return vpdCommand(VpdPage.BLOCK_DEVICE_CHARACTERISTICS, parseCharacteristics, options)
}

/** The body of the block limits page. */
export function encodeBlockLimits(limits: BlockLimits): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  body[0] = limits.writeSameNonZero ? 1 : 0
  body[1] = limits.maxCompareAndWriteLength
  setUint16(body, 2, limits.optimalTransferLengthGranularity)
  setUint32(body, 4, limits.maxTransferLength)
  setUint32(body, 8, limits.optimalTransferLength)
  setUint32(body, 12, limits.maxPrefetchLength)
  setUint32(body, 16, limits.maxUnmapLbaCount)
  setUint32(body, 20, limits.maxUnmapDescriptorCount)
  setUint32(body, 24, limits.optimalUnmapGranularity)
  if (limits.unmapGranularityAlignment !== undefined) {
    setUint32(body, 28, limits.unmapGranularityAlignment)
    body[28]! |= 0x80
  }
  setUint64(body, 32, limits.maxWriteSameLength)
  return body
}

/** The body of the block device characteristics page. */
export function encodeCharacteristics(characteristics: BlockDeviceCharacteristics): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  setUint16(body, 0, characteristics.rotationRate)
  body[2] = characteristics.productType
  body[3] = characteristics.formFactor
  body[4] = (characteristics.fuab ? 2 : 0) | (characteristics.vbuls ? 1 : 0)
  return body
}

function parseBlockLimits(body: Uint8Array): BlockLimits {
  // SBC-2 has 12 bytes here; what a shorter page does not say is not reported, which is 0.
  needBytes('block limits', body, 12)
  const whole = new Uint8Array(BODY_LENGTH)
  whole.set(body.subarray(0, BODY_LENGTH))
  const alignment = getUint32(whole, 28)
  return {
    writeSameNonZero: (whole[0]! & 1) !== 0,
    maxCompareAndWriteLength: whole[1]!,
    optimalTransferLengthGranularity: getUint16(whole, 2),
    maxTransferLength: getUint32(whole, 4),
    optimalTransferLength: getUint32(whole, 8),
    maxPrefetchLength: getUint32(whole, 12),
    maxUnmapLbaCount: getUint32(whole, 16),
    maxUnmapDescriptorCount: getUint32(whole, 20),
    optimalUnmapGranularity: getUint32(whole, 24),
    unmapGranularityAlignment: alignment >= 0x8000_0000 ? alignment - 0x8000_0000 : undefined,
    maxWriteSameLength: getUint64(whole, 32),
  }
}

function parseCharacteristics(body: Uint8Array): BlockDeviceCharacteristics {
  needBytes('block device characteristics', body, 5)
  return {
    rotationRate: getUint16(body, 0),
    productType: body[2]!,
    formFactor: body[3]! & 0xf,
    fuab: (body[4]! & 2) !== 0,
    vbuls: (body[4]! & 1) !== 0,
  }
}
