/**
 * How fast the commands of a nexus are fetched.
 *
 * Who sends more waits, and is not told TASK SET FULL or BUSY: those are about the task set, which has room (SAM-5 5.3.1), an initiator answers them by
 * sending again at once, and each that is refused costs as much as one that is carried out. What is not fetched stays in its initiator's own
 * slots, which are its credit: so a nexus that floods slows down nobody but itself.
 */

/** The part of a second whose commands may come at once. */
const BURST = 0.1

/** A token bucket. Batches are fetched whole: the last one of a burst leaves it in debt, which is waited for. */
export class CommandRate {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  /** @param nowMs when it begins, full */
  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1000
    this.#burst = Math.max(1, perSecond * BURST)
    this.#tokens = this.#burst
    this.#atMs = nowMs
  }

  /** Milliseconds until something may be fetched: 0 is now. */
  delayMs(nowMs: number): number {
    const refilled = this.#tokens + (nowMs - this.#atMs) * this.#perMs
    this.#tokens = Math.min(this.#burst, refilled)
    this.#atMs = nowMs
    return this.#tokens > 0 ? 0 : (1 - this.#tokens) / this.#perMs
  }

  /** These were fetched. */
  take(count: number): void {
    this.#tokens -= count
  }
}
