/** Scripted faults: which commands go wrong, how often, and how. */

import { SgringError } from '../errors.ts'
import { parseBlockCdb } from '../scsi/block.ts'
import { checkUint, checkUint64 } from '../scsi/bytes.ts'
import { checkAnswer } from '../target/foreign.ts'
import type { Handler, HandlerTask } from '../target/handler.ts'
import type { Answer } from '../task/answer.ts'

/** Which commands a fault meets: those that all of these hold for. */
export interface FaultSelection {
  /** Operation code, or some of them. Default: any. */
  readonly opcode?: number | readonly number[]
  /** READs and WRITEs that touch this block. */
  readonly lba?: number | bigint
  /** Whatever else must hold. */
  readonly when?: (task: HandlerTask) => boolean
  /** How many of these commands go well first. Default: 0. */
  readonly after?: number
  /** How many it then meets. Default: 1; `Infinity` is all. */
  readonly times?: number
}

/** What goes wrong. */
export type FaultKind =
  /** It is answered this instead of being carried out. */
  | { readonly answer: Answer }
  /** Nobody ever answers it. It can be aborted. */
  | { readonly hang: true }
  /** It waits for `release()`, and is then carried out. */
  | { readonly delay: true }
  /** It is carried out, and its answer says that no more bytes than these moved; the residual says the rest. */
  | { readonly fewer: number }

/**
 * One fault.
 *
 * @example
 * const faults: Fault[] = [
 *   { lba: 7, answer: checkCondition(SenseKey.MEDIUM_ERROR, 0x1100), times: Infinity },
 *   { opcode: 0x12, hang: true },
 * ]
 */
export type Fault = FaultSelection & FaultKind

/** A fault that is in the script. */
export interface ScriptedFault {
  /** Commands that it has met. */
  readonly met: number
  /** Resolves when it has met `count` commands. Default: 1. */
  reached(count?: number): Promise<void>
  /** Lets the commands go that it delays. */
  release(): void
  /** It meets no more commands. Those that it delays go on. */
  remove(): void
}

/** The faults of one unit. A command meets the first one that is for it, in the order in which they were added. */
export class Faults {
  readonly #entries = new Set<Entry>()

  /** @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no fault */
  constructor(faults: Iterable<Fault> = []) {
    for (const fault of faults) this.add(fault)
  }

  /**
   * Adds one, for commands that come from now on.
   *
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no fault
   */
  add(fault: Fault): ScriptedFault {
    const entry = new Entry(fault, () => this.#entries.delete(entry))
    this.#entries.add(entry)
    return entry
  }

  /** Lets all commands go that are delayed. */
  release(): void {
    for (const entry of this.#entries) entry.release()
  }

  /** Removes all. */
  clear(): void {
    for (const entry of this.#entries) entry.remove()
  }

  /** The handler that makes them: over whatever `next()` is. */
  readonly handler: Handler = (task, next) => {
    for (const entry of this.#entries) {
      if (entry.meets(task)) return entry.carryOut(task, next)
    }
    return next()
  }
}

class Entry implements ScriptedFault {
  readonly #fault: Fault
  readonly #lba: bigint | undefined
  readonly #opcodes: readonly number[] | undefined
  readonly #leave: () => void
  readonly #delayed = new Set<() => void>()
  readonly #waiting = new Set<{ readonly count: number; reached(): void }>()
  #seen = 0
  #met = 0

  constructor(fault: Fault, leave: () => void) {
    checkFault(fault)
    const { lba, opcode } = fault
    this.#fault = fault
    this.#lba = lba === undefined ? undefined : checkUint64('lba', lba)
    this.#opcodes = typeof opcode === 'number' ? [opcode] : opcode
    this.#leave = leave
  }

  get met(): number {
    return this.#met
  }

  reached(count = 1): Promise<void> {
    if (this.#met >= count) return Promise.resolve()
    return new Promise((reached) => this.#waiting.add({ count, reached }))
  }

  release(): void {
    for (const go of this.#delayed) go()
    this.#delayed.clear()
  }

  remove(): void {
    this.#leave()
    this.release()
  }

  /** Whether this command is one of its: then it is counted. */
  meets(task: HandlerTask): boolean {
    const { when, after = 0, times = 1 } = this.#fault
    if (this.#opcodes?.includes(task.cdb[0]!) === false) return false
    if (this.#lba !== undefined && !touches(task.cdb, this.#lba)) return false
    if (when?.(task) === false) return false
    this.#seen++
    if (this.#seen <= after || this.#met >= times) return false
    this.#met++
    return true
  }

  carryOut(task: HandlerTask, next: () => Promise<Answer>): Promise<Answer> {
    const carried = this.#carryOut(task, next)
    // Behind it: who waits for the fault finds a delayed command delayed.
    for (const waiting of this.#waiting) {
      if (waiting.count > this.#met) continue
      this.#waiting.delete(waiting)
      waiting.reached()
    }
    return carried
  }

  async #carryOut(task: HandlerTask, next: () => Promise<Answer>): Promise<Answer> {
    const fault = this.#fault
    if ('answer' in fault) return fault.answer
    if ('hang' in fault) return new Promise(() => {})
    if ('fewer' in fault) return cut(await next(), fault.fewer)
    await new Promise<void>((go) => {
      this.#delayed.add(go)
      task.signal.addEventListener('abort', () => this.#delayed.delete(go), { once: true })
    })
    return next()
  }
}

/** @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no fault */
function checkFault(fault: Fault): void {
  if (typeof fault !== 'object' || fault === null) throw wrong('a fault is an object')
  const kinds = ['answer', 'hang', 'delay', 'fewer'].filter((kind) => kind in fault)
  if (kinds.length !== 1) {
    throw wrong(
      `a fault has one of answer, hang, delay and fewer, not ${kinds.join(' and ') || 'none'}`,
    )
  }
  if ('answer' in fault) checkAnswer(fault.answer, 0)
  if ('hang' in fault && fault.hang !== true) throw wrong('hang is true')
  if ('delay' in fault && fault.delay !== true) throw wrong('delay is true')
  if ('fewer' in fault) checkUint('fewer', fault.fewer, Number.MAX_SAFE_INTEGER)
  const { opcode = [], when, after = 0, times = 1 } = fault
  if (typeof opcode !== 'number' && !Array.isArray(opcode)) {
    throw wrong('opcode is a number, or a list of some')
  }
  for (const one of [opcode].flat()) checkUint('opcode', one, 0xff)
  if (when !== undefined && typeof when !== 'function') throw wrong('when is a function')
  checkUint('after', after, Number.MAX_SAFE_INTEGER)
  if (times !== Infinity) checkUint('times', times, Number.MAX_SAFE_INTEGER)
}

function wrong(rule: string): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', rule)
}

/** Whether it reads or writes this block. */
function touches(cdb: Uint8Array, lba: bigint): boolean {
  const range = parseBlockCdb(cdb)
  return range !== undefined && lba >= range.lba && lba < range.lba + BigInt(range.blocks)
}

/** The answer with no more than `most` bytes in either direction. */
function cut(answer: Answer, most: number): Answer {
  const { data, moved, taken } = answer
  return {
    ...answer,
    ...(data !== undefined && { data: data.subarray(0, most) }),
    ...(moved !== undefined && { moved: Math.min(moved, most) }),
    ...(taken !== undefined && { taken: Math.min(taken, most) }),
  }
}
