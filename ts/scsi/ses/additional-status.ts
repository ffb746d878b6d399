/**
 * The additional element status page (0Ah, SES-3 6.1.13): which devices are in which slots.
 *
 *     descriptor                             SAS, from byte s (4 with EIP, else 2)
 *     0  INVALID 7, EIP 4, PROTOCOL 3..0     s    NUMBER OF PHY DESCRIPTORS
 *     1  LENGTH (n-1)                        s+1  DESCRIPTOR TYPE 7..6, NOT ALL PHYS 0
 *     2  EIIOE 1..0          (with EIP)      s+3  DEVICE SLOT NUMBER (type 0 with EIP)
 *     3  ELEMENT INDEX       (with EIP)      s+4  phys of 28 bytes (type 0 with EIP; at s+2 without), SAS ADDRESS and phys of
 *                                                 2 bytes (type 1 of an expander), or phys of 16 bytes (type 1 of a port)
 */

import { badResponse, getUint64, needBytes } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { type Configuration, type ElementPlace, elementPlaces } from './configuration.ts'
import {
  checkGeneration,
  type DiagnosticOptions,
  DiagnosticPage,
  receiveDiagnosticPage,
} from './diagnostic.ts'

/** PROTOCOL IDENTIFIER (SPC-4 7.6.1, SES-4). */
export const Protocol = { FIBRE_CHANNEL: 0x0, SAS: 0x6, NVME: 0xb } as const

/** What is known of an element besides its status. */
export interface AdditionalElementStatus {
  /** INVALID: the rest means nothing. */
  readonly invalid: boolean
  /** See `Protocol`. */
  readonly protocol: number
  /** ELEMENT INDEX; see `elementAt()`. `undefined` without EIP. */
  readonly elementIndex: number | undefined
  /** EIIOE: 0, the index counts no overall elements; 1, it does. */
  readonly indexIncludesOverall: number
  /** A SAS element. */
  readonly sas: SasDeviceSlot | SasExpander | SasPort | undefined
  /** All bytes of the descriptor. */
  readonly bytes: Uint8Array
}

/** A slot with a SAS or SATA device. */
export interface SasDeviceSlot {
  readonly kind: 'deviceSlot'
  /** DEVICE SLOT NUMBER; `undefined` without EIP, and for 255, which is none. */
  readonly slot: number | undefined
  /** NOT ALL PHYS: the device has more of them. */
  readonly notAllPhys: boolean
  readonly phys: readonly SasPhy[]
}

/** A phy of a device in a slot. */
export interface SasPhy {
  /** 0 none, 1 a SAS or SATA device. */
  readonly deviceType: number
  readonly initiator: SasRoles
  readonly target: SasRoles
  /** SATA DEVICE: the device is a SATA one. */
  readonly sataDevice: boolean
  readonly sataPortSelector: boolean
  readonly attachedSasAddress: bigint
  readonly sasAddress: bigint
  readonly phyIdentifier: number
}

export interface SasRoles {
  readonly ssp: boolean
  readonly stp: boolean
  readonly smp: boolean
}

/** An expander. */
export interface SasExpander {
  readonly kind: 'expander'
  readonly sasAddress: bigint
  /** In the order of their phy identifiers. */
  readonly phys: readonly ElementIndices[]
}

/** Enclosure services electronics, or a port. */
export interface SasPort {
  readonly kind: 'port'
  readonly phys: readonly (ElementIndices & {
    readonly phyIdentifier: number
    readonly sasAddress: bigint
  })[]
}

/** What a phy is connected with; `undefined` for 255, which is nothing. */
export interface ElementIndices {
  readonly connector: number | undefined
  readonly other: number | undefined
}

const HEADER = 8
const EIP = 0x10
const NONE = 0xff
const DEVICE_PHY = 28
const PORT_PHY = 16
const EXPANDER_PHY = 2
const SAS_ADDRESS = 8

/** RECEIVE DIAGNOSTIC RESULTS for the additional element status page. Refuses a page of another generation than the configuration's. */
export function additionalElementStatus(
  known: Pick<Configuration, 'generation'>,
  options?: DiagnosticOptions,
): TypedCommand<readonly AdditionalElementStatus[]> {
  const parse = (page: Uint8Array): AdditionalElementStatus[] => {
    checkGeneration(page, known.generation)
    return parseDescriptors(page)
  }
  return receiveDiagnosticPage(DiagnosticPage.ADDITIONAL_ELEMENT_STATUS, parse, options)
}

/**
 * The element that a descriptor speaks of: undefined without an index, with an EIIOE of neither kind, and where the index lies outside the
 * configuration.
 */
