/**
 * The mode parameters of a disk (SPC-4 7.5, SBC-3 6.4): what of them can be changed, and what that does.
 *
 *     caching   WCE       0: every write is on the medium when it is answered
 *               RCD       1: every read comes from the medium
 *     control   D_SENSE   sense data in descriptor format, whoever answers for the unit
 *               QERR      which other commands CHECK CONDITION ends
 *               SWP       1: nothing may write
 *               TAS       commands that other nexuses abort end in TASK ABORTED
 *     informational
 *     exceptions
 *     control   TEST      REQUEST SENSE tells a failure that is none, as a device tells that it will fail (MRIE 6)
 *               DEXCPT    1: it tells none
 *
 * WCE and RCD can be changed where there is a volatile cache. Everything else stays as it is.
 */

import { SgringError } from '../errors.ts'
import type { Caching } from '../scsi/mode-block.ts'
import type { Control, InformationalExceptionsControl } from '../scsi/mode-common.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import type { Answer } from '../task/answer.ts'
import { Status } from '../task/command.ts'
import type { Backing, Task, TransferDone } from '../task/task.ts'
import { type Medium, pagesOf, RESERVED_QERR } from './disk-mode-pages.ts'
import { parameterListLength, readModeSelect, savesPages } from './disk-mode-select.ts'
import { answerDiskModeSense } from './disk-mode-sense.ts'

/** The mode parameters that MODE SELECT can change, by their names in the pages. */
export type DiskModeValues = Pick<Caching, 'wce' | 'rcd'> &
  Pick<Control, 'dSense' | 'qErr' | 'swp' | 'tas'> &
  Pick<InformationalExceptionsControl, 'dexcpt' | 'test'>

/** What a disk's user says of its mode parameters. */
export interface DiskModeOptions {
  /** Values that MODE SELECT saved before: the unit starts with them, and LOGICAL UNIT RESET goes back to them. Default: the default values. */
  readonly savedModes?: Partial<DiskModeValues> | undefined
  /**
   * Called with all values when MODE SELECT with SP has saved them. The unit keeps them in memory: to have them after the next start, store
   * them, and pass them as `savedModes`. Must not throw.
   */
  readonly onSaved?: ((saved: DiskModeValues) => void) | undefined
}

/** What the mode parameters need of their disk. */
export interface DiskModeHost {
  readonly backing: Backing
  /** Asked at each MODE SENSE and MODE SELECT. */
  readonly medium: () => Medium
  /** TAS as long as nobody changes it. */
  readonly taskAbortedStatus: boolean
  /** The answer for an errno of the backing. */
  readonly failed: (errno: number) => Answer
  /** Establishes a unit attention condition for everyone who has not sent the task. */
  readonly tellOthers: (task: Task, code: number) => void
}

/** See above. What commands ask for on their way is a field read. */
export class DiskMode {
  readonly #host: DiskModeHost
  readonly #onSaved: DiskModeOptions['onSaved']
  readonly #default: DiskModeValues
  #saved: DiskModeValues
  #current: DiskModeValues
  /** Writes are on the medium when they are answered (WCE 0). */
  writesThrough = false
  /** Reads come from the medium (RCD 1). */
  readsThrough = false
  /** Nothing may write: the backing is read-only, or SWP is 1. */
  writeProtected = false

  /** @throws `ERR_SGRING_INVALID_ARGUMENT` for saved values that their fields cannot have */
  constructor(host: DiskModeHost, { savedModes, onSaved }: DiskModeOptions) {
    const { volatileCache } = host.medium()
    this.#host = host
    this.#onSaved = onSaved
    this.#default = {
      wce: volatileCache,
      rcd: false,
      dSense: false,
      qErr: 0,
      swp: false,
      tas: host.taskAbortedStatus,
      dexcpt: false,
      test: false,
    }
    this.#saved = this.#default
    if (savedModes !== undefined) {
      // What was saved of a cache that is no longer there does not count.
      const cache = volatileCache ? {} : { wce: false, rcd: false }
      this.#saved = checked({ ...this.#default, ...savedModes, ...cache }, host.medium())
    }
    this.#current = this.#saved
    this.#apply(this.#saved)
  }

  /** D_SENSE. */
  get descriptorSense(): boolean {
    return this.#current.dSense
  }

  /** QERR. */
  get queueError(): number {
    return this.#current.qErr
  }

  /** TAS. */
  get taskAbortedStatus(): boolean {
    return this.#current.tas
  }

  /** The sense code of an informational exception, 0 if there is none (SPC-4 5.11.1). */
  get exception(): number {
    const { test, dexcpt } = this.#current
    return test && !dexcpt ? SenseCode.FAILURE_PREDICTION_THRESHOLD_EXCEEDED_FALSE : 0
  }

  /** LOGICAL UNIT RESET: the saved values are the current ones (SPC-4 5.11). */
  reset(): void {
    this.#apply(this.#saved)
  }

  /** MODE SENSE(6) and (10). */
  sense({ cdb, nexus }: Task): Answer {
    const values = { current: this.#current, default: this.#default, saved: this.#saved }
    return answerDiskModeSense(cdb, this.#host.medium(), values, nexus.readOnly)
  }

  /**
   * MODE SELECT(6) and (10). What the cache holds is on the medium before the answer, when from now on nothing may rest in it (WCE), or be
   * written (SWP). If that fails, the values are changed all the same: whatever is written next is safe.
   */
  select(task: Task): void {
    const medium = this.#host.medium()
    const before = this.#current
    const outcome = readModeSelect(task, medium, pagesOf(medium, before))
    if ('status' in outcome) {
      task.answer(outcome)
      return
    }
    const now: DiskModeValues = { ...before, ...outcome }
    this.#apply(now)
    if (!same(before, now)) this.#host.tellOthers(task, SenseCode.MODE_PARAMETERS_CHANGED)
    if (savesPages(task.cdb)) {
      this.#saved = now
      this.#onSaved?.(now)
    }
    const flush = (before.wce && !now.wce) || (!before.swp && now.swp)
    if (flush && medium.volatileCache) task.flush(this.#host.backing, this.#hasFlushed)
    else answerGood(task)
  }

  readonly #hasFlushed: TransferDone = (task, errno) => {
    if (errno === 0) answerGood(task)
    else task.answer(this.#host.failed(errno))
  }

  #apply(values: DiskModeValues): void {
    const { volatileCache, readOnly } = this.#host.medium()
    this.#current = values
    this.writesThrough = volatileCache && !values.wce
    this.readsThrough = volatileCache && values.rcd
    this.writeProtected = readOnly || values.swp
  }
}

/** The values, if pages can say them. */
function checked(values: DiskModeValues, medium: Medium): DiskModeValues {
  pagesOf(medium, values)
  if (values.qErr === RESERVED_QERR) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'savedModes.qErr is 0, 1 or 3')
  }
  if (values.test && values.dexcpt) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'savedModes has test and dexcpt')
  }
  return values
}

function answerGood(task: Task): void {
  task.answer({ status: Status.GOOD, taken: parameterListLength(task.cdb) })
}

function same(one: DiskModeValues, other: DiskModeValues): boolean {
  return (Object.keys(one) as (keyof DiskModeValues)[]).every((name) => one[name] === other[name])
}
