/**
 * What stands between the commands of a disk and its blocks: an operation that keeps the unit to itself, a medium that an operation has left
 * unusable, that is taken out or stopped, a backing that is gone, and low power.
 */

import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import type { TargetNexus } from '../task/task.ts'
import { VANISHED } from './backing-error.ts'
import type { KeptCondition } from './kept-condition.ts'
import { Progress } from './progress.ts'
import { answerRequestSense } from './request-sense.ts'

/**
 * What a command needs.
 *
 *     always   nothing: also while the unit is formatted or sanitized
 *     unit     no medium
 *     erase    a medium, though the one before it may have failed
 *     medium   a medium that can be used
 */
export type Access = 'always' | 'unit' | 'erase' | 'medium'

/** Why the medium cannot be used, until an operation that makes it whole has ended well. */
export type MediumFailure = 'format' | 'sanitize'

const NOT_PRESENT = checkCondition(SenseKey.NOT_READY, SenseCode.MEDIUM_NOT_PRESENT)
const STOPPED = checkCondition(
  SenseKey.NOT_READY,
  SenseCode.LOGICAL_UNIT_NOT_READY_INITIALIZING_COMMAND_REQUIRED,
)
const FAILURES: Readonly<Record<MediumFailure, number>> = {
  format: SenseCode.MEDIUM_FORMAT_CORRUPTED,
  sanitize: SenseCode.SANITIZE_COMMAND_FAILED,
}

export class DiskState {
  /** Nothing stands there: all that READ, WRITE and TEST UNIT READY ask. */
  clear = true
  readonly #progress = new Progress()
  #operation: object | undefined
  #failure: MediumFailure | undefined
  #ejected = false
  #stopped = false
  #vanished = false
  /** The sense code that tells a low power condition; 0 in the active one. */
  #power = 0
  /** AUSE of the last SANITIZE. */
  #unrestrictedExit = false
  #kept: KeptCondition | undefined
  readonly #preventing = new Set<TargetNexus>()

  /** What a command is answered in place of what it asks for, if so. One that uses the medium ends a low power condition (SBC-3 4.20). */
  answer(cdb: Uint8Array, access: Access): Answer | undefined {
    if (access === 'always') return undefined
    const meanwhile = this.#progress.answer(cdb)
    if (meanwhile !== undefined || access === 'unit') return meanwhile
    if (this.#ejected) return NOT_PRESENT
    if (this.#stopped) return STOPPED
    const asked = cdb[0] === Opcode.TEST_UNIT_READY
    // Other commands ask the backing.
    if (this.#vanished && asked) return VANISHED
    if (this.#isUnusableFor(cdb, access)) {
      return checkCondition(SenseKey.MEDIUM_ERROR, FAILURES[this.#failure!])
    }
    if (!asked) this.power(0)
    return undefined
  }

  /**
   * REQUEST SENSE: what a command would be told, an informational exception, or the power condition (SPC-4 6.39, 5.12).
   *
   * @param exception the sense code of the informational exception, or 0
   */
  requestSense(cdb: Uint8Array, exception: number): Answer {
    const meanwhile = this.#progress.answer(cdb)
    if (meanwhile !== undefined) return meanwhile
    const [key, found] = this.#condition()
    const code = key === SenseKey.NO_SENSE && exception !== 0 ? exception : found
    return answerRequestSense(cdb, key, code)
  }

  #condition(): readonly [key: number, code: number] {
    if (this.#ejected) return [SenseKey.NOT_READY, SenseCode.MEDIUM_NOT_PRESENT]
    if (this.#stopped) {
      return [SenseKey.NOT_READY, SenseCode.LOGICAL_UNIT_NOT_READY_INITIALIZING_COMMAND_REQUIRED]
    }
    if (this.#vanished) {
      return [SenseKey.NOT_READY, SenseCode.LOGICAL_UNIT_NOT_READY_MANUAL_INTERVENTION_REQUIRED]
    }
    return [SenseKey.NO_SENSE, this.#power]
  }

  /** After a SANITIZE that failed, only another one helps (SBC-3 4.11.3). */
  #isUnusableFor(cdb: Uint8Array, access: Access): boolean {
    if (this.#failure === undefined || access === 'medium') return this.#failure !== undefined
    return this.#failure === 'sanitize' && cdb[0] === Opcode.FORMAT_UNIT
  }

  /** Operations are noted there from now on. One that an earlier target has left unfinished has failed. */
  keep(kept: KeptCondition): void {
    const { left } = kept
    this.#kept = kept
    if (left === undefined) return
    this.#unrestrictedExit = left === 'sanitizing, unrestricted exit'
    this.#failure = left === 'formatting' ? 'format' : 'sanitize'
    this.#settle()
  }

  /**
   * An operation begins that leaves a medium which cannot be used, should it not end well.
   *
   * @param unrestrictedExit AUSE of SANITIZE: EXIT FAILURE MODE may end its failure
   * @throws what keeps that from being noted; nothing is changed then
   */
  begin(
    operation: object,
    failure: MediumFailure,
    notReady: number,
    unrestrictedExit: boolean | undefined,
  ): void {
    const sanitizing = unrestrictedExit === true ? 'sanitizing, unrestricted exit' : 'sanitizing'
    this.#kept?.begin(failure === 'format' ? 'formatting' : sanitizing)
    if (unrestrictedExit !== undefined) this.#unrestrictedExit = unrestrictedExit
    this.progress(operation, 0, notReady)
  }

  /** An operation goes on. @param notReady its additional sense code */
  progress(operation: object, done: number, notReady: number): void {
    this.#operation = operation
    this.#progress.tell(operation, done, { notReady })
    this.#settle()
  }

  /** It is over, and has left the medium so. */
  finished(operation: object, failure: MediumFailure | undefined): void {
    this.#progress.end(operation)
    if (this.#operation === operation) this.#operation = undefined
    this.#left(failure)
  }

  /** EXIT FAILURE MODE: only a SANITIZE that failed and allowed it is left behind by it. False: it is not. */
  exitFailure(): boolean {
    if (this.#failure !== 'sanitize') return true
    if (this.#unrestrictedExit) this.#left(undefined)
    return this.#unrestrictedExit
  }

  #left(failure: MediumFailure | undefined): void {
    this.#failure = failure
    if (failure === undefined) this.#kept?.end()
    this.#settle()
  }

  /** The backing is gone. */
  vanish(): void {
    this.#vanished = true
    this.#settle()
  }

  get ejected(): boolean {
    return this.#ejected
  }

  /** The medium is taken out, or put in again. */
  eject(ejected: boolean): void {
    this.#ejected = ejected
    this.#settle()
  }

  /** The unit is stopped, or started: then in the active power condition. */
  stop(stopped: boolean): void {
    this.#stopped = stopped
    this.power(0)
  }

  /** @param code the sense code of a low power condition, or 0 */
  power(code: number): void {
    this.#power = code
    this.#settle()
  }

  /** Whether a nexus keeps the medium in. */
  get prevented(): boolean {
    return this.#preventing.size > 0
  }

  prevent(nexus: TargetNexus, prevent: boolean): void {
    if (prevent) this.#preventing.add(nexus)
    else this.#preventing.delete(nexus)
  }

  /** LOGICAL UNIT RESET: started, in full power, and nobody keeps the medium in. An operation goes on. */
  reset(): void {
    this.#preventing.clear()
    this.stop(false)
  }

  #settle(): void {
    this.clear =
      this.#operation === undefined &&
      this.#failure === undefined &&
      !this.#ejected &&
      !this.#stopped &&
      !this.#vanished &&
      this.#power === 0
  }
}
