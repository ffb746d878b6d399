/** A unit whose commands end when the test says so. */

import type { Unit } from '#dist/target/unit.js'
import type { Backing, Task } from '#dist/task/task.js'

/** What becomes of a command, in byte 3 of its CDB; byte 2 is its number. */
export const Kind = {
  /** Answered before `execute` returns. */
  INSTANT: 0,
  /** Waits for `answer`. */
  KEPT: 1,
  /** Reads from the backing, by a thread, and answers when that is over. */
  READS: 2,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

const VENDOR = 0xc0

export function cdbOf(index: number, kind: Kind): Uint8Array {
  return Uint8Array.of(VENDOR, 0, index, kind, 0, 0)
}

export class StagedUnit implements Unit {
  /** Kept commands that run, by their numbers. */
  readonly running = new Map<number, Task>()
  /** Commands that were given to the unit, and those that it answered. */
  readonly begun: number[] = []
  readonly answered = new Set<number>()
  readonly #backing: Backing
  readonly #wasReset: () => void

  constructor(backing: Backing, wasReset: () => void) {
    this.#backing = backing
    this.#wasReset = wasReset
  }

  execute(task: Task): void {
    const index = task.cdb[2]!
    this.begun.push(index)
    switch (task.cdb[3]) {
      case Kind.KEPT:
        this.running.set(index, task)
        task.onAbort = () => this.running.delete(index)
        break
      case Kind.READS:
        task.read(this.#backing, 0, task.dataInLength, (read) => {
          this.answered.add(index)
          read.moved(read.dataInLength)
        })
        break
      default:
        this.answered.add(index)
        task.good()
    }
  }

  answer(index: number): void {
    const task = this.running.get(index)!
    this.running.delete(index)
    this.answered.add(index)
    task.good()
  }

  reset(): void {
    this.#wasReset()
  }
}
