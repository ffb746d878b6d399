/** The target's end of rings: lets connections in, and serves their pairs. */

import type { EventEmitter } from 'node:events'
import { SgringError } from '../errors.ts'
import {
  type ArrivalRecord,
  native,
  type TargetListener,
  type TargetPair,
  translated,
} from '../native.ts'
import type { Backing, TaskRouter } from '../task/task.ts'
import { type Watch, type Watched, watchBell } from './bell.ts'
import { inRange } from './options.ts'
import { type NexusInfo, PortNexus } from './port-nexus.ts'
import { PortPair, type PortPairCounts } from './port-pair.ts'
import { SPIN_US } from './pump.ts'
import { Transfers } from './transfers.ts'

/** How rings are served, all optional. */
export interface PortOptions {
  /** Users that may connect. Default: this process's own. */
  readonly allowedUids?: readonly number[]
  /** Permission bits of the socket. Default: 0o600. */
  readonly mode?: number
  /** Nexuses at a time. Default: 64. */
  readonly maxNexuses?: number
  /** Pairs at a time, of all nexuses. Default: 256. */
  readonly maxPairs?: number
  /** Bytes of a pair's arena at most: pages of it that this side touches are memory of this side's. Default: 1 GiB. */
  readonly maxArenaBytes?: number
  /** How long an empty queue is watched before this side sleeps, in microseconds; 0 is off. Default: 100, and 0 where the process has one CPU. */
  readonly spinUs?: number
  /** Native threads that move bytes of files, devices, and of large transfers in memory: 1 to 256. Default: 4. */
  readonly ioThreads?: number
}

/** What happens at a port. */
export interface PortEvents {
  nexusOpened: [nexus: NexusInfo]
  /** `reason` says what the peer did wrong, if it did; undefined when it left, died or was closed. */
  nexusClosed: [nexus: NexusInfo, reason: string | undefined]
  /** A unit of one's own, or a handler, threw this; its task was answered HARDWARE ERROR, INTERNAL TARGET FAILURE, if it was not answered before. */
  unitFailed: [error: unknown]
}

/** What a connection may be refused for, by the numbers of the handshake. */
const REFUSAL_LIMIT = 5
const REFUSAL_JOIN = 6
const MAX_PENDING = 64
const MAX_IO_THREADS = 256
/** How often to look where nobody can ring. */
const POLL_MS = 10

/** Live numbers of a port. */
export interface PortStats {
  /** Those that are served now. */
  readonly nexuses: number
  readonly pairs: number
  /** Tasks of those pairs that are accepted and not over now. */
  readonly tasks: number
  /** Commands and functions that ever came. */
  readonly commands: number
  /** Native calls that fetched some of them. */
  readonly fetches: number
  /** Times a bell woke this side. */
  readonly wakes: number
  /** Bytes of all arenas: what of it is in memory depends on what their initiators use. */
  readonly arenaBytes: number
}

/** Serves one socket. */
export class RingPort {
  readonly events: EventEmitter<PortEvents>
  readonly #router: TaskRouter
  readonly #options: Required<PortOptions>
  readonly #listener: TargetListener
  readonly #bell: Watched
  readonly #watch: Watch
  readonly #transfers: Transfers
  readonly #nexuses = new Map<string, PortNexus>()
  /** Counts of the pairs that are closed. */
  readonly #past: PortPairCounts = { commands: 0, fetches: 0, wakes: 0 }
  #pairs = 0
  #arenaBytes = 0
  #poll: NodeJS.Timeout | undefined
  #closed = false

