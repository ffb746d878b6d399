/** SMP functions that ask and steer expanders and the phys of an adapter (SAS-2 10.4.3), for `TransportNode.run()`. */

import { checkUint, getAscii, getUint64, setUint16, setUint64 } from '../../scsi/bytes.ts'
import { type Fields, flag, number, readFields } from '../../scsi/fields.ts'
import type { TransportMessage } from './message.ts'
import { type SmpFrameOptions, SmpFunction, smpMessage } from './smp-frame.ts'

export {
  type SmpFrameOptions,
  SmpFunction,
  SmpFunctionError,
  SmpResult,
  smpResultName,
} from './smp-frame.ts'

/** What an expander or an adapter says of itself (SAS-2 10.4.3). What a short response of SAS-1.1 does not have is 0 and false. */
export interface SmpGeneral {
  readonly expanderChangeCount: number
  readonly expanderRouteIndexes: number
  readonly longResponse: boolean
  readonly phys: number
  readonly tableToTable: boolean
  readonly zoneConfiguring: boolean
  readonly selfConfiguring: boolean
  readonly stpContinueAwt: boolean
  readonly openRejectRetry: boolean
  readonly configuresOthers: boolean
  readonly configuring: boolean
  readonly externallyConfigurable: boolean
  readonly enclosureLogicalIdentifier: bigint
  /** Units of 100 microseconds. */
  readonly stpBusInactivityLimit: number
  /** Units of 100 microseconds. */
  readonly stpMaximumConnectTime: number
  /** Milliseconds. */
  readonly stpSmpNexusLossTime: number
  /** NUMBER OF ZONE GROUPS: 0 is 128 of them, 1 is 256. */
  readonly zoneGroups: number
  readonly zoneLocked: boolean
  readonly physicalPresenceSupported: boolean
  readonly physicalPresenceAsserted: boolean
  readonly zoningSupported: boolean
  readonly zoningEnabled: boolean
  readonly maximumRoutedAddresses: number
  readonly activeZoneManager: bigint
}

const GENERAL: Fields<Omit<SmpGeneral, 'enclosureLogicalIdentifier' | 'activeZoneManager'>> = {
  expanderChangeCount: number(4, 7, 16, 'EXPANDER CHANGE COUNT'),
  expanderRouteIndexes: number(6, 7, 16, 'EXPANDER ROUTE INDEXES'),
  longResponse: flag(8, 7, 'LONG RESPONSE'),
  phys: number(9, 7, 8, 'NUMBER OF PHYS'),
  tableToTable: flag(10, 7, 'TABLE TO TABLE SUPPORTED'),
  zoneConfiguring: flag(10, 6, 'ZONE CONFIGURING'),
  selfConfiguring: flag(10, 5, 'SELF CONFIGURING'),
  stpContinueAwt: flag(10, 4, 'STP CONTINUE AWT'),
  openRejectRetry: flag(10, 3, 'OPEN REJECT RETRY SUPPORTED'),
  configuresOthers: flag(10, 2, 'CONFIGURES OTHERS'),
  configuring: flag(10, 1, 'CONFIGURING'),
  externallyConfigurable: flag(10, 0, 'EXTERNALLY CONFIGURABLE ROUTE TABLE'),
  stpBusInactivityLimit: number(30, 7, 16, 'STP BUS INACTIVITY TIME LIMIT'),
  stpMaximumConnectTime: number(32, 7, 16, 'STP MAXIMUM CONNECT TIME LIMIT'),
  stpSmpNexusLossTime: number(34, 7, 16, 'STP SMP I_T NEXUS LOSS TIME'),
  zoneGroups: number(36, 7, 2, 'NUMBER OF ZONE GROUPS'),
  zoneLocked: flag(36, 4, 'ZONE LOCKED'),
  physicalPresenceSupported: flag(36, 3, 'PHYSICAL PRESENCE SUPPORTED'),
  physicalPresenceAsserted: flag(36, 2, 'PHYSICAL PRESENCE ASSERTED'),
  zoningSupported: flag(36, 1, 'ZONING SUPPORTED'),
  zoningEnabled: flag(36, 0, 'ZONING ENABLED'),
  maximumRoutedAddresses: number(38, 7, 16, 'MAXIMUM NUMBER OF ROUTED SAS ADDRESSES'),
}

