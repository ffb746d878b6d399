/** A unit whose commands go to a handler first. */

import { SgringError } from '../errors.ts'
import type { Task } from '../task/task.ts'
import { HandledTask, type HandlerHost } from './handled-task.ts'
import type { Handler, HandlerStats } from './handler.ts'
import { Progress } from './progress.ts'
import type { Unit, UnitContext } from './unit.ts'

/** See `Handler`. */
export class HandlerUnit implements Unit {
  readonly #host: HandlerHost
  readonly #progress = new Progress()
  readonly #contexts = new Map<number, UnitContext>()
  #running = 0
  #late = 0
  #failed = 0

  /**
   * @param unit what `next()` runs
   * @param onFailed called with what the handler has thrown: it must not throw itself
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a handler that is no function
   */
  constructor(handler: Handler, unit: Unit, onFailed: (error: unknown) => void) {
    if (typeof handler !== 'function') {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'handler is a function')
    }
    this.#host = {
      handler,
      unit,
      progress: this.#progress,
      // Attached before any command comes.
      context: (lun) => this.#contexts.get(lun)!,
      called: () => {
        this.#running++
      },
      returned: (late) => {
        this.#running--
        if (late) this.#late++
      },
      failed: (error) => {
        this.#failed++
        onFailed(error)
      },
    }
  }

  get stats(): HandlerStats {
    return { running: this.#running, late: this.#late, failed: this.#failed }
  }

  get maxTasks(): number | undefined {
    return this.#host.unit.maxTasks
  }

  get maxRunning(): number | undefined {
    return this.#host.unit.maxRunning
  }

  get taskAbortedStatus(): boolean | undefined {
    return this.#host.unit.taskAbortedStatus
  }

  get descriptorSense(): boolean | undefined {
    return this.#host.unit.descriptorSense
  }

  attach(context: UnitContext): void {
    this.#contexts.set(context.lun, context)
    this.#host.unit.attach?.(context)
  }

  reset(): void {
    this.#progress.clear()
    this.#host.unit.reset?.()
  }

  execute(task: Task): void {
    const meanwhile = this.#progress.answer(task.cdb)
    if (meanwhile === undefined) HandledTask.run(task, this.#host)
    else task.answer(meanwhile)
  }
}
