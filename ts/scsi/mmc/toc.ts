/**
 * READ TOC/PMA/ATIP, formats 0, 1 and 2 (MMC-6 6.25).
 *
 *     header                          track descriptor (0, 1)       full descriptor (2)
 *     0,1  DATA LENGTH (n-1)          1     ADR 7..4, CONTROL 3..0  0      SESSION NUMBER
 *     2    first track or session     2     TRACK NUMBER            1      ADR 7..4, CONTROL 3..0
 *     3    last track or session      4..7  START ADDRESS           2,3    TNO, POINT
 *                                                                   4..6   MIN, SEC, FRAME
 *                                                                   8..10  PMIN, PSEC, PFRAME
 */

import { checkUint, getUint32, setUint16 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { ALLOCATION_LENGTH, lengthPrefixed, Opcode } from './opcode.ts'

/** The number that the lead-out has among the tracks. */
export const LEAD_OUT = 0xaa

export interface TocOptions {
  /** TIME: tell addresses as minutes, seconds and frames. Default: false, logical blocks. Without meaning for the full table. */
  readonly time?: boolean
  /** The lowest track, or session in the full table. Default: 0. */
  readonly first?: number
  /** Room for the answer, 4 to 65,535 bytes; what does not fit is left out. Default: 4096. */
  readonly allocationLength?: number
}

/** Minutes, seconds, and frames of which a second has 75. */
export interface DiscTime {
  readonly minutes: number
  readonly seconds: number
  readonly frames: number
}

/** The first frame of a track: a logical block, or with `time` a time. */
export type DiscAddress = number | DiscTime

export interface TocTrack {
  /** 1 to 99, or `LEAD_OUT`. */
  readonly track: number
  /** ADR: what the Q sub-channel has; 1 is the position. */
  readonly adr: number
  /** CONTROL: bit 2 is a data track, bit 1 that copying is permitted, bit 0 pre-emphasis or an incremental data track. */
  readonly control: number
  readonly start: DiscAddress
}

/** Format 0. */
export interface Toc {
  readonly firstTrack: number
  readonly lastTrack: number
  /** The tracks from `first` on, and the lead-out. */
  readonly tracks: readonly TocTrack[]
}

/** Format 1. */
export interface SessionInformation {
  readonly firstSession: number
  readonly lastSession: number
  /** The first track of the last complete session. `undefined`: none was told. */
  readonly track: TocTrack | undefined
}

/** A Q sub-channel entry of a lead-in. */
export interface TocEntry {
  readonly session: number
  readonly adr: number
  readonly control: number
  /** TNO: 0 in a lead-in. */
  readonly tno: number
  /** POINT: a track of 1 to 99, A0h first track, A1h last track, A2h lead-out, and others. */
  readonly point: number
  /** Of the entry itself. */
  readonly at: DiscTime
  /** What it points to. */
  readonly pointsTo: DiscTime
}

/** Format 2. */
export interface FullToc {
  readonly firstSession: number
  readonly lastSession: number
  readonly entries: readonly TocEntry[]
}

const Format = { TOC: 0, SESSION_INFORMATION: 1, FULL_TOC: 2 } as const
const HEADER = 4
const TRACK = 8
const ENTRY = 11

/** READ TOC/PMA/ATIP, format 0: where the tracks start. */
export function readToc(options: TocOptions = {}): TypedCommand<Toc> {
  return tocCommand(Format.TOC, options, (data, time) => ({
    firstTrack: data[2]!,
    lastTrack: data[3]!,
    tracks: chunks(data, TRACK).map((chunk) => parseTrack(chunk, time)),
  }))
}

/** READ TOC/PMA/ATIP, format 1: the complete sessions. */
export function readSessionInformation(
  options: Omit<TocOptions, 'first'> = {},
): TypedCommand<SessionInformation> {
  return tocCommand(Format.SESSION_INFORMATION, options, (data, time) => ({
    firstSession: data[2]!,
    lastSession: data[3]!,
    track: chunks(data, TRACK).map((chunk) => parseTrack(chunk, time))[0],
  }))
}

/** READ TOC/PMA/ATIP, format 2: every entry of the lead-ins. */
export function readFullToc(options: Omit<TocOptions, 'time'> = {}): TypedCommand<FullToc> {
  // The format has times alone (MMC-6 6.25.2.4).
  return tocCommand(Format.FULL_TOC, { ...options, time: true }, (data) => ({
    firstSession: data[2]!,
    lastSession: data[3]!,
    entries: chunks(data, ENTRY).map(parseEntry),
  }))
}

function tocCommand<T>(
  format: number,
  options: TocOptions,
  parse: (data: Uint8Array, time: boolean) => T,
): TypedCommand<T> {
  const { allocationLength = ALLOCATION_LENGTH, time = false } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xffff, HEADER)
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.READ_TOC_PMA_ATIP
  cdb[1] = time ? 2 : 0
  cdb[2] = format
  cdb[6] = checkUint('first', options.first ?? 0, 0xff)
  setUint16(cdb, 7, dataInLength)
  return {
    cdb,
    dataInLength,
    parse: (data) => parse(lengthPrefixed('READ TOC/PMA/ATIP', data, dataInLength, HEADER), time),
  }
}

/** All whole descriptors behind the header. */
function chunks(data: Uint8Array, length: number): Uint8Array[] {
  const count = Math.floor((data.length - HEADER) / length)
  return Array.from({ length: count }, (_, at) =>
    data.subarray(HEADER + at * length, HEADER + (at + 1) * length),
  )
}

function parseTrack(chunk: Uint8Array, time: boolean): TocTrack {
  return {
    track: chunk[2]!,
    adr: chunk[1]! >> 4,
    control: chunk[1]! & 0xf,
    start: time ? timeAt(chunk, 5) : getUint32(chunk, 4),
  }
}

function parseEntry(chunk: Uint8Array): TocEntry {
  return {
    session: chunk[0]!,
    adr: chunk[1]! >> 4,
    control: chunk[1]! & 0xf,
    tno: chunk[2]!,
    point: chunk[3]!,
    at: timeAt(chunk, 4),
    pointsTo: timeAt(chunk, 8),
  }
}

function timeAt(chunk: Uint8Array, at: number): DiscTime {
  return { minutes: chunk[at]!, seconds: chunk[at + 1]!, frames: chunk[at + 2]! }
}
