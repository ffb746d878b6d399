/** Opening a logical unit by its address. */

import { SgringError } from './errors.ts'
import type { LogicalUnit, UnitOptions } from './initiator/unit.ts'
import { parseAddress } from './ring/address.ts'
import type { ConnectOptions } from './ring/connect.ts'
import { connect } from './ring/nexus.ts'
import type { KernelNode } from './sg/node.ts'
import { type NodeOptions, openNode } from './sg/open.ts'

/** How a unit is opened: the nexus's options or the node's, and the unit's. */
export type OpenOptions = ConnectOptions & NodeOptions & UnitOptions

/** What a ring would not heed, and whoever asks for it relies on. */
const RULES = ['readOnly', 'deny', 'exclusive'] as const

/** A unit that has a nexus, or a node, to itself; `close()` ends both. */
export interface OpenedUnit extends LogicalUnit {
  /** Of an address in /dev. */
  readonly node?: KernelNode
  /** Ends the nexus, or closes the node. What is under way rejects with `ERR_SGRING_NEXUS_LOST`. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A unit on a kernel node. */
export interface OpenedNode extends OpenedUnit {
  readonly node: KernelNode
}

/**
 * Opens one unit.
 *
 *     ring:NAME  ring:NAME/LUN               a target in the runtime folder
 *     ring:/PATH.sock  ring:/PATH.sock?lun=N a target by its socket
 *     /dev/bsg/H:C:T:L  /dev/sgN  /dev/sdX   a device of this machine: see `NodeOptions`
 *
 * @throws `ERR_SGRING_UNSUPPORTED` for a ring with `readOnly`, `deny` or `exclusive`, which are for nodes; and what `connect()` and a node's opening throw
 *
 * @example
 * const disk = await open('ring:/run/user/1000/disk.sock?lun=1')
 */
export async function open(
  address: `/dev/${string}`,
  options?: NodeOptions & UnitOptions,
): Promise<OpenedNode>
export async function open(address: string, options?: OpenOptions): Promise<OpenedUnit>
export async function open(address: string, options: OpenOptions = {}): Promise<OpenedUnit> {
  if (address.startsWith('/dev/')) {
    const node = await openNode(address, options)
    return Object.assign(node.unit(options), { node, ...closing(node) })
  }
  const { socket, lun } = parseAddress(address)
  const unheeded = RULES.find((name) => options[name] !== undefined && options[name] !== false)
  if (unheeded !== undefined) {
    throw new SgringError(
      'ERR_SGRING_UNSUPPORTED',
      `${unheeded} is for nodes in /dev; what a ring takes is its target's to say`,
    )
  }
  const nexus = await connect(socket, options)
  return Object.assign(nexus.unit(lun, options), closing(nexus))
}

function closing(way: { close(): Promise<void> }): {
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
} {
  const close = () => way.close()
  return { close, [Symbol.asyncDispose]: close }
}