  /**
   * Listens at once: when the constructor returns, clients can connect. What happens is told to `events`.
   *
   * @param watch how all its bells are watched
   */
  constructor(
    path: string,
    router: TaskRouter,
    options: PortOptions,
    events: EventEmitter<PortEvents>,
    watch: Watch = watchBell,
  ) {
    this.#router = router
    this.#watch = watch
    this.events = events
    this.#options = resolve(options)
    const { allowedUids, mode, ioThreads } = this.#options
    this.#transfers = new Transfers(ioThreads, watch)
    try {
      this.#listener = translated(() =>
        native().listen({ path, allowedUids: [...allowedUids], mode, maxPending: MAX_PENDING }),
      )
    } catch (error) {
      void this.#transfers.close()
      throw error
    }
    this.#bell = watch(this.#listener.takeBell(), {
      ring: () => this.#accept(),
      // The listening thread hangs up a bell that the kernel has no memory to ring.
      end: () => {
        if (!this.#closed) this.#poll = setInterval(() => this.#accept(), POLL_MS)
      },
    })
    // A server holds its process.
    this.#bell.reference(true)
  }

  get nexuses(): NexusInfo[] {
    return [...this.#nexuses.values()].map((nexus) => nexus.info)
  }

  /** Lets go of a backing that no task uses any more. */
  forget(backing: Backing): void {
    this.#transfers.forget(backing)
  }

  get stats(): PortStats {
    const pairs = [...this.#nexuses.values()].flatMap((nexus) => [...nexus.pairs])
    const sum = (key: keyof PortPairCounts) =>
      pairs.reduce((total, pair) => total + pair.counts[key], this.#past[key])
    return {
      nexuses: this.#nexuses.size,
      pairs: this.#pairs,
      tasks: pairs.reduce((total, pair) => total + pair.tasks().length, 0),
      commands: sum('commands'),
      fetches: sum('fetches'),
      wakes: sum('wakes'),
      arenaBytes: this.#arenaBytes,
    }
  }

  /** Stops listening and ends every nexus, at once. Resolves when no transfer runs any more, and the threads have ended. Idempotent. */
  close(): Promise<void> {
    if (this.#closed) return this.#transfers.close()
    this.#closed = true
    this.#listener.close()
    this.#bell.close()
    clearInterval(this.#poll)
    for (const nexus of [...this.#nexuses.values()]) {
      for (const pair of [...nexus.pairs]) pair.close(undefined)
    }
    return this.#transfers.close()
  }

  #accept(): void {
    for (let pair = this.#listener.accept(); pair !== null; pair = this.#listener.accept()) {
      const arrival = pair.arrival()
      if (arrival !== null) this.#welcome(pair, arrival)
    }
  }

  #welcome(pair: TargetPair, arrival: ArrivalRecord): void {
    const token = Buffer.from(arrival.token)
    const joins = token.some((byte) => byte !== 0)
    const joined = joins ? this.#nexuses.get(token.toString('hex')) : undefined
    const known = !joins || joined?.uid === arrival.uid
    const { maxNexuses, maxPairs, maxArenaBytes } = this.#options
    const full =
      (joined === undefined && this.#nexuses.size >= maxNexuses) || this.#pairs >= maxPairs
    if (!known || full || arrival.arenaBytes > maxArenaBytes) {
      pair.refuse(known ? REFUSAL_LIMIT : REFUSAL_JOIN)
      return
    }
    const nexus = joined ?? this.#openNexus(arrival)
    let welcomed = false
    try {
      welcomed = translated(() => pair.welcome(nexus.state.id, nexus.pairCount, nexus.token))
    } catch (error) {
      // No descriptors are left, or no memory: this connection's misfortune, not the server's.
      if (joined === undefined)
        nexus.reason = error instanceof SgringError ? error.message : String(error)
    }
    if (!welcomed) {
      this.#leave(nexus)
      return
    }
    this.#serve(nexus, pair, arrival)
    if (joined === undefined) this.#tell('nexusOpened', nexus.info)
  }

  #serve(nexus: PortNexus, pair: TargetPair, { slots, arenaBytes }: ArrivalRecord): void {
    const { state, pairs, lingering } = nexus
    const served = new PortPair(
      pair,
      nexus.pairCount++,
      slots,
      this.#router,
      state,
      this.#transfers,
      this.#options.spinUs,
      {
        unitFailed: (error) => this.#tell('unitFailed', error),
        closed: (reason) => {
          pairs.delete(served)
          lingering.add(served)
          nexus.reason ??= reason
          this.#pairs--
          this.#arenaBytes -= arenaBytes
          for (const key of ['commands', 'fetches', 'wakes'] as const)
            this.#past[key] += served.counts[key]
          // What one pair's peer did wrong was done by the whole nexus.
          if (reason !== undefined) for (const other of [...pairs]) other.close(reason)
          this.#leave(nexus)
        },
        over: () => {
          lingering.delete(served)
          this.#leave(nexus)
        },
      },
      this.#watch,
    )
    this.#pairs++
    this.#arenaBytes += arenaBytes
    pairs.add(served)
  }

  #openNexus(arrival: ArrivalRecord): PortNexus {
    const nexus = new PortNexus(this.#router, arrival)
    this.#nexuses.set(nexus.token.toString('hex'), nexus)
    return nexus
  }

  /** Later: a listener that throws disturbs nothing here. */
  #tell<K extends keyof PortEvents>(event: K, ...args: PortEvents[K]): void {
    queueMicrotask(() => (this.events as EventEmitter).emit(event, ...args))
  }

  /** The last pair takes its nexus with it, which its units forget when its last transfer is over. */
  #leave(nexus: PortNexus): void {
    if (nexus.pairs.size > 0) return
    if (this.#nexuses.delete(nexus.token.toString('hex')) && nexus.pairCount > 0)
      this.#tell('nexusClosed', nexus.info, nexus.reason)
    if (nexus.lingering.size === 0) this.#router.closeNexus(nexus.state)
  }
}

function resolve(options: PortOptions): Required<PortOptions> {
  const most = Number.MAX_SAFE_INTEGER
  const { allowedUids = [process.geteuid?.() ?? 0] } = options
  if (!Array.isArray(allowedUids))
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'allowedUids is a list of user numbers')
  return {
    allowedUids: allowedUids.map((uid) => inRange('a number of allowedUids', uid, 0, 2 ** 32 - 1)),
    mode: inRange('mode', options.mode ?? 0o600, 0, 0o777),
    maxNexuses: inRange('maxNexuses', options.maxNexuses ?? 64, 1, most),
    maxPairs: inRange('maxPairs', options.maxPairs ?? 256, 1, most),
    maxArenaBytes: inRange('maxArenaBytes', options.maxArenaBytes ?? 2 ** 30, 1, most),
    spinUs: inRange('spinUs', options.spinUs ?? SPIN_US, 0, 1_000_000),
    ioThreads: inRange('ioThreads', options.ioThreads ?? 4, 1, MAX_IO_THREADS),
  }
}
