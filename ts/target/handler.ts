/** Handlers: a function that answers commands, over a unit that answers the others. */

import type { Answer } from '../task/answer.ts'
import type { TaskAttribute } from '../task/command.ts'
import type { TargetNexus } from '../task/task.ts'
import type { ProgressOptions } from './progress.ts'
import type { Repetition } from './repetition.ts'
import type { UnitContext } from './unit.ts'

/**
 * Answers one command, now or later: `good()`, `checkCondition()`, `status()`, or what `next()` resolves with, which is the answer of the
 * unit that the handler stands before. So it overrides what it wants, and leaves the rest alone.
 *
 * Any number of commands are in a handler at a time. One that never answers delays nobody: the command can be aborted, and is over then;
 * what the handler returns later is dropped, and counted. What it throws or rejects with, and an answer that is none (a status that
 * SAM-5 does not have, data that are no bytes), is answered HARDWARE ERROR, INTERNAL TARGET FAILURE, with an event `unitFailed`.
 *
 * @param next runs the unit behind on this command, its bytes moving in place, and resolves with its answer, which the handler returns, or
 * not. At most once, and not after the answer: else it rejects with `ERR_SGRING_CLOSED`. It rejects with the signal's reason when the
 * command is aborted meanwhile.
 * @example
 * const worn: Handler = (task, next) =>
 *   task.cdb[0] === 0x2a ? checkCondition(SenseKey.DATA_PROTECT, 0x2700) : next()
 * const server = await serve({
 *   listen: '/run/user/1000/disk.sock',
 *   units: [{ memory: 1 << 20, handler: worn }],
 * })
 */
export type Handler = (task: HandlerTask, next: () => Promise<Answer>) => Answer | Promise<Answer>

/** What else of a unit a handler may hear of, each before the unit behind it does. */
export interface HandlerHooks {
  /** As `Unit.attach`: called once for each LUN of the unit, before any command. */
  attach?(context: UnitContext): void
  /** As `Unit.reset`: LOGICAL UNIT RESET, once every command there is aborted. */
  reset?(): void
  /**
   * As `Unit.repetition`: what becomes of a command, by its CDB, should the target die over it and leave a ledger (`ServeOptions.state`). A
   * handler may do anything about a command that only reads behind it, such as count it, or hand out what it asks for once: without this
   * hook no command of its unit is carried out again that was begun. `undefined` is for what the handler passes on, and nothing else: the
   * unit behind says it then.
   *
   * @param length of the CDB; what lies beyond in `cdb` does not count
   * @example
   * const server = await serve({
   *   listen: '/run/user/1000/disk.sock',
   *   units: [
   *     {
   *       memory: 1 << 20,
   *       handler: (task, next) => (task.cdb[0] === 0xc1 ? good(Buffer.from('one of them')) : next()),
   *       repetition: (cdb) => (cdb[0] === 0xc1 ? 'never' : undefined),
   *     },
   *   ],
   * })
   */
  repetition?(cdb: Uint8Array, length: number): Repetition | undefined
}

/**
 * A command, as a handler has it: a copy, so it may be kept as long as one likes.
 *
 * @example
 * const echo: Handler = (task, next) => (task.cdb[0] === 0xc1 ? good(task.dataOut) : next())
 */
export interface HandlerTask {
  /** The I_T nexus that the command came on. */
  readonly nexus: TargetNexus
  /** The logical unit number, 0 to 16,383. */
  readonly lun: number
  /** The task tag. */
  readonly tag: bigint
  /** Task attribute (SAM-5 8.7). The order that it asks for is kept already. */
  readonly attribute: TaskAttribute
  /** Command priority (SAM-5 8.8): 1 is the highest, 15 the lowest, 0 none. */
  readonly priority: number
  /** The CDB, 6 to 260 bytes. */
  readonly cdb: Uint8Array
  /**
   * Bytes that the initiator sent, in a copy made when it is first asked for; of length 0 once the command is aborted. Whoever looks at them
   * and answers GOOD has taken all, unless the answer says otherwise by `taken`.
   */
  readonly dataOut: Uint8Array
  /** How many those are. */
  readonly dataOutLength: number
  /** Bytes that the initiator has room for. An answer may have more: they are cut, and its residual is negative. */
  readonly dataInLength: number
  /** The unit's side of its target: `task.unit.attention(SenseCode.MODE_PARAMETERS_CHANGED, { except: task.nexus })`. */
  readonly unit: UnitContext
  /**
   * Aborts when the command does: by a task management function, or with its nexus. Hand it to whatever the handler waits for. What a
   * listener of it throws is an uncaught exception, as of every `EventTarget` of Node's: it ends the process.
   */
  readonly signal: AbortSignal
  /**
   * Tells how far a long operation has come. Until this command is over, or `until` settles, REQUEST SENSE, of any nexus, is answered NO
   * SENSE, OPERATION IN PROGRESS with it, or NOT READY with `notReady` (SPC-4 6.39). Later it does nothing.
   *
   * @param done 0 to 1
   */
  progress(done: number, options?: ProgressOptions): void
}

/** Live numbers of handlers. */
export interface HandlerStats {
  /** Commands whose handler has not returned yet, those that are over all the same among them. */
  readonly running: number
  /**
   * Answers and errors that were dropped, because they came after the abort of their command. A handler that rejects with an `AbortError`,
   * as its signal has it, is not late.
   */
  readonly late: number
  /** Commands that were answered INTERNAL TARGET FAILURE, because their handler failed. */
  readonly failed: number
}
