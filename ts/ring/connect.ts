/** Connecting to a target: a segment, a socket, a hello, and the answer. */

import { setTimeout as sleep } from 'node:timers/promises'
import { SgringError, TransportError } from '../errors.ts'
import { type InitiatorPair, native, translated, type WelcomeRecord } from '../native.ts'
import type { Command } from '../task/command.ts'
import { Bell, type Watched } from './bell.ts'
import { FAREWELL_FOR_GOOD, FAREWELL_RELEASED, MAX_ARENA_BYTES, MAX_SLOTS } from './layout.gen.ts'
import { inRange, isBoolean } from './options.ts'
import { type Farewell, FUNCTION_SLOTS, type PairBellEvents, type PairOptions } from './pair.ts'
import { SPIN_US } from './pump.ts'

/** How a nexus is made, all optional. */
export interface ConnectOptions {
  /** Commands that can be under way: 1 to 4064. Default: 256. Task management functions have 32 slots of their own beside them. */
  readonly slots?: number
  /** Bytes of shared memory for data, rounded up to whole pages of 4096, below 2 GiB. Memory is taken as it is used. Default: 64 MiB. */
  readonly arenaBytes?: number
  /** How much of it may stay in memory while no command uses it. Default: 8 MiB. */
  readonly arenaKeepBytes?: number
  /** Commands that may wait for a slot or for arena space; one more is `ERR_SGRING_BUSY`. Default: 65,536. */
  readonly maxWaiting?: number
  /**
   * How long an empty queue is watched before this side sleeps, in microseconds, by turns of the event loop. A sleeping side costs its
   * peer a system call and itself a wake-up. 0 is off. Default: 100, and 0 where the process has one CPU.
   */
  readonly spinUs?: number
  /**
   * Milliseconds that the target has to answer a task management function, and to end a command that is aborted by its `signal` or
   * `timeoutMs`; then `ERR_SGRING_ABORT_UNANSWERED`. 0 is never. Default: 10,000.
   */
  readonly abortTimeoutMs?: number
  /**
   * Goes on when an aborted command has not ended in time, its ABORT TASK unanswered or refused: LOGICAL UNIT RESET, which ends the commands of every initiator at that unit,
   * and after another `abortTimeoutMs` without the command's end the nexus is given up. Default: false.
   */
  readonly resetUnanswered?: boolean
  /** A token from `nexus.share()`: this pair then belongs to that nexus. */
  readonly join?: string
  /** Users that the target may run as. Default: this process's own and root. */
  readonly allowedUids?: readonly number[]
  /** Milliseconds until the target must have answered. Default: 5000. */
  readonly connectTimeoutMs?: number
  /** What happens when the target dies, if it keeps a ledger. */
  readonly recovery?: RecoveryOptions
  readonly signal?: AbortSignal
}

/**
 * How a pair outlives its target, all optional. It takes one that keeps a ledger (`ServeOptions.state`); else the nexus is lost with it.
 * A command that three targets in a row had when they died is given to no fourth: it rejects with `ERR_SGRING_OUTCOME_UNKNOWN`.
 */
export interface RecoveryOptions {
  /** Milliseconds that the pair waits for the next target at this path, with all its commands; 0 is not at all. Default: 30,000. */
  readonly waitMs?: number
  /**
   * What becomes of a command that the target had begun and not answered, and that may have changed something: nobody knows what of it was
   * done. `'fail'` rejects it with `ERR_SGRING_OUTCOME_UNKNOWN`; `'rerun'` has it carried out again, unless a later command has begun to
   * change the same blocks: then it is rejected all the same. A function is asked about each command of `execute()`. Default: `'fail'`.
   */
  readonly policy?: 'fail' | 'rerun' | ((command: Command) => 'fail' | 'rerun')
}

/** A pair that was let in. Whoever has it watches its bell. */
export interface Connected {
  readonly pair: InitiatorPair
  readonly welcome: WelcomeRecord
  readonly options: PairOptions
  /** Where the target is, for those that follow it. */
  readonly where: { readonly path: string; readonly allowedUids: number[] }
  /** Hands the bell over; rings and an end that came meanwhile are told at once. */
  bell(events: PairBellEvents): Bell
}