/** REPORT GENERAL. */
export function reportGeneral(options?: SmpFrameOptions): TransportMessage<SmpGeneral> {
  return smpMessage(
    {
      function: SmpFunction.REPORT_GENERAL,
      requestDwords: 0,
      responseDwords: 17,
      legacyDwords: 6,
      parse: (response) => ({
        ...readFields(GENERAL, response),
        enclosureLogicalIdentifier: identifier(response, 12),
        activeZoneManager: identifier(response, 40),
      }),
    },
    options,
  )
}

/** Who made it (SAS-2 10.4.3). */
export interface SmpManufacturer {
  readonly expanderChangeCount: number
  /** SAS-1.1 FORMAT: the component's fields mean something. */
  readonly sas11Format: boolean
  readonly vendor: string
  readonly product: string
  readonly revision: string
  readonly componentVendor: string
  readonly componentId: number
  readonly componentRevision: number
  readonly vendorSpecific: Uint8Array
}

/** REPORT MANUFACTURER INFORMATION. */
export function reportManufacturerInformation(
  options?: SmpFrameOptions,
): TransportMessage<SmpManufacturer> {
  return smpMessage(
    {
      function: SmpFunction.REPORT_MANUFACTURER_INFORMATION,
      requestDwords: 0,
      responseDwords: 14,
      legacyDwords: 14,
      parse: parseManufacturer,
    },
    options,
  )
}

function parseManufacturer(response: Uint8Array): SmpManufacturer {
  const fixed = padded(response, 60)
  return {
    expanderChangeCount: (fixed[4]! << 8) | fixed[5]!,
    sas11Format: (fixed[8]! & 1) !== 0,
    vendor: getAscii(fixed, 12, 8),
    product: getAscii(fixed, 20, 16),
    revision: getAscii(fixed, 36, 4),
    componentVendor: getAscii(fixed, 40, 8),
    componentId: (fixed[48]! << 8) | fixed[49]!,
    componentRevision: fixed[50]!,
    vendorSpecific: fixed.slice(52, 60),
  }
}

/** What is at the other end of a phy (ATTACHED DEVICE TYPE). */
export const AttachedDevice = { NONE: 0, END_DEVICE: 1, EXPANDER: 2, FANOUT_EXPANDER: 3 } as const

/** Link rates, negotiated, programmed and of the hardware; below `RATE_1_5_GBPS` a negotiated one says why there is none. */
export const LinkRate = {
  /** As a programmed rate: unchanged, or not programmable. */
  UNKNOWN: 0x0,
  DISABLED: 0x1,
  NEGOTIATION_FAILED: 0x2,
  SATA_SPINUP_HOLD: 0x3,
  PORT_SELECTOR: 0x4,
  RESET_IN_PROGRESS: 0x5,
  UNSUPPORTED_PHY_ATTACHED: 0x6,
  RATE_1_5_GBPS: 0x8,
  RATE_3_GBPS: 0x9,
  RATE_6_GBPS: 0xa,
  RATE_12_GBPS: 0xb,
  RATE_22_5_GBPS: 0xc,
} as const

/** ROUTING ATTRIBUTE. */
export const Routing = { DIRECT: 0, SUBTRACTIVE: 1, TABLE: 2 } as const

