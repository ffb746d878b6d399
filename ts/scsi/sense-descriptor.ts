/**
 * Sense data descriptors (SPC-5 4.4.2): type, length, and what each type says; both ways.
 *
 *     00h information             05h block commands             0Bh user data segment referral
 *     01h command specific        06h to 08h OSD, as raw bytes   0Ch forwarded sense data
 *     02h sense key specific      09h ATA Status Return          0Dh direct access block device
 *     03h field replaceable unit  0Ah another progress           0Eh device designation
 *     04h stream commands             indication                 0Fh microcode activation
 */

import {
  ATA_STATUS_LENGTH,
  type AtaStatusReturn,
  encodeAtaStatusReturn,
  parseAtaStatusReturn,
} from './ata-status.ts'
import { checkUint, checkUint64, getUint16, getUint64, setUint16, setUint64 } from './bytes.ts'
import { type Designator, encodeDesignators, firstDesignator } from './designator.ts'
import { encodeSpecific, parseSpecific, type SenseKeySpecific } from './sense-key.ts'
import { encodeReferral, parseReferral, type UserDataSegmentReferral } from './sense-referral.ts'

/** DESCRIPTOR TYPE; 80h and above are vendor specific. */
export const SenseDescriptorType = {
  INFORMATION: 0x00,
  COMMAND_SPECIFIC: 0x01,
  SENSE_KEY_SPECIFIC: 0x02,
  FIELD_REPLACEABLE_UNIT: 0x03,
  STREAM_COMMANDS: 0x04,
  BLOCK_COMMANDS: 0x05,
  OSD_OBJECT_IDENTIFICATION: 0x06,
  OSD_RESPONSE_INTEGRITY_CHECK: 0x07,
  OSD_ATTRIBUTE_IDENTIFICATION: 0x08,
  ATA_STATUS_RETURN: 0x09,
  ANOTHER_PROGRESS: 0x0a,
  USER_DATA_SEGMENT_REFERRAL: 0x0b,
  FORWARDED_SENSE: 0x0c,
  DIRECT_ACCESS: 0x0d,
  DEVICE_DESIGNATION: 0x0e,
  MICROCODE_ACTIVATION: 0x0f,
} as const
export type SenseDescriptorType = (typeof SenseDescriptorType)[keyof typeof SenseDescriptorType]

/** A sense data descriptor. */
export interface SenseDescriptor {
  readonly type: number
  /** The descriptor without its type and length bytes. */
  readonly data: Uint8Array
}

/** What a descriptor says. */
export type SenseDetail =
  | { readonly kind: 'information'; readonly valid: boolean; readonly information: bigint }
  | { readonly kind: 'commandSpecific'; readonly commandSpecific: bigint }
  /** `undefined` where SKSV is zero. */
  | { readonly kind: 'specific'; readonly specific: SenseKeySpecific | undefined }
  | { readonly kind: 'fieldReplaceableUnit'; readonly code: number }
  | {
      readonly kind: 'stream'
      readonly filemark: boolean
      readonly endOfMedium: boolean
      readonly incorrectLength: boolean
    }
  | { readonly kind: 'block'; readonly incorrectLength: boolean }
  | { readonly kind: 'ataStatus'; readonly ata: AtaStatusReturn }
  /** Another operation that goes on: its sense key and codes, and what is done of it in 65,536ths. */
  | {
      readonly kind: 'progress'
      readonly key: number
      readonly asc: number
      readonly ascq: number
      readonly progress: number
    }
  | ({ readonly kind: 'referral' } & UserDataSegmentReferral)
  /** Sense data that another device gave to this one: to be read by `parseSense()`. */
  | {
      readonly kind: 'forwarded'
      /** FSDT: the forwarded sense data was cut. */
      readonly truncated: boolean
      /** SENSE DATA SOURCE: whose it is; 0 is the source of an EXTENDED COPY, 1 and up its destinations. */
      readonly source: number
      readonly status: number
      readonly sense: Uint8Array
    }
  /** All that 00h, 01h, 02h, 03h and 05h say, in one. */
  | {
      readonly kind: 'directAccess'
      readonly valid: boolean
      readonly incorrectLength: boolean
      readonly specific: SenseKeySpecific | undefined
      readonly fieldReplaceableUnit: number
      readonly information: bigint
      readonly commandSpecific: bigint
    }
  | {
      readonly kind: 'designation'
      /** DEVICE DESIGNATION USAGE REASON. */
      readonly reason: number
      readonly designator: Designator
    }
  /** Seconds that activating the microcode takes, 0 where that is unknown. */
  | { readonly kind: 'microcode'; readonly activationSeconds: number }
  /** OSD, vendor specific and unknown types, and descriptors that are shorter than their type asks. */
  | ({ readonly kind: 'raw' } & SenseDescriptor)

