/**
 * Designation descriptors, by which logical units, target ports and target devices are named (SPC-5 7.7).
 *
 *     0      PROTOCOL IDENTIFIER | CODE SET
 *     1      PIV | ASSOCIATION | DESIGNATOR TYPE
 *     3      DESIGNATOR LENGTH (n-3)
 *     4..n   DESIGNATOR
 */

import { checkUint, getAscii, getUint16, needBytes } from './bytes.ts'

/** CODE SET of a designator. */
export const CodeSet = { BINARY: 1, ASCII: 2, UTF8: 3 } as const

/** What a designator names. */
export const Association = { LOGICAL_UNIT: 0, TARGET_PORT: 1, TARGET_DEVICE: 2 } as const

/** DESIGNATOR TYPE. */
export const DesignatorType = {
  VENDOR_SPECIFIC: 0,
  T10_VENDOR_ID: 1,
  EUI64: 2,
  NAA: 3,
  RELATIVE_TARGET_PORT: 4,
  TARGET_PORT_GROUP: 5,
  LOGICAL_UNIT_GROUP: 6,
  MD5: 7,
  SCSI_NAME: 8,
  PROTOCOL_SPECIFIC_PORT: 9,
  UUID: 10,
} as const

/** A designation descriptor. */
export interface Designator {
  readonly association: number
  readonly type: number
  readonly codeSet: number
  /** PROTOCOL IDENTIFIER where it is valid (PIV), which it is for target ports and target devices only. */
  readonly protocol: number | undefined
  readonly designator: Uint8Array
}

/** The body of the device identification page. */
export function encodeDesignators(designators: readonly Designator[]): Uint8Array {
  const bytes: number[] = []
  for (const one of designators) {
    bytes.push(
      ((one.protocol ?? 0) << 4) | one.codeSet,
      (one.protocol === undefined ? 0 : 0x80) | (one.association << 4) | one.type,
      0,
      checkUint('designator.length', one.designator.length, 0xff),
      ...one.designator,
    )
  }
  return Uint8Array.from(bytes)
}

/** Reads designation descriptors, which fill `body` to its end. */
export function parseDesignators(body: Uint8Array): readonly Designator[] {
  const designators: Designator[] = []
  for (let at = 0; at < body.length; ) {
    const end = at + 4 + (body[at + 3] ?? 0)
    needBytes('designation descriptors', body, end)
    designators.push({
      association: (body[at + 1]! >> 4) & 3,
      type: body[at + 1]! & 0xf,
      codeSet: body[at]! & 0xf,
      protocol: (body[at + 1]! & 0x80) === 0 ? undefined : body[at]! >> 4,
      designator: body.slice(at + 4, end),
    })
    at = end
  }
  return designators
}

/** The first designation descriptor in `bytes`; `undefined` where it ends beyond them. */
export function firstDesignator(bytes: Uint8Array): Designator | undefined {
  if (bytes.length < 4) return undefined
  const end = 4 + bytes[3]!
  return end > bytes.length ? undefined : parseDesignators(bytes.subarray(0, end))[0]
}

/**
 * A designator as one word for people and scripts, in the forms of iSCSI names (RFC 3980): `naa.5000…`, `eui.0123…`, `t10.VENDOR…`;
 * a SCSI name string as it is, numbers in decimal, a UUID as `uuid.…`, and anything else as its hexadecimal digits. What is not
 * printable ASCII reads as `?`.
 */
export function designatorText({ type, codeSet, designator }: Designator): string {
  const { length } = designator
  switch (type) {
    case DesignatorType.NAA:
      return `naa.${hex(designator)}`
    case DesignatorType.EUI64:
      return `eui.${hex(designator)}`
    case DesignatorType.T10_VENDOR_ID:
      return `t10.${getAscii(designator, 0, length)}`
    case DesignatorType.SCSI_NAME:
      return getAscii(designator, 0, length)
    case DesignatorType.RELATIVE_TARGET_PORT:
    case DesignatorType.TARGET_PORT_GROUP:
    case DesignatorType.LOGICAL_UNIT_GROUP:
      return length === 4 ? String(getUint16(designator, 2)) : hex(designator)
    case DesignatorType.UUID:
      return length === 18 ? `uuid.${uuid(designator.subarray(2))}` : hex(designator)
    case DesignatorType.VENDOR_SPECIFIC:
      return codeSet === CodeSet.BINARY ? hex(designator) : getAscii(designator, 0, length)
    default:
      return hex(designator)
  }
}

function uuid(bytes: Uint8Array): string {
  return [0, 4, 6, 8, 10]
    .map((from, index, all) => hex(bytes.subarray(from, all[index + 1])))
    .join('-')
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
