/** The target's end of rings: lets connections in, and serves their pairs. */

import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { SgringError } from '../errors.ts'
import {
  type ArrivalRecord,
  native,
  type TargetListener,
  type TargetPair,
  translated,
} from '../native.ts'
import type { TargetNexus, TaskRouter } from '../task/task.ts'
import { Bell } from './bell.ts'
import { inRange } from './options.ts'
import { PortPair } from './port-pair.ts'
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

/** A nexus that is served. */
export interface NexusInfo {
  readonly id: number
  readonly uid: number
  readonly pid: number
  readonly pairs: number
}

/** What happens at a port. */
export interface PortEvents {
  nexusOpened: [nexus: NexusInfo]
  /** `reason` says what the peer did wrong, if it did; undefined when it left, died or was closed. */
  nexusClosed: [nexus: NexusInfo, reason: string | undefined]
  /** A unit of one's own threw this; its task was answered HARDWARE ERROR, INTERNAL TARGET FAILURE, if it was not answered before. */
  unitFailed: [error: unknown]
}

/** What a connection may be refused for, by the numbers of the handshake. */
const REFUSAL_LIMIT = 5
const REFUSAL_JOIN = 6
const TOKEN_BYTES = 16
const MAX_PENDING = 64
const MAX_IO_THREADS = 256
/** How often to look where nobody can ring. */
const POLL_MS = 10

interface ServedNexus {
  readonly id: number
  readonly uid: number
  readonly pid: number
  readonly token: Buffer
  readonly state: TargetNexus
  readonly pairs: Set<PortPair>
  /** Pairs that were ever opened: a pair's number is never used twice in a nexus. */
  pairCount: number
  reason: string | undefined
}

/** Serves one socket. */
export class RingPort {
  readonly events: EventEmitter<PortEvents> = new EventEmitter<PortEvents>()
  readonly #router: TaskRouter
  readonly #options: Required<PortOptions>
  readonly #listener: TargetListener
  readonly #bell: Bell
  readonly #transfers: Transfers
  readonly #nexuses = new Map<string, ServedNexus>()
  #pairs = 0
  #poll: NodeJS.Timeout | undefined
  #closed = false

  /** Listens at once: when the constructor returns, clients can connect. */
  constructor(path: string, router: TaskRouter, options: PortOptions = {}) {
    this.#router = router
    this.#options = resolve(options)
    const { allowedUids, mode, ioThreads } = this.#options
    this.#transfers = new Transfers(ioThreads)
    try {
      this.#listener = translated(() =>
        native().listen({ path, allowedUids: [...allowedUids], mode, maxPending: MAX_PENDING }),
      )
    } catch (error) {
      this.#transfers.close()
      throw error
    }
    this.#bell = new Bell(this.#listener.takeBell(), {
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
    return [...this.#nexuses.values()].map(info)
  }

  /** Stops listening, ends every nexus, and lets go of the threads. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#listener.close()
    this.#bell.close()
    clearInterval(this.#poll)
    for (const nexus of [...this.#nexuses.values()]) {
      for (const pair of [...nexus.pairs]) pair.close(undefined)
    }
    this.#transfers.close()
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
      welcomed = translated(() => pair.welcome(nexus.id, nexus.pairCount, nexus.token))
    } catch (error) {
      // No descriptors are left, or no memory: this connection's misfortune, not the server's.
      if (joined === undefined)
        nexus.reason = error instanceof SgringError ? error.message : String(error)
    }
    if (!welcomed) {
      this.#leave(nexus)
      return
    }
    nexus.pairCount++
    this.#pairs++
    const served = new PortPair(
      pair,
      arrival.slots,
      this.#router,
      nexus.state,
      this.#transfers,
      this.#options.spinUs,
      // Later: a listener that throws disturbs no task.
      (error) => queueMicrotask(() => this.events.emit('unitFailed', error)),
      (reason) => {
        nexus.pairs.delete(served)
        nexus.reason ??= reason
        this.#pairs--
        // What one pair's peer did wrong was done by the whole nexus.
        if (reason !== undefined) for (const other of [...nexus.pairs]) other.close(reason)
        this.#leave(nexus)
      },
    )
    nexus.pairs.add(served)
    if (joined === undefined) this.events.emit('nexusOpened', info(nexus))
  }

  #openNexus({ uid, pid }: ArrivalRecord): ServedNexus {
    const state = this.#router.openNexus()
    const token = randomBytes(TOKEN_BYTES)
    const nexus = {
      id: state.id,
      uid,
      pid,
      token,
      state,
      pairs: new Set<PortPair>(),
      pairCount: 0,
      reason: undefined,
    }
    this.#nexuses.set(token.toString('hex'), nexus)
    return nexus
  }

  /** The last pair takes its nexus with it. */
  #leave(nexus: ServedNexus): void {
    if (nexus.pairs.size > 0 || !this.#nexuses.delete(nexus.token.toString('hex'))) return
    this.#router.closeNexus(nexus.state)
    if (nexus.pairCount > 0) this.events.emit('nexusClosed', info(nexus), nexus.reason)
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

function info({ id, uid, pid, pairs }: ServedNexus): NexusInfo {
  return { id, uid, pid, pairs: pairs.size }
}
