/** Pages of the vital product data (SPC-4 7.8): what is asked for, and how it is printed. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { getUint16, needBytes } from '../scsi/bytes.ts'
import type { TypedCommand } from '../scsi/command.ts'
import { DeviceType, inquiryCdb } from '../scsi/inquiry.ts'
import {
  Association,
  designatorText,
  VpdPage,
  vpdCommand,
  vpdDeviceIdentification,
  vpdSupportedPages,
  vpdUnitSerialNumber,
} from '../scsi/vpd.ts'
import { vpdBlockDeviceCharacteristics, vpdBlockLimits } from '../scsi/vpd-block.ts'
import { vpdExtendedInquiry } from '../scsi/vpd-extended.ts'
import { vpdModePagePolicy } from '../scsi/vpd-policy.ts'
import { vpdLogicalBlockProvisioning } from '../scsi/vpd-provisioning.ts'
import { vpdZonedBlockDeviceCharacteristics } from '../scsi/vpd-zoned.ts'
import { hexBytes, hexDump } from './hex.ts'
import { jsonLine, nameOf, table, valueRows } from './output.ts'
import { pageTitle } from './page.ts'

/** A page of one device type, or of all. */
interface Known {
  readonly name: string
  /** What is in it; undefined where that has no parser here. */
  readonly parse?: TypedCommand<unknown>['parse']
  /** How that is printed. Default: a row for each value. */
  readonly rows?: (value: never) => [string, string][]
}

const COMMON: ReadonlyMap<number, Known> = new Map<number, Known>([
  [VpdPage.SUPPORTED_PAGES, { name: 'supported pages', parse: vpdSupportedPages().parse }],
  [
    VpdPage.UNIT_SERIAL_NUMBER,
    {
      name: 'unit serial number',
      parse: (data) => ({ serial: vpdUnitSerialNumber().parse(data) }),
    },
  ],
  [VpdPage.DEVICE_IDENTIFICATION, { name: 'device identification', parse: names, rows: nameRows }],
  [0x84, { name: 'software interface identification' }],
  [0x85, { name: 'management network addresses' }],
  [VpdPage.EXTENDED_INQUIRY, { name: 'extended INQUIRY data', parse: vpdExtendedInquiry().parse }],
  [VpdPage.MODE_PAGE_POLICY, { name: 'mode page policy', parse: vpdModePagePolicy().parse }],
  [0x88, { name: 'SCSI ports' }],
  [0x89, { name: 'ATA information' }],
  [0x8a, { name: 'power condition' }],
  [0x8b, { name: 'device constituents' }],
  [0x8d, { name: 'power consumption' }],
  [0x8f, { name: 'third-party copy' }],
  [0x90, { name: 'protocol specific logical unit information' }],
  [0x91, { name: 'protocol specific port information' }],
])

const OF_DISKS: ReadonlyMap<number, Known> = new Map<number, Known>([
  [VpdPage.BLOCK_LIMITS, { name: 'block limits', parse: vpdBlockLimits().parse }],
  [
    VpdPage.BLOCK_DEVICE_CHARACTERISTICS,
    { name: 'block device characteristics', parse: vpdBlockDeviceCharacteristics().parse },
  ],
  [
    VpdPage.LOGICAL_BLOCK_PROVISIONING,
    { name: 'logical block provisioning', parse: vpdLogicalBlockProvisioning().parse },
  ],
  [0xb3, { name: 'referrals' }],
  [0xb4, { name: 'supported block lengths and protection types' }],
  [0xb5, { name: 'block device characteristics extension' }],
  [
    VpdPage.ZONED_BLOCK_DEVICE_CHARACTERISTICS,
    {
      name: 'zoned block device characteristics',
      parse: vpdZonedBlockDeviceCharacteristics().parse,
    },
  ],
  [0xb7, { name: 'block limits extension' }],
])

const BLOCK_DEVICES: ReadonlySet<number> = new Set([
  DeviceType.DIRECT_ACCESS_BLOCK,
  DeviceType.HOST_MANAGED_ZONED,
])

function knownPage(page: number, deviceType: number): Known | undefined {
  return COMMON.get(page) ?? (BLOCK_DEVICES.has(deviceType) ? OF_DISKS.get(page) : undefined)
}

/** Asks for a page, and returns it as it is printed. */
export async function vitalPageText(
  unit: LogicalUnit,
  options: HelperOptions,
  page: number,
  json: boolean,
): Promise<string> {
  const data = await readPage(unit, options, page)
  const bytes = vpdCommand(page, (body) => body).parse(data)
  const deviceType = data[0]! & 0x1f
  const { name, parse, rows = valueRows } = knownPage(page, deviceType) ?? {}
  const value = parse?.(data)
  if (page === VpdPage.SUPPORTED_PAGES)
    return listText(value as readonly number[], deviceType, json)
  if (json) {
    const what = value === undefined ? {} : { [Array.isArray(value) ? 'list' : 'fields']: value }
    return jsonLine({ page, name, ...what, bytes: Buffer.from(bytes).toString('hex') })
  }
  const body = value === undefined ? hexDump(bytes) : table(rows(value as never))
  return `${pageTitle(name, page, 0)}\n${body}`
}

/** What every device has room to answer, also one that knows an allocation length of one byte only (SPC-2). */
const FIRST_ROOM = 252

/** A whole page, with its header. */
async function readPage(
  unit: LogicalUnit,
  options: HelperOptions,
  page: number,
): Promise<Uint8Array> {
  const read = (room: number) =>
    unit.run(
      { cdb: inquiryCdb(room, page), dataInLength: room, parse: (data: Uint8Array) => data },
      options,
    )
  const first = await read(FIRST_ROOM)
  needBytes('VPD page', first, 4)
  const length = 4 + getUint16(first, 2)
  return length > FIRST_ROOM ? read(Math.min(length, 0xffff)) : first
}

function listText(pages: readonly number[], deviceType: number, json: boolean): string {
  const named = pages.map((page) => ({ page, name: knownPage(page, deviceType)?.name }))
  return json
    ? jsonLine({ page: 0, pages: named })
    : named.map(({ page, name }) => `${pageTitle(name, page, 0)}\n`).join('')
}

type Names = ReturnType<typeof names>

/** The designators, each with its text and what it names. */
function names(data: Uint8Array) {
  return vpdDeviceIdentification()
    .parse(data)
    .map((one) => ({
      of: nameOf(Association, one.association).toLowerCase(),
      name: designatorText(one),
      type: one.type,
      codeSet: one.codeSet,
      ...(one.protocol !== undefined && { protocol: one.protocol }),
      designator: hexBytes(one.designator),
    }))
}

function nameRows(all: Names): [string, string][] {
  return all.map(({ of, name }) => [of, name])
}