/** Protocol values that only tests choose, to be refused. */
export interface ForgedHello {
  readonly version?: number
  readonly requiredFeatures?: number
  readonly epoch?: number
}

const PAGE = 4096
const WELCOME_BYTES = 64
const TOKEN_BYTES = 16
const TOKEN = /^[0-9a-f]{32}$/
const ZEROS = /^0*$/
/** Between two attempts at a target that is not there yet. */
export const RETRY_MS = 10

/** Connects. Rejects with what went wrong, by name; nothing is left behind then. */
export async function connectPair(
  path: string,
  options: ConnectOptions,
  forged: ForgedHello = {},
): Promise<Connected> {
  const resolved = pairOptions(options)
  const token = tokenOf(options.join)
  const allowedUids = [...(options.allowedUids ?? [process.geteuid?.() ?? 0, 0])]
  const patience = inRange('connectTimeoutMs', options.connectTimeoutMs ?? 5000, 1, 2 ** 31 - 1)
  const deadline = performance.now() + patience
  options.signal?.throwIfAborted()
  const { arenaBytes } = resolved
  const hello = { path, slots: resolved.slots + FUNCTION_SLOTS, arenaBytes, allowedUids, token }
  const pair = await retried(deadline, options.signal, () =>
    translated(() => native().connectPair({ ...hello, ...forged })),
  )
  const greeting = new Greeting(pair)
  greeting.reference(true)
  try {
    const welcome = await greeting.read(deadline, options.signal)
    if (welcome.code !== 0) throw refused(path, welcome)
    const where = { path, allowedUids }
    return { pair, welcome, options: resolved, where, bell: (events) => greeting.handOver(events) }
  } catch (error) {
    greeting.close()
    pair.close()
    throw error
  }
}

/** A target whose queue of connections is full lives, and is not accepting just now. */
async function retried<T>(
  deadline: number,
  signal: AbortSignal | undefined,
  attempt: () => T,
): Promise<T> {
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      const busy = error instanceof SgringError && error.code === 'ERR_SGRING_CONNECT'
      if (!busy || performance.now() > deadline) throw error
      await sleep(RETRY_MS)
      signal?.throwIfAborted()
    }
  }
}

/** The socket until the target's answer is there. It holds no process unless it is told to. */
export class Greeting implements Watched {
  readonly #bell: Bell
  readonly #bytes = new Uint8Array(WELCOME_BYTES)
  #length = 0
  #rang = false
  #ended = false
  #events: PairBellEvents
  #farewell: Farewell | undefined
  #arrived: () => void = () => {}
  #timer: NodeJS.Timeout | undefined
  #referenced = false