const Type = SenseDescriptorType

/** The least that follows type and length of each type that is read. */
const LENGTH: ReadonlyMap<number, number> = new Map<number, number>([
  [Type.INFORMATION, 10],
  [Type.COMMAND_SPECIFIC, 10],
  [Type.SENSE_KEY_SPECIFIC, 6],
  [Type.FIELD_REPLACEABLE_UNIT, 2],
  [Type.STREAM_COMMANDS, 2],
  [Type.BLOCK_COMMANDS, 2],
  [Type.ATA_STATUS_RETURN, ATA_STATUS_LENGTH],
  [Type.ANOTHER_PROGRESS, 6],
  [Type.USER_DATA_SEGMENT_REFERRAL, 2],
  [Type.FORWARDED_SENSE, 2],
  [Type.DIRECT_ACCESS, 22],
  [Type.DEVICE_DESIGNATION, 6],
  [Type.MICROCODE_ACTIVATION, 6],
])

/**
 * What a descriptor says; `key` is the sense key of the data that it came in. Whatever its bytes are, it is read: as `raw`, where
 * they are not what its type asks.
 */
export function parseSenseDescriptor(descriptor: SenseDescriptor, key: number): SenseDetail {
  const { type, data } = descriptor
  const known = LENGTH.get(type)
  const read = known === undefined || data.length < known ? undefined : parseKnown(type, data, key)
  return read ?? { kind: 'raw', type, data }
}

function parseKnown(type: number, data: Uint8Array, key: number): SenseDetail | undefined {
  const flags = data[1]!
  switch (type) {
    case Type.INFORMATION:
      return {
        kind: 'information',
        valid: (data[0]! & 0x80) !== 0,
        information: getUint64(data, 2),
      }
    case Type.COMMAND_SPECIFIC:
      return { kind: 'commandSpecific', commandSpecific: getUint64(data, 2) }
    case Type.SENSE_KEY_SPECIFIC:
      return { kind: 'specific', specific: parseSpecific(key, data.subarray(2, 5)) }
    case Type.FIELD_REPLACEABLE_UNIT:
      return { kind: 'fieldReplaceableUnit', code: data[1]! }
    case Type.STREAM_COMMANDS:
      return {
        kind: 'stream',
        filemark: (flags & 0x80) !== 0,
        endOfMedium: (flags & 0x40) !== 0,
        incorrectLength: (flags & 0x20) !== 0,
      }
    case Type.BLOCK_COMMANDS:
      return { kind: 'block', incorrectLength: (flags & 0x20) !== 0 }
    case Type.ATA_STATUS_RETURN:
      return { kind: 'ataStatus', ata: parseAtaStatusReturn(data) }
    case Type.ANOTHER_PROGRESS:
      return {
        kind: 'progress',
        key: data[0]!,
        asc: data[1]!,
        ascq: data[2]!,
        progress: getUint16(data, 4),
      }
    case Type.USER_DATA_SEGMENT_REFERRAL: {
      const referral = parseReferral(data)
      return referral && { kind: 'referral', ...referral }
    }
    case Type.FORWARDED_SENSE:
      return {
        kind: 'forwarded',
        truncated: (data[0]! & 0x80) !== 0,
        source: data[0]! & 0xf,
        status: data[1]!,
        sense: data.slice(2),
      }
    case Type.DIRECT_ACCESS:
      return {
        kind: 'directAccess',
        valid: (data[0]! & 0x80) !== 0,
        incorrectLength: (data[0]! & 0x20) !== 0,
        specific: parseSpecific(key, data.subarray(2, 5)),
        fieldReplaceableUnit: data[5]!,
        information: getUint64(data, 6),
        commandSpecific: getUint64(data, 14),
      }
    case Type.DEVICE_DESIGNATION: {
      const designator = firstDesignator(data.subarray(2))
      return designator && { kind: 'designation', reason: data[1]! & 0xf, designator }
    }
    default:
      return { kind: 'microcode', activationSeconds: getUint16(data, 4) }
  }
}

