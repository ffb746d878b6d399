/**
 * Commands that compare or mix data-out with blocks (SBC-3 5.2, 5.9, 5.29, 5.39). All throw `ERR_SGRING_INVALID_ARGUMENT` for what their
 * fields cannot hold. Blocks that are not the same are MISCOMPARE, 1Dh 00h, with INFORMATION the place in the data-out.
 */

import { type BlockRange, blockCdb, type WriteOptions } from './block.ts'
import { checkUint } from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'

/** BYTCHK: what blocks are compared with. */
const ByteCheck = { MEDIUM: 0, EACH: 1, ONE: 3 } as const

/** Blocks to verify. */
export interface VerifyOptions extends Omit<BlockRange, 'fua'> {
  /** How many. Default: as many as `data` has. */
  readonly blocks?: number
  /** What they are compared with: as many blocks, or one for all of them. Default: the medium is read, and nothing compared. */
  readonly data?: Uint8Array
}

/** Blocks to write and verify. */
export interface WriteAndVerifyOptions extends Omit<WriteOptions, 'fua'> {
  /** Compare the blocks with what was written, and not only read them. Default: false. */
  readonly compare?: boolean
}

/** Blocks that are replaced if they are as expected. */
export interface CompareAndWriteOptions extends BlockRange {
  /** Whole blocks, 255 at most. */
  readonly expected: Uint8Array
  /** As many. */
  readonly data: Uint8Array
}

/** VERIFY(10). */
export function verify10(options: VerifyOptions): TypedCommand<void> {
  return verify(Opcode.VERIFY_10, options)
}

/** VERIFY(12). */
export function verify12(options: VerifyOptions): TypedCommand<void> {
  return verify(Opcode.VERIFY_12, options)
}

/** VERIFY(16). */
export function verify16(options: VerifyOptions): TypedCommand<void> {
  return verify(Opcode.VERIFY_16, options)
}

/** WRITE AND VERIFY(10). */
export function writeAndVerify10(options: WriteAndVerifyOptions): TypedCommand<void> {
  return writeAndVerify(Opcode.WRITE_AND_VERIFY_10, options)
}

/** WRITE AND VERIFY(12). */
export function writeAndVerify12(options: WriteAndVerifyOptions): TypedCommand<void> {
  return writeAndVerify(Opcode.WRITE_AND_VERIFY_12, options)
}

/** WRITE AND VERIFY(16). */
export function writeAndVerify16(options: WriteAndVerifyOptions): TypedCommand<void> {
  return writeAndVerify(Opcode.WRITE_AND_VERIFY_16, options)
}

/** COMPARE AND WRITE: in one step, for locks that several initiators share. */
export function compareAndWrite(options: CompareAndWriteOptions): TypedCommand<void> {
  const { expected, data } = options
  checkUint('data.length', data.length, expected.length, expected.length)
  const blocks = checkUint('expected blocks', blocksOf(expected, options.blockLength), 0xff)
  const cdb = blockCdb(Opcode.COMPARE_AND_WRITE, options.lba, 0, flagsOf(options))
  cdb[13] = blocks
  return { cdb, dataInLength: 0, dataOut: joined(expected, data), parse: parseNothing }
}

/** ORWRITE(16): sets the bits of blocks that are set in the data. */
export function orWrite16(options: WriteOptions): TypedCommand<void> {
  const blocks = blocksOf(options.data, options.blockLength)
  const cdb = blockCdb(Opcode.ORWRITE_16, options.lba, blocks, flagsOf(options))
  return { cdb, dataInLength: 0, dataOut: options.data, parse: parseNothing }
}

function verify(opcode: number, options: VerifyOptions): TypedCommand<void> {
  const { data, blockLength } = options
  const given = data === undefined ? 0 : blocksOf(data, blockLength)
  const blocks = options.blocks ?? given
  if (data !== undefined && given !== 1) checkUint('blocks', blocks, given, given)
  const check =
    data === undefined ? ByteCheck.MEDIUM : given === blocks ? ByteCheck.EACH : ByteCheck.ONE
  const cdb = blockCdb(opcode, options.lba, blocks, flagsOf(options) | (check << 1))
  const command = { cdb, dataInLength: 0, parse: parseNothing }
  return data === undefined ? command : { ...command, dataOut: data }
}

function writeAndVerify(opcode: number, options: WriteAndVerifyOptions): TypedCommand<void> {
  const { data, blockLength, compare = false } = options
  const check = compare ? ByteCheck.EACH : ByteCheck.MEDIUM
  const blocks = blocksOf(data, blockLength)
  const cdb = blockCdb(opcode, options.lba, blocks, flagsOf(options) | (check << 1))
  return { cdb, dataInLength: 0, dataOut: data, parse: parseNothing }
}

function blocksOf(data: Uint8Array, blockLength: number): number {
  checkUint('blockLength', blockLength, 0xffff_ffff, 1)
  return checkUint('data.length / blockLength', data.length / blockLength, 0xffff_ffff)
}

function flagsOf({ dpo, fua }: Pick<BlockRange, 'dpo' | 'fua'>): number {
  return (dpo === true ? 0x10 : 0) | (fua === true ? 0x08 : 0)
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
