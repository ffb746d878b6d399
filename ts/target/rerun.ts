/** A command that an earlier target had begun is carried out again: which of its second answers may stand. */

import { parseSense, SenseKey } from '../scsi/sense.ts'
import type { Answer } from '../task/answer.ts'
import { Status } from '../task/command.ts'
import type { KeptTask, Task } from '../task/task.ts'
import { asNexus } from './nexus.ts'
import type { Unit } from './unit.ts'
import { WrappedTask } from './wrapped-task.ts'

/**
 * Gives a unit a command for the second time. An answer that says that nothing was done is true of this time only: of the first nobody knows,
 * so that is what the initiator is told.
 */
export function executeAgain(task: Task, kept: KeptTask, unit: Unit): void {
  const again = new WrappedTask(task, {
    answered: (answer) => {
      task.onAbort = undefined
      if (deniesEffect(answer)) kept.unknown(true)
      else task.answer(answer)
    },
    failed: (error, open) => {
      if (open) again.leave(() => asNexus(task.nexus).source.failed(task, error))
    },
  })
  task.onAbort = () => again.leave(() => {})
  again.run(unit)
}

/**
 * Statuses of a command that did not enter the task set, and sense keys of one that was ended before it did what it asks for: the medium is write
 * protected meanwhile, not ready, or smaller. A medium or hardware error denies nothing, and says more than nothing.
 */
function deniesEffect({ status, sense }: Answer): boolean {
  if (status === Status.GOOD || status === Status.CONDITION_MET) return false
  return status !== Status.CHECK_CONDITION || !HAPPENED.has(keyOf(sense))
}

const HAPPENED: ReadonlySet<number | undefined> = new Set([
  SenseKey.NO_SENSE,
  SenseKey.RECOVERED_ERROR,
  SenseKey.MEDIUM_ERROR,
  SenseKey.HARDWARE_ERROR,
])

/** Undefined where a unit of the caller's own tells none. */
function keyOf(sense: Uint8Array = new Uint8Array(0)): number | undefined {
  try {
    return parseSense(sense).key
  } catch {
    return undefined
  }
}
