/** What uses a block device, so that nobody should write past it: mounts, swap, and the devices that are built on it. */

import { join } from 'node:path'
import { bytesOf, namesIn, textOf } from './sysfs.ts'

/** One use of a device, or of a partition of it. */
export interface DeviceUse {
  /** `holder`: another block device is built on it, as of LVM, MD or dm-crypt. */
  readonly kind: 'mount' | 'swap' | 'holder'
  /** The disk, the partition, or the device built on it that is used, by its name in the kernel: `sda1`. */
  readonly device: string
  /** Where it is mounted; the name of the holder, `dm-0` or with its own name `dm-0 (vg-root)`. Of swap: null. */
  readonly by: string | null
}

/** What all uses of this machine's block devices are told by; read once for many devices. */
export interface UseTables {
  /** By `major:minor`, and by the path in /dev for file systems that have no device of one number. */
  readonly mounts: ReadonlyMap<string, readonly string[]>
  /** Paths in /dev. */
  readonly swaps: ReadonlySet<string>
}

/** Some thousand mounts. */
const MOST_TABLE = 4 << 20

/** Reads /proc/self/mountinfo and /proc/swaps. Mounts of other mount namespaces are not to be seen there. */
export async function readUseTables(root: string): Promise<UseTables> {
  const [mountinfo, swaps] = await Promise.all(
    ['self/mountinfo', 'swaps'].map((name) => bytesOf(join(root, 'proc', name), MOST_TABLE)),
  )
  return {
    mounts: parseMountinfo(mountinfo?.toString() ?? ''),
    swaps: parseSwaps(swaps?.toString() ?? ''),
  }
}

/**
 * mountinfo of proc(5):
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *           (1)        (2)                     (3)      (4)
 */
export function parseMountinfo(text: string): Map<string, string[]> {
  const mounts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ', 2)
    const [, , number, , at] = left.split(' ')
    const [, source] = right.split(' ')
    if (number === undefined || at === undefined) continue
    for (const key of new Set([number, unescaped(source ?? '')])) {
      if (!/^(\d+:\d+$|\/dev\/)/.test(key)) continue
      mounts.set(key, [...(mounts.get(key) ?? []), unescaped(at)])
    }
  }
  return mounts
}

/** swaps of proc(5): a headline, then the file and more in each line. */
export function parseSwaps(text: string): Set<string> {
  const files = text.split('\n').map((line) => unescaped(line.split(/\s/)[0] ?? ''))
  return new Set(files.filter((file) => file.startsWith('/dev/')))
}

/** Blanks and the like stand as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}

/**
 * The uses of a block device: its own, its partitions', and those of what is built on it.
 *
 * @param name as the kernel has it: `sda`
 */
export async function usesOf(root: string, name: string, tables: UseTables): Promise<DeviceUse[]> {
  const uses: DeviceUse[] = []
  const seen = new Set<string>()
  const visit = async (device: string, folder: string): Promise<void> => {
    if (seen.has(device)) return
    seen.add(device)
    const path = `/dev/${device.replaceAll('!', '/')}`
    const mapped = await textOf(join(folder, 'dm/name'))
    const keys = [await textOf(join(folder, 'dev')), path, mapped && `/dev/mapper/${mapped}`]
    const mounts = keys.flatMap((key) => tables.mounts.get(key ?? '') ?? [])
    for (const by of new Set(mounts)) uses.push({ kind: 'mount', device, by })
    if (tables.swaps.has(path)) uses.push({ kind: 'swap', device, by: null })
    for (const holder of await namesIn(join(folder, 'holders'))) {
      const above = join(root, 'sys/class/block', holder)
      const own = await textOf(join(above, 'dm/name'))
      uses.push({ kind: 'holder', device, by: own === null ? holder : `${holder} (${own})` })
      await visit(holder, above)
    }
    for (const part of await namesIn(folder)) {
      const inner = join(folder, part)
      if ((await textOf(join(inner, 'partition'))) !== null) await visit(part, inner)
    }
  }
  await visit(name, join(root, 'sys/class/block', name))
  return uses
}

/** A use in a few words: `sda1 is mounted on /boot`. */
export function useText({ kind, device, by }: DeviceUse): string {
  if (kind === 'mount') return `${device} is mounted on ${by}`
  return kind === 'swap' ? `${device} is swap` : `${device} is held by ${by}`
}
