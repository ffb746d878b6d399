/** A logical unit, as the target sees it. */

import type { TargetNexus, Task } from '../task/task.ts'
import type { Repetition } from './repetition.ts'

/** When a unit came to be what it is, by numbers of changes of all units that its target, and those before it, have had. */
export interface UnitChanges {
  /** Who it is. */
  readonly device: number
  /** What it stands on. */
  readonly medium: number
}

/** How the task set of a unit is kept. */
export interface TaskSetOptions {
  /** Commands that the task set holds, of all nexuses together: beyond them are TASK SET FULL and BUSY (SAM-5 5.3.1). Default: no limit. */
  readonly maxTasks?: number | undefined
  /**
   * Commands that the unit is given at a time; others wait in the task set, and start by priority (SAM-5 8.8), then by age. HEAD OF QUEUE
   * commands, INQUIRY and REQUEST SENSE do not wait. Default: no limit.
   */
  readonly maxRunning?: number | undefined
  /** TAS of the control mode page (SPC-4 7.5.8): a command that another nexus aborts ends in TASK ABORTED, not in silence. Default: false. */
  readonly taskAbortedStatus?: boolean | undefined
}

/** QERR of the control mode page (SPC-4 7.5.8): the commands that a CHECK CONDITION ends beside its own. */
export const QueueError = { NONE: 0, ALL: 1, NEXUS: 3 } as const
export type QueueError = (typeof QueueError)[keyof typeof QueueError]

/**
 * A device server (SAM-5 4.6). One unit serves any number of nexuses, and may stand at several LUNs, each with a task set of its own. The
 * limits are read once, when the unit is given to a target; the rest of its fields whenever they are asked for.
 *
 * @example
 * const ready: Unit = { maxTasks: 64, execute: (task) => task.good() }
 * const server = await serve({ listen: '/run/user/1000/disk.sock', units: [ready] })
 */
export interface Unit extends TaskSetOptions {
  /**
   * PERIPHERAL DEVICE TYPE (SPC-4 6.6.2), which says what a command does to it: a nexus that only reads is refused all else. Default: not
   * known, and such a nexus has what is the same on every kind of device.
   */
  readonly deviceType?: number | undefined
  /** D_SENSE (SPC-4 7.5.8), read when sense data is reported: in descriptor format then, whoever made it. Default: false. */
  readonly descriptorSense?: boolean | undefined
  /** QERR (SPC-4 7.5.8), read when a command ends in CHECK CONDITION: others end with it, 1 all, 3 those of its nexus. Default: none. */
  readonly queueError?: number | undefined
  /** LOGICAL UNIT RESET is answered FUNCTION REJECTED, and ends nothing: what is behind the unit cannot be reset. Default: false. */
  readonly rejectsReset?: boolean | undefined
  /**
   * Answers the task, now or later. The target has already dealt with what is the same on every unit: a CDB of the right length with
   * NACA zero, the task attribute and the order that it asks for, no unit attention condition in the way, and no REPORT LUNS.
   *
   * Who answers later sets `task.onAbort`, and lets go of the task there: it is over then, and whatever is done to it throws
   * `ERR_SGRING_CLOSED`, as after an answer. What this throws, or rejects with, before the answer is answered HARDWARE ERROR, INTERNAL
   * TARGET FAILURE, with an event `unitFailed`.
   *
   * @example
   * const slow: Unit = {
   *   execute(task) {
   *     const timer = setTimeout(() => task.good(), 1000)
   *     task.onAbort = () => clearTimeout(timer)
   *   },
   * }
   */
  execute(task: Task): void
  /**
   * What becomes of a command, by its CDB, should the target die over it and leave a ledger (`ServeOptions.state`). Default: `'free'` for what
   * only reads on every kind of device, or on one of its `deviceType`; with the `deviceType` of a disk, what SBC-3 says of those that do the
   * same whenever they are repeated, such as WRITE; and `'never'` for all else. So it is for what is no repetition, as an `Extent` without
   * whole numbers.
   *
   * @param length of the CDB; what lies beyond in `cdb` does not count
   */
  repetition?(cdb: Uint8Array, length: number): Repetition | undefined
  /** Called once for each LUN that the unit is given, before any command. */
  attach?(context: UnitContext): void
  /**
   * LOGICAL UNIT RESET (SAM-5 6.3.3), once every command there is aborted: whatever a unit calls its own state begins anew. The function is
   * answered when this returns, or its promise settles, FUNCTION COMPLETE or, if it failed, SERVICE DELIVERY OR TARGET FAILURE; commands
   * that come while a promise is pending reach the unit.
   */
  reset?(): void
  /** A nexus is lost, or reset (SAM-5 6.3.4): what the unit keeps for it is void. Must not throw. */
  nexusEnded?(nexus: TargetNexus): void
}

/** What a unit can ask of its target, at one LUN. */
export interface UnitContext {
  readonly lun: number
  /**
   * Establishes a unit attention condition (SAM-5 5.14) for every nexus, or for every one but `except`: the one that brought the change
   * about, and knows. Once the LUN has another unit, or none, it does nothing.
   *
   * @param code additional sense code and qualifier as one number, such as `SenseCode.CAPACITY_DATA_HAS_CHANGED`
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no code
   */
  attention(code: number, options?: { readonly except?: TargetNexus }): void
}
