/** Big-endian fields of CDBs and parameter data, and the range checks of what a caller passes in. */

import { SgringError } from '../errors.ts'

const TWO_32 = 2 ** 32

export function getUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function getUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}

export function getUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  )
}

/**
 * A 64-bit field as a double: exact up to 2^53-1, and rounded, so at least 2^53, beyond. Rounding keeps order: a comparison
 * with any number up to 2^53-1 comes out as it would with the exact value.
 */
export function getUint64Rounded(bytes: Uint8Array, at: number): number {
  return getUint32(bytes, at) * TWO_32 + getUint32(bytes, at + 4)
}

export function getUint64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(getUint32(bytes, at)) << 32n) | BigInt(getUint32(bytes, at + 4))
}

export function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function setUint24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16
  setUint16(bytes, at + 1, value)
}

export function setUint32(bytes: Uint8Array, at: number, value: number): void {
  setUint16(bytes, at, value >>> 16)
  setUint16(bytes, at + 2, value)
}

export function setUint64(bytes: Uint8Array, at: number, value: bigint): void {
  setUint32(bytes, at, Number(value >> 32n))
  setUint32(bytes, at + 4, Number(value & 0xffff_ffffn))
}

/** Text as left-aligned ASCII, padded with spaces, cut at `length` (SPC-5 4.3.1). */
export function setAscii(bytes: Uint8Array, at: number, length: number, text: string): void {
  for (let i = 0; i < length; i++) bytes[at + i] = i < text.length ? text.charCodeAt(i) : 0x20
}

/** Left-aligned ASCII without its padding. What is not printable ASCII reads as `?`, so that it can go to a terminal. */
export function getAscii(bytes: Uint8Array, at: number, length: number): string {
  let text = ''
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i]!
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0 ? ' ' : '?'
  }
  return text.trimEnd()
}

/** An argument that is an integer of `min..max`; else `ERR_SGRING_INVALID_ARGUMENT`. */
export function checkUint(name: string, value: number, max: number, min = 0): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `${name} must be an integer of ${min} to ${max}, not ${value}`,
    )
  }
  return value
}

/** An argument that is an integer of `0..max` as bigint or as a safe number; else `ERR_SGRING_INVALID_ARGUMENT`. */
export function checkUint64(
  name: string,
  value: number | bigint,
  max: bigint = 0xffff_ffff_ffff_ffffn,
): bigint {
  const exact = typeof value === 'bigint' || Number.isSafeInteger(value)
  const wide = exact ? BigInt(value) : -1n
  if (wide < 0n || wide > max) {
    const hint = exact ? '' : ' (a number is safe up to 2^53-1; use a bigint beyond)'
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `${name} must be an integer of 0 to ${max}, not ${value}${hint}`,
    )
  }
  return wide
}

/** Parameter data that its command does not allow. */
export function badResponse(what: string): SgringError {
  return new SgringError('ERR_SGRING_RESPONSE', what)
}

/** Refuses data shorter than `length` bytes with `ERR_SGRING_RESPONSE`. */
export function needBytes(what: string, data: Uint8Array, length: number): void {
  if (data.length < length) {
    throw badResponse(`${what}: ${data.length} bytes came, at least ${length} are needed`)
  }
}
