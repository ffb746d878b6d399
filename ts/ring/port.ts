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
import { type AwaitedPair, Ledgers } from './ledgers.ts'
import { FUNCTION_SLOTS } from './pair.ts'
import { type NexusInfo, PortNexus } from './port-nexus.ts'
import {
  listenOptions,
  type PortOptions,
  type ResolvedPortOptions,
  resolvePortOptions,
} from './port-options.ts'
import { PortPair, type PortPairCounts } from './port-pair.ts'
import { Transfers } from './transfers.ts'

export type { PortOptions } from './port-options.ts'

/** Who was not let in. */
export interface RefusedPeer {
  readonly uid: number
  readonly pid: number
}

/** What happens at a port. */
export interface PortEvents {
  nexusOpened: [nexus: NexusInfo]
  /** `reason` says what the peer did wrong, if it did; undefined when it left, died or was closed. */
  nexusClosed: [nexus: NexusInfo, reason: string | undefined]
  /** A user who may connect was refused, for this limit: its options name it. Who may not, or comes too fast, is only counted. */
  refused: [peer: RefusedPeer, reason: string]
  /** A unit of one's own, or a handler, threw this; its task was answered HARDWARE ERROR, INTERNAL TARGET FAILURE, if it was not answered before. */
  unitFailed: [error: unknown]
}

/** What a connection may be refused for, by the numbers of the handshake. */
const REFUSAL_LIMIT = 5
const REFUSAL_JOIN = 6
/** Ends and refusals that are remembered. */
const RECENT = 16
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
  /** Connections that were refused: not allowed, too many or too large, too fast, no hello. */
  readonly refused: number
  /** Nexuses that were ended for what their initiators did wrong. */
  readonly ended: number
  /** The last of those ends, and of those refusals that were for a limit, oldest first: who, and why. */
  readonly recent: readonly string[]
  /** Bytes of all arenas: what of it is in memory depends on what their initiators use. */
  readonly arenaBytes: number
}

/** Serves one socket. */
export class RingPort {
  readonly events: EventEmitter<PortEvents>
  readonly #router: TaskRouter
  readonly #options: ResolvedPortOptions
  readonly #ledgers: Ledgers | undefined
  readonly #listener: TargetListener
  readonly #bell: Watched
  readonly #watch: Watch
  readonly #transfers: Transfers
  readonly #nexuses = new Map<string, PortNexus>()
  /** Counts of the pairs that are closed. */
  readonly #past: PortPairCounts = { commands: 0, fetches: 0, wakes: 0 }
  #pairs = 0
  #arenaBytes = 0
  #refused = 0
  #ended = 0
  readonly #recent: string[] = []
  /** Of the listener, when it was closed. */
  #turnedAway = 0
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
    this.#options = resolvePortOptions(options)
    const { ioThreads, state, graceMs } = this.#options
    this.#transfers = new Transfers(ioThreads, watch)
    try {
      this.#ledgers = state === undefined ? undefined : new Ledgers({ folder: state, graceMs })
      this.#listener = translated(() => native().listen({ path, ...listenOptions(this.#options) }))
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
    this.#ledgers?.begin({ late: () => this.#accept(), settled: () => this.#endGrace() })
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
      refused: this.#refused + (this.#closed ? this.#turnedAway : this.#listener.turnedAway()),
      ended: this.#ended,
      recent: [...this.#recent],
      arenaBytes: this.#arenaBytes,
    }
  }

