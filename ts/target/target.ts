/**
 * The target: finds the logical unit of a task, and answers what is the same on every unit.
 *
 * In the order of the checks: task attribute, CDB length and NACA, absent unit, overlapped tag, REPORT LUNS, room in the task set. Then the
 * command waits for its turn, and meets a unit attention condition, or its unit.
 */

import { SgringError } from '../errors.ts'
import { checkUint, getUint32 } from '../scsi/bytes.ts'
import { lunOfWord, lunWord, MAX_LUN, WellKnownLun } from '../scsi/lun.ts'
import { cdbLength, controlOffset, isPlainCdb, NACA, Opcode } from '../scsi/opcode.ts'
import { encodeReportedLuns, SelectReport } from '../scsi/report-luns.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { inDescriptorFormat } from '../scsi/sense-format.ts'
import { type Answer, checkCondition, good, status } from '../task/answer.ts'
import { Status, TaskAttribute } from '../task/command.ts'
import type { TargetCounters } from '../task/counters.ts'
import { TaskFunction } from '../task/function.ts'
import type { TargetNexus, Task, TaskOwner, TaskRouter, TaskSource } from '../task/task.ts'
import { abortAll } from './abort.ts'
import { answerAbsent } from './absent.ts'
import { begin, carryOut, refuse } from './begin.ts'
import { FunctionRun } from './function-run.ts'
import { LogPagesUnit } from './log-pages.ts'
import { asNexus, Nexus } from './nexus.ts'
import { illegalRequest, invalidField } from './refusal.ts'
import { commandsOf, commandsOfAll, endOthers, hasCommands, manage } from './task-management.ts'
import { TaskSet } from './task-set.ts'
import type { Unit, UnitChanges } from './unit.ts'
import { WriteOrder } from './write-order.ts'

export interface TargetOptions {
  /** What the target counts: then it has the TARGET LOG PAGES well known logical unit, which tells it (SPC-4 8.4). */
  readonly counters?: () => TargetCounters
  /** `ORDER_WORDS` that outlive the process: in which order its units were changed. */
  readonly order?: Float64Array
}

/** A SCSI target device with one task router (SAM-5 4.6): logical units by LUN, and what is kept of each nexus. */
export class Target implements TaskRouter {
  readonly #sets = new Map<number, TaskSet>()
  readonly #nexuses = new Set<Nexus>()
  units = 0
  /** The LUNs in ascending order, as REPORT LUNS tells them; undefined while that is not known. */
  #luns: readonly number[] | undefined
  readonly #order: Float64Array | undefined
  #lastNexus = 0
  /** In task sets that are no more. */
  #abortedBefore = 0

  /**
   * @param units a unit for each LUN of 0 to 16,383 that has one, such as `[disk].entries()`
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN outside that range or named twice, and for limits of a unit outside theirs
   */
  constructor(
    units: Iterable<readonly [lun: number, unit: Unit, changes?: UnitChanges | undefined]>,
    { counters, order }: TargetOptions = {},
  ) {
    this.#order = order
    for (const [lun, unit, changes] of units) this.addUnit(lun, unit, changes)
    if (counters !== undefined) {
      const set = new TaskSet(LOG_PAGES, new LogPagesUnit(counters), carryOut)
      if (order !== undefined) set.order = new WriteOrder(order, LOG_PAGES)
      this.#sets.set(LOG_PAGES, set)
    }
  }

  /** Commands that were aborted at its units: by functions, with their nexus or with their unit. */
  get aborted(): number {
    return [...this.#sets.values()].reduce((sum, set) => sum + set.aborted, this.#abortedBefore)
  }

  /** Commands that the task set of a LUN holds now. */
  commandsAt(lun: number): number {
    return this.#sets.get(lun)?.count ?? 0
  }

  /**
   * Says whether a unit can have this LUN.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a LUN outside its range, and for one with a unit
   */
  checkFree(lun: number): void {
    if (!Number.isInteger(lun) || lun < 0 || lun > MAX_LUN || this.#sets.has(lun)) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        `a LUN must be an integer of 0 to ${MAX_LUN} and stand once, not ${lun}`,
      )
    }
  }