/** A phy (SAS-2 10.4.3). What a short response of SAS-1.1 does not have is 0 and false. */
export interface SmpPhy {
  readonly expanderChangeCount: number
  readonly phyIdentifier: number
  /** See `AttachedDevice`. */
  readonly attachedDevice: number
  readonly attachedReason: number
  /** See `LinkRate`. */
  readonly negotiatedLogicalRate: number
  readonly attachedSspInitiator: boolean
  readonly attachedStpInitiator: boolean
  readonly attachedSmpInitiator: boolean
  readonly attachedSataHost: boolean
  readonly attachedSataPortSelector: boolean
  readonly attachedSspTarget: boolean
  readonly attachedStpTarget: boolean
  readonly attachedSmpTarget: boolean
  readonly attachedSataDevice: boolean
  readonly sasAddress: bigint
  readonly attachedSasAddress: bigint
  readonly attachedPhyIdentifier: number
  readonly programmedMinimumRate: number
  readonly hardwareMinimumRate: number
  readonly programmedMaximumRate: number
  readonly hardwareMaximumRate: number
  readonly phyChangeCount: number
  readonly virtualPhy: boolean
  /** Microseconds. */
  readonly partialPathwayTimeout: number
  /** See `Routing`. */
  readonly routing: number
  readonly connectorType: number
  readonly connectorElementIndex: number
  readonly connectorPhysicalLink: number
  readonly attachedDeviceName: bigint
  readonly zoningEnabled: boolean
  readonly zoneGroup: number
  readonly negotiatedPhysicalRate: number
  readonly reason: number
}

type PhyIdentifiers = 'sasAddress' | 'attachedSasAddress' | 'attachedDeviceName'

const PHY: Fields<Omit<SmpPhy, PhyIdentifiers>> = {
  expanderChangeCount: number(4, 7, 16, 'EXPANDER CHANGE COUNT'),
  phyIdentifier: number(9, 7, 8, 'PHY IDENTIFIER'),
  attachedDevice: number(12, 6, 3, 'ATTACHED DEVICE TYPE'),
  attachedReason: number(12, 3, 4, 'ATTACHED REASON'),
  negotiatedLogicalRate: number(13, 3, 4, 'NEGOTIATED LOGICAL LINK RATE'),
  attachedSspInitiator: flag(14, 3, 'ATTACHED SSP INITIATOR PORT'),
  attachedStpInitiator: flag(14, 2, 'ATTACHED STP INITIATOR PORT'),
  attachedSmpInitiator: flag(14, 1, 'ATTACHED SMP INITIATOR PORT'),
  attachedSataHost: flag(14, 0, 'ATTACHED SATA HOST'),
  attachedSataPortSelector: flag(15, 7, 'ATTACHED SATA PORT SELECTOR'),
  attachedSspTarget: flag(15, 3, 'ATTACHED SSP TARGET PORT'),
  attachedStpTarget: flag(15, 2, 'ATTACHED STP TARGET PORT'),
  attachedSmpTarget: flag(15, 1, 'ATTACHED SMP TARGET PORT'),
  attachedSataDevice: flag(15, 0, 'ATTACHED SATA DEVICE'),
  attachedPhyIdentifier: number(32, 7, 8, 'ATTACHED PHY IDENTIFIER'),
  programmedMinimumRate: number(40, 7, 4, 'PROGRAMMED MINIMUM PHYSICAL LINK RATE'),
  hardwareMinimumRate: number(40, 3, 4, 'HARDWARE MINIMUM PHYSICAL LINK RATE'),
  programmedMaximumRate: number(41, 7, 4, 'PROGRAMMED MAXIMUM PHYSICAL LINK RATE'),
  hardwareMaximumRate: number(41, 3, 4, 'HARDWARE MAXIMUM PHYSICAL LINK RATE'),
  phyChangeCount: number(42, 7, 8, 'PHY CHANGE COUNT'),
  virtualPhy: flag(43, 7, 'VIRTUAL PHY'),
  partialPathwayTimeout: number(43, 3, 4, 'PARTIAL PATHWAY TIMEOUT VALUE'),
  routing: number(44, 3, 4, 'ROUTING ATTRIBUTE'),
  connectorType: number(45, 6, 7, 'CONNECTOR TYPE'),
  connectorElementIndex: number(46, 7, 8, 'CONNECTOR ELEMENT INDEX'),
  connectorPhysicalLink: number(47, 7, 8, 'CONNECTOR PHYSICAL LINK'),
  zoningEnabled: flag(60, 0, 'ZONING ENABLED'),
  zoneGroup: number(63, 7, 8, 'ZONE GROUP'),
  reason: number(94, 7, 4, 'REASON'),
  negotiatedPhysicalRate: number(94, 3, 4, 'NEGOTIATED PHYSICAL LINK RATE'),
}

