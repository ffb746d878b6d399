/** A target that serves a socket: units on backings, behind a ring port. */

import { EventEmitter } from 'node:events'
import { SgringError } from './errors.ts'
import { type PortEvents, type PortOptions, type PortStats, RingPort } from './ring/port.ts'
import type { NexusInfo } from './ring/port-nexus.ts'
import { resolvePortOptions } from './ring/port-options.ts'
import { StateFolder } from './state.ts'
import type { HandlerStats } from './target/handler.ts'
import type { HandlerUnit } from './target/handler-unit.ts'
import { type MadeUnit, makeUnit, type ServedUnit } from './target/served-unit.ts'
import { Target } from './target/target.ts'
import type { UnitChanges } from './target/unit.ts'
import type { TargetCounters } from './task/counters.ts'

export interface ServeOptions extends PortOptions {
  /** The Unix socket to serve: at most 107 bytes. A stale one is replaced, a live one is not. */
  readonly listen: string
  /**
   * Units by their LUNs; in a list, the unit at each place has that LUN. A unit is a disk (`{ memory }`, `{ file }`), one that a handler makes
   * (`{ handler }`), or an object of the caller's own with `execute()`, which stays the caller's to close.
   */
  readonly units: readonly ServedUnit[] | ReadonlyMap<number, ServedUnit>
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
 * @throws `ERR_SGRING_ADDRESS_IN_USE`, also for a state folder that another server has, `_NOT_A_SOCKET`, `_PATH_TOO_LONG`, `_BACKING`, also for a state folder that
 * cannot be used, or `_INVALID_ARGUMENT`; nothing is left behind then
 * @example
 * const server = await serve({ listen: '/run/user/1000/disk.sock', units: [{ memory: 64 << 20 }] })
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { listen, units, ...port } = options
  if (typeof listen !== 'string' || listen === '') {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'listen is the path of a Unix socket')
  }
  if (!Array.isArray(units) && !(units instanceof Map)) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'units is a list or a Map of units')
  }
  const events = new EventEmitter<PortEvents>()
  const made = new Map<number, MadeUnit>()
  // First: what is wrong with it is told before a file is made.
  const state = stateOf(port)
  try {
    for (const [lun, unit] of units.entries()) {
      made.set(lun, makeAt(lun, unit, teller(events), state))
    }
    const start = (changes?: ReadonlyMap<number, UnitChanges>): Server => {
      const target: Target = new Target(
        Array.from(made, ([lun, { unit }]) => [lun, unit, changes?.get(lun)] as const),
        {
          counters: () => countersOf(server),
          ...(state !== undefined && { order: state.order }),
        },
      )
      const ringPort = new RingPort(listen, target, port, events)
      const server: Server = new Server(listen, ringPort, target, made, state)
      return server
    }
    const identities = new Map(Array.from(made, ([lun, { identity }]) => [lun, identity]))
    return state === undefined ? start() : state.enter(identities, start)
  } catch (error) {
    for (const { backing } of made.values()) backing?.discard()
    state?.close()
    throw error
  }
}

/** What is kept beyond the server's death, if its options say where. */
function stateOf(options: PortOptions): StateFolder | undefined {
  const { state } = resolvePortOptions(options)
  return state === undefined ? undefined : new StateFolder(state)
}

/** What is wrong with the machine, and with no unit of it. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set([
  'ERR_SGRING_UNSUPPORTED_PLATFORM',
  'ERR_SGRING_NATIVE_MISSING',
])

/** Makes a unit; an error names its LUN. */
function makeAt(
  lun: number,
  unit: ServedUnit,
  onFailed: (error: unknown) => void,
  state: StateFolder | undefined,
): MadeUnit {
  try {
    const made = makeUnit(unit, onFailed, state?.memoryOf(lun))
    if (state !== undefined) keepCondition(made, state)
    return made
  } catch (error) {
    if (!(error instanceof SgringError) || OF_THE_MACHINE.has(error.code)) throw error
    throw new SgringError(error.code, `LUN ${lun}: ${error.message}`, { cause: error })
  }
}

/** What becomes of a disk's medium outlives the process, as the medium does. */
function keepCondition({ disk, backing }: MadeUnit, { conditions }: StateFolder): void {
  if (disk === undefined || backing?.path === undefined) return
  disk.keep(conditions.of(backing.path, backing.created))
}

