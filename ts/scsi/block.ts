/**
 * READ, WRITE and SYNCHRONIZE CACHE (SBC-3 clause 5).
 *
 *     bytes  flags  LBA            blocks
 *     6      -      1..3, 21 bits  4      (0 is 256)
 *     10     1      2..5           7..8
 *     12     1      2..5           6..9
 *     16     1      2..9           10..13
 *     flags: PROTECT 7..5, DPO 4, FUA 3; in SYNCHRONIZE CACHE only IMMED 1
 */

import {
  badResponse,
  checkUint,
  checkUint64,
  getUint16,
  getUint24,
  getUint32,
  getUint64,
  getUint64Rounded,
  setUint16,
  setUint24,
  setUint32,
  setUint64,
} from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { cdbLength, Opcode } from './opcode.ts'

const DPO = 0x10
const FUA = 0x08
const IMMED = 0x02
const PROTECT = 0xe0

/**
 * The first LBA. Exact below 2^53 and at least 2^53 above, which is beyond the end of every medium whose bytes a number can count;
 * comparing it with such an end is always right. Allocation-free.
 */
export function blockLba(cdb: Uint8Array): number {
  switch (cdb[0]! >> 5) {
    case 0:
      return getUint24(cdb, 1) & 0x1f_ffff
    case 4:
      return getUint64Rounded(cdb, 2)
    default:
      return getUint32(cdb, 2)
  }
}

/** The first LBA, exact. */
export function blockLbaExact(cdb: Uint8Array): bigint {
  return cdb[0]! >> 5 === 4 ? getUint64(cdb, 2) : BigInt(blockLba(cdb))
}

/** The number of blocks. Allocation-free. */
export function blockCount(cdb: Uint8Array): number {
  switch (cdb[0]! >> 5) {
    case 0:
      return cdb[4]! === 0 ? 256 : cdb[4]!
    case 4:
      return getUint32(cdb, 10)
    case 5:
      return getUint32(cdb, 6)
    default:
      return getUint16(cdb, 7)
  }
}

const READS: ReadonlySet<number> = new Set([
  Opcode.READ_6,
  Opcode.READ_10,
  Opcode.READ_12,
  Opcode.READ_16,
])
const WRITES: ReadonlySet<number> = new Set([
  Opcode.WRITE_6,
  Opcode.WRITE_10,
  Opcode.WRITE_12,
  Opcode.WRITE_16,
])

/** What a READ or WRITE asks for: for handlers, and whoever else gets CDBs. */
export interface BlockCommand {
  readonly write: boolean
  readonly lba: bigint
  readonly blocks: number
}

/** Reads the CDB of a READ or WRITE (6, 10, 12 or 16); undefined for another command, and for fewer bytes than it has. */
export function parseBlockCdb(cdb: Uint8Array): BlockCommand | undefined {
  const opcode = cdb[0] ?? 0
  const write = WRITES.has(opcode)
  if ((!write && !READS.has(opcode)) || cdb.length < cdbLength(opcode)) return undefined
  return { write, lba: blockLbaExact(cdb), blocks: blockCount(cdb) }
}

/** Force unit access: from the medium, or onto it (SBC-3 4.15). READ(6) and WRITE(6) have none. */
export function hasFua(cdb: Uint8Array): boolean {
  return cdb[0]! >> 5 !== 0 && (cdb[1]! & FUA) !== 0
}

/** RDPROTECT or WRPROTECT is not zero: protection information is asked for. */
export function hasProtect(cdb: Uint8Array): boolean {
  return cdb[0]! >> 5 !== 0 && (cdb[1]! & PROTECT) !== 0
}

/** Which blocks, and how they pass the cache. */
export interface BlockRange {
  /** First logical block address; a bigint beyond 2^53-1. */
  readonly lba: number | bigint
  /** Bytes in one logical block, as READ CAPACITY says. */
  readonly blockLength: number
  /** Disable page out: this data is not worth keeping in a cache. Not in the 6-byte forms. */
  readonly dpo?: boolean
  /** Force unit access. Not in the 6-byte forms. */
  readonly fua?: boolean
}

/** Blocks to read. */
export interface ReadOptions extends BlockRange {
  /** How many: 1 to 256 for READ(6), else 0 to the largest number of the field. */
  readonly blocks: number
}

/** Blocks to write. */
export interface WriteOptions extends BlockRange {
  /** Whole blocks. */
  readonly data: Uint8Array
}

/** READ(6): 21 bits of LBA, 1 to 256 blocks. The answer has exactly the blocks asked for, as every READ's. */
export function read6(options: ReadOptions): TypedCommand<Uint8Array> {
  return read(Opcode.READ_6, options)
}

/** READ(10): 32 bits of LBA, 16 of length. */
export function read10(options: ReadOptions): TypedCommand<Uint8Array> {
  return read(Opcode.READ_10, options)
}

