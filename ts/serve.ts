/** A target that serves a socket: units on backings, behind a ring port. */

import type { EventEmitter } from 'node:events'
import { SgringError } from './errors.ts'
import {
  type NexusInfo,
  type PortEvents,
  type PortOptions,
  type PortStats,
  RingPort,
} from './ring/port.ts'
import type { OpenBacking } from './target/backing.ts'
import type { HandlerStats } from './target/handler.ts'
import { type ServedUnit, ServedUnits } from './target/served-unit.ts'
import { Target } from './target/target.ts'
import type { TargetCounters } from './task/counters.ts'

export interface ServeOptions extends PortOptions {
  /** The Unix socket to serve: at most 107 bytes. A stale one is replaced, a live one is not. */
  readonly listen: string
  /**
   * The unit at each place has that LUN: a disk (`{ memory }`, `{ file }`), a unit that a handler makes (`{ handler }`), or an object of the
   * caller's own with `execute()`, which stays the caller's to close.
   */
  readonly units: readonly ServedUnit[]
}

/** Live numbers of a server. */
export interface ServerStats extends PortStats {
  /** Commands that were aborted: by task management functions, or with their nexus or their unit. */
  readonly aborted: number
  /** Of all handlers together. */
  readonly handlers: HandlerStats
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
  // Later, so that a listener that throws disturbs no task.
  const made = new ServedUnits((error) =>
    queueMicrotask(() => ring.events.emit('unitFailed', error)),
  )
  let ring: RingPort
  let server: Server
  try {
    const target = new Target(units.map((unit) => made.make(unit)).entries(), {
      counters: () => countersOf(server),
    })
    ring = new RingPort(listen, target, port)
    server = new Server(listen, ring, target, made)
  } catch (error) {
    for (const backing of made.backings) backing.discard()
    throw error
  }
  return server
}

/** What the target tells of itself to whoever asks by LOG SENSE. */
function countersOf(server: Server): TargetCounters {
  const { handlers, ...counted } = server.stats
  return {
    ...counted,
    lateAnswers: handlers.late,
    residentBytes: process.memoryUsage.rss(),
  }
}

/** A target that is served. */
export class Server {
  /** The socket. */
  readonly listen: string
  /** Nexuses that come and go. */
  readonly events: EventEmitter<PortEvents>
  readonly #port: RingPort
  readonly #target: Target
  readonly #backings: readonly OpenBacking[]
  readonly #handlers: readonly { readonly stats: HandlerStats }[]

  /** @internal Made by `serve`. */
  constructor(listen: string, port: RingPort, target: Target, { backings, handlers }: ServedUnits) {
    this.listen = listen
    this.events = port.events
    this.#port = port
    this.#target = target
    this.#backings = backings
    this.#handlers = handlers
  }

  /** The nexuses that there are now. */
  get nexuses(): NexusInfo[] {
    return this.#port.nexuses
  }

  get stats(): ServerStats {
    const handlers = this.#handlers.map(({ stats }) => stats)
    const sum = (key: keyof HandlerStats) => handlers.reduce((total, one) => total + one[key], 0)
    return {
      ...this.#port.stats,
      aborted: this.#target.aborted,
      handlers: { running: sum('running'), late: sum('late'), failed: sum('failed') },
    }
  }

  /**
   * Ends every nexus and removes the socket, at once. Resolves when the transfers that ran are over, and the backings are closed: a device
   * that hangs delays that, and nothing else. Idempotent.
   */
  async close(): Promise<void> {
    const closed = this.#port.close()
    for (const backing of this.#backings) backing.close()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
