/**
 * The target: finds the logical unit of a task, and answers what is the same on every unit.
 *
 * In the order of the checks: task attribute, CDB length and NACA, REPORT LUNS, absent unit, unit attention, unit.
 */

import { SgringError } from '../errors.ts'
import { getUint32 } from '../scsi/bytes.ts'
import { lunOfWord, MAX_LUN } from '../scsi/lun.ts'
import { cdbLength, controlOffset, isPlainCdb, NACA, Opcode } from '../scsi/opcode.ts'
import { encodeReportedLuns, SelectReport } from '../scsi/report-luns.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition, good } from '../task/answer.ts'
import { TaskAttribute } from '../task/command.ts'
import type { TargetNexus, Task, TaskRouter, TaskSource } from '../task/task.ts'
import { answerAbsent } from './absent.ts'
import { Nexus, type NexusUnit } from './nexus.ts'
import { illegalRequest, invalidField } from './refusal.ts'
import { answerRequestSense } from './request-sense.ts'
import type { Unit } from './unit.ts'

/** A SCSI target device with one task router (SAM-5 4.6): logical units by LUN, and what is kept of each nexus. */
export class Target implements TaskRouter {
  readonly #units = new Map<number, Unit>()
  readonly #luns: readonly number[]
  #lastNexus = 0

  /**
   * @param units a unit for each LUN of 0 to 16,383 that has one, such as `[disk].entries()`
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN outside that range or named twice
   */
  constructor(units: Iterable<readonly [lun: number, unit: Unit]>) {
    for (const [lun, unit] of units) {
      if (!Number.isInteger(lun) || lun < 0 || lun > MAX_LUN || this.#units.has(lun)) {
        throw new SgringError(
          'ERR_SGRING_INVALID_ARGUMENT',
          `a LUN must be an integer of 0 to ${MAX_LUN} and stand once, not ${lun}`,
        )
      }
      this.#units.set(lun, unit)
    }
    this.#luns = [...this.#units.keys()].sort((a, b) => a - b)
  }

  openNexus(_source: TaskSource): TargetNexus {
    this.#lastNexus += 1
    return new Nexus(this.#lastNexus)
  }

  closeNexus(nexus: TargetNexus): void {
    asNexus(nexus).close()
  }

  abandon(tasks: readonly Task[]): void {
    for (const task of tasks) task.abort(undefined)
  }

  /** Allocation-free for a plain command to the unit that its nexus addressed last. */
  execute(task: Task): void {
    const nexus = asNexus(task.nexus)
    const unit = nexus.quietUnit
    if (
      unit !== undefined &&
      task.lun === nexus.quietWord &&
      task.attribute === TaskAttribute.SIMPLE &&
      isPlainCdb(task.cdb, task.cdbLength) &&
      task.cdb[0] !== Opcode.REPORT_LUNS
    ) {
      unit.execute(task)
    } else {
      this.#route(task, nexus)
    }
  }

  #route(task: Task, nexus: Nexus): void {
    const lun = lunOfWord(task.lun)
    const unit = this.#units.get(lun)
    const refusal = refusalOf(task)
    if (refusal !== undefined) {
      task.answer(refusal)
    } else if (task.cdb[0] === Opcode.REPORT_LUNS) {
      task.answer(this.#answerReportLuns(task.cdb))
    } else if (unit === undefined) {
      task.answer(answerAbsent(task.cdb))
    } else {
      const state = nexus.at(lun)
      if (state.attention === 0) {
        nexus.quietUnit = unit
        nexus.quietWord = task.lun
        unit.execute(task)
      } else if (task.cdb[0] === Opcode.INQUIRY) {
        unit.execute(task)
      } else {
        task.answer(tellAttention(state, task.cdb))
      }
    }
  }

  /**
   * REPORT LUNS (SPC-4 6.33), which any LUN answers; neither does it tell a unit attention, nor clear one. The allocation length
   * "should be at least 16" and need not: less cuts the data, as everywhere, and is no error (SPC-4 4.2.5.6). It was one in the first SPC.
   */
  #answerReportLuns(cdb: Uint8Array): Answer {
    const select = cdb[2]!
    if (select > SelectReport.ALL) return invalidField(2, 7)
    const luns = select === SelectReport.WELL_KNOWN ? [] : this.#luns
    return good(encodeReportedLuns(luns, getUint32(cdb, 6)))
  }
}

/** Tells the pending unit attention condition, once: as data of REQUEST SENSE, else by CHECK CONDITION (SAM-5 5.14). */
function tellAttention(state: NexusUnit, cdb: Uint8Array): Answer {
  const { attention } = state
  state.attention = 0
  return cdb[0] === Opcode.REQUEST_SENSE
    ? answerRequestSense(cdb, SenseKey.UNIT_ATTENTION, attention)
    : checkCondition(SenseKey.UNIT_ATTENTION, attention)
}

/** Why no unit gets this task, if so. */
function refusalOf(task: Task): Answer | undefined {
  // ORDERED, HEAD OF QUEUE and ACA promise an order that a unit whose transfers overlap does not keep: VPD page 86h offers SIMPLE only.
  if (task.attribute !== TaskAttribute.SIMPLE)
    return illegalRequest(SenseCode.INVALID_MESSAGE_ERROR)
  if (isPlainCdb(task.cdb, task.cdbLength)) return undefined
  const opcode = task.cdb[0]!
  return task.cdbLength < cdbLength(opcode)
    ? illegalRequest(SenseCode.INVALID_FIELD_IN_CDB)
    : invalidField(controlOffset(opcode), Math.log2(NACA))
}

/** Ports pass only what `openNexus` made. */
function asNexus(nexus: TargetNexus): Nexus {
  return nexus as Nexus
}
