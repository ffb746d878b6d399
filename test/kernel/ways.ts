/** The guest's scsi_debug disks, every way to send commands to them, and how they are made to fail. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Device,
  type KernelNode,
  type LogicalUnit,
  listDevices,
  type NodeOptions,
  openNode,
} from '#dist/index.js'

/** A node and a transport. */
export interface Way {
  readonly name: string
  readonly path: string
  readonly transport: NonNullable<NodeOptions['transport']>
  /** What the kernel makes of shorter timeouts, in milliseconds. */
  readonly floorMs: number
}

/** The bsg node's and the sg node's, by every transport that this guest's kernel has. */
export function waysTo({ nodes }: Device): Way[] {
  const way = (path: string | null, transport: Way['transport'], floorMs: number): Way => {
    if (path === null) throw new Error('a node is missing')
    return { name: `${path.split('/')[2]} by ${transport}`, path, transport, floorMs }
  }
  const always = [way(nodes.bsg, 'ioctl', 7000), way(nodes.sg, 'ioctl', 0), way(nodes.sg, 'sg', 0)]
  return process.env.SGRING_GUEST === '6.1' ? always : [...always, way(nodes.bsg, 'io_uring', 0)]
}

/** A scsi_debug disk by its LUN. */
export async function debugDisk(lun: bigint): Promise<Device> {
  const disks = (await listDevices()).filter(({ product }) => product === 'scsi_debug')
  const disk = disks.find(({ address }) => address.lun === lun)
  if (disk === undefined) throw new Error(`scsi_debug has no LUN ${lun}`)
  return disk
}

/** Opens a way, and closes it after `body`; unit attentions that are there have been told then. */
export async function through<T>(
  { path, transport }: Way,
  body: (unit: LogicalUnit, node: KernelNode) => Promise<T>,
  options: NodeOptions = {},
): Promise<T> {
  const node = await openNode(path, { ...options, transport })
  try {
    const unit = node.unit()
    await unit.testUnitReady()
    return await body(unit, node)
  } finally {
    await node.close()
  }
}

const DRIVER = '/sys/bus/pseudo/drivers/scsi_debug'

/** Changes parameters of scsi_debug while `body` runs. */
export async function withDebug<T>(
  parameters: Readonly<Record<string, number>>,
  body: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(parameters).map((name) => [name, debugParameter(name)] as const)
  for (const [name, value] of Object.entries(parameters)) setDebug(name, String(value))
  try {
    return await body()
  } finally {
    for (const [name, value] of before.reverse()) setDebug(name, value)
  }
}

export function setDebug(name: string, value: string): void {
  writeFileSync(join(DRIVER, name), value)
}

export function debugParameter(name: string): string {
  return readFileSync(join(DRIVER, name), 'utf8').trim()
}

/** `opts` of scsi_debug: what is made to fail, each `every_nth` time. */
export const Opts = {
  MEDIUM_ERROR: 0x2,
  RECOVERED_ERROR: 0x8,
  TRANSPORT_ERROR: 0x10,
  MEDIA_TIMEOUT: 0x80,
  SHORT_TRANSFER: 0x100,
  RARE_TASK_SET_FULL: 0x800,
} as const

/**
 * Makes commands of one device fail while `body` runs: rules as the file `error` of scsi_debug in debugfs takes them (drivers/scsi/scsi_debug.c,
 * since Linux 6.7): kind, count (negative: so often; positive: always), operation code.
 */
export async function withErrors<T>(
  device: Pick<Device, 'name'>,
  rules: readonly string[],
  body: () => Promise<T>,
): Promise<T> {
  const file = `/sys/kernel/debug/scsi_debug/${device.name}/error`
  if (!existsSync(file)) throw new Error(`${file} is not there`)
  for (const rule of rules) writeFileSync(file, rule)
  try {
    return await body()
  } finally {
    for (const rule of rules) {
      const [kind, , opcode] = rule.split(' ')
      writeFileSync(file, `- ${kind} ${opcode}`)
    }
  }
}
