/**
 * Task management functions (SAM-5 clause 7): what each of them ends, and whom it tells.
 *
 *     function                   ends commands of            told, as a unit attention
 *     ABORT TASK                 this nexus: the one         -
 *     ABORT TASK SET             this nexus, at the unit     -
 *     CLEAR TASK SET             every nexus, at the unit    others that lost some: COMMANDS CLEARED, or TASK ABORTED with TAS
 *     LOGICAL UNIT RESET         every nexus, at the unit    every nexus: BUS DEVICE RESET FUNCTION OCCURRED
 *     I_T NEXUS RESET            this nexus, at all units    this nexus, at all units: I_T NEXUS LOSS OCCURRED
 *
 * A nexus that only reads ends its own commands, and no others': of it CLEAR TASK SET and LOGICAL UNIT RESET are rejected, and
 * QERR ends none but its own.
 */

import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { Status } from '../task/command.ts'
import { type FunctionResult, ServiceResponse, TaskFunction } from '../task/function.ts'
import type { Task } from '../task/task.ts'
import { abortAll } from './abort.ts'
import { isThenable } from './foreign.ts'
import type { FunctionRun } from './function-run.ts'
import { asNexus, type Nexus } from './nexus.ts'
import { TaskSet } from './task-set.ts'
import { QueueError } from './unit.ts'

const COMPLETE: FunctionResult = { response: ServiceResponse.FUNCTION_COMPLETE }
const SUCCEEDED: FunctionResult = { response: ServiceResponse.FUNCTION_SUCCEEDED }
const REJECTED: FunctionResult = { response: ServiceResponse.FUNCTION_REJECTED }
const INCORRECT_LUN: FunctionResult = { response: ServiceResponse.INCORRECT_LOGICAL_UNIT_NUMBER }
const FAILED: FunctionResult = { response: ServiceResponse.SERVICE_DELIVERY_OR_TARGET_FAILURE }

const KNOWN: ReadonlySet<number> = new Set(Object.values(TaskFunction))

/**
 * Carries out a function, and answers it when what it ended is over.
 *
 * @param set the task set of the unit that it names, if there is one
 * @param nexuses every nexus of the target
 */
export function manage(run: FunctionRun, set: TaskSet | undefined, nexuses: Iterable<Nexus>): void {
  const { function: code } = run.task
  if (code === TaskFunction.I_T_NEXUS_RESET) resetNexus(run)
  else if (set !== undefined) manageUnit(run, set, nexuses)
  else run.answer(KNOWN.has(code) ? INCORRECT_LUN : REJECTED)
}

function manageUnit(run: FunctionRun, set: TaskSet, nexuses: Iterable<Nexus>): void {
  const { task, nexus } = run
  switch (task.function) {
    case TaskFunction.ABORT_TASK:
      end(run, commandTagged(nexus, set, task.managedTag))
      break
    case TaskFunction.ABORT_TASK_SET:
      end(run, commandsOf(nexus, set))
      break
    case TaskFunction.CLEAR_TASK_SET:
      if (nexus.readOnly) run.answer(REJECTED)
      else clearTaskSet(run, set, nexuses)
      break
    case TaskFunction.LOGICAL_UNIT_RESET:
      if (nexus.readOnly || set.unit.rejectsReset === true) run.answer(REJECTED)
      else resetUnit(run, set, nexuses)
      break
    case TaskFunction.QUERY_TASK:
      run.answer(commandTagged(nexus, set, task.managedTag).length > 0 ? SUCCEEDED : COMPLETE)
      break
    case TaskFunction.QUERY_TASK_SET:
      run.answer(hasCommands(nexus, set) ? SUCCEEDED : COMPLETE)
      break
    case TaskFunction.QUERY_ASYNCHRONOUS_EVENT:
      run.answer(pendingEvent(nexus, set.lun))
      break
    // CLEAR ACA among them: NORMACA is 0, so there is never an auto contingent allegiance to end.
    default:
      run.answer(REJECTED)
  }
}

/** Ends commands of the function's own nexus: it knows, so nobody is told (SAM-5 7.2, 7.3). */
function end(run: FunctionRun, commands: readonly Task[]): void {
  run.await(commands)
  abortAll(commands)
  run.answer(COMPLETE)
}

/** CLEAR TASK SET (SAM-5 7.5). */
function clearTaskSet(run: FunctionRun, set: TaskSet, nexuses: Iterable<Nexus>): void {
  const lost = abortForEveryone(run, set, nexuses)
  if (set.unit.taskAbortedStatus !== true) tellCleared(set, lost, run.nexus)
  run.answer(COMPLETE)
}

