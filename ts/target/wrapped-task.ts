/** A task as a unit of the caller's own has it, or a unit behind a handler: its transfers are made, its answer is handed over, once. */

import { SgringError } from '../errors.ts'
import { type Answer, good } from '../task/answer.ts'
import { Status } from '../task/command.ts'
import type { FunctionResult } from '../task/function.ts'
import type {
  Background,
  Backing,
  BackingOperation,
  BackingRange,
  OperationDone,
  TargetNexus,
  Task,
  TaskOwner,
  TransferDone,
} from '../task/task.ts'
import { checkBytes, isAbort, isThenable } from './foreign.ts'
import type { Unit } from './unit.ts'

/** Who hears of the end. */
export interface WrappedEnd {
  /** Called once, unless the task is left before, or failed. `taken` is always there. */
  answered(answer: Answer): void
  /** The unit has thrown this, or rejected with it; `open` if the task was neither answered nor left before. */
  failed(error: unknown, open: boolean): void
}

/** The end of a transfer, which finds nothing out, or of an operation. */
type Over = (task: Task, errno: number, value?: number) => void

/**
 * The same task, answered to `end`. It is one command's alone, where a port has its tasks anew for others: what a unit does with it after its
 * end throws, and meets nobody else's command.
 */
export class WrappedTask implements Task {
  readonly nexus: TargetNexus
  readonly lun: number
  readonly plain: boolean
  readonly function: number
  readonly cdb: Uint8Array
  readonly cdbLength: number
  readonly attribute: number
  readonly priority: number
  readonly tag: bigint
  readonly ownTag: boolean
  readonly managedTag: bigint
  readonly sentAt: number
  readonly dataOutLength: number
  readonly dataInLength: number
  /** What is kept is kept already when the unit has it. */
  readonly kept = undefined
  /** The target hears of the end of the task itself. */
  owner: TaskOwner | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  readonly #task: Task
  readonly #end: WrappedEnd
  #open = true
  /** Whether the last transfer was one of data-out. */
  #wrote = false
  #transferring = false
  #left: (() => void) | undefined

  constructor(task: Task, end: WrappedEnd) {
    this.#task = task
    this.#end = end
    this.nexus = task.nexus
    this.lun = task.lun
    this.plain = task.plain
    this.function = task.function
    this.cdb = task.cdb
    this.cdbLength = task.cdbLength
    this.attribute = task.attribute
    this.priority = task.priority
    this.tag = task.tag
    this.ownTag = task.ownTag
    this.managedTag = task.managedTag
    this.sentAt = task.sentAt
    this.dataOutLength = task.dataOutLength
    this.dataInLength = task.dataInLength
  }

  /** Hands the task to the unit. */
  run(unit: Unit): void {
    this.#guarded(() => {
      const returned: unknown = unit.execute(this)
      if (!isThenable(returned)) return
      Promise.resolve(returned).then(undefined, (error) => {
        if (this.#open || !isAbort(error)) this.#fail(error)
      })
    })
  }

  /**
   * Takes the task away from the unit: nothing that it still does counts, and it is told as of an abort. `then` is called at once, or at
   * the end of a transfer that is under way, because until then bytes move.
   */
  leave(then: () => void): void {
    const told = this.#open ? this.onAbort : undefined
    this.#close()
    if (told !== undefined) this.#guarded(told)
    if (this.#transferring) this.#left = then
    else then()
  }

  copyDataOut(length: number): Uint8Array {
    this.#check()
    return this.#task.copyDataOut(length)
  }

  good(): void {
    this.answer(good())
  }

  answer(answer: Answer): void {
    this.#checkIdle()
    const { data, sense, taken = 0 } = answer
    // First: bytes that cannot be read leave the task to be answered.
    const checked = {
      ...answer,
      ...(data !== undefined && { data: checkBytes('data', data) }),
      ...(sense !== undefined && { sense: checkBytes('sense', sense) }),
      taken,
    }
    this.#close()
    this.#end.answered(checked)
  }

  moved(length: number): void {
    const status = Status.GOOD
    this.answer(this.#wrote ? { status, taken: length } : { status, moved: length })
  }

  read(backing: Backing, offset: number, length: number, done: TransferDone): void {
    this.#wrote = false
    this.#transfer(done, (over) => this.#task.read(backing, offset, length, over))
  }

  write(backing: Backing, offset: number, length: number, fua: boolean, done: TransferDone): void {
    this.#wrote = true
    this.#transfer(done, (over) => this.#task.write(backing, offset, length, fua, over))
  }

  flush(backing: Backing, done: TransferDone): void {
    this.#transfer(done, (over) => this.#task.flush(backing, over))
  }

  operate(
    backing: Backing,
    operation: BackingOperation,
    range: BackingRange,
    done: OperationDone,
  ): void {
    this.#transfer(done, (over) => this.#task.operate(backing, operation, range, over))
  }

  elsewhere(done: () => void): () => void {
    let over = () => {}
    this.#transfer(done, (end) => {
      over = this.#task.elsewhere(() => end(this, 0))
    })
    return over
  }

  get background(): Background {
    return this.#task.background
  }

  abort(status: number | undefined): void {
    if (this.#open) this.#task.abort(status)
  }

  respond(result: FunctionResult): void {
    this.#check()
    this.#task.respond(result)
  }

  #transfer(done: OperationDone, start: (over: Over) => void): void {
    this.#checkIdle()
    // Before it starts, because it may be over before `start` returns.
    this.#transferring = true
    try {
      start((_task, errno, value = 0) => {
        this.#transferring = false
        if (this.#open) this.#guarded(() => done(this, errno, value))
        else this.#left?.()
      })
    } catch (error) {
      this.#transferring = false
      throw error
    }
  }

  /** Runs what is the unit's own. */
  #guarded(part: () => void): void {
    try {
      part()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const open = this.#open
    this.#close()
    this.#end.failed(error, open)
  }

  #close(): void {
    this.#open = false
    this.onAbort = undefined
  }

  #check(): void {
    if (this.#open) return
    throw new SgringError('ERR_SGRING_CLOSED', 'the task was answered before, or aborted')
  }

  /** While a transfer runs its bytes move. */
  #checkIdle(): void {
    this.#check()
    if (!this.#transferring) return
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'a transfer of the task still runs')
  }
}
