/**
 * A command at its unit, from its turn on: what there is to tell its nexus first, what that may do, and what outlives the target before
 * anything is changed.
 */

import { onlyReads } from '../scsi/effect.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import type { KeptTask, Task } from '../task/task.ts'
import { asNexus } from './nexus.ts'
import { checkedRepetition, repetitionOf } from './repetition.ts'
import { answerRequestSense } from './request-sense.ts'
import { executeAgain } from './rerun.ts'
import type { TaskSet } from './task-set.ts'
import type { Unit } from './unit.ts'

/**
 * A command's turn has come. A pending unit attention condition is told once: as data of REQUEST SENSE, by CHECK CONDITION of anything
 * else, and not at all by INQUIRY (SAM-5 5.14).
 */
export function carryOut(task: Task, set: TaskSet): void {
  const { attentions, readOnly } = asNexus(task.nexus)
  const attention = attentions.next(set.lun)
  // What an earlier target had in its task set came before what there is to tell now.
  if (attention === 0 || task.cdb[0] === Opcode.INQUIRY || task.kept?.resubmitted === true) {
    if (readOnly && mayChange(task, set.unit)) refuse(task, WRITE_PROTECTED)
    else begin(task, set)
    return
  }
  attentions.clearNext(set.lun)
  task.answer(
    task.cdb[0] === Opcode.REQUEST_SENSE
      ? answerRequestSense(task.cdb, SenseKey.UNIT_ATTENTION, attention)
      : checkCondition(SenseKey.UNIT_ATTENTION, attention),
  )
}

/**
 * Whether a command changes something that outlasts it, or may: also mode parameters, power and what others may do, which a nexus that only
 * reads leaves alone as it does blocks.
 */
function mayChange({ cdb, cdbLength }: Task, { deviceType }: Unit): boolean {
  return !onlyReads(cdb, cdbLength, deviceType)
}

/** The medium seems write protected to such a nexus (SBC-3 4.12). */
const WRITE_PROTECTED = checkCondition(SenseKey.DATA_PROTECT, SenseCode.WRITE_PROTECTED)

/** Gives the unit its command. What that may change is in the ledger before. */
export function begin(task: Task, set: TaskSet): void {
  const { kept } = task
  if (kept === undefined) set.unit.execute(task)
  // Whatever it is: its initiator has it for another unit, or another medium.
  else if (kept.resubmitted && set.wasAnother(kept.units)) kept.unknown(true)
  else if (!mark(task, kept, set)) return
  else if (kept.started) executeAgain(task, kept, set.unit)
  else set.unit.execute(task)
}

/** False: it is not to be carried out, and has ended. */
function mark({ cdb, cdbLength }: Task, kept: KeptTask, { unit, order }: TaskSet): boolean {
  const said = unit.repetition?.(cdb, cdbLength)
  const repetition = checkedRepetition(said ?? repetitionOf(cdb, cdbLength, unit.deviceType))
  if (repetition === 'free') return true
  const extent = typeof repetition === 'string' ? undefined : repetition
  if (kept.started) {
    const once = repetition === 'never' || extent?.once === true
    const overtaken = once || order.overtaken(extent, kept.sequence)
    if (overtaken || !kept.rerun) {
      kept.unknown(overtaken)
      return false
    }
  }
  kept.start(order.begin(extent))
  return true
}

/**
 * Answers a command that no unit gets, as one of which nothing was done; but an earlier target may have done it, and of that its initiator
 * is told no more than that.
 */
export function refuse(task: Task, answer: Answer): void {
  if (task.kept?.started === true) task.kept.unknown(true)
  else task.answer(answer)
}
