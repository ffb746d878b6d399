/** IDENTIFY DEVICE data: 256 words, each with its low byte first (ACS-3 7.12.7). */

import { badResponse, getAscii, needBytes } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { Protocol, passThrough12, passThrough16 } from './pass-through.ts'

/** What IDENTIFY DEVICE data say. */
export interface IdentifyDevice {
  /** Words 10 to 19. */
  readonly serial: string
  /** Words 23 to 26. */
  readonly firmware: string
  /** Words 27 to 46. */
  readonly model: string
  /** Sectors that commands of 28 bits reach (words 60, 61). */
  readonly sectors28: number
  /** Sectors that commands of 48 bits reach (words 100 to 103); `undefined` without that feature set. */
  readonly sectors48: bigint | undefined
  /** Sectors in all: the larger of the two. */
  readonly sectors: bigint
  /** Bytes in a logical sector (words 106, 117, 118). */
  readonly logicalSectorSize: number
  /** Bytes in a physical sector (word 106). */
  readonly physicalSectorSize: number
  /** World wide name (words 108 to 111), where there is one. */
  readonly worldWideName: bigint | undefined
  /** Word 217: 0 not reported, 1 does not rotate, else rotations per minute. */
  readonly rotationRate: number
  /** Word 168: 0 not reported. */
  readonly formFactor: number
  /** The highest major version that word 80 claims: 10 is ACS-3. `undefined`: not reported. */
  readonly majorVersion: number | undefined
  readonly features: IdentifiedFeatures
  /** NCQ: how many commands at once (words 75, 76); 0 without NCQ. */
  readonly queueDepth: number
  /** Whether word 255 has a checksum. A wrong one is refused. */
  readonly checksum: boolean
  /** All 256, as numbers. */
  readonly words: Uint16Array
}

/** Feature sets: which there are, and which are enabled. */
export interface IdentifiedFeatures {
  readonly smart: FeatureSet
  readonly security: FeatureSet
  readonly writeCache: FeatureSet
  readonly readLookAhead: FeatureSet
  /** Commands of 48 bits. */
  readonly address48: boolean
  /** TRIM of DATA SET MANAGEMENT (word 169). */
  readonly trim: boolean
}

export interface FeatureSet {
  readonly supported: boolean
  readonly enabled: boolean
}

export interface IdentifyOptions {
  /** Bytes of the CDB: 16, or 12 for layers that know no other. Default: 16. */
  readonly cdbLength?: 12 | 16
  /** IDENTIFY PACKET DEVICE, for a disc drive. Default: false. */
  readonly packet?: boolean
}

const LENGTH = 512
const IDENTIFY_DEVICE = 0xec
const IDENTIFY_PACKET_DEVICE = 0xa1
/** The low byte of word 255 where the high byte is a checksum. */
const CHECKSUM_VALIDITY = 0xa5

/** ATA PASS-THROUGH of IDENTIFY DEVICE. */
export function identifyDevice(options: IdentifyOptions = {}): TypedCommand<IdentifyDevice> {
  const passThrough = options.cdbLength === 12 ? passThrough12 : passThrough16
  const { cdb, dataInLength } = passThrough({
    protocol: Protocol.PIO_DATA_IN,
    command: options.packet === true ? IDENTIFY_PACKET_DEVICE : IDENTIFY_DEVICE,
    count: 1,
    dataInLength: LENGTH,
  })
  return { cdb, dataInLength, parse: parseIdentifyDevice }
}

/** Reads IDENTIFY DEVICE data, as they also stand in the ATA information VPD page (from its byte 60). */
export function parseIdentifyDevice(data: Uint8Array): IdentifyDevice {
  needBytes('IDENTIFY DEVICE data', data, LENGTH)
  const words = Uint16Array.from(
    { length: 256 },
    (_, at) => data[2 * at]! | (data[2 * at + 1]! << 8),
  )
  const checksum = data[510] === CHECKSUM_VALIDITY
  if (checksum && !sumsToZero(data)) throw badResponse('IDENTIFY DEVICE data: a wrong checksum')
  const word = (at: number): number => words[at]!
  const bit = (at: number, which: number): boolean => ((word(at) >> which) & 1) !== 0
  const feature = (which: number): FeatureSet => {
    const supported = described(word(83)) && bit(82, which)
    return { supported, enabled: supported && described(word(87)) && bit(85, which) }
  }
  const address48 = described(word(83)) && bit(83, 10)
  const sectors28 = word(60) + word(61) * 2 ** 16
  const sectors48 = address48 ? wide(words, 100) : undefined
  const logicalSectorSize = sectorSize(words)
  return {
    serial: text(data, 10, 10),
    firmware: text(data, 23, 4),
    model: text(data, 27, 20),
    sectors28,
    sectors48,
    sectors: sectors48 !== undefined && sectors48 > sectors28 ? sectors48 : BigInt(sectors28),
    logicalSectorSize,
    physicalSectorSize:
      described(word(106)) && bit(106, 13)
        ? logicalSectorSize * 2 ** (word(106) & 0xf)
        : logicalSectorSize,
    worldWideName: described(word(87)) && bit(87, 8) ? wideName(words) : undefined,
    rotationRate: word(217),
    formFactor: word(168) & 0xf,
    majorVersion: majorVersion(word(80)),
    features: {
      smart: feature(0),
      security: feature(1),
      writeCache: feature(5),
      readLookAhead: feature(6),
      address48,
      trim: bit(169, 0),
    },
    queueDepth: word(76) !== 0xffff && bit(76, 8) ? (word(75) & 0x1f) + 1 : 0,
    checksum,
    words,
  }
}

/** The low eight bits of the sum of 512 bytes are zero: the checksum of IDENTIFY DEVICE and SMART data. */
export function sumsToZero(data: Uint8Array): boolean {
  let sum = 0
  for (let at = 0; at < LENGTH; at++) sum += data[at]!
  return (sum & 0xff) === 0
}

/** Words 83, 84, 87, 106 and 119 mean something where bits 15 and 14 are 01b. */
function described(word: number): boolean {
  return word >> 14 === 0b01
}

/** Text, whose bytes are swapped in their words. */
function text(data: Uint8Array, word: number, words: number): string {
  const swapped = new Uint8Array(2 * words)
  for (let at = 0; at < swapped.length; at++) swapped[at] = data[2 * word + (at ^ 1)]!
  return getAscii(swapped, 0, swapped.length).trim()
}

/** Four words, the lowest first. */
function wide(words: Uint16Array, at: number): bigint {
  let value = 0n
  for (let next = at + 3; next >= at; next--) value = (value << 16n) | BigInt(words[next]!)
  return value
}

/** Words 108 to 111, the highest first. */
function wideName(words: Uint16Array): bigint {
  let value = 0n
  for (let next = 108; next < 112; next++) value = (value << 16n) | BigInt(words[next]!)
  return value
}

function sectorSize(words: Uint16Array): number {
  if (!described(words[106]!) || (words[106]! & 0x1000) === 0) return 512
  const size = 2 * (words[117]! + words[118]! * 2 ** 16)
  if (size < 512) throw badResponse(`IDENTIFY DEVICE data: logical sectors of ${size} bytes`)
  return size
}

/** The highest bit: 0000h and FFFFh are not reported. */
function majorVersion(word: number): number | undefined {
  return word === 0 || word === 0xffff ? undefined : 31 - Math.clz32(word)
}