/** How DISCOVER asks. */
export interface DiscoverOptions extends SmpFrameOptions {
  readonly phy: number
  /** IGNORE ZONE GROUP: tell of phys also that zoning hides. Default: false. */
  readonly ignoreZoneGroup?: boolean
}

/** DISCOVER: a phy. Phys that are not there reject with PHY DOES NOT EXIST or PHY VACANT. */
export function discover({
  phy,
  ignoreZoneGroup = false,
  ...options
}: DiscoverOptions): TransportMessage<SmpPhy> {
  return smpMessage(
    {
      function: SmpFunction.DISCOVER,
      requestDwords: 2,
      responseDwords: 29,
      legacyDwords: 12,
      write: (frame) => {
        frame[8] = ignoreZoneGroup ? 1 : 0
        frame[9] = checkUint('phy', phy, 0xff)
      },
      parse: (response) => ({
        ...readFields(PHY, response),
        sasAddress: identifier(response, 16),
        attachedSasAddress: identifier(response, 24),
        attachedDeviceName: identifier(response, 52),
      }),
    },
    options,
  )
}

/** PHY OPERATION (SAS-2 10.4.3). */
export const PhyOperation = {
  NOP: 0x00,
  LINK_RESET: 0x01,
  HARD_RESET: 0x02,
  DISABLE: 0x03,
  CLEAR_ERROR_LOG: 0x05,
  CLEAR_AFFILIATION: 0x06,
  TRANSMIT_SATA_PORT_SELECTION_SIGNAL: 0x07,
  CLEAR_STP_NEXUS_LOSS: 0x08,
  SET_ATTACHED_DEVICE_NAME: 0x09,
} as const

/** What PHY CONTROL does, and to which phy. */
export interface PhyControlOptions extends SmpFrameOptions {
  readonly phy: number
  /** See `PhyOperation`. LINK RESET, HARD RESET and DISABLE interrupt whoever uses the phy. */
  readonly operation: number
  /** EXPECTED EXPANDER CHANGE COUNT: refuse if the expander has another one. Default: 0, any. */
  readonly expectedChangeCount?: number
  /** ATTACHED DEVICE NAME, of SET ATTACHED DEVICE NAME. Default: 0. */
  readonly attachedDeviceName?: bigint
  /** See `LinkRate`. Default: 0, as it was. */
  readonly programmedMinimumRate?: number
  /** See `LinkRate`. Default: 0, as it was. */
  readonly programmedMaximumRate?: number
  /** Microseconds, 0 to 15. Default: as it was. */
  readonly partialPathwayTimeout?: number
}

/** PHY CONTROL. */
export function phyControl({ legacy, ...options }: PhyControlOptions): TransportMessage<void> {
  return smpMessage(
    {
      function: SmpFunction.PHY_CONTROL,
      requestDwords: 9,
      responseDwords: 0,
      legacyDwords: 0,
      write: (frame) => writePhyControl(frame, options),
      parse: () => {},
    },
    legacy === undefined ? {} : { legacy },
  )
}

function writePhyControl(frame: Uint8Array, options: PhyControlOptions): void {
  const { partialPathwayTimeout } = options
  setUint16(frame, 4, checkUint('expectedChangeCount', options.expectedChangeCount ?? 0, 0xffff))
  frame[9] = checkUint('phy', options.phy, 0xff)
  frame[10] = checkUint('operation', options.operation, 0xff)
  frame[11] = partialPathwayTimeout === undefined ? 0 : 1
  setUint64(frame, 24, options.attachedDeviceName ?? 0n)
  frame[32] = checkUint('programmedMinimumRate', options.programmedMinimumRate ?? 0, 0xf) << 4
  frame[33] = checkUint('programmedMaximumRate', options.programmedMaximumRate ?? 0, 0xf) << 4
  frame[36] = checkUint('partialPathwayTimeout', partialPathwayTimeout ?? 0, 0xf)
}

/** 8 bytes as an identifier: 0 where they did not come. */
function identifier(response: Uint8Array, at: number): bigint {
  return response.length < at + 8 ? 0n : getUint64(response, at)
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes
  const whole = new Uint8Array(length)
  whole.set(bytes)
  return whole
}
