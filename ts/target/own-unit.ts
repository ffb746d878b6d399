/** A unit of the caller's own, kept apart from what a port does with its tasks. */

import { SgringError } from '../errors.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { checkCondition } from '../task/answer.ts'
import type { TargetNexus, Task } from '../task/task.ts'
import type { Repetition } from './repetition.ts'
import type { Unit, UnitContext } from './unit.ts'
import { WrappedTask } from './wrapped-task.ts'

/** Gives the unit a task of its own for each command: a second answer, or one after the abort, meets no other command, and throws. */
export class OwnUnit implements Unit {
  readonly #unit: Unit
  readonly #onFailed: (error: unknown) => void

  /**
   * @param onFailed called with what the unit has thrown, or rejected with: it must not throw itself
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no unit
   */
  constructor(unit: Unit, onFailed: (error: unknown) => void) {
    this.#unit = checkUnit(unit)
    this.#onFailed = onFailed
  }

  get deviceType(): number | undefined {
    return this.#unit.deviceType
  }

  get maxTasks(): number | undefined {
    return this.#unit.maxTasks
  }

  get maxRunning(): number | undefined {
    return this.#unit.maxRunning
  }

  get taskAbortedStatus(): boolean | undefined {
    return this.#unit.taskAbortedStatus
  }

  get descriptorSense(): boolean | undefined {
    return this.#unit.descriptorSense
  }

  get queueError(): number | undefined {
    return this.#unit.queueError
  }

  get rejectsReset(): boolean | undefined {
    return this.#unit.rejectsReset
  }

  /** Where the unit throws, it may do anything. */
  repetition(cdb: Uint8Array, length: number): Repetition | undefined {
    try {
      return this.#unit.repetition?.(cdb, length)
    } catch (error) {
      this.#onFailed(error)
      return 'never'
    }
  }

  attach(context: UnitContext): void {
    this.#unit.attach?.(context)
  }

  reset(): unknown {
    return this.#unit.reset?.()
  }

  nexusEnded(nexus: TargetNexus): void {
    try {
      this.#unit.nexusEnded?.(nexus)
    } catch (error) {
      this.#onFailed(error)
    }
  }

  /** Where the unit fails, the answer waits for the end of a transfer that it has begun, because until then bytes move. */
  execute(task: Task): void {
    const wrapped = new WrappedTask(task, {
      answered: (answer) => task.answer(answer),
      failed: (error, open) => {
        this.#onFailed(error)
        if (open) wrapped.leave(() => task.answer(INTERNAL_TARGET_FAILURE))
      },
    })
    task.onAbort = () => wrapped.leave(() => {})
    wrapped.run(this.#unit)
  }
}

/** @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no unit */
export function checkUnit(unit: Unit): Unit {
  if (typeof unit === 'object' && unit !== null && typeof unit.execute === 'function') return unit
  throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'a unit is an object with execute()')
}

const INTERNAL_TARGET_FAILURE = checkCondition(
  SenseKey.HARDWARE_ERROR,
  SenseCode.INTERNAL_TARGET_FAILURE,
)
