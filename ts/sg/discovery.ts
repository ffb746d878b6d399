/** The SCSI devices that the kernel has, as sysfs shows them. */

import { stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { type DeviceUse, readUseTables, type UseTables, usesOf } from './device-uses.ts'
import { bigintOf, linkName, namesIn, numberOf, realOf, textOf } from './sysfs.ts'

/** Where a device is: its host, channel (bus), target and LUN. */
export interface DeviceAddress {
  readonly host: number
  readonly channel: number
  readonly target: number
  readonly lun: bigint
}

/** Paths in /dev; null for those that the kernel has not made. */
export interface DeviceNodes {
  /** For any command, by SG_IO v4 and io_uring. */
  readonly bsg: string | null
  /** For any command, by SG_IO v3. */
  readonly sg: string | null
  /** Of disks and disc drives. */
  readonly block: string | null
  /** Of tapes, the one that does not rewind. */
  readonly tape: string | null
  /** Of media changers. */
  readonly changer: string | null
}

/** How a device is attached; `emulated` are those of scsi_debug and tcm_loop. */
export type DeviceTransport =
  | 'ata'
  | 'emulated'
  | 'fc'
  | 'firewire'
  | 'iscsi'
  | 'parallel'
  | 'sas'
  | 'sata'
  | 'srp'
  | 'ufs'
  | 'usb'
  | 'virtio'

/** A SCSI device. What sysfs does not tell, or tells oddly, is null. */
export interface Device {
  /** `H:C:T:L`, as sysfs names it. */
  readonly name: string
  readonly address: DeviceAddress
  /** PERIPHERAL DEVICE TYPE. */
  readonly deviceType: number | null
  readonly vendor: string | null
  readonly product: string | null
  readonly revision: string | null
  /** Its world wide identification, as `naa.5000c500a1b2c3d4` or `t10.…`. */
  readonly wwid: string | null
  /** `running`, `offline` … */
  readonly state: string | null
  /** Of a device with a block node: all of it, and its logical block. */
  readonly bytes: bigint | null
  readonly blockLength: number | null
  readonly nodes: DeviceNodes
  readonly transport: DeviceTransport | null
  /** The driver of its host, as `ahci`, `mpt3sas` or `scsi_debug`. */
  readonly driver: string | null
  /** What uses it, its partitions or what is built on them, in this mount namespace. */
  readonly uses: readonly DeviceUse[]
}

/** Where sysfs, /dev and /proc are. */
export interface DiscoveryOptions {
  /** The folder of `sys`, `dev` and `proc`. Default: /. */
  readonly root?: string
}

/** An address: LUNs have eight bytes. */
const NAME = /^(\d{1,10}):(\d{1,10}):(\d{1,10}):(\d{1,20})$/

/**
 * The SCSI devices of this machine, by address. Nothing is sent to them, and nobody's leave is needed. Never rejects: where the kernel has no SCSI there
 * are none.
 *
 * @example
 * for (const { name, vendor, product, nodes } of await listDevices()) console.log(name, vendor, product, nodes.bsg)
 */
export async function listDevices({ root = '/' }: DiscoveryOptions = {}): Promise<Device[]> {
  const names = (await namesIn(join(root, 'sys/bus/scsi/devices'))).filter((name) =>
    NAME.test(name),
  )
  const tables = await readUseTables(root)
  const devices = await Promise.all(names.map((name) => describe(root, name, tables)))
  return devices.sort((one, other) => inOrder(one.address, other.address))
}

/** A device that a path in /dev leads to. */
export interface FoundDevice extends Device {
  /** The name of the partition, where the path is one's: `sda1`. */
  readonly partition: string | null
}

/**
 * The SCSI device of a node, by the node's number: links as those in /dev/disk are followed. Undefined for what is none.
 *
 * @example
 * const device = await findDevice('/dev/disk/by-id/wwn-0x5000c500a1b2c3d4')
 */
export async function findDevice(
  path: string,
  { root = '/' }: DiscoveryOptions = {},
): Promise<FoundDevice | undefined> {
  const number = await numberOfNode(path)
  return number === undefined ? undefined : deviceOfNumber(root, number)
}

/** @internal @param number `char/21:0` or `block/8:0`, as in /sys/dev */
export async function deviceOfNumber(
  root: string,
  number: string,
): Promise<FoundDevice | undefined> {
  const folder = await realOf(join(root, 'sys/dev', number))
  const name = deviceIn(folder)
  if (name === undefined) return undefined
  const isPartition = (await textOf(join(folder, 'partition'))) !== null
  const device = await describe(root, name, await readUseTables(root))
  return { ...device, partition: isPartition ? basename(folder) : null }
}

/** @internal `H:C:T:L` of the device that a node in /dev leads to; undefined for what leads to none. */
export async function deviceNameOf(path: string): Promise<string | undefined> {
  const number = await numberOfNode(path)
  return number === undefined ? undefined : deviceIn(await realOf(join('/sys/dev', number)))
}

/** By the place of a node in /sys/devices. */
function deviceIn(folder: string): string | undefined {
  return folder.split('/').findLast((step) => NAME.test(step))
}

async function numberOfNode(path: string): Promise<string | undefined> {
  try {
    const { rdev, mode } = await stat(path)
    const kind = kindOf(mode)
    // As gnu_dev_major and gnu_dev_minor of sys/sysmacros.h take a number of 32 bits apart.
    const major = (rdev >>> 8) & 0xfff
    const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
    return kind && `${kind}/${major}:${minor}`
  } catch {
    return undefined
  }
}

/** S_IFMT of stat(2). */
function kindOf(mode: number): 'char' | 'block' | undefined {
  const format = mode & 0o170000
  if (format === 0o020000) return 'char'
  return format === 0o060000 ? 'block' : undefined
}

async function describe(root: string, name: string, tables: UseTables): Promise<Device> {
  const folder = join(root, 'sys/bus/scsi/devices', name)
  const [, host = '', channel, target, lun = '0'] = NAME.exec(name) ?? []
  const disk = (await namesIn(join(folder, 'block')))[0]
  const [deviceType, vendor, product, revision, wwid, state, driver] = await Promise.all([
    numberOf(join(folder, 'type')),
    ...['vendor', 'model', 'rev', 'wwid', 'state'].map((file) => textOf(join(folder, file))),
    textOf(join(root, 'sys/class/scsi_host', `host${host}`, 'proc_name')),
  ] as const)
  const sectors = disk === undefined ? null : await bigintOf(join(folder, 'block', disk, 'size'))
  return {
    name,
    address: {
      host: Number(host),
      channel: Number(channel),
      target: Number(target),
      lun: BigInt(lun),
    },
    deviceType: deviceType !== null && deviceType <= 0x1f ? deviceType : null,
    vendor: vendor ?? null,
    product: product ?? null,
    revision: revision ?? null,
    wwid: wwid ?? null,
    state: state ?? null,
    // In 512 bytes, whatever the blocks are.
    bytes: sectors === null ? null : sectors * 512n,
    blockLength:
      disk === undefined
        ? null
        : await numberOf(join(folder, 'block', disk, 'queue/logical_block_size')),
    nodes: await nodesOf(folder),
    transport: await transportOf(root, folder, { host, driver: driver ?? null }),
    driver: driver ?? null,
    uses: disk === undefined ? [] : await usesOf(root, disk, tables),
  }
}

async function nodesOf(folder: string): Promise<DeviceNodes> {
  const node = async (kind: string, wanted: RegExp): Promise<string | null> => {
    const name = (await namesIn(join(folder, kind))).find((name) => wanted.test(name))
    if (name === undefined) return null
    const inDev = kind === 'bsg' ? `bsg/${name}` : name.replaceAll('!', '/')
    return `/dev/${inDev}`
  }
  return {
    bsg: await node('bsg', NAME),
    sg: await node('scsi_generic', /^sg\d+$/),
    block: await node('block', /^[\w!-]+$/),
    tape: await node('scsi_tape', /^nst\d+$/),
    changer: await node('scsi_changer', /^sch\d+$/),
  }
}

/** By what stands between the machine and the device in /sys/devices. */
const BY_PATH: readonly (readonly [RegExp, DeviceTransport])[] = [
  [/\/session\d+\//, 'iscsi'],
  [/\/end_device-/, 'sas'],
  [/\/usb\d+\//, 'usb'],
  [/\/fw\d+/, 'firewire'],
  [/\/virtio\d+\//, 'virtio'],
]

/** By the class that the host's transport has in /sys/class. */
const BY_CLASS: readonly (readonly [string, DeviceTransport])[] = [
  ['iscsi_host', 'iscsi'],
  ['fc_host', 'fc'],
  ['srp_host', 'srp'],
  ['sas_host', 'sas'],
  ['spi_host', 'parallel'],
]

const BY_DRIVER: Readonly<Record<string, DeviceTransport>> = {
  scsi_debug: 'emulated',
  tcm_loopback: 'emulated',
  ufshcd: 'ufs',
  virtio_scsi: 'virtio',
  'usb-storage': 'usb',
  uas: 'usb',
}

async function transportOf(
  root: string,
  folder: string,
  { host, driver }: { readonly host: string; readonly driver: string | null },
): Promise<DeviceTransport | null> {
  const path = `/${relative(await realOf(join(root, 'sys')), await realOf(folder))}/`
  // Before the rest: libata may stand behind a SAS host, whose disk it then is.
  const byPath = BY_PATH.find(([pattern]) => pattern.test(path))?.[1]
  if (byPath !== undefined) return byPath
  if (/\/ata\d+\//.test(path)) return driver !== null && /ahci|^sata_/.test(driver) ? 'sata' : 'ata'
  for (const [className, transport] of BY_CLASS) {
    const link = join(root, 'sys/class', className, `host${host}`)
    if ((await linkName(link)) !== null) return transport
  }
  return (driver !== null && BY_DRIVER[driver]) || null
}

function inOrder(one: DeviceAddress, other: DeviceAddress): number {
  const [a, b] = [one, other].map(({ host, channel, target, lun }) => [host, channel, target, lun])
  const at = a!.findIndex((value, index) => value !== b![index])
  return at < 0 ? 0 : a![at]! < b![at]! ? -1 : 1
}
