/**
 * What elements say beyond what all of them do: slots (SES-3 7.3.2, 7.3.3), and sensors and fans by their readings (7.3.5, 7.3.6, 7.3.20,
 * 7.3.21). The bytes of a status element:
 *
 *     all                 slot                                           array device slot, besides
 *     0  PRDFAIL 6        2  APP CLIENT BYPASSED A 7, DO NOT REMOVE 6,   1  OK 7, RSVD DEVICE 6, HOT SPARE 5, CONS CHK 4,
 *        DISABLED 5          ENCLOSURE BYPASSED A 5, B 4,                   IN CRIT ARRAY 3, IN FAILED ARRAY 2,
 *        SWAP 4              READY TO INSERT 3, RMV 2, IDENT 1, REPORT 0    REBUILD/REMAP 1, R/R ABORT 0
 *        CODE 3..0        3  APP CLIENT BYPASSED B 7, FAULT SENSED 6,
 *                            FAULT REQSTD 5, DEVICE OFF 4, BYPASSED A 3,
 *                            B 2, DEVICE BYPASSED A 1, B 0
 */

import { getUint16 } from '../bytes.ts'
import { ElementType } from './element-type.ts'

/** A device slot or an array device slot. */
export interface SlotStatus {
  readonly kind: 'slot'
  /** IDENT: its lamp is on so that somebody finds it. */
  readonly identify: boolean
  /** FAULT SENSED: the enclosure has found a fault. */
  readonly faultSensed: boolean
  /** FAULT REQSTD: its fault lamp is on because an application client asked. */
  readonly faultRequested: boolean
  readonly doNotRemove: boolean
  readonly readyToInsert: boolean
  /** RMV: the device is ready to be removed. */
  readonly readyToRemove: boolean
  /** REPORT: its own status has led to the enclosure's. */
  readonly report: boolean
  readonly deviceOff: boolean
  readonly applicationClientBypassedA: boolean
  readonly applicationClientBypassedB: boolean
  readonly enclosureBypassedA: boolean
  readonly enclosureBypassedB: boolean
  readonly bypassedA: boolean
  readonly bypassedB: boolean
  readonly deviceBypassedA: boolean
  readonly deviceBypassedB: boolean
  /** SLOT ADDRESS, of a device slot alone. */
  readonly address: number | undefined
  /** Of an array device slot alone. */
  readonly array: ArrayStatus | undefined
}

/** What an array says of a device. */
export interface ArrayStatus {
  readonly ok: boolean
  readonly reservedDevice: boolean
  readonly hotSpare: boolean
  readonly consistencyCheck: boolean
  readonly inCriticalArray: boolean
  readonly inFailedArray: boolean
  readonly rebuildRemap: boolean
  readonly rebuildRemapAbort: boolean
}

/** A sensor or a fan. */
export type Reading =
  /** Degrees Celsius; `undefined` where there is no reading. */
  | { readonly kind: 'temperature'; readonly celsius: number | undefined }
  | { readonly kind: 'voltage'; readonly volts: number }
  | { readonly kind: 'current'; readonly amperes: number }
  /** Revolutions a minute; `undefined` for a FAN SPEED FACTOR that means nothing. */
  | { readonly kind: 'cooling'; readonly rpm: number | undefined }

/** Reads the four bytes of a status element; `undefined` for a type that is none of these. */
export function parseDetails(type: number, bytes: Uint8Array): SlotStatus | Reading | undefined {
  switch (type) {
    case ElementType.DEVICE_SLOT:
    case ElementType.ARRAY_DEVICE_SLOT:
      return parseSlot(bytes, type === ElementType.ARRAY_DEVICE_SLOT)
    case ElementType.TEMPERATURE_SENSOR:
      return { kind: 'temperature', celsius: bytes[2] === 0 ? undefined : bytes[2]! - 20 }
    case ElementType.VOLTAGE_SENSOR:
      return { kind: 'voltage', volts: int16(bytes) / 100 }
    case ElementType.CURRENT_SENSOR:
      return { kind: 'current', amperes: int16(bytes) / 100 }
    case ElementType.COOLING:
      return { kind: 'cooling', rpm: fanSpeed(bytes) }
    default:
      return undefined
  }
}

function parseSlot(bytes: Uint8Array, isArray: boolean): SlotStatus {
  const has = (at: number, bit: number): boolean => ((bytes[at]! >> bit) & 1) !== 0
  return {
    kind: 'slot',
    identify: has(2, 1),
    faultSensed: has(3, 6),
    faultRequested: has(3, 5),
    doNotRemove: has(2, 6),
    readyToInsert: has(2, 3),
    readyToRemove: has(2, 2),
    report: has(2, 0),
    deviceOff: has(3, 4),
    applicationClientBypassedA: has(2, 7),
    applicationClientBypassedB: has(3, 7),
    enclosureBypassedA: has(2, 5),
    enclosureBypassedB: has(2, 4),
    bypassedA: has(3, 3),
    bypassedB: has(3, 2),
    deviceBypassedA: has(3, 1),
    deviceBypassedB: has(3, 0),
    address: isArray ? undefined : bytes[1]!,
    array: isArray ? parseArray(has) : undefined,
  }
}

function parseArray(has: (at: number, bit: number) => boolean): ArrayStatus {
  return {
    ok: has(1, 7),
    reservedDevice: has(1, 6),
    hotSpare: has(1, 5),
    consistencyCheck: has(1, 4),
    inCriticalArray: has(1, 3),
    inFailedArray: has(1, 2),
    rebuildRemap: has(1, 1),
    rebuildRemapAbort: has(1, 0),
  }
}

/** FAN SPEED FACTOR is in bits 4..3 of byte 1 since SES-4, and zero before. */
function fanSpeed(bytes: Uint8Array): number | undefined {
  const actual = ((bytes[1]! & 7) << 8) | bytes[2]!
  switch ((bytes[1]! >> 3) & 3) {
    case 0:
      return 10 * actual
    case 1:
      return 10 * actual + 20_480
    case 2:
      return 100 * actual
    default:
      return undefined
  }
}

/** Bytes 2 and 3, with a sign. */
function int16(bytes: Uint8Array): number {
  return (getUint16(bytes, 2) << 16) >> 16
}
