/** A command that was sent and that its caller gave up on: from its ABORT TASK to its end. */

import { TransportError } from '../errors.ts'
import { type FunctionResult, ServiceResponse } from '../task/function.ts'
import type { Commands } from './commands.ts'
import type { FunctionCall } from './function-call.ts'
import type { Outstanding } from './outstanding.ts'

const UNANSWERED =
  'the command was given up, and did not end within abortTimeoutMs of its ABORT TASK, which was not answered, or was refused'
const NO_ANSWER = 'a command ended neither by its ABORT TASK nor by LOGICAL UNIT RESET in time'

/**
 * Only the command's own completion says what became of it: ended without a response, it is aborted; with one, it was faster. The answer
 * to the ABORT TASK says no more than that the command's tag may be used again: before it, a new command of that name could be meant. A
 * refusal is such an answer: the command has no longer to end than without one, and what comes of that is the same, unless its target
 * ends it by itself (`Commands.endsByItself`).
 */
export class Abort {
  /** Why the caller gave up. */
  readonly reason: unknown
  readonly #commands: Commands
  readonly #task: Outstanding
  #call: FunctionCall | undefined
  /** Answered, or never sent. */
  #answered = false
  /** The command's completion came. */
  #over = false
  #resetting = false
  /** Settles a command that is over, and whose tag is not its caller's again yet. */
  #held: (() => void) | undefined

  constructor(commands: Commands, task: Outstanding, reason: unknown) {
    this.#commands = commands
    this.#task = task
    this.reason = reason
  }

  /** Sends it, and gives the target `abortTimeoutMs`. */
  begin(): void {
    const { pair, functions, options } = this.#commands
    const { lunBytes, tag, tagLow } = this.#task
    const low = tag === undefined ? tagLow : Number(tag & 0xffff_ffffn)
    const high = tag === undefined ? pair.tagHigh : Number(tag >> 32n)
    this.#call = functions.abort(lunBytes, low, high, (result) => this.#answer(result))
    // To send it may publish, and take completions.
    if (!this.#over) pair.wheel.start(this.#task, options.abortTimeoutMs)
    else if (functions.drop(this.#call)) this.#answer(undefined)
  }

  /** The command's completion came: an ABORT TASK that waits is not sent any more. */
  ended(): void {
    this.#over = true
    if (this.#call !== undefined && this.#commands.functions.drop(this.#call)) this.#answered = true
  }

  /** Whether the command is over, and its caller's tag is in use until the ABORT TASK is answered. */
  get keepsTag(): boolean {
    return this.#over && !this.#answered && this.#task.tag !== undefined
  }

  /** Settles the command when its tag is its caller's again. */
  hold(settle: () => void): void {
    this.#held = settle
    this.#commands.pair.wheel.start(this.#task, this.#commands.options.abortTimeoutMs)
  }

  /** Another target has the command, and the ABORT TASK behind it. */
  resumed(): void {
    const { pair, options } = this.#commands
    if (this.#task.deadline === 0) return
    pair.wheel.stop(this.#task)
    pair.wheel.start(this.#task, options.abortTimeoutMs)
  }

  /** The target has not answered in time; while there is none, there is nobody to be late. */
  expired(): void {
    const { pair, options } = this.#commands
    if (pair.isInterrupted) pair.wheel.start(this.#task, options.abortTimeoutMs)
    else if (this.#over) this.#release()
    else if (this.#resetting) this.#commands.pair.giveUp(NO_ANSWER)
    else this.#unanswered()
  }

  #unanswered(): void {
    const { pair, functions, options } = this.#commands
    const task = this.#task
    if (!task.settled) {
      const unanswered = new TransportError('ERR_SGRING_ABORT_UNANSWERED', UNANSWERED, {
        cause: this.reason,
      })
      this.#commands.quarantine(task, unanswered)
    }
    // Where others of the unit have not been answered, one that never left says nothing of it.
    if (!options.resetUnanswered || this.#call?.sent !== true) return
    this.#resetting = true
    pair.wheel.start(task, options.abortTimeoutMs)
    functions.reset(task.lunBytes)
  }

  #answer(result: FunctionResult | undefined): void {
    const kept = this.keepsTag
    this.#answered = true
    // What the kernel has ends by itself; of any other target nobody says that it will.
    const rejected = result?.response === ServiceResponse.FUNCTION_REJECTED
    if (!this.#over && rejected && this.#commands.endsByItself)
      this.#commands.pair.wheel.stop(this.#task)
    if (!kept) return
    this.#commands.forgetTag(this.#task)
    this.#release()
  }

  #release(): void {
    const settle = this.#held
    this.#held = undefined
    settle?.()
  }
}
