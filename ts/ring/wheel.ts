/** Deadlines: one coarse timer for all that a pair waits for, and O(1) in and out. */

const TICK_MS = 100
/** A power of two. Deadlines farther away than a round stay in their bucket when it is looked at. */
const BUCKETS = 256
/** Ticks that are caught up in one turn: a loop that is later than that stood still. */
const MOST_LATE = 3
/** Below it the clock is asked how late the last tick is; beyond it nobody minds that it may have been. */
const EXACT_MS = 10_000
/** Ticks of three years: whoever waits longer waits for ever. */
const MOST_TICKS = 2 ** 30

/** Something with a deadline, a link of the list that it stands in. */
export interface Timed {
  /** The tick at which it expires; 0 is never. */
  deadline: number
  /** Its neighbours; undefined while it stands in no list. */
  earlier: Timed | undefined
  later: Timed | undefined
  /** The time is up. It has no deadline any more, and may be given another one. */
  expired(): void
}

/** A list is a ring of links: this one is both its ends. */
class Ends implements Timed {
  deadline = 0
  earlier: Timed = this
  later: Timed = this
  expired(): void {}
}

/**
 * A wheel of lists, each of them with the deadlines of one tick of a round. The timer runs only while there is a deadline, and holds no
 * process: the bell of a pair does, while somebody waits.
 *
 * Most of what has a deadline is over within a tick, and linking it in and out would cost as much as writing its command. So what its owner
 * can list is noted only, by a number, and linked at the next tick if it is still there.
 *
 * Its time is that of the clock, so that late timers do not add up; but while the event loop stands still it stands still, too, so that
 * answers that came meanwhile are seen first.
 */
export class Wheel {
  readonly #buckets: readonly Ends[] = Array.from({ length: BUCKETS }, () => new Ends())
  readonly #due = new Ends()
  readonly #noted: () => Iterable<Timed>
  #tick = 0
  /** How many are linked. */
  #size = 0
  #timer: NodeJS.Timeout | undefined
  /** When the next tick is, by `performance.now()`. */
  #nextMs = 0
  #closed = false

  /** @param noted lists what is noted and has not been stopped; others may be among them */
  constructor(noted: () => Iterable<Timed>) {
    this.#noted = noted
  }

  /** Gives it a deadline: not before `ms` from now, and at most 200 ms later, or 500 from 10 s on, if the event loop goes on. 0 is none. */
  start(timed: Timed, ms: number): void {
    this.note(timed, ms)
    if (timed.deadline !== 0) this.#link(timed)
  }

  /** As `start`, for what `noted` lists until it is stopped. */
  note(timed: Timed, ms: number): void {
    timed.deadline = 0
    if (ms === 0 || this.#closed) return
    if (this.#timer === undefined) this.#run()
    const late = ms < EXACT_MS ? this.#late(performance.now()) : MOST_LATE
    timed.deadline = this.#tick + late + Math.min(Math.ceil(ms / TICK_MS), MOST_TICKS) + 1
  }

  /** Takes its deadline away. Idempotent. */
  stop(timed: Timed): void {
    timed.deadline = 0
    if (timed.later === undefined) return
    detach(timed)
    this.#size--
  }

  /** No deadline will come any more. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #run(): void {
    this.#nextMs = performance.now() + TICK_MS
    this.#timer = setInterval(() => this.#turned(), TICK_MS).unref()
  }

  #link(timed: Timed): void {
    append(this.#buckets[timed.deadline & (BUCKETS - 1)]!, timed)
    this.#size++
  }

  /** Ticks that the next turn catches up before time goes on. */
  #late(now: number): number {
    return Math.max(0, Math.min(Math.ceil((now - this.#nextMs) / TICK_MS), MOST_LATE))
  }

  #turned(): void {
    const now = performance.now()
    this.#nextMs = Math.max(this.#nextMs, now - (MOST_LATE - 1) * TICK_MS)
    for (; this.#nextMs <= now && this.#timer !== undefined; this.#nextMs += TICK_MS) this.#ticked()
  }

  #ticked(): void {
    this.#tick++
    for (const timed of this.#noted()) {
      if (timed.deadline !== 0 && timed.later === undefined) this.#link(timed)
    }
    if (this.#size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const ends = this.#buckets[this.#tick & (BUCKETS - 1)]!
    for (let next = ends.later; next !== ends; ) {
      const timed = next
      next = timed.later!
      if (timed.deadline > this.#tick) continue
      detach(timed)
      append(this.#due, timed)
    }
    // What one of them does may stop others.
    for (
      let timed = this.#due.later;
      timed !== this.#due && !this.#closed;
      timed = this.#due.later
    ) {
      this.stop(timed)
      timed.expired()
    }
  }
}

function append(ends: Ends, timed: Timed): void {
  const last = ends.earlier
  timed.earlier = last
  timed.later = ends
  last.later = timed
  ends.earlier = timed
}

function detach(timed: Timed): void {
  timed.earlier!.later = timed.later
  timed.later!.earlier = timed.earlier
  timed.earlier = undefined
  timed.later = undefined
}
