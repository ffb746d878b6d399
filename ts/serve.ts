/** A target that serves a socket: units on backings, behind a ring port. */

import type { EventEmitter } from 'node:events'
import { SgringError } from './errors.ts'
import { type NexusInfo, type PortEvents, type PortOptions, RingPort } from './ring/port.ts'
import { type BackingOptions, type OpenBacking, openBacking } from './target/backing.ts'
import { Disk } from './target/disk.ts'
import { Target } from './target/target.ts'
import type { Unit } from './target/unit.ts'

/** A disk on a backing that the server opens and closes. */
export type DiskUnitOptions = BackingOptions & {
  /** Bytes in a logical block. Default: 512. */
  readonly blockLength?: 512 | 4096
  /** The unit's serial number. Default: from a file's real path; for memory, a random one. */
  readonly serial?: string
}

export interface ServeOptions extends PortOptions {
  /** The Unix socket to serve: at most 107 bytes. A stale one is replaced, a live one is not. */
  readonly listen: string
  /** The unit at each place has that LUN. A unit of the caller's own stays the caller's to close. */
  readonly units: readonly (DiskUnitOptions | Unit)[]
}

/**
 * Serves logical units. When the promise resolves, clients can connect. A server holds its process until it is closed.
 *
 * @throws `ERR_SGRING_ADDRESS_IN_USE`, `_NOT_A_SOCKET`, `_PATH_TOO_LONG`, `_BACKING`, or `_INVALID_ARGUMENT`; nothing is left behind then
 * @example
 * const server = await serve({ listen: '/run/user/1000/disk.sock', units: [{ memory: 64 << 20 }] })
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { listen, units, ...port } = options
  if (typeof listen !== 'string' || listen === '') {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'listen is the path of a Unix socket')
  }
  const backings: OpenBacking[] = []
  try {
    const target = new Target(units.map((unit) => toUnit(unit, backings)).entries())
    return new Server(listen, new RingPort(listen, target, port), backings)
  } catch (error) {
    for (const backing of backings) backing.discard()
    throw error
  }
}

function toUnit(options: DiskUnitOptions | Unit, opened: OpenBacking[]): Unit {
  if ('execute' in options) return options
  const { blockLength, serial } = options
  const backing = openBacking(options)
  opened.push(backing)
  return new Disk({
    backing,
    ...(blockLength !== undefined && { blockLength }),
    ...(serial !== undefined && { serial }),
    ...(backing.path !== undefined && { path: backing.path }),
  })
}

/** A target that is served. */
export class Server {
  /** The socket. */
  readonly listen: string
  /** Nexuses that come and go. */
  readonly events: EventEmitter<PortEvents>
  readonly #port: RingPort
  readonly #backings: readonly OpenBacking[]

  /** @internal Made by `serve`. */
  constructor(listen: string, port: RingPort, backings: readonly OpenBacking[]) {
    this.listen = listen
    this.events = port.events
    this.#port = port
    this.#backings = backings
  }

  /** The nexuses that there are now. */
  get nexuses(): NexusInfo[] {
    return this.#port.nexuses
  }

  /** Ends every nexus, removes the socket, and closes the backings. Transfers that run are waited for. Idempotent. */
  async close(): Promise<void> {
    this.#port.close()
    for (const backing of this.#backings) backing.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
