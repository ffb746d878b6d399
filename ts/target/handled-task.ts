/** One command under a handler: what the handler sees of it, and its way to one answer, or none. */

import { SgringError } from '../errors.ts'
import { lunOfWord } from '../scsi/lun.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import { Status, type TaskAttribute } from '../task/command.ts'
import type { TargetNexus, Task } from '../task/task.ts'
import type { Handler, HandlerTask } from './handler.ts'
import type { Progress, ProgressOptions } from './progress.ts'
import type { Unit, UnitContext } from './unit.ts'
import { WrappedTask } from './wrapped-task.ts'

/** What the commands of one handler have in common. */
export interface HandlerHost {
  readonly handler: Handler
  /** The unit behind it. */
  readonly unit: Unit
  readonly progress: Progress
  /** What the unit can ask of its target at this LUN. */
  context(lun: number): UnitContext
  /** A handler has been called. */
  called(): void
  /** It has returned, or thrown; `late` if its command was aborted before, and that is not what it says. */
  returned(late: boolean): void
  /** A handler or the unit has failed, with this. */
  failed(error: unknown): void
}

const INTERNAL_TARGET_FAILURE = checkCondition(
  SenseKey.HARDWARE_ERROR,
  SenseCode.INTERNAL_TARGET_FAILURE,
)

const STATUSES: ReadonlySet<unknown> = new Set(Object.values(Status))
/** Residuals are 32-bit numbers with a sign. */
const MAX_COUNT = 2 ** 31 - 1

/** See `HandlerTask`. */
export class HandledTask implements HandlerTask {
  readonly nexus: TargetNexus
  readonly lun: number
  readonly tag: bigint
  readonly attribute: TaskAttribute
  readonly priority: number
  readonly cdb: Uint8Array
  readonly dataOutLength: number
  readonly dataInLength: number
  readonly unit: UnitContext
  readonly #task: Task
  readonly #host: HandlerHost
  /** `answering`: the answer waits for the end of a transfer. */
  #state: 'open' | 'answering' | 'over' | 'aborted' = 'open'
  #dataOut: Uint8Array | undefined
  #controller: AbortController | undefined
  #wrapped: WrappedTask | undefined
  #rejectNext: ((reason: unknown) => void) | undefined
  /** Data-in bytes that the unit behind has moved. */
  #moved = 0

  private constructor(task: Task, host: HandlerHost) {
    this.#task = task
    this.#host = host
    this.nexus = task.nexus
    this.lun = lunOfWord(task.lun)
    this.tag = task.tag
    this.attribute = task.attribute as TaskAttribute
    this.priority = task.priority
    this.cdb = task.cdb.slice(0, task.cdbLength)
    this.dataOutLength = task.dataOutLength
    this.dataInLength = task.dataInLength
    this.unit = host.context(this.lun)
  }

  /** Calls the handler on a task. */
  static run(task: Task, host: HandlerHost): void {
    new HandledTask(task, host).#run()
  }

  get dataOut(): Uint8Array {
    this.#dataOut ??=
      this.#state === 'open' ? this.#task.copyDataOut(this.dataOutLength) : new Uint8Array(0)
    return this.#dataOut
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#state === 'aborted') this.#controller.abort()
    return this.#controller.signal
  }

  progress(done: number, options?: ProgressOptions): void {
    const { progress } = this.#host
    if (this.#state === 'open' || progress.has(this)) progress.tell(this, done, options)
  }

  #run(): void {
    const { handler, called } = this.#host
    this.#task.onAbort = () => this.#abort()
    called()
    try {
      const returned: unknown = handler(this, () => this.#next())
      if (isThenable(returned)) {
        Promise.resolve(returned).then(
          (answer) => this.#give(answer),
          (error) => this.#fail(error),
        )
      } else {
        this.#give(returned)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Runs the unit behind. Who calls it and does not look at its promise ends no process by that. */
  #next(): Promise<Answer> {
    const next = new Promise<Answer>((resolve, reject) => {
      if (this.#state !== 'open' || this.#wrapped !== undefined) {
        reject(
          new SgringError(
            'ERR_SGRING_CLOSED',
            this.#state === 'open' ? 'next() was called before' : 'the command is over',
          ),
        )
        return
      }
      this.#rejectNext = reject
      this.#wrapped = new WrappedTask(this.#task, {
        answered: (answer) => {
          this.#rejectNext = undefined
          this.#moved = answer.moved ?? 0
          resolve(answer)
        },
        failed: (error) => {
          // Behind its answer nobody waits for it any more.
          if (this.#rejectNext === undefined) this.#host.failed(error)
          else reject(error)
          this.#rejectNext = undefined
        },
      })
      this.#wrapped.run(this.#host.unit)
    })
    next.catch(() => {})
    return next
  }

  #give(returned: unknown): void {
    if (this.#state !== 'open') {
      this.#host.returned(true)
      return
    }
    let answer: Answer
    try {
      answer = this.#checked(returned)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#host.returned(false)
    this.#answer(answer)
  }

  #fail(error: unknown): void {
    const over = this.#state !== 'open'
    this.#host.returned(over && !isAbort(error))
    if (over) return
    this.#host.failed(error)
    this.#answer(INTERNAL_TARGET_FAILURE)
  }

  /** A unit that the handler did not wait for is left; a transfer of it ends first. */
  #answer(answer: Answer): void {
    this.#host.progress.answered(this)
    this.#state = 'answering'
    const give = () => {
      if (this.#state !== 'answering') return
      this.#state = 'over'
      this.#task.onAbort = undefined
      this.#task.answer(answer)
    }
    if (this.#wrapped === undefined) give()
    else this.#wrapped.leave(give)
  }

  #abort(): void {
    this.#host.progress.end(this)
    const wasOpen = this.#state === 'open'
    this.#state = 'aborted'
    detach(this.#dataOut)
    this.#wrapped?.leave(() => {})
    if (!wasOpen) return
    this.#controller?.abort()
    this.#rejectNext?.(this.signal.reason)
    this.#rejectNext = undefined
  }

  /**
   * The answer, read once, with `taken`.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` with what makes it none
   */
  #checked(value: unknown): Answer {
    if (typeof value !== 'object' || value === null) throw wrong('an answer is an object', value)
    const { status, data, sense, taken, moved } = value as Partial<Answer>
    if (!STATUSES.has(status)) throw wrong('status is one of SAM-5', status)
    if (data !== undefined && !(data instanceof Uint8Array)) {
      throw wrong('data is a Uint8Array', data)
    }
    if (sense !== undefined && !(sense instanceof Uint8Array)) {
      throw wrong('sense is a Uint8Array', sense)
    }
    if (taken !== undefined && !isCount(taken, MAX_COUNT)) {
      throw wrong('taken is a number of bytes', taken)
    }
    if (moved !== undefined && (data !== undefined || !isCount(moved, this.#moved))) {
      throw wrong('moved is at most what next() has moved, and without data', moved)
    }
    return {
      status: status as number,
      ...(data !== undefined && { data }),
      ...(sense !== undefined && { sense }),
      ...(moved !== undefined && { moved }),
      taken: taken ?? (status === Status.GOOD ? this.dataOutLength : 0),
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** As `signal.reason` is, and what Node's own functions reject with that were given the signal. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function isCount(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

/** Takes the bytes out of every view of them. */
function detach(view: Uint8Array | undefined): void {
  // A handler may have transferred them to a worker itself.
  if (view === undefined || view.buffer.byteLength === 0) return
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] })
}

function wrong(rule: string, value: unknown): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', `a handler: ${rule}, not ${String(value)}`)
}
