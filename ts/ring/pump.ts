/** When to look at a queue: at once when rung, for a while without being rung, and then not until the bell. */

import { availableParallelism } from 'node:os'
import { soon } from './soon.ts'

/** The default: long enough to outlast a peer that is busy for a moment, and nothing where the peer has no CPU of its own. */
export const SPIN_US: number = availableParallelism() > 1 ? 100 : 0

const LOOKS_A_TURN = 16
/** Entries after which the rest of the loop has its turn: a look that has kept it for long says that it found as many. */
export const MOST_A_TURN = 256

/** Takes what is there and says how much; with `arm`, and nothing there, the next one rings. Less than 0: stop. */
export type Look = (arm: boolean) => number

/**
 * Looks at a queue from the event loop: several looks a turn, because a turn costs as much as many of them, and a bounded number, so
 * that timers and sockets go on. It sleeps only after `Look` has armed the bell, and looks that find nothing are repeated for up to
 * `spinUs` before that.
 */
export class Pump {
  readonly #look: Look
  readonly #spinMs: number
  readonly #turn = () => this.#run()
  readonly #runSoon = soon(this.#turn)
  #awake = false
  #stopped = false
  #looksSoon = false
  /** When the first look came that found nothing after one that did: undefined before it, so that whoever is busy asks no clock. */
  #emptySince: number | undefined
  /** Of this turn of the event loop. */
  #looks = 0
  #found = 0

  constructor(look: Look, spinUs: number) {
    this.#look = look
    this.#spinMs = spinUs / 1000
  }

  /** Whether it looks by itself; when not, it waits to be woken. */
  get awake(): boolean {
    return this.#awake
  }

  /** The bell rang, or there is reason to expect something. */
  wake(): void {
    if (this.#awake || this.#stopped) return
    this.#awake = true
    this.#emptySince = undefined
    this.#run()
  }

  /** No further look. */
  stop(): void {
    this.#stopped = true
    this.#awake = false
  }

  /** Whether it looks behind the microtasks that are queued by now. */
  get looksSoon(): boolean {
    return this.#looksSoon
  }

  #run(): void {
    this.#looksSoon = false
    if (this.#stopped) return
    const arm = !this.#patient()
    // A look that throws counts as one that found something: it is the caller's to tell, and the next one comes all the same.
    let found = 1
    try {
      found = this.#look(arm)
    } finally {
      this.#looked(found, arm)
    }
  }

  /** After a look: when the next one is. */
  #looked(found: number, arm: boolean): void {
    if (found < 0 || this.#stopped) return
    if (found === 0 && arm) {
      this.#awake = false
      return
    }
    if (found > 0) this.#emptySince = undefined
    else this.#emptySince ??= performance.now()
    this.#looks++
    this.#found += found
    // Behind the microtasks that this look has caused: what they submit may be answered already when it looks again.
    if (this.#looks < LOOKS_A_TURN && this.#found < MOST_A_TURN && this.#spinMs > 0) {
      this.#looksSoon = true
      this.#runSoon()
    } else {
      this.#looks = 0
      this.#found = 0
      setImmediate(this.#turn)
    }
  }

  #patient(): boolean {
    if (this.#spinMs === 0) return false
    return this.#emptySince === undefined || performance.now() - this.#emptySince < this.#spinMs
  }
}
