/**
 * REPORT DENSITY SUPPORT (SSC-4 7.8).
 *
 *     density descriptor                          medium type descriptor
 *     0,1    PRIMARY, SECONDARY DENSITY CODE      0       MEDIUM TYPE
 *     2      WRTOK 7, DUP 6, DEFLT 5, DLV 0       2,3     DESCRIPTOR LENGTH (n-3)
 *     3,4    DESCRIPTOR LENGTH (n-4), with DLV    4       NUMBER OF DENSITY CODES
 *     5..7   BITS PER MM                          5..13   PRIMARY DENSITY CODES
 *     8,9    MEDIA WIDTH, 0.1 mm                  14,15   MEDIA WIDTH, 0.1 mm
 *     10,11  TRACKS                               16,17   MEDIUM LENGTH, m
 *     12..15 CAPACITY, 10^6 bytes                 20..27  ASSIGNING ORGANIZATION
 *     16..23 ASSIGNING ORGANIZATION               28..35  MEDIUM TYPE NAME
 *     24..31 DENSITY NAME                         36..55  DESCRIPTION
 *     32..51 DESCRIPTION
 */

import {
  badResponse,
  checkUint,
  getAscii,
  getUint16,
  getUint24,
  getUint32,
  needBytes,
  setUint16,
} from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'

export interface DensityOptions {
  /** MEDIA: what the mounted medium supports, else the device. Default: false. */
  readonly mounted?: boolean
  /** Room for the answer, 4 to 65,535 bytes; what does not fit is left out. Default: 4096. */
  readonly allocationLength?: number
}

/** A way of recording. */
export interface Density {
  readonly primaryCode: number
  readonly secondaryCode: number
  /** WRTOK: the device can write it. */
  readonly writable: boolean
  /** DUP: the primary code stands in more than one descriptor. */
  readonly duplicate: boolean
  /** DEFLT: what is written unless MODE SELECT says otherwise. */
  readonly default: boolean
  readonly bitsPerMm: number
  /** Tenths of a millimetre. */
  readonly mediaWidth: number
  readonly tracks: number
  /** Millions of bytes. */
  readonly capacity: number
  readonly organization: string
  readonly name: string
  readonly description: string
}

/** A type of medium. */
export interface MediumType {
  readonly mediumType: number
  readonly densityCodes: readonly number[]
  /** Tenths of a millimetre. */
  readonly mediaWidth: number
  /** Metres. */
  readonly mediumLength: number
  readonly organization: string
  readonly name: string
  readonly description: string
}

const HEADER = 4
const DENSITY_LENGTH = 52
const MEDIUM_LENGTH = 56
const DENSITY_CODES = 9
const ALLOCATION_LENGTH = 4096
const DLV = 0x01

/** REPORT DENSITY SUPPORT for densities. */
export function reportDensitySupport(
  options: DensityOptions = {},
): TypedCommand<readonly Density[]> {
  return densityCommand(options, false, (body) =>
    descriptors(body, DENSITY_LENGTH, densityLength, parseDensity),
  )
}

/** REPORT DENSITY SUPPORT with MEDIUM TYPE: types of media. */
export function reportMediumTypes(
  options: DensityOptions = {},
): TypedCommand<readonly MediumType[]> {
  return densityCommand(options, true, (body) =>
    descriptors(body, MEDIUM_LENGTH, (at) => 4 + getUint16(body, at + 2), parseMediumType),
  )
}

function densityCommand<T>(
  options: DensityOptions,
  types: boolean,
  parse: (body: Uint8Array) => T,
): TypedCommand<T> {
  const { allocationLength = ALLOCATION_LENGTH } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xffff, HEADER)
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.REPORT_DENSITY_SUPPORT
  cdb[1] = (types ? 2 : 0) | (options.mounted === true ? 1 : 0)
  setUint16(cdb, 7, dataInLength)
  return { cdb, dataInLength, parse: (data) => parse(densityBody(data, dataInLength)) }
}

/** The descriptors: as many bytes as the header says, or as were asked for if that is less. */
function densityBody(data: Uint8Array, allocationLength: number): Uint8Array {
  needBytes('REPORT DENSITY SUPPORT', data, HEADER)
  const length = 2 + getUint16(data, 0)
  if (length < HEADER) throw badResponse(`REPORT DENSITY SUPPORT: a length of ${length} bytes`)
  const end = Math.min(length, allocationLength)
  needBytes('REPORT DENSITY SUPPORT', data, end)
  return data.subarray(HEADER, end)
}

/** All whole descriptors; one that the allocation length has cut is left out. */
function descriptors<T>(
  body: Uint8Array,
  least: number,
  lengthAt: (at: number, body: Uint8Array) => number,
  parse: (body: Uint8Array, at: number) => T,
): readonly T[] {
  const found: T[] = []
  for (let at = 0; at + least <= body.length; ) {
    const length = lengthAt(at, body)
    if (length < least) throw badResponse(`density support: a descriptor of ${length} bytes`)
    if (at + length > body.length) break
    found.push(parse(body, at))
    at += length
  }
  return found
}

function densityLength(at: number, body: Uint8Array): number {
  return (body[at + 2]! & DLV) === 0 ? DENSITY_LENGTH : 5 + getUint16(body, at + 3)
}

function parseDensity(body: Uint8Array, at: number): Density {
  const flags = body[at + 2]!
  return {
    primaryCode: body[at]!,
    secondaryCode: body[at + 1]!,
    writable: (flags & 0x80) !== 0,
    duplicate: (flags & 0x40) !== 0,
    default: (flags & 0x20) !== 0,
    bitsPerMm: getUint24(body, at + 5),
    mediaWidth: getUint16(body, at + 8),
    tracks: getUint16(body, at + 10),
    capacity: getUint32(body, at + 12),
    organization: getAscii(body, at + 16, 8),
    name: getAscii(body, at + 24, 8),
    description: getAscii(body, at + 32, 20),
  }
}

function parseMediumType(body: Uint8Array, at: number): MediumType {
  const codes = body[at + 4]!
  if (codes > DENSITY_CODES) throw badResponse(`a medium type with ${codes} density codes`)
  return {
    mediumType: body[at]!,
    densityCodes: Array.from(body.subarray(at + 5, at + 5 + codes)),
    mediaWidth: getUint16(body, at + 14),
    mediumLength: getUint16(body, at + 16),
    organization: getAscii(body, at + 20, 8),
    name: getAscii(body, at + 28, 8),
    description: getAscii(body, at + 36, 20),
  }
}
