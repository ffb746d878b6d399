/**
 * What a device's request queue takes, read from sysfs here and nowhere else (Documentation/ABI/stable/sysfs-block): native code gets the numbers. Only devices with a
 * block node show their queue; of others the kernel tells its limits by refusing (EINVAL, ENOMEM).
 */

import { join } from 'node:path'
import type { NodeKind } from './opcodes.ts'
import { namesIn, numberOf } from './sysfs.ts'

/** Limits by the kernel's names where it has them. What is not shown is null: older kernels show fewer. */
export interface QueueLimits {
  /** `max_hw_sectors_kb`, in bytes: what passthrough commands are held to. `max_sectors_kb` is for file systems. */
  readonly maxHwBytes: number | null
  /** Segments of a command. */
  readonly maxSegments: number | null
  /** Bytes of a segment. */
  readonly maxSegmentBytes: number | null
  /** Where two segments do not touch, these bits are clear at the end of one and the start of the next. */
  readonly virtBoundaryMask: number | null
  /** These bits are clear in addresses and lengths, else the kernel copies. */
  readonly dmaAlignmentMask: number | null
  /** `logical_block_size`. */
  readonly blockLength: number | null
}

/**
 * The limits of a device; null in each where it has no block node.
 *
 * @param name `H:C:T:L`
 */
export async function queueLimits(
  name: string,
  { root = '/' }: { readonly root?: string } = {},
): Promise<QueueLimits> {
  const folder = join(root, 'sys/bus/scsi/devices', name, 'block')
  const disk = (await namesIn(folder))[0] ?? ''
  const [kib, maxSegments, maxSegmentBytes, virtBoundaryMask, dmaAlignmentMask, blockLength] =
    await Promise.all(
      ATTRIBUTES.map((attribute) => numberOf(join(folder, disk, 'queue', attribute))),
    )
  return {
    maxHwBytes: positive(kib, 1024),
    maxSegments: positive(maxSegments),
    maxSegmentBytes: positive(maxSegmentBytes),
    virtBoundaryMask: mask(virtBoundaryMask),
    dmaAlignmentMask: mask(dmaAlignmentMask),
    blockLength: positive(blockLength),
  }
}

const ATTRIBUTES = [
  'max_hw_sectors_kb',
  'max_segments',
  'max_segment_size',
  'virt_boundary_mask', // since Linux 5.13
  'dma_alignment', // since Linux 6.0
  'logical_block_size',
] as const

function positive(value: number | null | undefined, unit = 1): number | null {
  const scaled = (value ?? 0) * unit
  return scaled > 0 && Number.isSafeInteger(scaled) ? scaled : null
}

/**
 * Commands that a device's queue has requests for: one more waits until one of them has ended, and so does whoever sends it. That is what the host takes at
 * a time, for all of its devices (`can_queue`), or less where somebody has set the queue so (`nr_requests`). Null where neither is shown.
 *
 * @param name `H:C:T:L`
 */
export async function queueRequests(
  name: string,
  { root = '/' }: { readonly root?: string } = {},
): Promise<number | null> {
  const folder = join(root, 'sys/bus/scsi/devices', name, 'block')
  const disk = (await namesIn(folder))[0] ?? ''
  const host = `host${name.split(':')[0]}`
  const shown = await Promise.all([
    numberOf(join(root, 'sys/class/scsi_host', host, 'can_queue')),
    numberOf(join(folder, disk, 'queue/nr_requests')),
  ])
  const least = Math.min(...shown.map((value) => positive(value) ?? Number.POSITIVE_INFINITY))
  return Number.isFinite(least) ? least : null
}

/** One less than a power of two. */
function mask(value: number | null | undefined): number | null {
  return value != null && (BigInt(value) & (BigInt(value) + 1n)) === 0n ? value : null
}

const PAGE_BYTES = 4096
/** SG_SCATTER_SZ (include/scsi/sg.h): the driver's own buffers come in pieces of this. */
const SG_PIECE_BYTES = 32 << 10

/**
 * Bytes that a command can move for certain, or null where nothing limits them. Caller's pages are seldom neighbours in memory: each is a segment to a bsg or
 * block node. An sg node moves them through buffers of its own.
 */
export function maxTransferBytes(limits: QueueLimits, nodeKind: NodeKind): number | null {
  const { maxHwBytes, maxSegments, maxSegmentBytes } = limits
  const piece = Math.min(
    nodeKind === 'sg' ? SG_PIECE_BYTES : PAGE_BYTES,
    maxSegmentBytes ?? Number.POSITIVE_INFINITY,
  )
  const bySegments = maxSegments === null ? Number.POSITIVE_INFINITY : maxSegments * piece
  const most = Math.min(maxHwBytes ?? Number.POSITIVE_INFINITY, bySegments)
  return Number.isFinite(most) ? most : null
}
