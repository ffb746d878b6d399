/**
 * Logical unit numbers (SAM-5 4.7): eight bytes on the wire, of which a single-level LUN uses the first two.
 *
 *     byte        0          1        2..7
 *     below 256   00h        LUN      0      peripheral device addressing, bus 0
 *     below 16384 01b LUN    LUN      0      flat space addressing
 *     C1xxh       C1h        W-LUN    0      well known logical units, by extended addressing
 */

import { SgringError } from '../errors.ts'
import { checkUint, getUint32, setUint16, setUint32 } from './bytes.ts'

/** The largest LUN that one level can hold in 14 bits. */
export const MAX_LUN = 0x3fff

/** Well known logical units (SPC-4 8.1), by numbers that Linux gives them, too: the first two of their eight bytes. */
export const WellKnownLun = { REPORT_LUNS: 0xc101, TARGET_LOG_PAGES: 0xc103 } as const
export type WellKnownLun = (typeof WellKnownLun)[keyof typeof WellKnownLun]

const FLAT_SPACE = 0x4000
const WELL_KNOWN = 0xc1

/** The eight bytes of a LUN: peripheral device addressing below 256, flat space above; or of a `WellKnownLun`. */
export function encodeLun(lun: number): Uint8Array {
  const bytes = new Uint8Array(8)
  setUint32(bytes, 0, lunWord(lun))
  return bytes
}

/** The first four of a LUN's eight bytes as one big-endian number; the other four are 0. */
export function lunWord(lun: number): number {
  if (lun >> 8 === WELL_KNOWN && Number.isInteger(lun)) return (lun << 16) >>> 0
  checkUint('lun', lun, MAX_LUN)
  return ((lun < 256 ? lun : FLAT_SPACE | lun) << 16) >>> 0
}

/**
 * The LUN in eight bytes. Several levels, a bus other than 0 and the extended methods are refused with `ERR_SGRING_RESPONSE`: they
 * come from a device's REPORT LUNS data.
 */
export function parseLun(bytes: Uint8Array): number {
  const lun = bytes.length === 8 && getUint32(bytes, 4) === 0 ? lunOfWord(getUint32(bytes, 0)) : -1
  if (lun < 0) {
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    throw new SgringError('ERR_SGRING_RESPONSE', `${hex} is no single-level LUN (SAM-5 4.7)`)
  }
  return lun
}

/**
 * The LUN of the first four bytes, or -1 if it is none of a single level. A LUN below 256 may come in either method: both name the
 * same logical unit (SAM-5 4.7).
 */
export function lunOfWord(word: number): number {
  if ((word & 0xffff) !== 0) return -1
  const high = word >>> 16
  if (high < 256) return high
  return high >> 14 === 1 ? high & MAX_LUN : -1
}

/** Writes a LUN at `at` into parameter data. */
export function setLun(bytes: Uint8Array, at: number, lun: number): void {
  setUint16(bytes, at, lunWord(lun) >>> 16)
}