  /**
   * Gives a LUN a unit. Every nexus that knows other units is told there that the list of them has changed.
   *
   * @param changes when it came to be what it is; default: before anything that outlives a target
   * @throws `ERR_SGRING_INVALID_ARGUMENT` as the constructor does
   */
  addUnit(lun: number, unit: Unit, changes?: UnitChanges): void {
    this.checkFree(lun)
    const set = new TaskSet(lun, unit, carryOut, (task) => endOthers(task, set, this.#nexuses))
    if (this.#order !== undefined) set.order = new WriteOrder(this.#order, lun)
    // First: where it throws there is no unit.
    unit.attach?.({
      lun,
      attention: (code, { except } = {}) => {
        if (this.#sets.get(lun) === set) this.attention(lun, code, except)
      },
    })
    this.#sets.set(lun, set)
    if (changes !== undefined) {
      set.changes = changes
      this.units = Math.max(this.units, changes.device, changes.medium)
    }
    this.#lunsChanged()
  }

  /**
   * Establishes a unit attention condition at the unit of a LUN for every nexus but `except`.
   *
   * @param code additional sense code and qualifier as one number, 1 to FFFFh: 0 says that there is nothing to tell
   * @throws `ERR_SGRING_INVALID_ARGUMENT` where there is no unit, and for what is no code
   */
  attention(lun: number, code: number, except?: TargetNexus): void {
    if (!this.#sets.has(lun)) throw noUnit(lun)
    checkUint('code', code, 0xffff, 1)
    for (const nexus of this.#nexuses) if (nexus !== except) nexus.establish(lun, code)
  }

  /**
   * Takes the unit of a LUN away: its commands are aborted as LOGICAL UNIT RESET would, and every nexus is told at its other units that the
   * list of them has changed.
   *
   * @returns when no command is at the unit any more: what it stands on may be closed then
   * @throws `ERR_SGRING_INVALID_ARGUMENT` where there is no unit
   */
  removeUnit(lun: number): Promise<void> {
    const set = this.#sets.get(lun)
    if (set === undefined) throw noUnit(lun)
    this.#sets.delete(lun)
    for (const nexus of this.#nexuses) nexus.forget(lun)
    this.#lunsChanged()
    const commands = commandsOfAll(this.#nexuses, set)
    const over = allEnded(commands, set)
    const aborted = set.unit.taskAbortedStatus === true ? Status.TASK_ABORTED : undefined
    abortAll(commands, () => aborted)
    this.#abortedBefore += set.aborted
    return over
  }

  openNexus(source: TaskSource): TargetNexus {
    this.#lastNexus += 1
    const nexus = new Nexus(this.#lastNexus, source)
    this.#nexuses.add(nexus)
    return nexus
  }

  returned(nexus: TargetNexus, asOf: number): void {
    for (const [lun, { changes }] of this.#sets) {
      if (changes.medium > asOf) {
        asNexus(nexus).establishBehind(
          lun,
          SenseCode.NOT_READY_TO_READY_CHANGE_MEDIUM_MAY_HAVE_CHANGED,
        )
      }
      if (changes.device > asOf) {
        asNexus(nexus).establishBehind(lun, SenseCode.INQUIRY_DATA_HAS_CHANGED)
      }
    }
  }

  knowsUnits(nexus: TargetNexus, asOf: number): boolean {
    const known = asNexus(nexus)
    const isUntold = (lun: number) =>
      this.#sets.get(lun)?.wasAnother(asOf) === true && known.attentions.next(lun) !== 0
    // First: who never asks at a unit does not have thousands of them looked through again and again.
    if (isUntold(known.untoldLun)) return false
    for (const lun of this.#sets.keys()) {
      if (!isUntold(lun)) continue
      known.untoldLun = lun
      return false
    }
    known.source.flush()
    return true
  }

  closeNexus(nexus: TargetNexus): void {
    asNexus(nexus).close()
    this.#nexuses.delete(asNexus(nexus))
    this.#nexusEnded(nexus)
  }

  stop(): void {
    for (const set of this.#sets.values()) set.hold()
  }

  abandon(tasks: readonly Task[]): void {
    abortAll(tasks)
    // Functions, which no task set holds. For a command it is over, or under way, already.
    for (const task of tasks) task.abort(undefined)
  }

  /** Allocation-free for a plain command to the unit that its nexus addressed last. */
  execute(task: Task): void {
    const nexus = asNexus(task.nexus)
    const set = nexus.quietSet
    if (
      set !== undefined &&
      task.plain &&
      task.lun === nexus.quietWord &&
      set.count < set.quietLimit &&
      isPlainCdb(task.cdb, task.cdbLength) &&
      task.cdb[0] !== Opcode.REPORT_LUNS
    ) {
      set.count += 1
      task.owner = set
      begin(task, set)
    } else if (task.function !== 0) {
      this.#manage(task, nexus)
    } else {
      this.#route(task, nexus)
    }
  }

  #route(task: Task, nexus: Nexus): void {
    const lun = placeOf(task.lun)
    const set = this.#sets.get(lun)
    const refusal = refusalOf(task)
    if (refusal !== undefined) {
      refuse(task, reportedBy(set, refusal))
    } else if (set === undefined) {
      if (task.cdb[0] === Opcode.REPORT_LUNS) this.#reportLuns(task, nexus, set)
      else refuse(task, answerAbsent(task.cdb))
    } else if (!task.ownTag && nexus.named(lun, task.tag) !== undefined) {
      abortAll(commandsOf(nexus, set))
      refuse(task, reportedBy(set, OVERLAPPED))
    } else if (task.cdb[0] === Opcode.REPORT_LUNS) {
      this.#reportLuns(task, nexus, set)
    } else if (set.isFull(task)) {
      refuse(task, hasCommands(nexus, set) ? TASK_SET_FULL : BUSY)
    } else {
      // Each command of a nexus that only reads is looked at.
      if (!nexus.readOnly && nexus.attentions.next(lun) === 0) {
        nexus.quietSet = set
        nexus.quietWord = task.lun
      }
      set.enter(task)
    }
  }

  /** A function keeps its place on its pair: what came behind it there waits until it is carried out. */
  #manage(task: Task, nexus: Nexus): void {
    nexus.source.hold(task)
    const { functions } = nexus
    let place = functions.length
    while (place > 0 && functions[place - 1]!.task.sentAt > task.sentAt) place--
    functions.splice(place, 0, new FunctionRun(task))
    if (!nexus.managing) this.#carryOut(nexus)
  }

  /**
   * Carries functions out, in the order in which they were sent. Each reaches whatever its nexus has published before, on any of its pairs:
   * what is fetched for it may be functions that were sent before it, and hold commands back. After some the other nexuses have their turn.
   */
  #carryOut(nexus: Nexus): void {
    nexus.managing = true
    try {
      let left = FUNCTIONS_A_TURN
      for (let run = nexus.functions[0]; run !== undefined; run = nexus.functions[0]) {
        if (left-- === 0) {
          setImmediate(() => this.#carryOut(nexus))
          return
        }
        nexus.source.fetch()
        // It may have been lost with its nexus, and an earlier one may have come.
        if (nexus.functions[0] !== run) continue
        nexus.functions.shift()
        if (!run.over) {
          // First: the function is answered, and gone, within.
          if (run.task.function === TaskFunction.I_T_NEXUS_RESET) this.#nexusEnded(nexus)
          manage(run, this.#sets.get(placeOf(run.task.lun)), this.#nexuses)
        }
        nexus.source.release(run.task)
      }
    } finally {
      if (nexus.functions.length === 0) nexus.managing = false
    }
  }

  /**
   * REPORT LUNS (SPC-4 6.33), which any LUN answers; it tells no unit attention, and clears the one that asks for it, at every unit (SAM-5
   * 5.14). The allocation length "should be at least 16" and need not: less cuts the data, as everywhere, and is no error (SPC-4 4.2.5.6).
   * It was one in the first SPC.
   */
  #reportLuns(task: Task, nexus: Nexus, set: TaskSet | undefined): void {
    const select = task.cdb[2]!
    if (select > SelectReport.ALL) {
      task.answer(reportedBy(set, invalidField(2, 7)))
      return
    }
    this.#luns ??= [...this.#sets.keys()].filter((lun) => lun <= MAX_LUN).sort((a, b) => a - b)
    const luns = select === SelectReport.WELL_KNOWN ? [] : this.#luns
    const wellKnown =
      select !== SelectReport.LOGICAL_UNITS && this.#sets.has(LOG_PAGES)
        ? [WellKnownLun.TARGET_LOG_PAGES]
        : []
    nexus.attentions.clearEverywhere(SenseCode.REPORTED_LUNS_DATA_HAS_CHANGED)
    task.answer(good(encodeReportedLuns([...luns, ...wellKnown], getUint32(task.cdb, 6))))
  }

  /** What units keep for a nexus goes with it, and by I_T NEXUS RESET (SAM-5 6.3.4). */
  #nexusEnded(nexus: TargetNexus): void {
    for (const { unit } of this.#sets.values()) unit.nexusEnded?.(nexus)
  }

  #lunsChanged(): void {
    this.#luns = undefined
    for (const nexus of this.#nexuses) {
      nexus.establishEverywhere(SenseCode.REPORTED_LUNS_DATA_HAS_CHANGED)
    }
  }
}

/** Where the TARGET LOG PAGES well known logical unit stands among the task sets: behind every LUN. */
const LOG_PAGES = MAX_LUN + 1
const LOG_PAGES_WORD = lunWord(WellKnownLun.TARGET_LOG_PAGES)

/** Under which number the task set stands that the first four LUN bytes name, if there is one. */
function placeOf(word: number): number {
  return word >>> 0 === LOG_PAGES_WORD ? LOG_PAGES : lunOfWord(word)
}

function noUnit(lun: number): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', `there is no unit at LUN ${lun}`)
}

/** How many functions of a nexus are carried out before others have their turn. */
const FUNCTIONS_A_TURN = 64

/** Commands with one tag must not be told apart by luck: the new one is refused, and those that are there end (SAM-5 5.10). */
const OVERLAPPED = checkCondition(SenseKey.ABORTED_COMMAND, SenseCode.OVERLAPPED_COMMANDS_ATTEMPTED)
/** Which of the two says whether waiting for a command of one's own helps (SAM-5 5.3.1). */
const TASK_SET_FULL = status(Status.TASK_SET_FULL)
const BUSY = status(Status.BUSY)

/** Why no unit gets this task, if so. */
function refusalOf(task: Task): Answer | undefined {
  // ACA among them: there is none, so nothing may run in it.
  if (!ATTRIBUTES.has(task.attribute)) return illegalRequest(SenseCode.INVALID_MESSAGE_ERROR)
  if (isPlainCdb(task.cdb, task.cdbLength)) return undefined
  const opcode = task.cdb[0]!
  return task.cdbLength < cdbLength(opcode)
    ? illegalRequest(SenseCode.INVALID_FIELD_IN_CDB)
    : invalidField(controlOffset(opcode), Math.log2(NACA))
}

/** What is said before a task set has the command, in the sense format of the unit that it was for. */
function reportedBy(set: TaskSet | undefined, answer: Answer): Answer {
  if (set?.unit.descriptorSense !== true || answer.sense === undefined) return answer
  return { ...answer, sense: inDescriptorFormat(answer.sense) }
}

const ATTRIBUTES: ReadonlySet<number> = new Set([
  TaskAttribute.SIMPLE,
  TaskAttribute.ORDERED,
  TaskAttribute.HEAD_OF_QUEUE,
])

/** Resolves when all of these are over. */
function allEnded(commands: readonly Task[], set: TaskSet): Promise<void> {
  return new Promise((resolve) => {
    let open = commands.length
    const watcher: TaskOwner = {
      ended: () => {
        open -= 1
        if (open === 0) resolve()
      },
    }
    for (const command of commands) set.watch(command, watcher)
    if (open === 0) resolve()
  })
}
