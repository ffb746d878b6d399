/** The commands of a task set that may run at the same time: those between two ORDERED ones, or one ORDERED one. */

import type { Task, TaskOwner } from '../task/task.ts'

/** What a task set notes of one command that is not plain, from its arrival to its end. */
export class Entry {
  readonly task: Task
  readonly wave: Wave
  /** 0 is the highest. */
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

  constructor(task: Task, wave: Wave, dormant: boolean, head: boolean) {
    this.task = task
    this.wave = wave
    this.dormant = dormant
    this.head = head
    // 1 is the highest priority, 15 the lowest, and 0, none, is below that (SAM-5 8.8).
    this.rank = (task.priority + RANKS - 1) % RANKS
  }
}

const RANKS = 16

/** Waves run one after the other, oldest first. */
export class Wave {
  /** One ORDERED command, alone. */
  readonly ordered: boolean
  /** Noted commands that are not over. */
  open = 0
  readonly #oldest: (Entry | undefined)[] = []
  readonly #newest: (Entry | undefined)[] = []

  constructor(ordered: boolean) {
    this.ordered = ordered
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

  /** Takes a command out, from wherever it stands. */
  leave(entry: Entry): void {
    const { older, newer, rank } = entry
    if (older === undefined) this.#oldest[rank] = newer
    else older.newer = newer
    if (newer === undefined) this.#newest[rank] = older
    else newer.older = older
    entry.older = undefined
    entry.newer = undefined
  }
}
