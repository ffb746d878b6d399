/** The vital product data of block devices: block limits and characteristics (SBC-4 6.6). */

import {
  checkUint,
  checkUint64,
  getUint16,
  getUint32,
  getUint64,
  needBytes,
  setUint16,
  setUint32,
  setUint64,
} from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type Flag, readFlags, writeFlags } from './flags.ts'
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
  /** Blocks of WRITE ATOMIC; SBC-3 and earlier say nothing of it. */
  readonly maxAtomicTransferLength: number
  readonly atomicAlignment: number
  readonly atomicTransferLengthGranularity: number
  readonly maxAtomicTransferLengthWithBoundary: number
  readonly maxAtomicBoundarySize: number
}

/** Block device characteristics (B1h). */
export interface BlockDeviceCharacteristics {
  /** MEDIUM ROTATION RATE: 0 not reported, 1 does not rotate, else rotations per minute. */
  readonly rotationRate: number
  readonly productType: number
  /** WABEREQ, WACEREQ: what a read of blocks gives that were erased by SANITIZE; 0 not reported. */
  readonly blockEraseReads: number
  readonly cryptoEraseReads: number
  /** NOMINAL FORM FACTOR: 0 not reported. */
  readonly formFactor: number
  /** MACT: there are several actuators. */
  readonly actuators: boolean
  /** ZONED: 0 not reported, 1 host aware, 2 device managed. */
  readonly zoned: number
  /** RBWZ: whatever was written to a zone before a write that was interrupted reads as zeros. */
  readonly resetBeforeWrite: boolean
  /** BOCS: background operations can be controlled. */
  readonly backgroundControl: boolean
  /** FUAB: FUA and SYNCHRONIZE CACHE have the meaning of SBC-3 rather than that of SBC-2. */
  readonly fuab: boolean
  /** VBULS: VERIFY of blocks without data is supported. */
  readonly vbuls: boolean
  /** Seconds that removing a storage element takes at most; 0 not reported. */
  readonly depopulationSeconds: number
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

/** The body of the block limits page; what is not given is 0. */
export function encodeBlockLimits(limits: Partial<BlockLimits>): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  body[0] = limits.writeSameNonZero === true ? 1 : 0
  body[1] = checkUint('maxCompareAndWriteLength', limits.maxCompareAndWriteLength ?? 0, 0xff)
  const granularity = limits.optimalTransferLengthGranularity ?? 0
  setUint16(body, 2, checkUint('optimalTransferLengthGranularity', granularity, 0xffff))
  for (const [name, at] of Object.entries(LENGTHS) as [keyof typeof LENGTHS, number][]) {
    setUint32(body, at, checkUint(name, limits[name] ?? 0, 0xffff_ffff))
  }
  const alignment = limits.unmapGranularityAlignment
  if (alignment !== undefined) {
    setUint32(body, 28, checkUint('unmapGranularityAlignment', alignment, 0x7fff_ffff))
    body[28]! |= 0x80
  }
  setUint64(body, 32, checkUint64('maxWriteSameLength', limits.maxWriteSameLength ?? 0n))
  return body
}

/** The body of the block device characteristics page; what is not given is 0. */
export function encodeCharacteristics(
  characteristics: Partial<BlockDeviceCharacteristics>,
): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  const { rotationRate = 0, productType = 0, formFactor = 0, zoned = 0 } = characteristics
  const { blockEraseReads = 0, cryptoEraseReads = 0, depopulationSeconds = 0 } = characteristics
  setUint16(body, 0, checkUint('rotationRate', rotationRate, 0xffff))
  body[2] = checkUint('productType', productType, 0xff)
  body[3] =
    (checkUint('blockEraseReads', blockEraseReads, 3) << 6) |
    (checkUint('cryptoEraseReads', cryptoEraseReads, 3) << 4) |
    checkUint('formFactor', formFactor, 0xf)
  writeFlags(body, FLAGS, characteristics)
  body[4]! |= checkUint('zoned', zoned, 3) << 4
  setUint32(body, 8, checkUint('depopulationSeconds', depopulationSeconds, 0xffff_ffff))
  return body
}

/** The 32-bit numbers of blocks and descriptors, and where they stand in the body. */
const LENGTHS = {
  maxTransferLength: 4,
  optimalTransferLength: 8,
  maxPrefetchLength: 12,
  maxUnmapLbaCount: 16,
  maxUnmapDescriptorCount: 20,
  optimalUnmapGranularity: 24,
  maxAtomicTransferLength: 40,
  atomicAlignment: 44,
  atomicTransferLengthGranularity: 48,
  maxAtomicTransferLengthWithBoundary: 52,
  maxAtomicBoundarySize: 56,
} as const

const FLAGS = {
  actuators: [4, 6],
  resetBeforeWrite: [4, 3],
  backgroundControl: [4, 2],
  fuab: [4, 1],
  vbuls: [4, 0],
} as const satisfies Record<string, Flag>

function parseBlockLimits(short: Uint8Array): BlockLimits {
  // SBC-2 has 12 bytes here; what a shorter page does not say is not reported, which is 0.
  needBytes('block limits', short, 12)
  const body = wholeBody(short)
  const alignment = getUint32(body, 28)
  return {
    writeSameNonZero: (body[0]! & 1) !== 0,
    maxCompareAndWriteLength: body[1]!,
    optimalTransferLengthGranularity: getUint16(body, 2),
    maxTransferLength: getUint32(body, LENGTHS.maxTransferLength),
    optimalTransferLength: getUint32(body, LENGTHS.optimalTransferLength),
    maxPrefetchLength: getUint32(body, LENGTHS.maxPrefetchLength),
    maxUnmapLbaCount: getUint32(body, LENGTHS.maxUnmapLbaCount),
    maxUnmapDescriptorCount: getUint32(body, LENGTHS.maxUnmapDescriptorCount),
    optimalUnmapGranularity: getUint32(body, LENGTHS.optimalUnmapGranularity),
    unmapGranularityAlignment: alignment >= 0x8000_0000 ? alignment - 0x8000_0000 : undefined,
    maxWriteSameLength: getUint64(body, 32),
    maxAtomicTransferLength: getUint32(body, LENGTHS.maxAtomicTransferLength),
    atomicAlignment: getUint32(body, LENGTHS.atomicAlignment),
    atomicTransferLengthGranularity: getUint32(body, LENGTHS.atomicTransferLengthGranularity),
    maxAtomicTransferLengthWithBoundary: getUint32(
      body,
      LENGTHS.maxAtomicTransferLengthWithBoundary,
    ),
    maxAtomicBoundarySize: getUint32(body, LENGTHS.maxAtomicBoundarySize),
  }
}

function parseCharacteristics(short: Uint8Array): BlockDeviceCharacteristics {
  needBytes('block device characteristics', short, 5)
  const body = wholeBody(short)
  return {
    ...readFlags(body, FLAGS),
    rotationRate: getUint16(body, 0),
    productType: body[2]!,
    blockEraseReads: body[3]! >> 6,
    cryptoEraseReads: (body[3]! >> 4) & 3,
    formFactor: body[3]! & 0xf,
    zoned: (body[4]! >> 4) & 3,
    depopulationSeconds: getUint32(body, 8),
  }
}

function wholeBody(short: Uint8Array): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  body.set(short.subarray(0, BODY_LENGTH))
  return body
}
