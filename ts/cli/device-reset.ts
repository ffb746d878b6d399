/** `SG_SCSI_RESET` on the command line: by its own name, on devices. */

import { processCapabilities } from '../sg/capabilities.ts'
import { useText } from '../sg/device-uses.ts'
import { type FoundDevice, findDevice } from '../sg/discovery.ts'
import { openNode } from '../sg/open.ts'
import type { ResetOptions, ResetScope } from '../sg/reset.ts'
import { deviceText } from './device-claim.ts'
import { CliError, ExitCode } from './exit-code.ts'

export const SCOPES: readonly ResetScope[] = ['device', 'target', 'bus', 'host']

/** Reads a scope. */
export function parseScope(text: string): ResetScope {
  const scope = SCOPES.find((name) => name === text)
  if (scope !== undefined) return scope
  throw new CliError(ExitCode.SYNTAX, `--scope is one of ${SCOPES.join(', ')}, not '${text}'`)
}

/** The node of a device that knows resets, or null: bsg nodes do not. */
export function resetNodeOf({ nodes }: FoundDevice): string | null {
  return nodes.sg ?? nodes.block
}

/** Whether this process can reset a device. */
export function canReset(device: FoundDevice | undefined): boolean {
  const { sysAdmin = true, sysRawio = true } = processCapabilities() ?? {}
  return device !== undefined && resetNodeOf(device) !== null && sysAdmin && sysRawio
}

/**
 * Resets by whichever node of the device knows how, and resolves to that node when it is done.
 *
 * @param path any node of the device
 * @param confirmed the user has said that it is meant
 * @throws `ExitCode.FILE` for what is no device, or has no such node; `ExitCode.SYNTAX` if it is not confirmed; as `KernelNode.reset` rejects
 */
export async function resetDevice(
  path: string,
  scope: ResetScope,
  { confirmed, ...options }: ResetOptions & { readonly confirmed: boolean },
): Promise<string> {
  const device = await findDevice(path)
  if (device === undefined) {
    throw new CliError(ExitCode.FILE, `${path} is no node of a SCSI device`)
  }
  const found = resetNodeOf(device)
  if (found === null) {
    throw new CliError(ExitCode.FILE, `${path}: resets need the sg node of the device: modprobe sg`)
  }
  if (!confirmed) throw unconfirmed(path, scope, device)
  const node = await openNode(found, { slots: 1 })
  try {
    await node.reset(scope, options)
    return found
  } finally {
    await node.close()
  }
}

function unconfirmed(path: string, scope: ResetScope, device: FoundDevice): CliError {
  const what = scope === 'device' ? path : `the ${scope} of ${path}, with all that is there`
  const uses = device.uses.map((use) => `; ${useText(use)}`).join('')
  return new CliError(ExitCode.SYNTAX, `--yes resets ${what}: ${deviceText(device)}${uses}`)
}
