/** A logical unit, as the target sees it. */

import type { Task } from '../task/task.ts'

/** A device server (SAM-5 4.6). One unit serves any number of nexuses. */
export interface Unit {
  /**
   * Answers the task, now or later. The target has already dealt with what is the same on every unit: a CDB of the right length with
   * NACA zero, a supported task attribute, no unit attention condition in the way, and no REPORT LUNS. Never throws.
   */
  execute(task: Task): void
}