/**
 * The descriptor that says it.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for values that their fields cannot hold
 */
export function encodeSenseDescriptor(detail: SenseDetail): SenseDescriptor {
  switch (detail.kind) {
    case 'information':
      return {
        type: Type.INFORMATION,
        data: wide(detail.valid ? 0x80 : 0, 'information', detail.information),
      }
    case 'commandSpecific':
      return {
        type: Type.COMMAND_SPECIFIC,
        data: wide(0, 'commandSpecific', detail.commandSpecific),
      }
    case 'specific':
      return {
        type: Type.SENSE_KEY_SPECIFIC,
        data: Uint8Array.of(0, 0, ...specificBytes(detail.specific), 0),
      }
    case 'fieldReplaceableUnit':
      return {
        type: Type.FIELD_REPLACEABLE_UNIT,
        data: Uint8Array.of(0, checkUint('fieldReplaceableUnit', detail.code, 0xff)),
      }
    case 'stream':
      return {
        type: Type.STREAM_COMMANDS,
        data: Uint8Array.of(
          0,
          (detail.filemark ? 0x80 : 0) |
            (detail.endOfMedium ? 0x40 : 0) |
            (detail.incorrectLength ? 0x20 : 0),
        ),
      }
    case 'block':
      return {
        type: Type.BLOCK_COMMANDS,
        data: Uint8Array.of(0, detail.incorrectLength ? 0x20 : 0),
      }
    case 'ataStatus':
      return { type: Type.ATA_STATUS_RETURN, data: encodeAtaStatusReturn(detail.ata) }
    case 'progress':
      return {
        type: Type.ANOTHER_PROGRESS,
        data: Uint8Array.of(
          checkUint('key', detail.key, 0xff),
          checkUint('asc', detail.asc, 0xff),
          checkUint('ascq', detail.ascq, 0xff),
          0,
          checkUint('progress', detail.progress, 0xffff) >> 8,
          detail.progress,
        ),
      }
    case 'referral':
      return { type: Type.USER_DATA_SEGMENT_REFERRAL, data: encodeReferral(detail) }
    case 'forwarded':
      return {
        type: Type.FORWARDED_SENSE,
        data: Uint8Array.of(
          (detail.truncated ? 0x80 : 0) | checkUint('source', detail.source, 0xf),
          checkUint('status', detail.status, 0xff),
          ...detail.sense,
        ),
      }
    case 'directAccess':
      return { type: Type.DIRECT_ACCESS, data: encodeDirectAccess(detail) }
    case 'designation':
      return {
        type: Type.DEVICE_DESIGNATION,
        data: Uint8Array.of(
          0,
          checkUint('reason', detail.reason, 0xf),
          ...encodeDesignators([detail.designator]),
        ),
      }
    case 'microcode': {
      const data = new Uint8Array(6)
      setUint16(data, 4, checkUint('activationSeconds', detail.activationSeconds, 0xffff))
      return { type: Type.MICROCODE_ACTIVATION, data }
    }
    case 'raw':
      return { type: checkUint('type', detail.type, 0xff), data: detail.data }
  }
}

function wide(flags: number, name: string, value: bigint): Uint8Array {
  const data = new Uint8Array(10)
  data[0] = flags
  setUint64(data, 2, checkUint64(name, value))
  return data
}

function specificBytes(specific: SenseKeySpecific | undefined): Uint8Array {
  return specific === undefined ? new Uint8Array(3) : encodeSpecific(specific)
}

/** ADDITIONAL LENGTH is 1Eh: the last eight bytes are reserved. */
function encodeDirectAccess(detail: SenseDetail & { kind: 'directAccess' }): Uint8Array {
  const data = new Uint8Array(0x1e)
  data[0] = (detail.valid ? 0x80 : 0) | (detail.incorrectLength ? 0x20 : 0)
  data.set(specificBytes(detail.specific), 2)
  data[5] = checkUint('fieldReplaceableUnit', detail.fieldReplaceableUnit, 0xff)
  setUint64(data, 6, checkUint64('information', detail.information))
  setUint64(data, 14, checkUint64('commandSpecific', detail.commandSpecific))
  return data
}
