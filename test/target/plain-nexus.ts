/**
 * A port without a ring, for tests of the target alone. It keeps what `TaskSource` promises, on two pairs a nexus, and throws when the
 * target does what that forbids.
 */

import assert from 'node:assert/strict'
import type { Target } from '#dist/target/target.js'
import { Status } from '#dist/task/command.js'
import type { TargetNexus, Task, TaskSource } from '#dist/task/task.js'
import { PlainBackground } from './plain-operations.ts'
import { type Outcome, type PlainCommand, type PlainFunction, PlainTask } from './plain-task.ts'

/** One nexus: what its initiator sends, and what becomes of it. */
export class PlainNexus implements TaskSource {
  /** The target's own. */
  readonly nexus: TargetNexus
  /** Tasks that are over, in the order in which their ends were published. */
  readonly ends: PlainTask[] = []
  /** What units threw behind `execute`. */
  readonly failures: unknown[] = []
  readonly target: Target
  readonly readOnly: boolean
  /** What goes on behind answers. */
  readonly background: PlainBackground = new PlainBackground()
  readonly #open = new Set<PlainTask>()
  /** Not fetched yet, on each of two pairs. */
  readonly #published: [PlainTask[], PlainTask[]] = [[], []]
  /** Pairs where a function waits for its turn, by that function. */
  readonly #held = new Map<Task, PlainTask[]>()
  /** The pair that is being routed. */
  #routed: PlainTask[] | undefined
  #listed: PlainTask[] = []
  #lastTag = 0x8000_0000_0000_0000n
  #lost = false

  constructor(target: Target, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.target = target
    this.readOnly = readOnly
    this.nexus = target.openNexus(this)
  }

  /** Sends one task and has it executed, and publishes what is over by then. */
  send(what: PlainCommand | PlainFunction): PlainTask {
    const task = this.publish(what)
    this.fetch()
    this.flush()
    return task
  }

  /** Sends a task on one of the pairs; it is not fetched yet. `send` uses the first. */
  publish(what: PlainCommand | PlainFunction, pair: 0 | 1 = 0): PlainTask {
    assert.ok(!this.#lost, 'the nexus is lost')
    this.#lastTag += 1n
    const task = new PlainTask(this, what, this.#lastTag)
    this.#published[pair].push(task)
    return task
  }

  /** Ends the nexus: its tasks are abandoned, and when the last transfer is over the target hears that it is closed. */
  lose(): void {
    this.#lost = true
    for (const pair of this.#published) pair.length = 0
    this.target.abandon([...this.#open])
    this.#closeIfOver()
  }

  get lost(): boolean {
    return this.#lost
  }

  fetch(): void {
    const outer = this.#routed
    for (const pair of this.#published) {
      this.#routed = pair
      while (pair.length > 0 && !this.#isHeld(pair)) this.#route(pair.shift()!)
    }
    this.#routed = outer
  }

  hold(task: Task): void {
    assert.notEqual(task.function, 0, 'only functions hold their pair')
    this.#held.set(task, this.#routed!)
  }

  release(task: Task): void {
    assert.ok(this.#held.delete(task), 'a pair is released once')
    if (this.#routed === undefined) this.fetch()
  }

  #isHeld(pair: PlainTask[]): boolean {
    return [...this.#held.values()].includes(pair)
  }

  #route(task: PlainTask): void {
    this.#open.add(task)
    try {
      this.target.execute(task)
    } catch (error) {
      this.failed(task, error)
    }
  }

  tasks(): Task[] {
    return [...this.#open]
  }

  find(isOne: (task: Task) => boolean): Task | undefined {
    return this.tasks().find(isOne)
  }

  named(tag: bigint): Task | undefined {
    return this.tasks().find((task) => task.ownTag && task.tag === tag)
  }

  flush(): void {
    this.ends.push(...this.#listed.splice(0))
  }

  failed(task: Task, error: unknown): void {
    // An assertion is the test's own.
    if (error instanceof assert.AssertionError) throw error
    this.failures.push(error)
    if ((task as PlainTask).isOver || task.function !== 0) return
    task.answer({ status: Status.CHECK_CONDITION })
  }

  /** For the tasks: one is over. */
  over(task: PlainTask): void {
    assert.ok(this.#open.delete(task), 'a task ends once')
    this.#listed.push(task)
  }

  /** For the tasks: one has told its owner that it is over. */
  toldOver(): void {
    this.#closeIfOver()
  }

  #closeIfOver(): void {
    if (this.#lost && this.#open.size === 0) this.target.closeNexus(this.nexus)
  }
}

/** Runs one command to its end, which must come at once. */
export function run(nexus: PlainNexus, command: PlainCommand): Outcome {
  return nexus.send(command).outcome()
}
