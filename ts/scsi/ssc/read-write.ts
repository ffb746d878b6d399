/**
 * READ(6) and WRITE(6) of tapes (SSC-4 6.4, 6.8).
 *
 *     bytes  0: 08h, 0Ah   1: SILI 1 (READ), FIXED 0   2..4: TRANSFER LENGTH   5: CONTROL
 *
 * With FIXED the length counts blocks of the length that MODE SELECT has set; else it is the bytes of one block.
 */

import { badResponse, checkUint, getUint24, setUint24 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { parseSense, type Sense, SenseKey } from '../sense.ts'
import { Opcode } from './opcode.ts'
import { parseStreamEnd, type StreamEnd } from './stream-end.ts'

const FIXED = 0x01
const SILI = 0x02
const UINT24_MAX = 0xff_ffff
const GOOD = 0x00
const CHECK_CONDITION = 0x02

/** What a READ asks for. */
export type ReadOptions = VariableRead | FixedRead

/** One block of any length. */
export interface VariableRead {
  /** The most bytes of it that are wanted: 0 to 16,777,215. */
  readonly length: number
  /** Suppress incorrect length indication: a shorter block is read without ILI. Default: false. */
  readonly sili?: boolean
}

/** Blocks of the same length. */
export interface FixedRead {
  /** How many: 0 to 16,777,215. */
  readonly blocks: number
  /** Bytes in one, as MODE SELECT has set. */
  readonly blockLength: number
}

/** What was read, and what ended it. */
export interface ReadResult extends Omit<StreamEnd, 'residual'> {
  /** One block, or its beginning; or as many whole blocks as were read. */
  readonly data: Uint8Array
  /**
   * Asked for and not read, in blocks, or with `length` in bytes: the block had `length - residual` of them, and was longer than
   * `length` below zero.
   */
  readonly residual: number
}

/** What `execute()` resolves with. */
export interface ReadResponse {
  readonly status: number
  readonly sense: Uint8Array
  readonly data: Uint8Array
}

/** What is written. */
export interface WriteOptions {
  /** One block of 0 to 16,777,215 bytes; with `blockLength`, whole blocks. */
  readonly data: Uint8Array
  /** Bytes in a block, as MODE SELECT has set. Default: `data` is one block. */
  readonly blockLength?: number
}

/** How a write ended that was carried out. */
export interface WriteResult {
  /** EOM: all was written, and the end is near (early warning). */
  readonly endOfMedium: boolean
}

/**
 * READ(6). Filemarks, blocks of another length, and the ends of the recorded data and of the partition are results, not errors:
 *
 *     const { data, filemark, endOfData } = await tape.run(ssc.read6({ length: 65_536, sili: true }))
 */
export function read6(options: ReadOptions): TypedCommand<ReadResult> {
  const cdb = transferCdb(Opcode.READ_6, options)
  if ('length' in options && options.sili === true) cdb[1]! |= SILI
  return {
    cdb,
    dataInLength: bytesOf(options),
    parse: (data) => readWhole(options, data),
    parseCheckCondition: (sense, data) => readPart(options, sense, data),
  }
}

/** What the response to a `read6(options)` means that was sent by `execute()`; `undefined` when it failed. */
export function readResult(options: ReadOptions, response: ReadResponse): ReadResult | undefined {
  const { status, sense, data } = response
  if (status === GOOD) return readWhole(options, data)
  if (status !== CHECK_CONDITION || sense.length === 0) return undefined
  return readPart(options, parseSense(sense), data)
}

/**
 * WRITE(6). Early warning is told in the result. VOLUME OVERFLOW, and whatever else leaves something unwritten, is an error like any
 * other: `parseStreamEnd(error.sense)` says how much was left.
 */
export function write6(options: WriteOptions): TypedCommand<WriteResult> {
  const { data, blockLength } = options
  const transfer =
    blockLength === undefined
      ? { length: data.length }
      : { blocks: data.length / checkUint('blockLength', blockLength, UINT24_MAX, 1), blockLength }
  return {
    cdb: transferCdb(Opcode.WRITE_6, transfer),
    dataInLength: 0,
    dataOut: data,
    parse: () => ({ endOfMedium: false }),
    parseCheckCondition: parseEarlyWarning,
  }
}

/** What a READ(6) or WRITE(6) asks for: for handlers. */
export interface TransferCdb {
  readonly write: boolean
  /** `length` counts blocks, else bytes. */
  readonly fixed: boolean
  readonly sili: boolean
  readonly length: number
}

/** Reads the CDB of a READ(6) or WRITE(6); `undefined` for another command, and for fewer bytes than it has. */
export function parseTransferCdb(cdb: Uint8Array): TransferCdb | undefined {
  const write = cdb[0] === Opcode.WRITE_6
  if ((!write && cdb[0] !== Opcode.READ_6) || cdb.length < 6) return undefined
  const flags = cdb[1]!
  const sili = !write && (flags & SILI) !== 0
  return { write, fixed: (flags & FIXED) !== 0, sili, length: getUint24(cdb, 2) }
}

/** The only CHECK CONDITION after which everything is on the medium, or in the buffer before it. */
export function parseEarlyWarning(sense: Sense): WriteResult | undefined {
  if (sense.key !== SenseKey.NO_SENSE && sense.key !== SenseKey.RECOVERED_ERROR) return undefined
  const end = parseStreamEnd(sense)
  return end?.endOfMedium === true && (end.residual ?? 0) === 0 ? { endOfMedium: true } : undefined
}

function readWhole(options: ReadOptions, data: Uint8Array): ReadResult {
  const wanted = bytesOf(options)
  const missing = wanted - data.length
  const mayBeShort = 'length' in options && options.sili === true
  if (missing < 0 || (missing > 0 && !mayBeShort)) {
    throw badResponse(`READ(6): GOOD with ${data.length} bytes, ${wanted} were asked for`)
  }
  return {
    data,
    filemark: false,
    endOfMedium: false,
    endOfData: false,
    incorrectLength: false,
    residual: missing,
  }
}

function readPart(options: ReadOptions, sense: Sense, data: Uint8Array): ReadResult | undefined {
  const end = isReadEnd(sense) ? parseStreamEnd(sense) : undefined
  if (end === undefined) return undefined
  const unit = 'blocks' in options ? options.blockLength : 1
  const wanted = bytesOf(options) / unit
  const residual = end.residual ?? wanted - Math.floor(data.length / unit)
  // Only a block of variable length can have more than was asked for.
  const least = 'length' in options && end.incorrectLength ? -UINT24_MAX : 0
  if (residual < least || residual > wanted) {
    throw badResponse(`READ(6): a residual of ${residual} for a transfer length of ${wanted}`)
  }
  // What came counts for less than what the sense data say: few host adapters know it exactly.
  const bytes = Math.min(wanted, wanted - residual) * unit
  if (data.length < bytes) {
    throw badResponse(`READ(6): ${data.length} bytes came, the sense data speak of ${bytes}`)
  }
  return { ...end, data: data.subarray(0, bytes), residual }
}

/** Sense data of an error in the midst of a read may have the same bits; these are ends (SSC-4 6.4). */
function isReadEnd({ key, endOfMedium, asc }: Sense): boolean {
  switch (key) {
    case SenseKey.NO_SENSE:
    case SenseKey.RECOVERED_ERROR:
    case SenseKey.BLANK_CHECK:
      return true
    case SenseKey.MEDIUM_ERROR: // END-OF-PARTITION/MEDIUM DETECTED
      return endOfMedium && asc === 0
    default:
      return false
  }
}

function transferCdb(opcode: number, options: ReadOptions): Uint8Array {
  const fixed = 'blocks' in options
  const length = fixed
    ? checkUint('blocks', options.blocks, UINT24_MAX)
    : checkUint('length', options.length, UINT24_MAX)
  if (fixed) checkUint('blockLength', options.blockLength, UINT24_MAX, 1)
  const cdb = Uint8Array.of(opcode, fixed ? FIXED : 0, 0, 0, 0, 0)
  setUint24(cdb, 2, length)
  return cdb
}

function bytesOf(options: ReadOptions): number {
  return 'blocks' in options ? options.blocks * options.blockLength : options.length
}
