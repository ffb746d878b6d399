/** Ends commands that wait or run, many at once. */

import type { Task } from '../task/task.ts'
import { asNexus, type Nexus } from './nexus.ts'
import { TaskSet } from './task-set.ts'

/**
 * Aborts commands, each with the status of `statusOf` or else without a response. Nothing starts in their task sets before all of them
 * are aborted. Those that are aborted already stay as they are.
 *
 * @returns the nexuses that lost some
 */
export function abortAll(
  tasks: readonly Task[],
  statusOf: (task: Task) => number | undefined = () => undefined,
): Set<Nexus> {
  const lost = new Set<Nexus>()
  const sets = new Set<TaskSet>()
  // One alone has nobody beside it.
  if (tasks.length > 1) {
    for (const { owner } of tasks) if (owner instanceof TaskSet) sets.add(owner)
    for (const set of sets) set.hold()
  }
  try {
    for (const task of tasks) {
      // A unit may answer one command when it is told that another is aborted: then that has no owner any more.
      if (!(task.owner instanceof TaskSet)) continue
      const nexus = asNexus(task.nexus)
      if (task.owner.abort(task, statusOf(task))) lost.add(nexus)
    }
  } finally {
    for (const set of sets) set.release()
  }
  return lost
}
