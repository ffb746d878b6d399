/**
 * Sense data (SPC-5 4.4), fixed and descriptor format, both ways.
 *
 *     fixed (70h, 71h)                             descriptor (72h, 73h)
 *     0      VALID | RESPONSE CODE                 0   RESPONSE CODE
 *     2      FILEMARK EOM ILI SDAT_OVFL | KEY      1   SENSE KEY
 *     3..6   INFORMATION                           2,3 ASC, ASCQ
 *     7      ADDITIONAL SENSE LENGTH (n-7)         4   SDAT_OVFL
 *     8..11  COMMAND-SPECIFIC INFORMATION          7   ADDITIONAL SENSE LENGTH (n-7)
 *     12,13  ASC, ASCQ                             8.. descriptors: type, length, data
 *     14     FIELD REPLACEABLE UNIT CODE
 *     15..17 SENSE KEY SPECIFIC
 */

import {
  badResponse,
  checkUint,
  checkUint64,
  getUint16,
  getUint32,
  getUint64,
  setUint16,
  setUint32,
  setUint64,
} from './bytes.ts'

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
  /** Any other sense key. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }

/** What sense data may say beyond the sense key, ASC and ASCQ. */
export interface SenseInit {
  /** Descriptor format instead of fixed. Default: false. */
  readonly descriptor?: boolean
  /** The error belongs to an earlier command that had ended already (71h, 73h). Default: false. */
  readonly deferred?: boolean
  /** INFORMATION. Beyond 2^32-1 fixed format leaves it out, as SPC-5 4.4.3 asks. */
  readonly information?: number | bigint
  /** COMMAND-SPECIFIC INFORMATION; at most 2^32-1 in fixed format. */
  readonly commandSpecific?: number | bigint
  readonly fieldReplaceableUnit?: number
  readonly specific?: SenseKeySpecific
  readonly filemark?: boolean
  readonly endOfMedium?: boolean
  readonly incorrectLength?: boolean
}

/** A sense data descriptor. */
export interface SenseDescriptor {
  readonly type: number
  /** The descriptor without its type and length bytes. */
  readonly data: Uint8Array
}

/** Sense data as it was read. Fields that did not come are 0, false or undefined. */
export interface Sense {
  /** 70h, 71h: fixed; 72h, 73h: descriptor format. */
  readonly responseCode: number
  readonly deferred: boolean
  readonly key: number
  readonly asc: number
  readonly ascq: number
  /** Whether INFORMATION means what the command's standard says of it. */
  readonly valid: boolean
  readonly information: bigint
  readonly commandSpecific: bigint
  readonly fieldReplaceableUnit: number
  readonly filemark: boolean
  readonly endOfMedium: boolean
  readonly incorrectLength: boolean
  /** The device had more sense data than it could send (SDAT_OVFL). */
  readonly overflow: boolean
  readonly specific: SenseKeySpecific | undefined
  /** Descriptor format only: all descriptors, in their order. */
  readonly descriptors: readonly SenseDescriptor[]
}

const DescriptorType = {
  INFORMATION: 0x00,
  COMMAND_SPECIFIC: 0x01,
  SENSE_KEY_SPECIFIC: 0x02,
  FIELD_REPLACEABLE_UNIT: 0x03,
  STREAM_COMMANDS: 0x04,
  BLOCK_COMMANDS: 0x05,
} as const

const CURRENT_FIXED = 0x70
const CURRENT_DESCRIPTOR = 0x72
const FIXED_LENGTH = 18
const UINT32_MAX = 0xffff_ffffn

/**
 * Sense data for `key` and `ascAscq` (0x2400 is ASC 24h, ASCQ 00h): 18 bytes of fixed format, or descriptor format.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for values that their fields cannot hold
 */
export function encodeSense(key: number, ascAscq: number, init: SenseInit = {}): Uint8Array {
  checkUint('sense key', key, 0xf)
  checkUint('ascAscq', ascAscq, 0xffff)
  return init.descriptor === true
    ? encodeDescriptors(key, ascAscq, init)
    : encodeFixed(key, ascAscq, init)
}

function encodeFixed(key: number, ascAscq: number, init: SenseInit): Uint8Array {
  const bytes = new Uint8Array(FIXED_LENGTH)
  bytes[0] = CURRENT_FIXED | (init.deferred === true ? 1 : 0)
  bytes[2] = key | streamBits(init)
  bytes[7] = FIXED_LENGTH - 8
  if (init.information !== undefined) {
    const information = checkUint64('information', init.information)
    if (information <= UINT32_MAX) {
      bytes[0] |= 0x80
      setUint32(bytes, 3, Number(information))
    }
  }
  if (init.commandSpecific !== undefined) {
    setUint32(bytes, 8, Number(checkUint64('commandSpecific', init.commandSpecific, UINT32_MAX)))
  }
  setUint16(bytes, 12, ascAscq)
  bytes[14] = checkUint('fieldReplaceableUnit', init.fieldReplaceableUnit ?? 0, 0xff)
  if (init.specific !== undefined) bytes.set(encodeSpecific(init.specific), 15)
  return bytes
}

