/** Opening a logical unit by its address. */

import type { LogicalUnit, UnitOptions } from './initiator/unit.ts'
import { parseAddress } from './ring/address.ts'
import type { ConnectOptions } from './ring/connect.ts'
import { connect } from './ring/nexus.ts'

/** How a unit is opened: the nexus's options and the unit's. */
export type OpenOptions = ConnectOptions & UnitOptions

/** A unit that has a nexus to itself; `close()` ends both. */
export interface OpenedUnit extends LogicalUnit {
  /** Ends the nexus. What is under way rejects with `ERR_SGRING_NEXUS_LOST`. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens one unit: `ring:NAME` or `ring:NAME/LUN` in the runtime folder, `ring:/absolute/path.sock` or `ring:/absolute/path.sock?lun=N`.
 *
 * @example
 * const disk = await open('ring:/run/user/1000/disk.sock?lun=1')
 */
export async function open(address: string, options: OpenOptions = {}): Promise<OpenedUnit> {
  const { socket, lun } = parseAddress(address)
  const nexus = await connect(socket, options)
  const close = () => nexus.close()
  return Object.assign(nexus.unit(lun, options), { close, [Symbol.asyncDispose]: close })
}