export function elementAt(
  known: Configuration,
  { elementIndex, indexIncludesOverall }: AdditionalElementStatus,
): ElementPlace | undefined {
  if (elementIndex === undefined || indexIncludesOverall > 1) return undefined
  let left = elementIndex
  for (const place of elementPlaces(known)) {
    if (place.index === undefined && indexIncludesOverall === 0) continue
    if (left-- === 0) return place
  }
  return undefined
}

function parseDescriptors(page: Uint8Array): AdditionalElementStatus[] {
  const found: AdditionalElementStatus[] = []
  for (let at = HEADER; at < page.length; ) {
    needBytes('additional element status', page, at + 2)
    const end = at + 2 + page[at + 1]!
    needBytes('additional element status', page, end)
    found.push(parseDescriptor(page.slice(at, end)))
    at = end
  }
  return found
}

function parseDescriptor(bytes: Uint8Array): AdditionalElementStatus {
  const withIndex = (bytes[0]! & EIP) !== 0
  if (withIndex) needBytes('additional element status', bytes, 4)
  const invalid = (bytes[0]! & 0x80) !== 0
  const protocol = bytes[0]! & 0xf
  const start = withIndex ? 4 : 2
  return {
    invalid,
    protocol,
    elementIndex: withIndex ? bytes[3]! : undefined,
    indexIncludesOverall: withIndex ? bytes[2]! & 3 : 0,
    sas: protocol === Protocol.SAS && !invalid ? parseSas(bytes, start, withIndex) : undefined,
    bytes,
  }
}

function parseSas(
  bytes: Uint8Array,
  start: number,
  withIndex: boolean,
): SasDeviceSlot | SasExpander | SasPort | undefined {
  needBytes('a SAS descriptor', bytes, start + 2)
  const phys = bytes[start]!
  switch (bytes[start + 1]! >> 6) {
    case 0:
      return parseDeviceSlot(bytes, start, withIndex)
    case 1: {
      // The descriptor does not say whether it is an expander's: its length does, which no number of phys has in both ways.
      const length = bytes.length - (start + 4)
      if (length === SAS_ADDRESS + phys * EXPANDER_PHY) return parseExpander(bytes, start + 4, phys)
      if (length === phys * PORT_PHY) return parsePort(bytes, start + 4, phys)
      throw badResponse(`a SAS descriptor of ${bytes.length} bytes does not have ${phys} phys`)
    }
    default:
      return undefined
  }
}

function parseDeviceSlot(bytes: Uint8Array, start: number, withIndex: boolean): SasDeviceSlot {
  const first = withIndex ? start + 4 : start + 2
  const count = bytes[start]!
  needBytes('a SAS device slot', bytes, first + count * DEVICE_PHY)
  const slot = withIndex ? bytes[start + 3]! : NONE
  return {
    kind: 'deviceSlot',
    slot: slot === NONE ? undefined : slot,
    notAllPhys: (bytes[start + 1]! & 1) !== 0,
    phys: Array.from({ length: count }, (_, at) =>
      parsePhy(bytes.subarray(first + at * DEVICE_PHY)),
    ),
  }
}

function parsePhy(phy: Uint8Array): SasPhy {
  const roles = (byte: number): SasRoles => ({
    ssp: (byte & 8) !== 0,
    stp: (byte & 4) !== 0,
    smp: (byte & 2) !== 0,
  })
  return {
    deviceType: (phy[0]! >> 4) & 7,
    initiator: roles(phy[2]!),
    target: roles(phy[3]!),
    sataDevice: (phy[3]! & 1) !== 0,
    sataPortSelector: (phy[3]! & 0x80) !== 0,
    attachedSasAddress: getUint64(phy, 4),
    sasAddress: getUint64(phy, 12),
    phyIdentifier: phy[20]!,
  }
}

function parseExpander(bytes: Uint8Array, start: number, count: number): SasExpander {
  const first = start + SAS_ADDRESS
  return {
    kind: 'expander',
    sasAddress: getUint64(bytes, start),
    phys: Array.from({ length: count }, (_, at) => parseIndices(bytes, first + at * EXPANDER_PHY)),
  }
}

function parsePort(bytes: Uint8Array, start: number, count: number): SasPort {
  return {
    kind: 'port',
    phys: Array.from({ length: count }, (_, phy) => {
      const at = start + phy * PORT_PHY
      const sasAddress = getUint64(bytes, at + 8)
      return { phyIdentifier: bytes[at]!, ...parseIndices(bytes, at + 2), sasAddress }
    }),
  }
}

function parseIndices(bytes: Uint8Array, at: number): ElementIndices {
  const index = (byte: number): number | undefined => (byte === NONE ? undefined : byte)
  return { connector: index(bytes[at]!), other: index(bytes[at + 1]!) }
}