  constructor(pair: InitiatorPair) {
    this.#events = {
      ring: () => {
        this.#rang = true
      },
      end: () => {
        this.#ended = true
        this.#arrived()
      },
    }
    this.#bell = new Bell(pair.takeSocket(), {
      ring: (bytes) => this.#rings(bytes),
      end: () => this.#events.end(undefined, this.#farewell),
    })
  }

  reference(wanted: boolean): void {
    this.#referenced = wanted
    this.#bell.reference(wanted)
    if (wanted) this.#timer?.ref()
    else this.#timer?.unref()
  }

  #rings(bytes: Uint8Array): void {
    const wanted = bytes.subarray(0, WELCOME_BYTES - this.#length)
    this.#bytes.set(wanted, this.#length)
    this.#length += wanted.length
    if (this.#length === WELCOME_BYTES) this.#arrived()
    const rings = bytes.subarray(wanted.length)
    if (rings.length === 0) return
    if (rings.includes(FAREWELL_FOR_GOOD)) this.#farewell = 'for good'
    else if (rings.includes(FAREWELL_RELEASED)) this.#farewell ??= 'released'
    this.#events.ring()
  }

  async read(deadline: number, signal: AbortSignal | undefined): Promise<WelcomeRecord> {
    let aborted = () => {}
    await new Promise<void>((arrive, reject) => {
      this.#arrived = arrive
      aborted = () => reject(signal?.reason)
      signal?.addEventListener('abort', aborted, { once: true })
      const late = () =>
        reject(
          new TransportError(
            'ERR_SGRING_TIMEOUT',
            'the target accepted and did not answer in time',
          ),
        )
      this.#timer = setTimeout(late, Math.max(0, deadline - performance.now()))
      if (!this.#referenced) this.#timer.unref()
      if (this.#ended || this.#length === WELCOME_BYTES) arrive()
    }).finally(() => {
      clearTimeout(this.#timer)
      signal?.removeEventListener('abort', aborted)
    })
    if (this.#length < WELCOME_BYTES) {
      throw new SgringError(
        'ERR_SGRING_HANDSHAKE',
        'the peer closed the connection without an answer',
      )
    }
    return translated(() => native().decodeWelcome(this.#bytes))
  }

  handOver(events: PairBellEvents): Bell {
    this.#events = events
    this.#bell.reference(false)
    if (this.#ended) queueMicrotask(() => events.end(undefined, this.#farewell))
    else if (this.#rang) queueMicrotask(() => events.ring())
    return this.#bell
  }

  /** Whoever reads is told that there is no answer. */
  close(): void {
    this.#events = { ring() {}, end() {} }
    this.#ended = true
    this.#arrived()
    this.#bell.close()
  }
}

/** Why a target did not let the pair in. */
export function refused(path: string, welcome: WelcomeRecord): SgringError {
  const { version, features } = native().protocol()
  switch (welcome.refusal) {
    case 'VERSION':
      return new SgringError(
        'ERR_SGRING_VERSION',
        `${path} speaks protocol version ${welcome.version}, this side version ${version}; upgrade the older side`,
      )
    case 'FEATURE':
      return new SgringError(
        'ERR_SGRING_FEATURE',
        `${path} knows features 0x${welcome.features.toString(16)}, this side requires others of 0x${features.toString(16)}; upgrade the older side`,
      )
    case 'PEER_NOT_ALLOWED':
      return new SgringError('ERR_SGRING_PEER_NOT_ALLOWED', `${path} does not let this user in`)
    case 'SEGMENT':
      return new SgringError('ERR_SGRING_SEGMENT')
    case 'LIMIT':
      return new SgringError('ERR_SGRING_LIMIT')
    case 'JOIN':
      return new SgringError('ERR_SGRING_JOIN')
    case 'NEXUS_LOST':
      return new TransportError('ERR_SGRING_NEXUS_LOST', `${path} is going away`)
    default:
      return new SgringError(
        'ERR_SGRING_HANDSHAKE',
        `${path} refused the handshake (code ${welcome.code})`,
      )
  }
}

/**
 * The defaults filled in.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for what is out of its range
 */
export function pairOptions(options: ConnectOptions): PairOptions {
  const arenaBytes = Math.ceil((options.arenaBytes ?? 64 << 20) / PAGE) * PAGE
  return {
    slots: inRange('slots', options.slots ?? 256, 1, MAX_SLOTS - FUNCTION_SLOTS),
    arenaBytes: inRange('arenaBytes', arenaBytes, PAGE, MAX_ARENA_BYTES),
    arenaKeepBytes: inRange(
      'arenaKeepBytes',
      options.arenaKeepBytes ?? 8 << 20,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    maxWaiting: inRange('maxWaiting', options.maxWaiting ?? 65_536, 0, Number.MAX_SAFE_INTEGER),
    spinUs: inRange('spinUs', options.spinUs ?? SPIN_US, 0, 1_000_000),
    abortTimeoutMs: inRange('abortTimeoutMs', options.abortTimeoutMs ?? 10_000, 0, 2 ** 31 - 1),
    resetUnanswered: isBoolean('resetUnanswered', options.resetUnanswered ?? false),
  }
}

function tokenOf(join: string | undefined): Uint8Array {
  if (join === undefined) return new Uint8Array(TOKEN_BYTES)
  // Zeros mean that none is joined.
  if (TOKEN.test(join) && !ZEROS.test(join)) return Uint8Array.from(Buffer.from(join, 'hex'))
  throw new SgringError('ERR_SGRING_JOIN', 'the join token is none that nexus.share() gives')
}
