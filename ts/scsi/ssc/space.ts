/**
 * Filemarks and spacing (SSC-4 5.7, 6.6, 6.9, 7.11).
 *
 *     WRITE FILEMARKS(6)   1: IMMED 0                 2..4: FILEMARK COUNT
 *     WRITE FILEMARKS(16)  1: FCS 3, LCS 2, IMMED 0   3: PARTITION   4..11: LOGICAL OBJECT IDENTIFIER   12..14: FILEMARK COUNT
 *     SPACE(6)             1: CODE 3..0               2..4: COUNT, signed
 *     SPACE(16)            1: CODE 3..0               4..11: COUNT, signed
 */

import { checkUint, checkUint64, getUint24, getUint64, setUint24, setUint64 } from '../bytes.ts'
import { noData, type TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'
import { parseEarlyWarning, type WriteResult } from './read-write.ts'

/** What SPACE counts. */
export const SpaceCode = {
  LOGICAL_BLOCKS: 0,
  FILEMARKS: 1,
  SEQUENTIAL_FILEMARKS: 2,
  END_OF_DATA: 3,
} as const
export type SpaceCode = (typeof SpaceCode)[keyof typeof SpaceCode]

const IMMED = 0x01
const LCS = 0x04
const FCS = 0x08

/** Filemarks where the tape stands. */
export interface WriteFilemarksOptions {
  /** 0 to 16,777,215; 0 flushes the buffer. Default: 1. */
  readonly count?: number
  /** Answer before they are on the medium. Default: false. */
  readonly immed?: boolean
}

/** Filemarks at an explicit address. */
export interface WriteFilemarksAtOptions extends WriteFilemarksOptions {
  /** Default: 0. */
  readonly partition?: number
  /** LOGICAL OBJECT IDENTIFIER. */
  readonly logicalObject: number | bigint
  /** FCS: the first command of a sequence of writes. Default: false. */
  readonly firstOfSequence?: boolean
  /** LCS: the last. Default: false. */
  readonly lastOfSequence?: boolean
}

/** WRITE FILEMARKS(6). */
export function writeFilemarks6(options: WriteFilemarksOptions = {}): TypedCommand<WriteResult> {
  const cdb = Uint8Array.of(
    Opcode.WRITE_FILEMARKS_6,
    options.immed === true ? IMMED : 0,
    0,
    0,
    0,
    0,
  )
  setUint24(cdb, 2, checkUint('count', options.count ?? 1, 0xff_ffff))
  return written(cdb)
}

/** WRITE FILEMARKS(16), of the explicit address mode. */
export function writeFilemarks16(options: WriteFilemarksAtOptions): TypedCommand<WriteResult> {
  const cdb = new Uint8Array(16)
  cdb[0] = Opcode.WRITE_FILEMARKS_16
  cdb[1] =
    (options.firstOfSequence === true ? FCS : 0) |
    (options.lastOfSequence === true ? LCS : 0) |
    (options.immed === true ? IMMED : 0)
  cdb[3] = checkUint('partition', options.partition ?? 0, 0xff)
  setUint64(cdb, 4, checkUint64('logicalObject', options.logicalObject))
  setUint24(cdb, 12, checkUint('count', options.count ?? 1, 0xff_ffff))
  return written(cdb)
}

/** Where to. */
export interface SpaceOptions<Count = number> {
  /** Default: logical blocks. */
  readonly code?: SpaceCode
  /** How many; back towards the beginning below zero. Without meaning for the end of data. Default: 0. */
  readonly count?: Count
}

/**
 * SPACE(6): -8,388,608 to 8,388,607. A tape that stops before the count is done tells it by CHECK CONDITION, which is an error here: what
 * is written next would be written elsewhere. `parseStreamEnd(error.sense)` says what stopped it, and how many were left.
 */
export function space6(options: SpaceOptions): TypedCommand<void> {
  const cdb = Uint8Array.of(Opcode.SPACE_6, spaceCode(options), 0, 0, 0, 0)
  setUint24(cdb, 2, checkUint('count', options.count ?? 0, 0x7f_ffff, -0x80_0000) & 0xff_ffff)
  return noData(cdb)
}

/** SPACE(16): a count of 64 bits with its sign. */
export function space16(options: SpaceOptions<number | bigint>): TypedCommand<void> {
  const { count = 0 } = options
  const size = checkUint64(
    'the size of count',
    count < 0 ? -count : count,
    count < 0 ? 1n << 63n : MAX,
  )
  const cdb = new Uint8Array(16)
  cdb[0] = Opcode.SPACE_16
  cdb[1] = spaceCode(options)
  setUint64(cdb, 4, BigInt.asUintN(64, count < 0 ? -size : size))
  return noData(cdb)
}

/** What a SPACE asks for: for handlers. */
export interface SpaceCdb {
  readonly code: number
  readonly count: bigint
}

/** Reads the CDB of a SPACE(6) or SPACE(16); `undefined` for another command, and for fewer bytes than it has. */
export function parseSpaceCdb(cdb: Uint8Array): SpaceCdb | undefined {
  const code = cdb[1]! & 0xf
  if (cdb[0] === Opcode.SPACE_6 && cdb.length >= 6) {
    return { code, count: BigInt.asIntN(24, BigInt(getUint24(cdb, 2))) }
  }
  if (cdb[0] === Opcode.SPACE_16 && cdb.length >= 16) {
    return { code, count: BigInt.asIntN(64, getUint64(cdb, 4)) }
  }
  return undefined
}

const MAX = (1n << 63n) - 1n

function spaceCode({ code = SpaceCode.LOGICAL_BLOCKS }: SpaceOptions<number | bigint>): number {
  return checkUint('code', code, 0xf)
}

function written(cdb: Uint8Array): TypedCommand<WriteResult> {
  return {
    cdb,
    dataInLength: 0,
    parse: () => ({ endOfMedium: false }),
    parseCheckCondition: parseEarlyWarning,
  }
}