  /** Stops listening and ends every nexus, at once. Resolves when no transfer runs any more, and the threads have ended. Idempotent. */
  close(): Promise<void> {
    if (this.#closed) return this.#transfers.close()
    this.#turnedAway = this.#listener.turnedAway()
    this.#closed = true
    this.#listener.close()
    this.#bell.close()
    clearInterval(this.#poll)
    const nexuses = [...this.#nexuses.values()]
    // First, of all: nothing begins in the place of what ends, for another pair that has yet to end.
    this.#router.stop()
    for (const nexus of nexuses) for (const pair of nexus.pairs) pair.hold()
    for (const nexus of nexuses) {
      for (const pair of [...nexus.pairs]) {
        // Who has left does not come back; all others may, to the next target.
        if (pair.peerHasLeft) this.#ledgers?.remove(nexus.token, pair.number)
        pair.handOver()
      }
    }
    this.#ledgers?.close()
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
    const returning = arrival.returning >= 0
    const joins = token.some((byte) => byte !== 0)
    const joined = joins ? this.#nexuses.get(token.toString('hex')) : undefined
    const known = returning
      ? this.#ledgers?.awaits(token, arrival.returning) === true
      : !joins || joined !== undefined
    const same =
      joined === undefined || (joined.uid === arrival.uid && joined.readOnly === arrival.readOnly)
    if (!known || !same) {
      this.#refuse(pair, REFUSAL_JOIN, arrival, 'the token names no nexus of this user')
      return
    }
    const limit = returning ? this.#arenaLimit(arrival, joined) : this.#limitOf(arrival, joined)
    if (limit !== undefined) {
      this.#refuse(pair, REFUSAL_LIMIT, arrival, limit)
      return
    }
    const nexus = joined ?? this.#openNexus(arrival, returning ? token : undefined)
    const number = returning ? arrival.returning : nexus.pairCount
    let welcomed = false
    try {
      const path = this.#ledgers?.pathOf(nexus.token, number)
      const units = returning ? undefined : (nexus.unitsAsOf ?? this.#router.units)
      const ledger = path === undefined ? undefined : { path, units }
      welcomed = translated(() => pair.welcome(nexus.state.id, number, nexus.token, ledger))
    } catch (error) {
      // No descriptors are left, or no memory: this connection's misfortune, not the server's.
      if (joined === undefined)
        nexus.reason = error instanceof SgringError ? error.message : String(error)
    }
    if (!welcomed) {
      if (!returning) this.#ledgers?.remove(nexus.token, number)
      this.#leave(nexus)
      return
    }
    const served = this.#serve(nexus, pair, number, arrival)
    if (returning) this.#router.returned(nexus.state, served.units)
    if (joined === undefined) this.#tell('nexusOpened', nexus.info)
    if (returning) this.#ledgers?.returned(token, number)
  }

  #refuse(pair: TargetPair, code: number, { uid, pid }: ArrivalRecord, reason: string): void {
    pair.refuse(code)
    this.#refused++
    this.#note(`refused: user ${uid}, process ${pid}: ${reason}`)
    this.#tell('refused', { uid, pid }, reason)
  }

  /** For whoever asks later. */
  #note(text: string): void {
    this.#recent.push(text)
    if (this.#recent.length > RECENT) this.#recent.shift()
  }

  /** The limit that one pair more would pass, if there is one. Those that are waited for have their places. */
  #limitOf(arrival: ArrivalRecord, joined?: PortNexus): string | undefined {
    const { uid, slots } = arrival
    const opens = Number(joined === undefined)
    const nexuses = [...this.#nexuses.values()]
    const own = nexuses.filter((nexus) => nexus.uid === uid)
    const pairs = own.reduce((sum, nexus) => sum + nexus.pairs.size, 0)
    const awaited = this.#ledgers?.awaited ?? []
    const ownAwaited = awaited.filter((pair) => pair.uid === uid)
    const away = (some: readonly AwaitedPair[]) =>
      new Set(some.map(({ token }) => token).filter((token) => !this.#nexuses.has(token))).size
    const token = joined?.token.toString('hex')
    const joinedAwaited = awaited.filter((pair) => pair.token === token)
    const awaitedSlots = joinedAwaited.reduce((sum, pair) => sum + slotsForCommands(pair.slots), 0)
    const counted = this.#passed([
      ['maxNexuses', nexuses.length + away(awaited) + opens],
      ['maxUserNexuses', own.length + away(ownAwaited) + opens],
      ['maxPairs', this.#pairs + awaited.length + 1],
      ['maxUserPairs', pairs + ownAwaited.length + 1],
      ['maxNexusPairs', (joined?.pairs.size ?? 0) + joinedAwaited.length + 1],
      ['maxNexusSlots', (joined?.slots ?? 0) + awaitedSlots + slotsForCommands(slots)],
    ])
    return counted ?? this.#arenaLimit(arrival, joined)
  }

  /** What is asked of a pair that returns, too: the ledger knows nothing of its arena. */
  #arenaLimit({ arenaBytes }: ArrivalRecord, joined?: PortNexus): string | undefined {
    return this.#passed([
      ['maxArenaBytes', arenaBytes],
      ['maxNexusArenaBytes', (joined?.arenaBytes ?? 0) + arenaBytes],
    ])
  }

  #passed(wanted: readonly (readonly [keyof PortOptions, number])[]): string | undefined {
    const limits = this.#options
    const [passed] = wanted.find(([name, count]) => count > (limits[name] as number)) ?? []
    return passed === undefined ? undefined : `${passed} is ${limits[passed]}`
  }

