/** When commands are due. */

/** Of a number of commands that was made of times. */
const ROUNDING = 1e-6

/**
 * Closed loop, without a rate: a command is due whenever there is room for it. Open loop, with one: command n is due n/rate after the
 * start, whether or not those before it have ended, and its latency counts from then, not from when it could leave. A unit that stalls
 * delays all that were due meanwhile, and a clock that started only when they left would not show it (coordinated omission).
 */
export class Schedule {
  /** Commands that were sent. */
  sent = 0
  readonly #startMs: number
  readonly #everyMs: number | undefined

  /** @param perSecond commands; undefined is a closed loop */
  constructor(startMs: number, perSecond: number | undefined) {
    this.#startMs = startMs
    this.#everyMs = perSecond === undefined ? undefined : 1000 / perSecond
  }

  /** When the next command is due, in milliseconds. */
  dueMs(nowMs: number): number {
    // Not by a sum of intervals, whose rounding would grow.
    return this.#everyMs === undefined ? nowMs : this.#startMs + this.sent * this.#everyMs
  }

  /** How many commands were due before a time and were not sent. */
  missed(untilMs: number): number {
    if (this.#everyMs === undefined) return 0
    const due = Math.ceil((untilMs - this.#startMs) / this.#everyMs - ROUNDING)
    return Math.max(0, due - this.sent)
  }
}
