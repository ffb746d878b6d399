/** A task management function on its way to its answer: it waits for the commands that it ends. */

import type { FunctionResult } from '../task/function.ts'
import type { Task, TaskOwner } from '../task/task.ts'
import { asNexus, type Nexus } from './nexus.ts'
import { TaskSet } from './task-set.ts'

/**
 * Answers a function once everything it waits for is over and published: SAM-5 7.1 wants no service response while a command that the
 * function ended may still move data. The nexus may be lost meanwhile; then there is nobody to answer.
 */
export class FunctionRun implements TaskOwner {
  readonly task: Task
  readonly nexus: Nexus
  readonly #touched = new Set<Nexus>()
  #result: FunctionResult | undefined
  #waiting = 0
  #over = false

  constructor(task: Task) {
    this.task = task
    this.nexus = asNexus(task.nexus)
    task.owner = this
  }

  /** Whether it is answered, or lost with its nexus. */
  get over(): boolean {
    return this.#over
  }

  /** Waits for commands, too. */
  await(commands: readonly Task[]): void {
    for (const command of commands) {
      if (!(command.owner instanceof TaskSet)) continue
      this.#waiting += 1
      this.#touched.add(asNexus(command.nexus))
      command.owner.watch(command, this)
    }
  }

  /** All that there is to wait for is known: the answer goes out when it is over, which may be now. */
  answer(result: FunctionResult): void {
    this.#result = result
    if (this.#waiting === 0) this.#respond(result)
  }

  ended(task: Task): void {
    if (task === this.task) {
      this.#over = true
      return
    }
    this.#waiting -= 1
    if (this.#waiting === 0 && this.#result !== undefined) this.#respond(this.#result)
  }

  #respond(result: FunctionResult): void {
    for (const { closed, source } of this.#touched) if (!closed) source.flush()
    if (!this.#over) this.task.respond(result)
  }
}