/** READ(12): 32 bits of LBA, 32 of length. */
export function read12(options: ReadOptions): TypedCommand<Uint8Array> {
  return read(Opcode.READ_12, options)
}

/** READ(16): 64 bits of LBA, 32 of length. */
export function read16(options: ReadOptions): TypedCommand<Uint8Array> {
  return read(Opcode.READ_16, options)
}

/** WRITE(6): 21 bits of LBA, 1 to 256 blocks. */
export function write6(options: WriteOptions): TypedCommand<void> {
  return write(Opcode.WRITE_6, options)
}

/** WRITE(10): 32 bits of LBA, 16 of length. */
export function write10(options: WriteOptions): TypedCommand<void> {
  return write(Opcode.WRITE_10, options)
}

/** WRITE(12): 32 bits of LBA, 32 of length. */
export function write12(options: WriteOptions): TypedCommand<void> {
  return write(Opcode.WRITE_12, options)
}

/** WRITE(16): 64 bits of LBA, 32 of length. */
export function write16(options: WriteOptions): TypedCommand<void> {
  return write(Opcode.WRITE_16, options)
}

/** Which blocks of a volatile cache go to the medium. */
export interface SynchronizeCacheOptions {
  /** First block. Default: 0. */
  readonly lba?: number | bigint
  /** How many; 0 is all to the end. Default: 0. */
  readonly blocks?: number
  /** Answer before it is done; an error then comes with a later command. Default: false. */
  readonly immed?: boolean
}

/** SYNCHRONIZE CACHE(10). */
export function synchronizeCache10(options: SynchronizeCacheOptions = {}): TypedCommand<void> {
  return synchronizeCache(Opcode.SYNCHRONIZE_CACHE_10, options)
}

/** SYNCHRONIZE CACHE(16): LBA and length of 64 and 32 bits. */
export function synchronizeCache16(options: SynchronizeCacheOptions = {}): TypedCommand<void> {
  return synchronizeCache(Opcode.SYNCHRONIZE_CACHE_16, options)
}

function read(opcode: number, options: ReadOptions): TypedCommand<Uint8Array> {
  const { blocks, blockLength } = options
  checkUint('blockLength', blockLength, 0xffff_ffff, 1)
  const dataInLength = blocks * blockLength
  return {
    cdb: blockCdb(opcode, options.lba, blocks, flagsOf(opcode, options)),
    dataInLength,
    parse: (data) => {
      if (data.length !== dataInLength) {
        throw badResponse(`READ: ${data.length} bytes came, ${dataInLength} were asked for`)
      }
      return data
    },
  }
}

function write(opcode: number, options: WriteOptions): TypedCommand<void> {
  checkUint('blockLength', options.blockLength, 0xffff_ffff, 1)
  const blocks = checkUint(
    'data.length / blockLength',
    options.data.length / options.blockLength,
    0xffff_ffff,
  )
  return {
    cdb: blockCdb(opcode, options.lba, blocks, flagsOf(opcode, options)),
    dataInLength: 0,
    dataOut: options.data,
    parse: parseNothing,
  }
}

function synchronizeCache(opcode: number, options: SynchronizeCacheOptions): TypedCommand<void> {
  const flags = options.immed === true ? IMMED : 0
  return {
    cdb: blockCdb(opcode, options.lba ?? 0, options.blocks ?? 0, flags),
    dataInLength: 0,
    parse: parseNothing,
  }
}

function flagsOf(opcode: number, options: BlockRange): number {
  const flags = (options.dpo === true ? DPO : 0) | (options.fua === true ? FUA : 0)
  return checkUint('dpo and fua of a 6-byte CDB', flags, cdbLength(opcode) === 6 ? 0 : 0xff)
}

/** A CDB of the form above. */
export function blockCdb(
  opcode: number,
  lba: number | bigint,
  blocks: number,
  flags: number,
): Uint8Array {
  const cdb = new Uint8Array(cdbLength(opcode))
  switch (cdb.length) {
    case 6:
      setUint24(cdb, 1, Number(checkUint64('lba', lba, 0x1f_ffffn)))
      cdb[4] = checkUint('blocks', blocks, 256, 1) // 256 wraps to 0, which means it
      break
    case 10:
      setUint32(cdb, 2, Number(checkUint64('lba', lba, 0xffff_ffffn)))
      setUint16(cdb, 7, checkUint('blocks', blocks, 0xffff))
      break
    case 12:
      setUint32(cdb, 2, Number(checkUint64('lba', lba, 0xffff_ffffn)))
      setUint32(cdb, 6, checkUint('blocks', blocks, 0xffff_ffff))
      break
    default:
      setUint64(cdb, 2, checkUint64('lba', lba))
      setUint32(cdb, 10, checkUint('blocks', blocks, 0xffff_ffff))
  }
  cdb[0] = opcode
  cdb[1]! |= flags
  return cdb
}
