/** SCSI devices and transport nodes of the kernel, as the command line tells of them. */

import { DeviceType } from '../scsi/inquiry.ts'
import { useText } from '../sg/device-uses.ts'
import type { Device } from '../sg/discovery.ts'
import type { FoundTransportNode } from '../sg/transport-nodes/discovery.ts'
import { nameOf } from './output.ts'
import { size } from './quantity.ts'

/** The node by which a device is best addressed, or null: a bsg node takes any command, and any kernel's fastest transport. */
export function bestNode({ nodes }: Device): string | null {
  return nodes.bsg ?? nodes.sg ?? nodes.block
}

/** A device as a line of `sgring list`. */
export function deviceCells(device: Device): string[] {
  const { deviceType, vendor, product, bytes, transport, state } = device
  const best = bestNode(device)
  const others = Object.values(device.nodes).filter((node) => node !== null && node !== best)
  return [
    best ?? device.name,
    deviceType === null ? 'unknown type' : nameOf(DeviceType, deviceType).toLowerCase(),
    vendor ?? '-',
    product ?? '-',
    bytes === null ? '-' : size(Number(bytes)),
    transport ?? '-',
    [
      others.join(' ') || (best === null ? 'no nodes' : '-'),
      ...(state === null || state === 'running' ? [] : [state]),
      ...device.uses.map(useText),
    ].join(', '),
  ]
}

/** A transport node as a line of `sgring list`. */
export function transportCells({ path, kind, driver }: FoundTransportNode): string[] {
  return [path, kind, driver ?? '-']
}