  #serve(
    nexus: PortNexus,
    pair: TargetPair,
    number: number,
    { slots, arenaBytes }: ArrivalRecord,
  ): PortPair {
    const { state, pairs, lingering } = nexus
    nexus.opened = true
    nexus.pairCount = Math.max(nexus.pairCount, number + 1)
    // Each ledger tells the next target, as long as one of the nexus is left.
    for (const other of pairs) other.countPairs(nexus.pairCount)
    const served = new PortPair(
      pair,
      number,
      slots,
      this.#router,
      state,
      this.#transfers,
      this.#options.spinUs,
      nexus.rate,
      {
        unitFailed: (error) => this.#tell('unitFailed', error),
        caughtUp: () => {
          for (const other of pairs) other.catchUpSoon()
        },
        closed: (reason) => {
          pairs.delete(served)
          lingering.add(served)
          nexus.reason ??= reason
          this.#pairs--
          this.#arenaBytes -= arenaBytes
          nexus.slots -= slotsForCommands(slots)
          nexus.arenaBytes -= arenaBytes
          for (const key of ['commands', 'fetches', 'wakes'] as const)
            this.#past[key] += served.counts[key]
          // A target that is closed leaves its ledgers to the next one.
          if (!this.#closed) this.#ledgers?.remove(nexus.token, number)
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
      this.#ledgers?.graceful,
    )
    this.#pairs++
    this.#arenaBytes += arenaBytes
    nexus.slots += slotsForCommands(slots)
    nexus.arenaBytes += arenaBytes
    served.countPairs(nexus.pairCount)
    pairs.add(served)
    return served
  }

  /** All are back that there were, or have had their time: whoever was held goes on. */
  #endGrace(): void {
    for (const nexus of this.#nexuses.values()) for (const pair of nexus.pairs) pair.release()
  }

  /** @param token of a nexus that an earlier target had */
  #openNexus(arrival: ArrivalRecord, token?: Buffer): PortNexus {
    const nexus = new PortNexus(this.#router, arrival, this.#options.maxNexusCommandRate, token)
    // A pair's number is never used twice in a nexus, not by a later target either: who had it may come back late.
    if (token !== undefined) nexus.pairCount = this.#ledgers?.pairsOf(token) ?? 0
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
    if (this.#nexuses.delete(nexus.token.toString('hex')) && nexus.opened) {
      if (nexus.reason !== undefined) {
        this.#ended++
        const { uid, pid, reason } = nexus
        this.#note(`ended: nexus ${nexus.state.id} of user ${uid}, process ${pid}: ${reason}`)
      }
      this.#tell('nexusClosed', nexus.info, nexus.reason)
    }
    if (nexus.lingering.size === 0) this.#router.closeNexus(nexus.state)
  }
}

/** What counts of a pair's slots: who asks for a number of commands has asked for those of the functions besides. */
function slotsForCommands(slots: number): number {
  return Math.max(0, slots - FUNCTION_SLOTS)
}
