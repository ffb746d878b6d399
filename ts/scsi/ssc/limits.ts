/** READ BLOCK LIMITS (SSC-4 7.5). */

import {
  checkUint,
  getUint16,
  getUint24,
  getUint64,
  needBytes,
  setUint16,
  setUint24,
} from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'

/** How long blocks may be, in bytes. */
export interface BlockLimits {
  /** 0: no limit. */
  readonly maximum: number
  readonly minimum: number
  /** GRANULARITY: lengths between are the minimum and multiples of 2 to the power of this. 0 to 31. */
  readonly granularity: number
}

/** READ BLOCK LIMITS for the lengths of blocks. */
export function readBlockLimits(): TypedCommand<BlockLimits> {
  return { cdb: limitsCdb(0), dataInLength: LIMITS_LENGTH, parse: parseBlockLimits }
}

/** READ BLOCK LIMITS with MLOI: the highest logical object identifier. */
export function readMaximumLogicalObject(): TypedCommand<bigint> {
  return {
    cdb: limitsCdb(1),
    dataInLength: OBJECT_LENGTH,
    parse: (data) => {
      needBytes('READ BLOCK LIMITS', data, OBJECT_LENGTH)
      return getUint64(data, 12)
    },
  }
}

/** The answer to READ BLOCK LIMITS: for handlers. */
export function encodeBlockLimits(limits: BlockLimits): Uint8Array {
  const data = new Uint8Array(LIMITS_LENGTH)
  data[0] = checkUint('granularity', limits.granularity, 0x1f)
  setUint24(data, 1, checkUint('maximum', limits.maximum, 0xff_ffff))
  setUint16(data, 4, checkUint('minimum', limits.minimum, 0xffff))
  return data
}

const LIMITS_LENGTH = 6
const OBJECT_LENGTH = 20

function limitsCdb(mloi: number): Uint8Array {
  return Uint8Array.of(Opcode.READ_BLOCK_LIMITS, mloi, 0, 0, 0, 0)
}

function parseBlockLimits(data: Uint8Array): BlockLimits {
  needBytes('READ BLOCK LIMITS', data, LIMITS_LENGTH)
  return {
    maximum: getUint24(data, 1),
    minimum: getUint16(data, 4),
    granularity: data[0]! & 0x1f,
  }
}
