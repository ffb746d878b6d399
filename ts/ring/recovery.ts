/** From a target's end to the next one's beginning: the pair waits, and goes on with the same segment. */

import { SgringError, TransportError } from '../errors.ts'
import { type InitiatorPair, translated } from '../native.ts'
import type { Watched } from './bell.ts'
import { Greeting, RETRY_MS, type RecoveryOptions, refused } from './connect.ts'
import { FEATURE_RETURNS } from './layout.gen.ts'
import { inRange } from './options.ts'
import type { RingPair } from './pair.ts'

const WAIT_MS = 30_000
const UNSEEN = 'nobody can tell whether its process is gone: the kernel does not show it'
/** Whoever has too many at its door. */
const RETRY_REFUSED_MS = 50

/** What a pair says when it comes back. */
export interface Identity {
  readonly path: string
  readonly allowedUids: number[]
  readonly token: Uint8Array
  /** The pair's number in its nexus. */
  readonly pair: number
}

/** What is told of it. */
export interface RecoveryEvents {
  /** The target has ended, in these words; the pair waits for another one. */
  interrupted(why: string): void
  /** It goes on, after so many milliseconds, and so many of its commands and functions were submitted again. */
  resumed(stalledMs: number, resubmitted: number): void
}

/** Whether a target's welcome, and the caller, allow it. */
export function recovers(features: number, { waitMs }: Required<RecoveryOptions>): boolean {
  return (features & FEATURE_RETURNS) !== 0 && waitMs > 0
}

/**
 * The defaults filled in.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for what is out of its range
 */
export function recoveryOptions(options: RecoveryOptions = {}): Required<RecoveryOptions> {
  if (typeof options !== 'object' || options === null) throw wrong('recovery is an object')
  const { waitMs = WAIT_MS, policy = 'fail' } = options
  if (policy !== 'fail' && policy !== 'rerun' && typeof policy !== 'function')
    throw wrong(`recovery.policy is 'fail', 'rerun' or a function, not ${String(policy)}`)
  return { waitMs: inRange('recovery.waitMs', waitMs, 0, 2 ** 31 - 1), policy }
}

function wrong(message: string): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', message)
}

/** Has `pair` go on with each target that follows a dead one. */
export function recover(
  pair: RingPair,
  handle: InitiatorPair,
  identity: Identity,
  { waitMs }: Required<RecoveryOptions>,
  events: RecoveryEvents,
): void {
  pair.interrupted = (why, dying) => {
    const began = performance.now()
    const attempts = new Attempts(pair, handle, identity, dying)
    const begin = () => {
      attempts.untilOneFollows(began + waitMs).then(
        (resubmitted) => {
          if (resubmitted !== undefined) events.resumed(performance.now() - began, resubmitted)
        },
        (error: Error) => pair.giveUp(`${why}, and none followed it: ${error.message}`),
      )
      // Last: who hears it may do anything to the pair, or throw.
      events.interrupted(why)
    }
    return { bell: attempts, begin }
  }
}

/** In place of a bell while there is none: it keeps the process alive for whoever waits. */
class Attempts implements Watched {
  readonly #pair: RingPair
  readonly #handle: InitiatorPair
  readonly #identity: Identity
  #timer: NodeJS.Timeout | undefined
  #greeting: Greeting | undefined
  #referenced = false
  /** The target that ended may still be dying. */
  #dying: boolean

  constructor(pair: RingPair, handle: InitiatorPair, identity: Identity, dying: boolean) {
    this.#dying = dying
    this.#pair = pair
    this.#handle = handle
    this.#identity = identity
  }

  /** How many tasks were submitted again; undefined if the pair was closed meanwhile. */
  async untilOneFollows(deadline: number): Promise<number | undefined> {
    let last: SgringError = new TransportError(
      'ERR_SGRING_TIMEOUT',
      'its process did not end in time',
    )
    while (this.#pair.refusal === undefined) {
      // Until then it may write to the segment, whatever became of its connection.
      if (!this.#handle.isSeen) throw new TransportError('ERR_SGRING_NEXUS_LOST', UNSEEN)
      if (this.#handle.isFree()) {
        if (this.#dying) {
          this.#dying = false
          this.#pair.outlive()
          if (this.#pair.refusal !== undefined) break
        }
        try {
          return await this.#once(deadline)
        } catch (error) {
          if (!(error instanceof SgringError) || !PASSING.has(error.code)) throw error
          last = error
        }
      }
      if (performance.now() >= deadline) throw last
      await this.#pause(last.code === 'ERR_SGRING_LIMIT' ? RETRY_REFUSED_MS : RETRY_MS)
    }
    return undefined
  }

  reference(wanted: boolean): void {
    this.#referenced = wanted
    this.#greeting?.reference(wanted)
    if (wanted) this.#timer?.ref()
    else this.#timer?.unref()
  }

  /** The pair was given up, or closed, which the next look finds: a target that is greeted hears of it now. */
  close(): void {
    this.#greeting?.close()
  }

  /** Half to one and a half times as long: many pairs wait for one target. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, ms * (0.5 + Math.random()))
      if (!this.#referenced) this.#timer.unref()
    })
  }

  async #once(deadline: number): Promise<number | undefined> {
    const handle = this.#handle
    const count = translated(() => handle.reattach(this.#identity))
    const greeting = new Greeting(handle)
    this.#greeting = greeting
    greeting.reference(this.#referenced)
    try {
      const welcome = await greeting.read(deadline, undefined)
      if (welcome.code !== 0) {
        handle.declined()
        throw refused(this.#identity.path, welcome)
      }
    } catch (error) {
      greeting.close()
      throw error
    } finally {
      this.#greeting = undefined
    }
    if (this.#pair.refusal !== undefined) {
      greeting.close()
      return undefined
    }
    this.#pair.resume((events) => greeting.handOver(events))
    return count
  }
}

/** Nobody serves the path yet, or whoever did has died, too; or it has no room for all at once, or this side none. */
const PASSING: ReadonlySet<string> = new Set([
  'ERR_SGRING_NO_TARGET',
  'ERR_SGRING_CONNECT',
  'ERR_SGRING_HANDSHAKE',
  'ERR_SGRING_TIMEOUT',
  'ERR_SGRING_NEXUS_LOST',
  'ERR_SGRING_LIMIT',
  'ERR_SGRING_SYSTEM',
])
