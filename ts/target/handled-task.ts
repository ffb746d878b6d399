/** One command under a handler: what the handler sees of it, and its way to one answer, or none. */

import { SgringError } from '../errors.ts'
import { lunOfWord } from '../scsi/lun.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import { Status, type TaskAttribute } from '../task/command.ts'
import type { TargetNexus, Task } from '../task/task.ts'
import { checkAnswer, isAbort, isThenable } from './foreign.ts'
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
  /** Bytes that the unit behind has moved to data-in, and taken of data-out. */
  #moved = 0
  #taken = 0

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
    let returned: unknown
    try {
      returned = handler(this, () => this.#next())
      if (isThenable(returned)) {
        Promise.resolve(returned).then(
          (answer) => this.#give(answer),
          (error) => this.#fail(error),
        )
        return
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#give(returned)
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
          this.#taken = answer.taken ?? 0
          resolve(ownCopy(answer))
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
    if (this.#dataOut !== undefined) detach(this.#dataOut)
    this.#dataOut = undefined
    this.#wrapped?.leave(() => {})
    if (!wasOpen) return
    this.#controller?.abort()
    this.#rejectNext?.(this.signal.reason)
    this.#rejectNext = undefined
  }

  /**
   * The answer, read once. Where it does not say what was taken, GOOD took all of data-out that the handler has looked at, or else what the
   * unit behind took.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` with what makes it none
   */
  #checked(value: unknown): Answer {
    const answer = checkAnswer(value, this.#moved)
    if (answer.taken !== undefined || answer.status !== Status.GOOD) return answer
    return { ...answer, taken: this.#dataOut === undefined ? this.#taken : this.dataOutLength }
  }
}

/** The bytes of an answer may be a unit's own, such as its INQUIRY data. */
function ownCopy(answer: Answer): Answer {
  const { data, sense } = answer
  return {
    ...answer,
    ...(data !== undefined && { data: new Uint8Array(data) }),
    ...(sense !== undefined && { sense: new Uint8Array(sense) }),
  }
}

/** Takes the bytes out of every view of them. A handler may have done so itself, or seen to it that nobody does. */
function detach({ buffer }: Uint8Array): void {
  if (buffer.byteLength === 0) return
  try {
    BYTES.set(buffer, structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }))
  } catch {
    // Then it has a copy that is nobody else's: so may it be.
  }
}

/**
 * Detached bytes, by the buffer that had them: they live as long as it does. A native write that the handler began, such as that of a file,
 * holds the view and knows the address; it goes on to read there, so the memory must not be another's before it is over.
 */
const BYTES = new WeakMap<object, unknown>()
