/** START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL (SBC-3 5.25, SPC-4 6.17). */

import { SenseCode } from '../scsi/sense-code.ts'
import type { Task } from '../task/task.ts'
import type { DiskCore } from './disk-core.ts'
import { illegalRequest, invalidField } from './refusal.ts'

const START = 0x01
const LOEJ = 0x02
const NO_FLUSH = 0x04

/** POWER CONDITION with its MODIFIER, and the sense code that tells the condition; 0 is the active one, which timers may leave (SBC-3 4.20). */
const POWER: Readonly<Record<number, readonly number[]>> = {
  // ACTIVE, LU_CONTROL
  1: [0],
  7: [0],
  // IDLE: idle_a, idle_b, idle_c
  2: [
    SenseCode.IDLE_CONDITION_ACTIVATED_BY_COMMAND,
    SenseCode.IDLE_B_CONDITION_ACTIVATED_BY_COMMAND,
    SenseCode.IDLE_C_CONDITION_ACTIVATED_BY_COMMAND,
  ],
  // STANDBY: standby_z, standby_y
  3: [
    SenseCode.STANDBY_CONDITION_ACTIVATED_BY_COMMAND,
    SenseCode.STANDBY_Y_CONDITION_ACTIVATED_BY_COMMAND,
  ],
}

/** START STOP UNIT. IMMED allows an earlier answer, and is not used. */
export function startStopUnit(core: DiskCore, task: Task): void {
  const { cdb } = task
  const flags = cdb[4]!
  const condition = flags >> 4
  if (condition !== 0) {
    const code = POWER[condition]?.[cdb[3]! & 0x0f]
    if (POWER[condition] === undefined) task.answer(invalidField(4, 7))
    else if (code === undefined) task.answer(invalidField(3, 3))
    else core.flushed(task, (same) => enter(core, same, code))
  } else if ((flags & LOEJ) !== 0) {
    loadOrEject(core, task, (flags & START) !== 0)
  } else if ((flags & START) !== 0) {
    core.state.stop(false)
    task.good()
  } else if ((flags & NO_FLUSH) !== 0) {
    core.state.stop(true)
    task.good()
  } else {
    core.flushed(task, (same) => {
      core.state.stop(true)
      same.good()
    })
  }
}

/** A power condition that is asked for starts a stopped unit. */
function enter(core: DiskCore, task: Task, code: number): void {
  core.state.stop(false)
  core.state.power(code)
  task.good()
}

function loadOrEject(core: DiskCore, task: Task, load: boolean): void {
  const { state } = core
  if (!core.removable) {
    task.answer(invalidField(4, 1))
  } else if (load) {
    const loaded = state.ejected
    state.eject(false)
    state.stop(false)
    if (loaded) core.tell(SenseCode.NOT_READY_TO_READY_CHANGE_MEDIUM_MAY_HAVE_CHANGED)
    task.good()
  } else if (state.prevented) {
    task.answer(illegalRequest(SenseCode.MEDIUM_REMOVAL_PREVENTED))
  } else {
    core.flushed(task, (same) => {
      state.eject(true)
      same.good()
    })
  }
}

/** PREVENT ALLOW MEDIUM REMOVAL: each nexus for itself, until it allows it, is lost or reset, or the unit is reset. */
export function preventAllow(core: DiskCore, task: Task): void {
  const prevent = task.cdb[4]! & 3
  // 10b and 11b are obsolete.
  if (prevent > 1) {
    task.answer(invalidField(4, 1))
  } else {
    core.state.prevent(task.nexus, prevent === 1)
    task.good()
  }
}
