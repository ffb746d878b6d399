/** Which mode page is meant by a code: that depends on the kind of device. */

import { DeviceType } from './inquiry.ts'
import { CACHING, READ_WRITE_ERROR_RECOVERY } from './mode-block.ts'
import {
  CONTROL,
  CONTROL_EXTENSION,
  DISCONNECT_RECONNECT,
  INFORMATIONAL_EXCEPTIONS_CONTROL,
  POWER_CONDITION,
} from './mode-common.ts'
import type { ModePageLayout } from './mode-page.ts'
import {
  DATA_COMPRESSION,
  DEVICE_CONFIGURATION,
  ELEMENT_ADDRESS_ASSIGNMENT,
  STREAM_ERROR_RECOVERY,
} from './mode-stream.ts'

/** A layout of whichever page: its fields by their names. */
export type AnyModePageLayout = ModePageLayout<Readonly<Record<string, boolean | number>>>

/** The layout of a page, or `undefined` for one that has none here. `deviceType` as INQUIRY tells it. */
export function modePageLayout(
  page: number,
  subpage: number,
  deviceType: number,
): AnyModePageLayout | undefined {
  return [...(LAYOUTS_OF_TYPE.get(deviceType) ?? []), ...COMMON].find(
    (layout) => layout.page === page && layout.subpage === subpage,
  )
}

/** The name of a page in its standard, or `undefined` for one that is not listed. `deviceType` as INQUIRY tells it. */
export function modePageName(
  page: number,
  subpage: number,
  deviceType: number,
): string | undefined {
  const key = (page << 8) | subpage
  return NAMES_OF_TYPE.get(deviceType)?.[key] ?? NAMES[key]
}

/** A layout whose fields are looked up by name only. */
function any<P>(layout: ModePageLayout<P>): AnyModePageLayout {
  return layout as unknown as AnyModePageLayout
}

const COMMON: readonly AnyModePageLayout[] = [
  any(DISCONNECT_RECONNECT),
  any(CONTROL),
  any(CONTROL_EXTENSION),
  any(POWER_CONDITION),
  any(INFORMATIONAL_EXCEPTIONS_CONTROL),
]

const DISK = [any(READ_WRITE_ERROR_RECOVERY), any(CACHING)]

const LAYOUTS_OF_TYPE: ReadonlyMap<number, readonly AnyModePageLayout[]> = new Map([
  [DeviceType.DIRECT_ACCESS_BLOCK, DISK],
  [DeviceType.HOST_MANAGED_ZONED, DISK],
  [DeviceType.CD_DVD, DISK],
  [
    DeviceType.SEQUENTIAL_ACCESS,
    [any(STREAM_ERROR_RECOVERY), any(DATA_COMPRESSION), any(DEVICE_CONFIGURATION)],
  ],
  [DeviceType.MEDIA_CHANGER, [any(ELEMENT_ADDRESS_ASSIGNMENT)]],
])

/** SPC-5 annex F: PAGE CODE in the high byte, SUBPAGE CODE in the low one. */
type Names = Readonly<Record<number, string>>

const NAMES: Names = {
  0: 'vendor specific',
  512: 'disconnect-reconnect',
  2304: 'peripheral device',
  2560: 'control',
  2561: 'control extension',
  2563: 'command duration limit A',
  2564: 'command duration limit B',
  2567: 'command duration limit T2A',
  2568: 'command duration limit T2B',
  5376: 'extended',
  5632: 'extended device-type specific',
  6144: 'protocol specific logical unit',
  6400: 'protocol specific port',
  6656: 'power condition',
  6657: 'power consumption',
  7168: 'informational exceptions control',
}

const DISK_NAMES: Names = {
  256: 'read-write error recovery',
  768: 'format',
  1024: 'rigid disk geometry',
  1280: 'flexible disk',
  1792: 'verify error recovery',
  2048: 'caching',
  2562: 'application tag',
  2565: 'IO advice hints grouping',
  2566: 'background operation control',
  2801: 'parallel ATA control',
  2802: 'ATA feature control',
  2816: 'medium types supported',
  3072: 'notch and partition',
  3328: 'power condition',
  4096: 'XOR control',
  6897: 'ATA power condition',
  7169: 'background control',
  7170: 'logical block provisioning',
}

const NAMES_OF_TYPE: ReadonlyMap<number, Names> = new Map<number, Names>([
  [DeviceType.DIRECT_ACCESS_BLOCK, DISK_NAMES],
  [DeviceType.HOST_MANAGED_ZONED, { ...DISK_NAMES, 2575: 'zoned block device control' }],
  [
    DeviceType.SEQUENTIAL_ACCESS,
    {
      256: 'read-write error recovery',
      2800: 'control data protection',
      3840: 'data compression',
      4096: 'device configuration',
      4097: 'device configuration extension',
      4352: 'medium partition',
      7424: 'medium configuration',
    },
  ],
  [
    DeviceType.CD_DVD,
    {
      256: 'read-write error recovery',
      768: 'Mount Rainier rewritable',
      1280: 'write parameters',
      2048: 'caching',
      3584: 'CD audio control',
      7424: 'timeout and protect',
      10752: 'MM capabilities and mechanical status',
    },
  ],
  [
    DeviceType.MEDIA_CHANGER,
    {
      7424: 'element address assignment',
      7680: 'transport geometry parameters',
      7936: 'device capabilities',
      8001: 'extended device capabilities',
    },
  ],
  [DeviceType.ENCLOSURE_SERVICES, { 5120: 'enclosure services management' }],
])
