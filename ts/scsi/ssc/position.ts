/**
 * Where a tape stands, and how to get elsewhere (SSC-4 6.3, 7.2, 7.3, 7.6, 7.9).
 *
 *     READ POSITION  short form             long form                        extended form
 *     0              BOP 7, EOP 6, LOCU 5,  BOP 7, EOP 6, MPU 3, LONU 2,     as the short form
 *                    BYCU 4, LOLU 2,        BPEW 0
 *                    PERR 1, BPEW 0
 *     partition      1                      4..7                             1
 *     first object   4..7                   8..15                            8..15
 *     last object    8..11                  -                                16..23
 *     file           -                      16..23                           -
 *     objects held   13..15                 -                                5..7
 *     bytes held     16..19                 -                                24..31
 */

import {
  checkUint,
  checkUint64,
  getUint16,
  getUint24,
  getUint32,
  getUint64,
  needBytes,
  setUint16,
  setUint32,
  setUint64,
} from '../bytes.ts'
import { noData, type TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'

const IMMED = 0x01

/** A command that may answer before it is done. */
export interface Immediate {
  /** Answer at once. Default: false. */
  readonly immed?: boolean
}

/** REWIND: to the beginning of the partition. */
export function rewind(options: Immediate = {}): TypedCommand<void> {
  return noData(Uint8Array.of(Opcode.REWIND, options.immed === true ? IMMED : 0, 0, 0, 0, 0))
}

export interface LoadUnloadOptions extends Immediate {
  /** Load and position at the beginning, or unload. */
  readonly load: boolean
  /** HOLD: move the medium into the device and out of it, without threading. Default: false. */
  readonly hold?: boolean
  /** EOT: unload at the end of the medium. Not with `load`. Default: false. */
  readonly endOfTape?: boolean
  /** RETEN: tension the medium first. Default: false. */
  readonly retension?: boolean
}

/** LOAD UNLOAD. */
export function loadUnload(options: LoadUnloadOptions): TypedCommand<void> {
  const cdb = Uint8Array.of(Opcode.LOAD_UNLOAD, options.immed === true ? IMMED : 0, 0, 0, 0, 0)
  cdb[4] =
    (options.hold === true ? 8 : 0) |
    (options.endOfTape === true ? 4 : 0) |
    (options.retension === true ? 2 : 0) |
    (options.load ? 1 : 0)
  return noData(cdb)
}

/** What LOCATE(16) names. */
export const LocateDestination = { LOGICAL_OBJECT: 0, LOGICAL_FILE: 1, END_OF_DATA: 3 } as const
export type LocateDestination = (typeof LocateDestination)[keyof typeof LocateDestination]

export interface LocateOptions extends Immediate {
  /** Change to this partition first (CP). Default: stay in the current one. */
  readonly partition?: number
  /** The logical object; in LOCATE(16) a logical file, where `destination` says so. Default: 0. */
  readonly identifier?: number | bigint
}

export interface Locate16Options extends LocateOptions {
  /** Default: a logical object. */
  readonly destination?: LocateDestination
}

/** LOCATE(10): 32 bits of logical object identifier. */
export function locate10(options: LocateOptions): TypedCommand<void> {
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.LOCATE_10
  cdb[1] = locateFlags(options)
  setUint32(cdb, 3, Number(checkUint64('identifier', options.identifier ?? 0, 0xffff_ffffn)))
  cdb[8] = checkUint('partition', options.partition ?? 0, 0xff)
  return noData(cdb)
}

/** LOCATE(16): 64 bits, of a logical object or a logical file, or the end of data. */
export function locate16(options: Locate16Options): TypedCommand<void> {
  const destination = checkUint('destination', options.destination ?? 0, 3)
  const cdb = new Uint8Array(16)
  cdb[0] = Opcode.LOCATE_16
  cdb[1] = locateFlags(options) | (destination << 3)
  cdb[3] = checkUint('partition', options.partition ?? 0, 0xff)
  setUint64(cdb, 4, checkUint64('identifier', options.identifier ?? 0))
  return noData(cdb)
}

function locateFlags(options: LocateOptions): number {
  return (options.partition !== undefined ? 2 : 0) | (options.immed === true ? IMMED : 0)
}

/** What every form tells. */
export interface Position {
  /** BOP: at the beginning of the partition. */
  readonly beginningOfPartition: boolean
  /** EOP: between the early warning and the end of the partition. */
  readonly endOfPartition: boolean
  /** BPEW: beyond the programmable early warning. */
  readonly beyondProgrammableEarlyWarning: boolean
  readonly partition: number
}

/** The short and extended forms. */
export interface ObjectPosition extends Position {
  /** PERR: a counter has overflowed. */
  readonly error: boolean
  /** The object that is read or written next. `undefined`: unknown (LOLU). */
  readonly first: bigint | undefined
  /** The next object that goes from the buffer to the medium; `first` when it is empty. `undefined`: unknown (LOLU). */
  readonly last: bigint | undefined
  /** Logical objects in the buffer. `undefined`: unknown (LOCU). */
  readonly bufferedObjects: number | undefined
  /** Bytes in the buffer. `undefined`: unknown (BYCU). */
  readonly bufferedBytes: bigint | undefined
}

/** The long form. */
export interface FilePosition extends Position {
  /** Logical objects between the beginning of the partition and here. `undefined`: unknown (LONU). */
  readonly object: bigint | undefined
  /** Filemarks between the beginning of the partition and here. `undefined`: unknown (MPU). */
  readonly file: bigint | undefined
}

const Form = { SHORT: 0x00, LONG: 0x06, EXTENDED: 0x08 } as const
const SHORT_LENGTH = 20
const LONG_LENGTH = 32

/** READ POSITION, short form: identifiers of 32 bits; PERR where they do not suffice. */
export function readPosition(): TypedCommand<ObjectPosition> {
  return { cdb: positionCdb(Form.SHORT), dataInLength: SHORT_LENGTH, parse: parseShort }
}

/** READ POSITION, long form: object and file. */
export function readPositionLong(): TypedCommand<FilePosition> {
  return { cdb: positionCdb(Form.LONG), dataInLength: LONG_LENGTH, parse: parseLong }
}

/** READ POSITION, extended form: as the short form, with 64 bits. */
export function readPositionExtended(): TypedCommand<ObjectPosition> {
  const cdb = positionCdb(Form.EXTENDED)
  setUint16(cdb, 7, LONG_LENGTH)
  return { cdb, dataInLength: LONG_LENGTH, parse: parseExtended }
}

function positionCdb(form: number): Uint8Array {
  return Uint8Array.of(Opcode.READ_POSITION, form, 0, 0, 0, 0, 0, 0, 0, 0)
}

function parseShort(data: Uint8Array): ObjectPosition {
  needBytes('READ POSITION, short form', data, SHORT_LENGTH)
  return objectPosition(data, {
    first: BigInt(getUint32(data, 4)),
    last: BigInt(getUint32(data, 8)),
    objects: getUint24(data, 13),
    bytes: BigInt(getUint32(data, 16)),
  })
}

function parseExtended(data: Uint8Array): ObjectPosition {
  const what = 'READ POSITION, extended form'
  needBytes(what, data, LONG_LENGTH)
  needBytes(what, data.subarray(0, 4 + getUint16(data, 2)), LONG_LENGTH)
  return objectPosition(data, {
    first: getUint64(data, 8),
    last: getUint64(data, 16),
    objects: getUint24(data, 5),
    bytes: getUint64(data, 24),
  })
}

function objectPosition(
  data: Uint8Array,
  held: { first: bigint; last: bigint; objects: number; bytes: bigint },
): ObjectPosition {
  const flags = data[0]!
  const located = (flags & 0x04) === 0
  return {
    ...position(flags, data[1]!),
    error: (flags & 0x02) !== 0,
    first: located ? held.first : undefined,
    last: located ? held.last : undefined,
    bufferedObjects: (flags & 0x20) === 0 ? held.objects : undefined,
    bufferedBytes: (flags & 0x10) === 0 ? held.bytes : undefined,
  }
}

function parseLong(data: Uint8Array): FilePosition {
  needBytes('READ POSITION, long form', data, LONG_LENGTH)
  const flags = data[0]!
  return {
    ...position(flags, getUint32(data, 4)),
    object: (flags & 0x04) === 0 ? getUint64(data, 8) : undefined,
    file: (flags & 0x08) === 0 ? getUint64(data, 16) : undefined,
  }
}

function position(flags: number, partition: number): Position {
  return {
    beginningOfPartition: (flags & 0x80) !== 0,
    endOfPartition: (flags & 0x40) !== 0,
    beyondProgrammableEarlyWarning: (flags & 0x01) !== 0,
    partition,
  }
}
