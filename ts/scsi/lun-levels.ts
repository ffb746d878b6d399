/**
 * LUNs of several levels, and every addressing method (SAM-5 4.7). A level is two bytes, or what an extended one says:
 *
 *     00b  peripheral device    BUS IDENTIFIER (6) | TARGET OR LUN (8): a LUN on bus 0, else a target, and the next level goes on there
 *     01b  flat space           LUN (14)
 *     10b  logical unit         TARGET (6) | BUS NUMBER (3) | LUN (5)
 *     11b  extended             LENGTH (2) | METHOD (4) | value, of 1, 3, 5 or 7 bytes
 */

import { badResponse, checkUint, checkUint64, setUint16 } from './bytes.ts'

/** EXTENDED ADDRESS METHOD, with the LENGTH that each has as its upper two bits (SAM-5 4.7). */
export const ExtendedMethod = {
  WELL_KNOWN: 0x01,
  EXTENDED_FLAT_SPACE: 0x12,
  LONG_EXTENDED_FLAT_SPACE: 0x22,
  NOT_SPECIFIED: 0x3f,
} as const
export type ExtendedMethod = (typeof ExtendedMethod)[keyof typeof ExtendedMethod]

/** One level of a LUN. */
export type LunLevel =
  /** A logical unit of this level. */
  | { readonly method: 'peripheral'; readonly lun: number }
  /** A target on another bus, 1 to 63, where the next level goes on. */
  | { readonly method: 'target'; readonly bus: number; readonly target: number }
  | { readonly method: 'flat'; readonly lun: number }
  | {
      readonly method: 'logicalUnit'
      readonly bus: number
      readonly target: number
      readonly lun: number
    }
  /** `extended` is an `ExtendedMethod` or another one's LENGTH and METHOD; `value` has 1, 3, 5 or 7 bytes. */
  | { readonly method: 'extended'; readonly extended: number; readonly value: bigint }

const LUN_LENGTH = 8

/**
 * The levels of a LUN: of its eight bytes, or of them as one number, as REPORT LUNS data have it. A level that ends beyond the eight
 * bytes, and bytes that are not 0 behind the last level, are `ERR_SGRING_RESPONSE`.
 */
export function parseLunLevels(lun: Uint8Array | bigint): readonly LunLevel[] {
  const bytes = typeof lun === 'bigint' ? bytesOf(checkUint64('lun', lun), LUN_LENGTH) : lun
  if (bytes.length !== LUN_LENGTH) throw badResponse(`a LUN has 8 bytes, not ${bytes.length}`)
  const levels: LunLevel[] = []
  let at = 0
  for (let more = true; more; ) {
    const length = levelLength(bytes[at] ?? 0)
    if (at + length > LUN_LENGTH) throw badResponse('a level of a LUN ends beyond its 8 bytes')
    const level = parseLevel(bytes.subarray(at, at + length))
    levels.push(level)
    at += length
    more = level.method === 'target'
  }
  if (bytes.subarray(at).some((byte) => byte !== 0)) {
    throw badResponse('a LUN has bytes that are not 0 behind its last level')
  }
  return levels
}

/**
 * The eight bytes of a LUN of these levels.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for values that their fields cannot hold, and for more levels than there is room for
 */
export function encodeLunLevels(levels: readonly LunLevel[]): Uint8Array {
  const bytes = levels.flatMap((level) => Array.from(encodeLevel(level)))
  checkUint('bytes of all levels', bytes.length, LUN_LENGTH, 2)
  const lun = new Uint8Array(LUN_LENGTH)
  lun.set(bytes)
  return lun
}

function levelLength(first: number): number {
  return first >> 6 === 3 ? 2 * (1 + ((first >> 4) & 3)) : 2
}

function parseLevel(bytes: Uint8Array): LunLevel {
  const first = bytes[0]! & 0x3f
  const second = bytes[1]!
  switch (bytes[0]! >> 6) {
    case 0:
      return first === 0
        ? { method: 'peripheral', lun: second }
        : { method: 'target', bus: first, target: second }
    case 1:
      return { method: 'flat', lun: (first << 8) | second }
    case 2:
      return { method: 'logicalUnit', bus: second >> 5, target: first, lun: second & 0x1f }
    default:
      return { method: 'extended', extended: first, value: numberOf(bytes.subarray(1)) }
  }
}

function encodeLevel(level: LunLevel): Uint8Array {
  const bytes = new Uint8Array(2)
  switch (level.method) {
    case 'peripheral':
      bytes[1] = checkUint('lun', level.lun, 0xff)
      return bytes
    case 'target':
      bytes[0] = checkUint('bus', level.bus, 0x3f, 1)
      bytes[1] = checkUint('target', level.target, 0xff)
      return bytes
    case 'flat':
      setUint16(bytes, 0, 0x4000 | checkUint('lun', level.lun, 0x3fff))
      return bytes
    case 'logicalUnit':
      bytes[0] = 0x80 | checkUint('target', level.target, 0x3f)
      bytes[1] = (checkUint('bus', level.bus, 7) << 5) | checkUint('lun', level.lun, 0x1f)
      return bytes
    case 'extended': {
      const first = 0xc0 | checkUint('extended', level.extended, 0x3f)
      const length = levelLength(first) - 1
      const value = checkUint64('value', level.value, (1n << BigInt(8 * length)) - 1n)
      return Uint8Array.of(first, ...bytesOf(value, length))
    }
  }
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function bytesOf(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) =>
    Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn),
  )
}
