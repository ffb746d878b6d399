/**
 * Sense keys, and the SENSE KEY SPECIFIC field that they give its meaning (SPC-5 4.4.2).
 *
 *     0     SKSV | C/D (ILLEGAL REQUEST) | SD (COPY ABORTED) | BPV | BIT POINTER
 *     1,2   FIELD POINTER, progress or retries
 */

import { checkUint, getUint16, setUint16 } from './bytes.ts'

/** Sense keys. */
export const SenseKey = {
  NO_SENSE: 0x0,
  RECOVERED_ERROR: 0x1,
  NOT_READY: 0x2,
  MEDIUM_ERROR: 0x3,
  HARDWARE_ERROR: 0x4,
  ILLEGAL_REQUEST: 0x5,
  UNIT_ATTENTION: 0x6,
  DATA_PROTECT: 0x7,
  BLANK_CHECK: 0x8,
  VENDOR_SPECIFIC: 0x9,
  COPY_ABORTED: 0xa,
  ABORTED_COMMAND: 0xb,
  VOLUME_OVERFLOW: 0xd,
  MISCOMPARE: 0xe,
  COMPLETED: 0xf,
} as const
export type SenseKey = (typeof SenseKey)[keyof typeof SenseKey]

/** SENSE KEY SPECIFIC: what the three bytes mean depends on the sense key. */
export type SenseKeySpecific =
  /** ILLEGAL REQUEST: the byte in error, of the CDB or of the parameter list, and its highest bit in error if that is known. */
  | {
      readonly kind: 'field'
      readonly byte: number
      readonly bit?: number
      readonly inCdb: boolean
    }
  /** NO SENSE and NOT READY: done so far, in 65,536ths. */
  | { readonly kind: 'progress'; readonly progress: number }
  /** RECOVERED, MEDIUM and HARDWARE ERROR: retries that were made. */
  | { readonly kind: 'retries'; readonly retries: number }
  /** UNIT ATTENTION: whether unit attention conditions were lost because the queue of them was full. */
  | { readonly kind: 'attentionQueue'; readonly overflow: boolean }
  /** COPY ABORTED: the byte in error, of the parameter list or of the segment descriptor, and its highest bit in error if that is known. */
  | {
      readonly kind: 'segment'
      readonly byte: number
      readonly bit?: number
      readonly inSegment: boolean
    }
  /** Any other sense key. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }

/** The three bytes, SKSV set. */
export function encodeSpecific(specific: SenseKeySpecific): Uint8Array {
  const bytes = new Uint8Array(3)
  if (specific.kind === 'raw') {
    bytes.set(specific.bytes.subarray(0, 3))
    return bytes
  }
  bytes[0] = 0x80
  switch (specific.kind) {
    case 'field':
      bytes[0] |= specific.inCdb ? 0x40 : 0
      if (specific.bit !== undefined) bytes[0] |= 0x08 | checkUint('bit', specific.bit, 7)
      setUint16(bytes, 1, checkUint('byte', specific.byte, 0xffff))
      break
    case 'segment':
      bytes[0] |= specific.inSegment ? 0x20 : 0
      if (specific.bit !== undefined) bytes[0] |= 0x08 | checkUint('bit', specific.bit, 7)
      setUint16(bytes, 1, checkUint('byte', specific.byte, 0xffff))
      break
    case 'progress':
      setUint16(bytes, 1, checkUint('progress', specific.progress, 0xffff))
      break
    case 'retries':
      setUint16(bytes, 1, checkUint('retries', specific.retries, 0xffff))
      break
    case 'attentionQueue':
      bytes[0] |= specific.overflow ? 1 : 0
  }
  return bytes
}

/** What the three bytes say under `key`; `undefined` unless SKSV. */
export function parseSpecific(key: number, bytes: Uint8Array): SenseKeySpecific | undefined {
  const first = bytes[0]!
  if ((first & 0x80) === 0) return undefined
  const value = getUint16(bytes, 1)
  switch (key) {
    case SenseKey.ILLEGAL_REQUEST: {
      const field = { kind: 'field', byte: value, inCdb: (first & 0x40) !== 0 } as const
      return (first & 0x08) === 0 ? field : { ...field, bit: first & 7 }
    }
    case SenseKey.NO_SENSE:
    case SenseKey.NOT_READY:
      return { kind: 'progress', progress: value }
    case SenseKey.RECOVERED_ERROR:
    case SenseKey.MEDIUM_ERROR:
    case SenseKey.HARDWARE_ERROR:
      return { kind: 'retries', retries: value }
    case SenseKey.UNIT_ATTENTION:
      return { kind: 'attentionQueue', overflow: (first & 1) !== 0 }
    case SenseKey.COPY_ABORTED: {
      const segment = { kind: 'segment', byte: value, inSegment: (first & 0x20) !== 0 } as const
      return (first & 0x08) === 0 ? segment : { ...segment, bit: first & 7 }
    }
    default:
      return { kind: 'raw', bytes: bytes.slice(0, 3) }
  }
}
