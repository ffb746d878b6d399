/** What must be so before a device is written to: it is meant, and nobody uses it. */

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { useText } from '../sg/device-uses.ts'
import { type FoundDevice, findDevice } from '../sg/discovery.ts'
import type { KernelNode } from '../sg/node.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { size } from './quantity.ts'

/** Whether an address is a device of this machine, and no ring. */
export function isDevice(address: string): boolean {
  return address.startsWith('/dev/')
}

/** Whether a path is a node for SCSI commands alone, where block devices are files as well. */
export function isCommandNode(path: string): boolean {
  return /^\/dev\/(bsg\/|sg\d+$)/.test(path)
}

/** Keeps others from using a block device, for as long as it is open. */
export interface Claim {
  /** Whether that is so: a device without a block node cannot be claimed. */
  readonly exclusive: boolean
  close(): Promise<void>
}

/**
 * Claims a device that is about to be written to, or changed otherwise. A path that leads to no SCSI device is left to whoever opens it.
 *
 * @param yes the user has said that it is meant
 * @throws `ExitCode.FILE` if it is mounted, swap or held, also by what another mount namespace has; then `ExitCode.SYNTAX` without `yes`
 */
export async function claimDevice(path: string, yes: boolean): Promise<Claim> {
  const device = await findDevice(path)
  if (device === undefined) return { exclusive: false, close: async () => {} }
  refuseUsed(path, device)
  const file = await exclusively(path, device)
  if (yes) return { exclusive: file !== undefined, close: async () => file?.close() }
  await file?.close()
  throw new CliError(ExitCode.SYNTAX, `--yes changes ${path}: ${deviceText(device)}`)
}

/** Of devices with commands under way, for as long as this process is there. */
const kept = new Set<Claim>()

/**
 * Closes a node, and gives its device back: not while commands are under way, which would write to what somebody else has mounted by then.
 *
 * @returns how many are
 */
export async function closeClaimed(
  node: Pick<KernelNode, 'close' | 'leftBehind'>,
  claim: Claim | undefined,
): Promise<number> {
  await node.close()
  if (node.leftBehind === 0) await claim?.close()
  else if (claim !== undefined) kept.add(claim)
  return node.leftBehind
}

function refuseUsed(path: string, { uses }: FoundDevice): void {
  if (uses.length === 0) return
  throw new CliError(
    ExitCode.FILE,
    `${path} is in use: ${uses.map(useText).join(', ')}; nothing was sent`,
  )
}

/** O_EXCL of a block device: file systems, swap and other devices of any namespace stand against it (open(2)). */
async function exclusively(path: string, { nodes }: FoundDevice): Promise<FileHandle | undefined> {
  if (nodes.block === null) return undefined
  try {
    return await open(nodes.block, constants.O_RDONLY | constants.O_EXCL | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return undefined
    throw new CliError(
      ExitCode.FILE,
      `${path} is in use: somebody has ${nodes.block} for himself; nothing was sent`,
      { cause: error },
    )
  }
}

/** A device in a few words, by what sysfs says. */
export function deviceText({ vendor, product, bytes }: FoundDevice): string {
  const who = [vendor, product].filter((text) => text !== null).join(' ') || 'a device'
  return bytes === null ? who : `${who}, ${size(Number(bytes))}`
}
