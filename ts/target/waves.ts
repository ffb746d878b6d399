/**
 * The order of a task set: waves of commands that may run at the same time. An ORDERED command is a wave of its own, and what arrives between
 * two of them is one.
 */

import type { Task, TaskOwner } from '../task/task.ts'

/** Priorities (SAM-5 8.8). */
const RANKS = 16

/** What a task set notes of one command that is not plain, from its arrival to its end. */
export class Entry {
  readonly task: Task
  /** 0 starts first: 1 is the highest priority, 15 the lowest, and 0, none, is below that (SAM-5 8.8). */
  readonly rank: number
  /** Whether it waits for its turn. */
  dormant: boolean
  /** HEAD OF QUEUE: nothing else starts before it is over. */
  readonly head: boolean
  /** Whether a function, or an overlapped command, has aborted it. */
  aborted = false
  /** Who else is told of its end. */
  watchers: TaskOwner[] | undefined = undefined
  /** Its neighbours among the dormant commands of its rank. */
  older: Entry | undefined = undefined
  newer: Entry | undefined = undefined
  #wave: Wave

  /** The wave has it from here on. */
  constructor(task: Task, wave: Wave, dormant: boolean, head: boolean) {
    this.task = task
    this.#wave = wave
    this.dormant = dormant
    this.head = head
    this.rank = (task.priority + RANKS - 1) % RANKS
    wave.open += 1
    if (dormant) wave.wait(this)
  }

  get wave(): Wave {
    this.#wave = this.#wave.whole
    return this.#wave
  }
}

export class Wave {
  /** One ORDERED command, alone. */
  readonly ordered: boolean
  /** Noted commands that are not over. */
  open = 0
  older: Wave | undefined = undefined
  newer: Wave | undefined = undefined
  /** Ends of the lists of dormant commands, by rank; nothing until one is. */
  #oldest: (Entry | undefined)[] = []
  #newest: (Entry | undefined)[] = []
  /** The wave that it has become part of. */
  #into: Wave | undefined

  constructor(ordered: boolean) {
    this.ordered = ordered
  }

  /** Itself, or the wave that it is part of by now. */
  get whole(): Wave {
    if (this.#into === undefined) return this
    let whole: Wave = this.#into
    while (whole.#into !== undefined) whole = whole.#into
    this.#into = whole
    return whole
  }

  /** The dormant command that starts first: the highest priority, then the oldest. */
  first(): Entry | undefined {
    return this.#oldest.find((entry) => entry !== undefined)
  }

  /** Puts a command behind the dormant ones of its rank. */
  wait(entry: Entry): void {
    const newest = this.#newest[entry.rank]
    entry.older = newest
    if (newest === undefined) this.#oldest[entry.rank] = entry
    else newest.newer = entry
    this.#newest[entry.rank] = entry
  }

  /** Takes a dormant command out, from wherever it stands. */
  leave(entry: Entry): void {
    const { older, newer, rank } = entry
    if (older === undefined) this.#oldest[rank] = newer
    else older.newer = newer
    if (newer === undefined) this.#newest[rank] = older
    else newer.older = older
    entry.older = undefined
    entry.newer = undefined
  }

  /** Takes over the commands of the next one, which are all younger. */
  absorb(next: Wave): void {
    this.open += next.open
    next.#into = this
    for (let rank = 0; rank < RANKS; rank++) {
      const oldest = next.#oldest[rank]
      if (oldest === undefined) continue
      const newest = this.#newest[rank]
      oldest.older = newest
      if (newest === undefined) this.#oldest[rank] = oldest
      else newest.newer = oldest
      this.#newest[rank] = next.#newest[rank]
    }
  }
}

/** The waves of a task set, oldest first: never none. Only the first one runs. */
export class Waves {
  #first: Wave = new Wave(false)
  #last: Wave = this.#first

  get first(): Wave {
    return this.#first
  }

  /** Whether there is one, and no ORDERED command. */
  get quiet(): boolean {
    return this.#first === this.#last && !this.#first.ordered
  }

  /** The wave that a new command joins. */
  joined(ordered: boolean): Wave {
    if (!ordered && !this.#last.ordered) return this.#last
    const wave = new Wave(ordered)
    wave.older = this.#last
    this.#last.newer = wave
    this.#last = wave
    return wave
  }

  /** Lets the first one go, which is over. */
  advance(): void {
    const next = this.#first.newer
    if (next !== undefined) {
      next.older = undefined
      this.#first = next
    } else if (this.#first.ordered) {
      this.#first = new Wave(false)
      this.#last = this.#first
    }
  }

  /** Takes out the wave of an ORDERED command that was aborted before its turn: those around it have nothing between them any more. */
  remove(wave: Wave): void {
    const { older, newer } = wave
    if (older === undefined) return
    older.newer = newer
    if (newer === undefined) {
      this.#last = older
      return
    }
    newer.older = older
    if (older.ordered || newer.ordered) return
    older.absorb(newer)
    older.newer = newer.newer
    if (newer.newer === undefined) this.#last = older
    else newer.newer.older = older
  }
}
