/**
 * A logical unit in front of another: a device of the kernel's, or a unit behind another ring. It is for one nexus at a time, because the device
 * behind the target knows no nexuses but its own: whoever came second would meet the first one's unit attentions, mode pages and sense data.
 *
 *     the target's own       REPORT LUNS, task sets, task management functions, unit attentions of nexuses
 *     for other nexuses      INQUIRY is passed, REQUEST SENSE has nothing to tell, and all else is RESERVATION CONFLICT: reservations let
 *                            these through, as REPORT LUNS (SPC-4 5.13)
 *     changed on the way     INQUIRY, REPORT SUPPORTED OPERATION CODES (`pass-through-data.ts`)
 *     refused                reservations, third-party copy, access controls, target port groups; NACA, by the target
 *     passed                 everything else, with the status and the sense data as they come
 */

import { SgringError } from '../errors.ts'
import type { LogicalUnit } from '../initiator/unit.ts'
import { badResponse } from '../scsi/bytes.ts'
import { serviceAction } from '../scsi/command-tables.ts'
import { Opcode } from '../scsi/opcode.ts'
import { parseSense, SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition, status } from '../task/answer.ts'
import { type Response, Status } from '../task/command.ts'
import { ServiceResponse, TaskFunction } from '../task/function.ts'
import type { TargetNexus, Task } from '../task/task.ts'
import { answerOf, type Behind, changedData } from './pass-through-data.ts'
import { isRefused, REFUSED } from './pass-through-refused.ts'
import { illegalRequest, invalidField, unknownOpcode } from './refusal.ts'
import { type Repetition, repetitionOf } from './repetition.ts'
import { answerRequestSense } from './request-sense.ts'
import type { TaskSetOptions, Unit } from './unit.ts'

/** How a unit is passed through, all optional. */
export interface PassThroughOptions extends Pick<TaskSetOptions, 'maxTasks' | 'maxRunning'> {
  /**
   * Carries a LOGICAL UNIT RESET out; what it throws is answered SERVICE DELIVERY OR TARGET FAILURE. With false the function is rejected, and ends no command.
   * Default: the function of the unit behind, which kernel nodes reject: for theirs, `node.reset('device', { noEscalate: true })`.
   */
  readonly reset?: (() => Promise<void>) | false
}

/**
 * Makes a unit that passes its commands to another, which stays the caller's to close, after the server.
 *
 * Rejects as the unit's helpers do, if it does not answer INQUIRY and TEST UNIT READY. It need not be ready.
 *
 * @example
 * const disk = await open('ring:/run/user/1000/disk.sock') // or a device: '/dev/bsg/0:0:0:0'
 * const server = await serve({ listen: '/run/user/1000/front.sock', units: [await passThrough(disk)], maxNexuses: 1 })
 */
export async function passThrough(
  unit: LogicalUnit,
  options: PassThroughOptions = {},
): Promise<Unit> {
  // What the device has to tell of the time before, it tells now: a nexus of the target hears of its own beginning.
  const { deviceType } = await unit.inquiry()
  await unit.testUnitReady().catch(unlessNotReady)
  const { maxTransferBytes } = unit
  const behind = { unit, deviceType, maxTransferBytes, blockLength: undefined }
  return new PassThroughUnit(behind, options)
}

class PassThroughUnit implements Unit {
  readonly deviceType: number
  readonly maxTasks: number | undefined
  readonly maxRunning: number | undefined
  readonly rejectsReset: boolean
  readonly #behind: Behind
  readonly #reset: () => Promise<void>
  #nexus: TargetNexus | undefined

  constructor(behind: Behind, options: PassThroughOptions) {
    this.maxTasks = options.maxTasks
    this.maxRunning = options.maxRunning
    this.deviceType = behind.deviceType
    this.#behind = behind
    this.rejectsReset = options.reset === false
    this.#reset = options.reset || (() => resetUnit(behind.unit))
  }

  /** The device may go on with what the process behind has died over. */
  repetition(cdb: Uint8Array, length: number): Repetition {
    return repetitionOf(cdb, length, this.deviceType) === 'free' ? 'free' : 'never'
  }

  execute(task: Task): void {
    const refusal = this.#isFor(task) ? refusalOf(task, this.#behind) : answerOther(task.cdb)
    if (refusal === undefined) this.#pass(task)
    else task.answer(refusal)
  }