/** Tells of a unit that failed, later: a listener that throws disturbs no task. */
function teller(events: EventEmitter<PortEvents>): (error: unknown) => void {
  return (error) => queueMicrotask(() => events.emit('unitFailed', error))
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
  /** Nexuses that come and go, and units that fail. */
  readonly events: EventEmitter<PortEvents>
  readonly #port: RingPort
  readonly #target: Target
  /** By LUN. */
  readonly #units: Map<number, MadeUnit>
  readonly #state: StateFolder | undefined
  /** Handlers of units that were removed, some of whose commands have not returned. */
  #removed: readonly HandlerUnit[] = []
  /** Of those that all have. */
  readonly #past = { late: 0, failed: 0 }
  #closed: Promise<void> | undefined

  /** @internal Made by `serve`. */
  constructor(
    listen: string,
    port: RingPort,
    target: Target,
    units: Map<number, MadeUnit>,
    state: StateFolder | undefined,
  ) {
    this.listen = listen
    this.events = port.events
    this.#port = port
    this.#target = target
    this.#units = units
    this.#state = state
  }

  /** The nexuses that there are now. */
  get nexuses(): NexusInfo[] {
    return this.#port.nexuses
  }

  get stats(): ServerStats {
    this.#fold()
    const served = Array.from(this.#units.values(), ({ handler }) => handler?.stats)
    const handlers = { running: 0, ...this.#past }
    for (const stats of [...served, ...this.#removed.map(({ stats }) => stats)]) {
      if (stats === undefined) continue
      handlers.running += stats.running
      handlers.late += stats.late
      handlers.failed += stats.failed
    }
    return { ...this.#port.stats, aborted: this.#target.aborted, handlers }
  }

  /**
   * Serves one unit more. Every nexus meets the unit attention REPORTED LUNS DATA HAS CHANGED at the units that it knows.
   *
   * @throws `ERR_SGRING_BACKING`, or `ERR_SGRING_INVALID_ARGUMENT` for a LUN outside 0 to 16,383 or with a unit; nothing is left behind then.
   * `ERR_SGRING_CLOSED`
   * @example
   * const server = await serve({ listen: '/run/user/1000/disk.sock', units: [{ memory: 64 << 20 }] })
   * server.addUnit(1, { memory: 64 << 20 })
   */
  addUnit(lun: number, unit: ServedUnit): void {
    this.#checkOpen()
    // First: what there is of a disk in memory at that LUN is another unit's.
    this.#target.checkFree(lun)
    const made = makeAt(lun, unit, teller(this.events), this.#state)
    const add = (changes?: ReadonlyMap<number, UnitChanges>) =>
      this.#target.addUnit(lun, made.unit, changes?.get(lun))
    try {
      if (this.#state === undefined) add()
      else this.#state.enter(new Map([[lun, made.identity]]), add)
    } catch (error) {
      made.backing?.discard()
      throw error
    }
    this.#units.set(lun, made)
  }

  /**
   * Serves a unit no longer. Its commands are aborted as LOGICAL UNIT RESET aborts them, and every nexus meets REPORTED LUNS DATA HAS CHANGED
   * at the other units that it knows. Resolves when no transfer of it runs any more, and its backing is closed.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN without a unit, `ERR_SGRING_BACKING` if the state folder cannot have it removed,
   * `ERR_SGRING_CLOSED`
   */
  async removeUnit(lun: number): Promise<void> {
    this.#checkOpen()
    const made = this.#unit(lun)
    const { backing, handler } = made
    // First: who hears of an abort may add another unit there.
    this.#state?.removing(lun, backing?.kind === 'memory')
    this.#units.delete(lun)
    let over: Promise<void>
    try {
      over = this.#target.removeUnit(lun)
    } catch (error) {
      this.#units.set(lun, made)
      throw error
    }
    if (handler !== undefined) this.#removed = [...this.#removed, handler]
    this.#fold()
    await over
    if (backing === undefined) return
    this.#port.forget(backing)
    backing.close()
    if (backing.kind === 'memory') this.#state?.removed(lun)
  }

  /** What is known of removed handlers for good goes into their sum. */
  #fold(): void {
    for (const { stats } of this.#removed) {
      if (stats.running > 0) continue
      this.#past.late += stats.late
      this.#past.failed += stats.failed
    }
    this.#removed = this.#removed.filter(({ stats }) => stats.running > 0)
  }

  /**
   * Gives a disk in memory or on a file another length, by zeros that take no room, or by cutting it: **what is cut off is lost.** Every nexus
   * meets CAPACITY DATA HAS CHANGED at the unit.
   *
   * @throws `ERR_SGRING_BACKING` for a disk that is on a device, or is read-only, and if the system refuses; `ERR_SGRING_INVALID_ARGUMENT`
   * for a LUN without a disk that the server opened, and for a length without a block; `ERR_SGRING_CLOSED`
   */
  resizeUnit(lun: number, lengthBytes: number): void {
    this.#checkOpen()
    const { backing, disk } = this.#unit(lun)
    if (backing === undefined || disk === undefined || !(lengthBytes >= disk.blockLength)) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        `LUN ${lun} cannot have ${lengthBytes} bytes: it takes a disk, and a block at least`,
      )
    }
    backing.resize(lengthBytes)
    this.#state?.resized(lun, this.#unit(lun).identity)
    disk.resized()
  }

  /**
   * Commands that the task set of a unit holds now, running or waiting, of all nexuses.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN without a unit
   */
  commandsAt(lun: number): number {
    this.#unit(lun)
    return this.#target.commandsAt(lun)
  }

  /**
   * The length of the backing of a disk, in bytes.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN without a disk that the server opened
   */
  lengthOf(lun: number): number {
    const { backing } = this.#unit(lun)
    if (backing !== undefined) return backing.lengthBytes
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `there is no backing at LUN ${lun}`)
  }

  /**
   * Establishes a unit attention condition (SAM-5 5.14) at a unit for every nexus that knows it, such as
   * `SenseCode.CAPACITY_DATA_HAS_CHANGED`: it is told by the next command of each.
   *
   * @param code additional sense code and qualifier as one number
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN without a unit, or what is no code
   */
  attention(lun: number, code: number): void {
    this.#unit(lun)
    this.#target.attention(lun, code)
  }

  /** Once it is closed, what it had is the next server's. */
  #checkOpen(): void {
    if (this.#closed !== undefined) throw new SgringError('ERR_SGRING_CLOSED')
  }

  /** What it was given; the target has a unit of its own besides. */
  #unit(lun: number): MadeUnit {
    const made = this.#units.get(lun)
    if (made !== undefined) return made
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `there is no unit at LUN ${lun}`)
  }

  /**
   * Ends every nexus and removes the socket, at once. Resolves when the transfers that ran are over, and the backings are closed: a device
   * that hangs delays that, and nothing else. Idempotent.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const closed = this.#port.close()
    for (const { backing } of this.#units.values()) backing?.close()
    await closed
    this.#state?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