function encodeDescriptors(key: number, ascAscq: number, init: SenseInit): Uint8Array {
  const bytes: number[] = [
    CURRENT_DESCRIPTOR | (init.deferred === true ? 1 : 0),
    key,
    ascAscq >> 8,
    ascAscq & 0xff,
    0,
    0,
    0,
    0,
  ]
  if (init.information !== undefined) {
    bytes.push(DescriptorType.INFORMATION, 10, 0x80, 0, ...wide('information', init.information))
  }
  if (init.commandSpecific !== undefined) {
    bytes.push(
      DescriptorType.COMMAND_SPECIFIC,
      10,
      0,
      0,
      ...wide('commandSpecific', init.commandSpecific),
    )
  }
  if (init.specific !== undefined) {
    bytes.push(DescriptorType.SENSE_KEY_SPECIFIC, 6, 0, 0, ...encodeSpecific(init.specific), 0)
  }
  if (init.fieldReplaceableUnit !== undefined) {
    bytes.push(
      DescriptorType.FIELD_REPLACEABLE_UNIT,
      2,
      0,
      checkUint('fieldReplaceableUnit', init.fieldReplaceableUnit, 0xff),
    )
  }
  const stream = streamBits(init)
  if (stream !== 0) bytes.push(DescriptorType.STREAM_COMMANDS, 2, 0, stream)
  bytes[7] = bytes.length - 8
  return Uint8Array.from(bytes)
}

function wide(name: string, value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  setUint64(bytes, 0, checkUint64(name, value))
  return bytes
}

function streamBits(init: SenseInit): number {
  return (
    (init.filemark === true ? 0x80 : 0) |
    (init.endOfMedium === true ? 0x40 : 0) |
    (init.incorrectLength === true ? 0x20 : 0)
  )
}

function encodeSpecific(specific: SenseKeySpecific): Uint8Array {
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

/**
 * Reads sense data of either format. Sense data is often cut by who carries it, so what is missing at its end reads as absent; less
 * than its sense key, or a response code of neither format, is `ERR_SGRING_RESPONSE`.
 */
export function parseSense(bytes: Uint8Array): Sense {
  const responseCode = (bytes[0] ?? 0) & 0x7f
  const fixed = responseCode === CURRENT_FIXED || responseCode === CURRENT_FIXED + 1
  const descriptor = responseCode === CURRENT_DESCRIPTOR || responseCode === CURRENT_DESCRIPTOR + 1
  if (!fixed && !descriptor) {
    throw badResponse(
      bytes.length === 0
        ? 'sense data: none came'
        : `sense data: response code ${responseCode.toString(16)}h is neither fixed nor descriptor format`,
    )
  }
  if (bytes.length < (fixed ? 3 : 4)) throw badResponse(`sense data: cut to ${bytes.length} bytes`)
  const length = Math.min(bytes.length, 8 + (bytes[7] ?? 0))
  return fixed ? parseFixed(bytes.subarray(0, length)) : parseDescriptors(bytes.subarray(0, length))
}

function parseFixed(cut: Uint8Array): Sense {
  const bytes = new Uint8Array(FIXED_LENGTH)
  bytes.set(cut.subarray(0, FIXED_LENGTH))
  const key = bytes[2]! & 0xf
  return {
    responseCode: bytes[0]! & 0x7f,
    deferred: (bytes[0]! & 1) === 1,
    key,
    asc: bytes[12]!,
    ascq: bytes[13]!,
    valid: (bytes[0]! & 0x80) !== 0 && cut.length >= 7,
    information: BigInt(getUint32(bytes, 3)),
    commandSpecific: BigInt(getUint32(bytes, 8)),
    fieldReplaceableUnit: bytes[14]!,
    filemark: (bytes[2]! & 0x80) !== 0,
    endOfMedium: (bytes[2]! & 0x40) !== 0,
    incorrectLength: (bytes[2]! & 0x20) !== 0,
    overflow: (bytes[2]! & 0x10) !== 0,
    specific: parseSpecific(key, bytes.subarray(15)),
    descriptors: [],
  }
}

function parseDescriptors(bytes: Uint8Array): Sense {
  const key = bytes[1]! & 0xf
  const descriptors: SenseDescriptor[] = []
  for (let at = 8; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes[at + 1]!
    if (end > bytes.length) break
    descriptors.push({ type: bytes[at]!, data: bytes.slice(at + 2, end) })
    at = end
  }
  const find = (type: number, length: number): Uint8Array | undefined =>
    descriptors.find((one) => one.type === type && one.data.length >= length)?.data
  const information = find(DescriptorType.INFORMATION, 10)
  const commandSpecific = find(DescriptorType.COMMAND_SPECIFIC, 10)
  const specific = find(DescriptorType.SENSE_KEY_SPECIFIC, 6)
  const stream = find(DescriptorType.STREAM_COMMANDS, 2)?.[1] ?? 0
  const block = find(DescriptorType.BLOCK_COMMANDS, 2)?.[1] ?? 0
  return {
    responseCode: bytes[0]! & 0x7f,
    deferred: (bytes[0]! & 1) === 1,
    key,
    asc: bytes[2]!,
    ascq: bytes[3]!,
    valid: ((information?.[0] ?? 0) & 0x80) !== 0,
    information: information === undefined ? 0n : getUint64(information, 2),
    commandSpecific: commandSpecific === undefined ? 0n : getUint64(commandSpecific, 2),
    fieldReplaceableUnit: find(DescriptorType.FIELD_REPLACEABLE_UNIT, 2)?.[1] ?? 0,
    filemark: (stream & 0x80) !== 0,
    endOfMedium: (stream & 0x40) !== 0,
    incorrectLength: ((stream | block) & 0x20) !== 0,
    overflow: ((bytes[4] ?? 0) & 0x80) !== 0,
    specific: specific === undefined ? undefined : parseSpecific(key, specific.subarray(2, 5)),
    descriptors,
  }
}

function parseSpecific(key: number, bytes: Uint8Array): SenseKeySpecific | undefined {
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
    default:
      return { kind: 'raw', bytes: bytes.slice(0, 3) }
  }
}
