/** What a path in /dev is, before it is opened. */

import { stat } from 'node:fs/promises'
import { SgringError } from '../errors.ts'
import { type Device, deviceNameOf, findDevice } from './discovery.ts'
import type { NodeKind } from './opcodes.ts'
import { maxTransferBytes, queueLimits, queueRequests } from './queue-limits.ts'
import { numberOf } from './sysfs.ts'

/** A node of a SCSI device. */
export interface NodeFile {
  readonly path: string
  readonly kind: NodeKind
  /** `st_rdev` of stat(2). */
  readonly number: number
  readonly device: Device
  /** Commands that the device takes at a time, as the kernel has it set; null where sysfs does not tell. */
  readonly queueDepth: number | null
  /** Commands that its queue has requests for; null where sysfs does not tell. */
  readonly requests: number | null
  /** Bytes that one command may move. */
  readonly maxTransferBytes: number
}

/** Best first. */
const KINDS: readonly NodeKind[] = ['bsg', 'sg', 'block']
/** SCSI_DEFAULT_MAX_SECTORS (include/scsi/scsi_host.h), in bytes: where there is no queue to look at. */
const DEFAULT_MAX_TRANSFER = 1024 * 512

/**
 * The node that commands for the device of `path` go to: that of `path` itself, if it is a bsg or sg node; else the device's best one.
 *
 * @throws `ERR_SGRING_NO_DEVICE` if there is nothing, `ERR_SGRING_ADDRESS` if it is no node of a SCSI device, or a partition
 */
export async function nodeFile(path: string): Promise<NodeFile> {
  const asked = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new SgringError('ERR_SGRING_NO_DEVICE', `${path}: ${cause.code}`, { cause })
  })
  const device = await findDevice(path)
  if (device === undefined) throw wrong(path, 'no node of a SCSI device')
  if (device.partition !== null) {
    throw wrong(path, `a partition, and commands go to all of ${device.nodes.block}: open that`)
  }
  const nodes = await nodesOf(device)
  const own = nodes.find(({ kind, number }) => kind !== 'block' && number === asked.rdev)
  const node = own ?? nodes[0]
  if (node === undefined) throw wrong(path, 'of a device that has no bsg, sg or block node')
  return {
    ...node,
    path: own === undefined ? node.path : path,
    device,
    queueDepth: await numberOf(`/sys/bus/scsi/devices/${device.name}/queue_depth`),
    requests: await queueRequests(device.name),
    maxTransferBytes:
      maxTransferBytes(await queueLimits(device.name), node.kind) ?? DEFAULT_MAX_TRANSFER,
  }
}

/** Those that there are, best first. What stands in /dev under a node's name is that node only if it leads to the same device. */
async function nodesOf({
  name,
  nodes,
}: Device): Promise<{ kind: NodeKind; path: string; number: number }[]> {
  const found = KINDS.map(async (kind) => {
    const path = nodes[kind]
    const node = path === null ? undefined : await stat(path).catch(() => undefined)
    if (path === null || node === undefined || (await deviceNameOf(path)) !== name) return []
    return [{ kind, path, number: node.rdev }]
  })
  return (await Promise.all(found)).flat()
}

function wrong(path: string, what: string): SgringError {
  return new SgringError('ERR_SGRING_ADDRESS', `${path} is ${what}`)
}
