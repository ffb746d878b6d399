/** A unit whose commands go to a handler first. */

import { SgringError } from '../errors.ts'
import type { TargetNexus, Task } from '../task/task.ts'
import { isThenable } from './foreign.ts'
import { HandledTask, type HandlerHost } from './handled-task.ts'
import type { Handler, HandlerHooks, HandlerStats } from './handler.ts'
import { Progress } from './progress.ts'
import type { Repetition } from './repetition.ts'
import type { Unit, UnitContext } from './unit.ts'

/** See `Handler`. */
export class HandlerUnit implements Unit {
  readonly #host: HandlerHost
  readonly #progress = new Progress()
  readonly #contexts = new Map<number, UnitContext>()
  readonly #hooks: HandlerHooks
  readonly #onFailed: (error: unknown) => void
  #running = 0
  #late = 0
  #failed = 0

  /**
   * @param unit what `next()` runs
   * @param onFailed called with what the handler has thrown: it must not throw itself
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a handler, or a hook, that is no function
   */
  constructor(
    handler: Handler,
    unit: Unit,
    onFailed: (error: unknown) => void,
    hooks: HandlerHooks = {},
  ) {
    if (typeof handler !== 'function') {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'handler is a function')
    }
    for (const hook of [hooks.attach, hooks.reset, hooks.repetition]) {
      if (hook === undefined || typeof hook === 'function') continue
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        'attach, reset and repetition are functions',
      )
    }
    this.#hooks = hooks
    this.#onFailed = onFailed
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

  get deviceType(): number | undefined {
    return this.#host.unit.deviceType
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

  get queueError(): number | undefined {
    return this.#host.unit.queueError
  }

  /** That of the unit behind only where the handler says so. Where one of them throws, it may do anything. */
  repetition(cdb: Uint8Array, length: number): Repetition | undefined {
    if (this.#hooks.repetition === undefined) return 'never'
    try {
      return this.#hooks.repetition(cdb, length) ?? this.#host.unit.repetition?.(cdb, length)
    } catch (error) {
      this.#onFailed(error)
      return 'never'
    }
  }

  attach(context: UnitContext): void {
    this.#contexts.set(context.lun, context)
    this.#hooks.attach?.(context)
    this.#host.unit.attach?.(context)
  }

  /** The unit behind is reset whatever becomes of the handler's own. */
  reset(): unknown {
    this.#progress.clear()
    const resets: unknown[] = []
    try {
      resets.push(this.#hooks.reset?.())
    } finally {
      resets.push(this.#host.unit.reset?.())
    }
    return resets.some(isThenable) ? Promise.all(resets).then(() => {}) : undefined
  }

  nexusEnded(nexus: TargetNexus): void {
    this.#host.unit.nexusEnded?.(nexus)
  }

  execute(task: Task): void {
    const meanwhile = this.#progress.answer(task.cdb)
    if (meanwhile === undefined) HandledTask.run(task, this.#host)
    else task.answer(meanwhile)
  }
}
