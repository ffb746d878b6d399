/** Which log page is meant by a code: that depends on the kind of device. */

import { DeviceType } from './inquiry.ts'
import {
  NON_MEDIUM_ERRORS,
  READ_ERRORS,
  READ_REVERSE_ERRORS,
  VERIFY_ERRORS,
  WRITE_ERRORS,
} from './log-error.ts'
import type { LogPageLayout } from './log-fields.ts'
import {
  INFORMATIONAL_EXCEPTIONS,
  PROVISIONING_STATISTICS,
  SOLID_STATE_MEDIA,
  START_STOP_CYCLES,
  STATISTICS,
  TEMPERATURE,
} from './log-health.ts'
import { SEQUENTIAL_ACCESS, TAPE_CAPACITY, VOLUME_STATISTICS } from './log-tape.ts'

/** A layout of whichever page: its fields by their names. */
export type AnyLogPageLayout = LogPageLayout<
  Readonly<Record<string, number | bigint | string | undefined>>
>

/** The layout of a page, or `undefined` for one that has none here. `deviceType` as INQUIRY tells it. */
export function logPageLayout(
  page: number,
  subpage: number,
  deviceType: number,
): AnyLogPageLayout | undefined {
  return [...(LAYOUTS_OF_TYPE.get(deviceType) ?? []), ...COMMON].find(
    (layout) => layout.page === page && layout.subpage === subpage,
  )
}

/** The name of a page in its standard, or `undefined` for one that is not listed. `deviceType` as INQUIRY tells it. */
export function logPageName(page: number, subpage: number, deviceType: number): string | undefined {
  if (subpage === 0xff) return 'supported subpages'
  const key = (page << 8) | subpage
  return NAMES_OF_TYPE.get(deviceType)?.[key] ?? NAMES[key]
}

/** A layout whose fields are looked up by name only. */
function any<P>(layout: LogPageLayout<P>): AnyLogPageLayout {
  return layout as unknown as AnyLogPageLayout
}

const COMMON: readonly AnyLogPageLayout[] = [
  any(WRITE_ERRORS),
  any(READ_ERRORS),
  any(READ_REVERSE_ERRORS),
  any(VERIFY_ERRORS),
  any(NON_MEDIUM_ERRORS),
  any(TEMPERATURE),
  any(START_STOP_CYCLES),
  any(STATISTICS),
  any(INFORMATIONAL_EXCEPTIONS),
]

const LAYOUTS_OF_TYPE: ReadonlyMap<number, readonly AnyLogPageLayout[]> = new Map([
  [DeviceType.DIRECT_ACCESS_BLOCK, [any(PROVISIONING_STATISTICS), any(SOLID_STATE_MEDIA)]],
  [
    DeviceType.SEQUENTIAL_ACCESS,
    [any(SEQUENTIAL_ACCESS), any(VOLUME_STATISTICS), any(TAPE_CAPACITY)],
  ],
])

/** SPC-5 annex F: PAGE CODE in the high byte, SUBPAGE CODE in the low one. */
type Names = Readonly<Record<number, string>>

const NAMES: Names = {
  0: 'supported log pages',
  256: 'buffer over-run/under-run',
  512: WRITE_ERRORS.name,
  768: READ_ERRORS.name,
  1024: READ_REVERSE_ERRORS.name,
  1280: VERIFY_ERRORS.name,
  1536: NON_MEDIUM_ERRORS.name,
  1792: 'last n error events',
  2816: 'last n deferred errors or asynchronous events',
  2817: 'last n inquiry data changed',
  2818: 'last n mode page data changed',
  3328: TEMPERATURE.name,
  3329: 'environmental reporting',
  3330: 'environmental limits',
  3584: START_STOP_CYCLES.name,
  3585: 'utilization',
  3840: 'application client',
  4096: 'self-test results',
  6144: 'protocol specific port',
  6400: STATISTICS.name,
  6656: 'power condition transitions',
  12032: INFORMATIONAL_EXCEPTIONS.name,
}

const DISK_NAMES: Names = {
  2048: 'format status',
  3072: PROVISIONING_STATISTICS.name,
  4352: SOLID_STATE_MEDIA.name,
  5121: 'zoned block device statistics',
  5376: 'background scan results',
  5377: 'pending defects',
  5378: 'background operation',
  5379: 'LPS misalignment',
  5632: 'ATA pass-through results',
  5888: 'non-volatile cache',
}

const NAMES_OF_TYPE: ReadonlyMap<number, Names> = new Map<number, Names>([
  [DeviceType.DIRECT_ACCESS_BLOCK, DISK_NAMES],
  [DeviceType.HOST_MANAGED_ZONED, DISK_NAMES],
  [
    DeviceType.SEQUENTIAL_ACCESS,
    {
      3072: SEQUENTIAL_ACCESS.name,
      4352: 'DT device status',
      4608: 'TapeAlert response',
      4864: 'requested recovery',
      5120: 'device statistics',
      5632: 'tape diagnostic data',
      5888: VOLUME_STATISTICS.name,
      6912: 'data compression',
      11776: 'TapeAlert',
      12544: TAPE_CAPACITY.name,
    },
  ],
  [
    DeviceType.MEDIA_CHANGER,
    {
      5120: 'media changer statistics',
      5632: 'media changer diagnostic data',
      11776: 'TapeAlert',
    },
  ],
])
