/**
 * Variable length CDBs (SPC-5 4.2.3), and READ(32) and WRITE(32) among them (SBC-4 clause 5).
 *
 *     0      7Fh                           READ(32), WRITE(32)
 *     1      CONTROL                       10      PROTECT 7..5, DPO 4, FUA 3, RARC 2
 *     6      GROUP NUMBER (SBC)            12..19  LBA
 *     7      ADDITIONAL CDB LENGTH (n-7)   20..23  EXPECTED INITIAL LOGICAL BLOCK REFERENCE TAG
 *     8,9    SERVICE ACTION                24,25   EXPECTED LOGICAL BLOCK APPLICATION TAG
 *     10..n  what the action has           26,27   LOGICAL BLOCK APPLICATION TAG MASK
 *                                          28..31  blocks
 */

import { SgringError } from '../errors.ts'
import type { BlockRange, ReadOptions, WriteOptions } from './block.ts'
import { badResponse, checkUint, checkUint64, setUint16, setUint32, setUint64 } from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'

/** Service actions of variable length CDBs (SBC-4 clause 5). */
export const VariableAction = {
  READ_32: 0x0009,
  VERIFY_32: 0x000a,
  WRITE_32: 0x000b,
  WRITE_AND_VERIFY_32: 0x000c,
  WRITE_SAME_32: 0x000d,
} as const
export type VariableAction = (typeof VariableAction)[keyof typeof VariableAction]

/** What the 32-byte forms say of protection information, which is checked where `protect` says so. */
export interface ProtectionOptions {
  /** RDPROTECT or WRPROTECT; unless it is 0, `blockLength` counts the protection information, too. Default: 0. */
  readonly protect?: number
  /** GROUP NUMBER. Default: 0. */
  readonly group?: number
  /** Of the first block. Default: 0. */
  readonly referenceTag?: number
  /** Default: 0. */
  readonly applicationTag?: number
  /** Which bits of the application tag are checked. Default: 0. */
  readonly applicationTagMask?: number
}

export interface Read32Options extends ReadOptions, ProtectionOptions {
  /** RARC: errors are told rather than recovered from at length. Default: false. */
  readonly rarc?: boolean
}

export interface Write32Options extends WriteOptions, ProtectionOptions {}

/**
 * A variable length CDB: `fields` are its bytes from 10 on, at most 250 and as many that the CDB's length is a multiple of four.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT`
 */
export function variableCdb(action: number, fields: Uint8Array): Uint8Array {
  const length = 10 + fields.length
  if (length < 12 || length > MAX_LENGTH || length % 4 !== 0) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `a variable length CDB has 12 to ${MAX_LENGTH} bytes, a multiple of 4, not ${length}`,
    )
  }
  const cdb = new Uint8Array(length)
  cdb[0] = Opcode.VARIABLE_LENGTH
  cdb[7] = length - 8
  setUint16(cdb, 8, checkUint('action', action, 0xffff))
  cdb.set(fields, 10)
  return cdb
}

/** READ(32): for units with type 2 protection, which refuse the shorter forms with protection. */
export function read32(options: Read32Options): TypedCommand<Uint8Array> {
  const { blocks, blockLength } = options
  checkUint('blockLength', blockLength, 0xffff_ffff, 1)
  const cdb = block32(VariableAction.READ_32, blocks, options)
  if (options.rarc === true) cdb[10]! |= RARC
  const dataInLength = blocks * blockLength
  return {
    cdb,
    dataInLength,
    parse: (data) => {
      if (data.length !== dataInLength) {
        throw badResponse(`READ: ${data.length} bytes came, ${dataInLength} were asked for`)
      }
      return data
    },
  }
}

/** WRITE(32): for units with type 2 protection, which refuse the shorter forms with protection. */
export function write32(options: Write32Options): TypedCommand<void> {
  const { data, blockLength } = options
  checkUint('blockLength', blockLength, 0xffff_ffff, 1)
  const cdb = block32(VariableAction.WRITE_32, data.length / blockLength, options)
  return { cdb, dataInLength: 0, dataOut: data, parse: parseNothing }
}

/** 8, and the most that ADDITIONAL CDB LENGTH can say in multiples of four. */
const MAX_LENGTH = 260
const DPO = 0x10
const FUA = 0x08
const RARC = 0x04

function block32(action: number, blocks: number, options: BlockRange & ProtectionOptions) {
  const fields = new Uint8Array(22)
  fields[0] =
    (checkUint('protect', options.protect ?? 0, 7) << 5) |
    (options.dpo === true ? DPO : 0) |
    (options.fua === true ? FUA : 0)
  setUint64(fields, 2, checkUint64('lba', options.lba))
  setUint32(fields, 10, checkUint('referenceTag', options.referenceTag ?? 0, 0xffff_ffff))
  setUint16(fields, 14, checkUint('applicationTag', options.applicationTag ?? 0, 0xffff))
  setUint16(fields, 16, checkUint('applicationTagMask', options.applicationTagMask ?? 0, 0xffff))
  setUint32(fields, 18, checkUint('blocks', blocks, 0xffff_ffff))
  const cdb = variableCdb(action, fields)
  cdb[6] = checkUint('group', options.group ?? 0, 0x3f)
  return cdb
}
