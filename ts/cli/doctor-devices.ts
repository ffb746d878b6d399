/** What `sgring doctor` looks at of the kernel's SCSI devices. Nothing is sent to them. */

import { processCapabilities } from '../sg/capabilities.ts'
import { type Device, listDevices } from '../sg/discovery.ts'
import { openNode } from '../sg/open.ts'
import { type FoundTransportNode, listTransportNodes } from '../sg/transport-nodes/discovery.ts'
import { bestNode } from './device.ts'
import type { Finding } from './doctor-checks.ts'

/** How many there are, whether they have nodes, and what other bsg nodes there are. */
export async function scsiDevices(): Promise<Finding> {
  return devicesFound(await listDevices(), await listTransportNodes())
}

export function devicesFound(
  devices: readonly Device[],
  transportNodes: readonly FoundTransportNode[] = [],
): Finding {
  const { length } = transportNodes
  const beside = length === 0 ? '' : `, and ${length} transport node${length === 1 ? '' : 's'}`
  if (devices.length === 0) return { state: 'ok', found: `none${beside}` }
  const without = devices.filter((device) => bestNode(device) === null).length
  if (without === 0) return { state: 'ok', found: `${devices.length}${beside}, see "sgring list"` }
  return {
    state: 'note',
    found: `${devices.length}, ${without} of them without a node for commands${beside}`,
    advice: 'nodes come with the kernel modules sg and bsg: modprobe sg',
  }
}

/** By which transport commands would go to a device, and why not by a better one. */
export async function kernelTransports(): Promise<Finding> {
  const nodes = (await listDevices()).map(bestNode).filter((node) => node !== null)
  let refused = ''
  for (const path of nodes) {
    try {
      const node = await openNode(path, { readOnly: true, slots: 1 })
      const { transport, notPicked } = node
      await node.close()
      const others = Object.entries(notPicked).map(([name, why]) => `; not by ${name}: ${why}`)
      return withCapabilities(`${path} by ${transport}${others.join('')}`)
    } catch (error) {
      refused ||= error instanceof Error ? error.message : String(error)
    }
  }
  if (nodes.length === 0) return { state: 'ok', found: 'no device to try them on' }
  return {
    state: 'note',
    found: refused,
    advice:
      'nodes belong to root, and mostly to the group disk: run as root, or have udev(7) give this user the node',
  }
}

function withCapabilities(found: string): Finding {
  if (processCapabilities()?.sysRawio !== false) return { state: 'ok', found }
  return {
    state: 'note',
    found: `${found}; without CAP_SYS_RAWIO`,
    advice:
      'so the kernel takes only commonplace commands by bsg and block nodes, and all by an sg node that is open for writing',
  }
}