  /** INQUIRY is for everybody, and no claim to the unit. */
  #isFor({ nexus, cdb }: Task): boolean {
    if (cdb[0] === Opcode.INQUIRY) return true
    this.#nexus ??= nexus
    return this.#nexus === nexus
  }

  /** The device behind goes on with a command that is aborted until it hears of it, or to its end: so long the task is not over. */
  #pass(task: Task): void {
    const controller = new AbortController()
    const { signal } = controller
    const cdb = task.cdb.slice(0, task.cdbLength)
    const dataOut = task.copyDataOut(task.dataOutLength)
    const dataIn = task.dataInLength
    let answer: Answer
    const over = task.elsewhere(() => task.answer(answer))
    task.onAbort = () => controller.abort()
    const ways = { signal, timeoutMs: timeoutOf(cdb) }
    const sent =
      changedData(this.#behind, cdb, ways) ??
      this.#behind.unit
        .execute({ cdb, dataIn, ...ways, ...(dataOut.length > 0 && { dataOut }) })
        .then((response) => this.#answerOf(response, dataOut.length))
    sent
      .catch(answerOfError)
      .then((given) => {
        answer = given
      })
      .finally(over)
  }

  #answerOf(response: Response, sent: number): Answer {
    const isAttention =
      response.status === Status.CHECK_CONDITION &&
      response.sense.length > 0 &&
      parseSense(response.sense).key === SenseKey.UNIT_ATTENTION
    // It may have another medium.
    if (isAttention) this.#behind.blockLength = undefined
    return answerOf(response, sent, this.#behind.maxTransferBytes)
  }

  /** Whoever comes next has the unit. */
  nexusEnded(nexus: TargetNexus): void {
    if (this.#nexus === nexus) this.#nexus = undefined
  }

  reset(): Promise<void> {
    return this.#reset()
  }
}

/** What another nexus is told than the one that has the unit. The sense data of the device are that one's. */
function answerOther(cdb: Uint8Array): Answer {
  return cdb[0] === Opcode.REQUEST_SENSE
    ? answerRequestSense(cdb, SenseKey.NO_SENSE, SenseCode.NO_ADDITIONAL_SENSE_INFORMATION)
    : status(Status.RESERVATION_CONFLICT)
}

function unlessNotReady(error: unknown): void {
  if (!(error instanceof SgringError) || error.code !== 'ERR_SGRING_CHECK_CONDITION') throw error
}

async function resetUnit(unit: LogicalUnit): Promise<void> {
  const { response } = await unit.taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET })
  if (response === ServiceResponse.FUNCTION_COMPLETE) return
  throw badResponse('the unit behind does not carry LOGICAL UNIT RESET out')
}

function refusalOf(task: Task, { deviceType, maxTransferBytes }: Behind): Answer | undefined {
  const { cdb, cdbLength, dataInLength, dataOutLength } = task
  const opcode = cdb[0]!
  if (isRefused(opcode, serviceAction(cdb, cdbLength), deviceType)) {
    return REFUSED.has(opcode) ? unknownOpcode() : invalidField(1, 4)
  }
  const tooLong = dataInLength + dataOutLength > maxTransferBytes
  return tooLong ? illegalRequest(SenseCode.INVALID_FIELD_IN_CDB) : undefined
}

/** What reads or writes takes a minute at most; what moves tapes, formats or tests may take hours. */
const TIMEOUT_MS = 60_000
const LONG_TIMEOUT_MS = 6 * 3_600_000
const LONG: ReadonlySet<number> = new Set([
  0x01, 0x04, 0x07, 0x11, 0x19, 0x1b, 0x1d, 0x2b, 0x37, 0x3b, 0x48, 0x91, 0x92, 0x93, 0xa5, 0xa6,
])

function timeoutOf(cdb: Uint8Array): number {
  return LONG.has(cdb[0]!) ? LONG_TIMEOUT_MS : TIMEOUT_MS
}

/** ACCESS DENIED - NO ACCESS RIGHTS (SPC-4 annex D). */
const NO_ACCESS_RIGHTS = 0x2002
/** LOGICAL UNIT COMMUNICATION FAILURE. */
const COMMUNICATION_FAILURE = 0x0800

const REFUSALS: Readonly<Record<string, () => Answer>> = {
  ERR_SGRING_READ_ONLY: () => checkCondition(SenseKey.DATA_PROTECT, SenseCode.WRITE_PROTECTED),
  ERR_SGRING_NOT_PERMITTED: () => illegalRequest(NO_ACCESS_RIGHTS),
  ERR_SGRING_BUSY: () => status(Status.BUSY),
  ERR_SGRING_TIMEOUT: () =>
    checkCondition(SenseKey.ABORTED_COMMAND, SenseCode.COMMAND_TIMEOUT_DURING_PROCESSING),
  ERR_SGRING_CDB_LENGTH: () => illegalRequest(SenseCode.INVALID_FIELD_IN_CDB),
  ERR_SGRING_UNSUPPORTED: () => illegalRequest(SenseCode.INVALID_FIELD_IN_CDB),
}

/** The command was not sent, or has no answer of the device's. */
function answerOfError(error: unknown): Answer {
  const code = error instanceof SgringError ? error.code : ''
  return REFUSALS[code]?.() ?? checkCondition(SenseKey.HARDWARE_ERROR, COMMUNICATION_FAILURE)
}