/**
 * QERR (SPC-4 7.5.8): ends other commands of a task set, of every nexus or of the same one, because one has ended in CHECK CONDITION. One
 * that only reads can have any number of them end so, by writing: it ends its own alone, whatever QERR says.
 *
 * @param failed the one, which is over
 */
export function endOthers(failed: Task, set: TaskSet, nexuses: Iterable<Nexus>): void {
  const own = asNexus(failed.nexus)
  if (own.readOnly || set.unit.queueError === QueueError.NEXUS) {
    abortAll(commandsOf(own, set))
    return
  }
  const tas = set.unit.taskAbortedStatus === true
  const foreign = tas ? Status.TASK_ABORTED : undefined
  const lost = abortAll(commandsOfAll(nexuses, set), ({ nexus }) =>
    nexus === own ? undefined : foreign,
  )
  if (!tas) tellCleared(set, lost, own)
}

/** Nexuses that lost commands by what another did hear of it. */
function tellCleared(set: TaskSet, lost: ReadonlySet<Nexus>, own: Nexus): void {
  for (const other of lost) {
    if (other !== own) other.establish(set.lun, SenseCode.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR)
  }
}

/** LOGICAL UNIT RESET (SAM-5 6.3.3, 7.7). */
function resetUnit(run: FunctionRun, set: TaskSet, nexuses: Iterable<Nexus>): void {
  abortForEveryone(run, set, nexuses)
  for (const each of nexuses) each.establish(set.lun, SenseCode.BUS_DEVICE_RESET_FUNCTION_OCCURRED)
  const failed = (error: unknown) => {
    // With its nexus the function is lost, and its place another's.
    if (!run.over) run.nexus.source.failed(run.task, error)
    run.answer(FAILED)
  }
  try {
    const returned: unknown = set.unit.reset?.()
    if (isThenable(returned)) Promise.resolve(returned).then(() => run.answer(COMPLETE), failed)
    else run.answer(COMPLETE)
  } catch (error) {
    failed(error)
  }
}

/** I_T NEXUS RESET (SAM-5 6.3.4, 7.6). */
function resetNexus(run: FunctionRun): void {
  const { nexus } = run
  const commands = nexus.source.tasks().filter(({ owner }) => owner instanceof TaskSet)
  run.await(commands)
  abortAll(commands)
  nexus.establishEverywhere(SenseCode.I_T_NEXUS_LOSS_OCCURRED)
  run.answer(COMPLETE)
}

/** Ends every command at a unit, and says which nexuses lost some. Those of others end in TASK ABORTED if TAS is 1 (SPC-4 7.5.8). */
function abortForEveryone(
  run: FunctionRun,
  set: TaskSet,
  nexuses: Iterable<Nexus>,
): ReadonlySet<Nexus> {
  const commands = commandsOfAll(nexuses, set)
  const foreign = set.unit.taskAbortedStatus === true ? Status.TASK_ABORTED : undefined
  run.await(commands)
  return abortAll(commands, (command) => (command.nexus === run.nexus ? undefined : foreign))
}

/** QUERY ASYNCHRONOUS EVENT (SAM-5 7.10). */
function pendingEvent(nexus: Nexus, lun: number): FunctionResult {
  const code = nexus.attentions.next(lun)
  if (code === 0) return COMPLETE
  const more = nexus.attentions.hasMore(lun)
  const event = { senseKey: SenseKey.UNIT_ATTENTION, asc: code >>> 8, ascq: code & 0xff, more }
  return { ...SUCCEEDED, event }
}

/** The commands of a nexus that are in a task set, those among them that are aborted and still move data. */
export function commandsOf(nexus: Nexus, set: TaskSet): Task[] {
  return nexus.source.tasks().filter(({ owner }) => owner === set)
}

/** Whether a nexus has commands in a task set. */
export function hasCommands(nexus: Nexus, set: TaskSet): boolean {
  return nexus.source.find(({ owner }) => owner === set) !== undefined
}

/** The commands of every nexus that are in a task set. */
export function commandsOfAll(nexuses: Iterable<Nexus>, set: TaskSet): Task[] {
  const none: Task[] = []
  return none.concat(...Array.from(nexuses, (nexus) => commandsOf(nexus, set)))
}

/** The command with a tag, if it is this nexus's and in this task set. */
function commandTagged(nexus: Nexus, set: TaskSet, tag: bigint): Task[] {
  const found = nexus.named(set.lun, tag) ?? nexus.source.named(tag)
  return found?.owner === set ? [found] : []
}
