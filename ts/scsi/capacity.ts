/** READ CAPACITY (SBC-3 5.15, 5.16). */

import {
  badResponse,
  checkUint,
  getUint32,
  getUint64,
  needBytes,
  setUint32,
  setUint64,
} from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { Opcode, ServiceActionIn16 } from './opcode.ts'

/** What READ CAPACITY(10) says. */
export interface Capacity10 {
  /** The last logical block's address; `undefined` if it needs more than 32 bits: ask READ CAPACITY(16). */
  readonly lastLba: number | undefined
  /** Bytes in one logical block. */
  readonly blockLength: number
}

/** What READ CAPACITY(16) says. */
export interface Capacity16 {
  readonly lastLba: bigint
  /** Bytes in one logical block. */
  readonly blockLength: number
  /** Protection type 1 to 3, or 0 for none. */
  readonly protectionType: number
  /** Logical blocks in one physical block. */
  readonly logicalBlocksPerPhysicalBlock: number
  /** The first logical block that begins a physical block. */
  readonly lowestAlignedLba: number
  /** LBPME: logical block provisioning management is enabled. */
  readonly provisioning: boolean
  /** LBPRZ: unmapped blocks read as zeros. */
  readonly unmappedReadsZeros: boolean
}

/** Bytes of READ CAPACITY(16) data. */
export const CAPACITY_16_LENGTH = 32

/** READ CAPACITY(10). */
export function readCapacity10(): TypedCommand<Capacity10> {
  return {
    cdb: Uint8Array.of(Opcode.READ_CAPACITY_10, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    dataInLength: 8,
    parse: parseCapacity10,
  }
}

/** READ CAPACITY(16). */
export function readCapacity16(): TypedCommand<Capacity16> {
  const cdb = new Uint8Array(16)
  cdb[0] = Opcode.SERVICE_ACTION_IN_16
  cdb[1] = ServiceActionIn16.READ_CAPACITY_16
  setUint32(cdb, 10, CAPACITY_16_LENGTH)
  return { cdb, dataInLength: CAPACITY_16_LENGTH, parse: parseCapacity16 }
}

/** READ CAPACITY(10) data for the last LBA, which saturates at FFFFFFFFh. */
export function encodeCapacity10(lastLba: bigint, blockLength: number): Uint8Array {
  const data = new Uint8Array(8)
  setUint32(data, 0, lastLba > 0xffff_fffen ? 0xffff_ffff : Number(lastLba))
  setUint32(data, 4, blockLength)
  return data
}

/** READ CAPACITY(16) data. */
export function encodeCapacity16(capacity: Capacity16): Uint8Array {
  const data = new Uint8Array(CAPACITY_16_LENGTH)
  setUint64(data, 0, capacity.lastLba)
  setUint32(data, 8, capacity.blockLength)
  if (capacity.protectionType !== 0) data[12] = ((capacity.protectionType - 1) << 1) | 1
  data[13] = checkUint('exponent', Math.log2(capacity.logicalBlocksPerPhysicalBlock), 15)
  data[14] =
    (capacity.provisioning ? 0x80 : 0) |
    (capacity.unmappedReadsZeros ? 0x40 : 0) |
    (capacity.lowestAlignedLba >> 8)
  data[15] = capacity.lowestAlignedLba
  return data
}

function parseCapacity10(data: Uint8Array): Capacity10 {
  needBytes('READ CAPACITY(10) data', data, 8)
  const lastLba = getUint32(data, 0)
  return {
    lastLba: lastLba === 0xffff_ffff ? undefined : lastLba,
    blockLength: blockLengthAt(data, 4),
  }
}

function parseCapacity16(data: Uint8Array): Capacity16 {
  // SBC-2 has 12 bytes here; what it does not say is 0.
  needBytes('READ CAPACITY(16) data', data, 12)
  const protection = data[12] ?? 0
  const flags = data[14] ?? 0
  return {
    lastLba: getUint64(data, 0),
    blockLength: blockLengthAt(data, 8),
    protectionType: (protection & 1) === 0 ? 0 : ((protection >> 1) & 7) + 1,
    logicalBlocksPerPhysicalBlock: 1 << ((data[13] ?? 0) & 0xf),
    lowestAlignedLba: ((flags & 0x3f) << 8) | (data[15] ?? 0),
    provisioning: (flags & 0x80) !== 0,
    unmappedReadsZeros: (flags & 0x40) !== 0,
  }
}

/** Blocks of no bytes would make a read of any of them end at once, in nothing. */
function blockLengthAt(data: Uint8Array, at: number): number {
  const blockLength = getUint32(data, at)
  if (blockLength === 0) throw badResponse('READ CAPACITY data: blocks of 0 bytes')
  return blockLength
}
