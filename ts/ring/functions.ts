/** Task management functions on a pair: slots of their own, and lines for those that find none. */

import { SgringError, TransportError } from '../errors.ts'
import { type FunctionRequest, type FunctionResult, TaskFunction } from '../task/function.ts'
import { type Asked, FunctionCall, functionResult } from './function-call.ts'
import { FUNCTION_SLOTS, type PairOptions, type PairUser, type RingPair } from './pair.ts'
import { swap } from './slots.ts'
import { Waiting } from './waiting.ts'

/** Slots that the aborts by signal or timeout leave to others: when all that they use hang, a reset still finds one. */
const KEPT_FROM_ABORTS = 4
/** ABORT TASKs of one unit that may be under way: a unit whose transfers hang answers none, and others have theirs to send. */
const ABORTS_A_UNIT = 4

/** The ABORT TASKs of one unit. */
export interface AbortLine {
  readonly waiting: Waiting<FunctionCall>
  underWay: number
}

export class Functions implements PairUser {
  readonly #pair: RingPair
  readonly #options: PairOptions
  readonly #free: number[] = []
  readonly #waiting = new Waiting<FunctionCall>()
  /** ABORT TASKs of commands that their callers gave up on, by the unit: at most one a slot. */
  readonly #aborts = new Map<number, AbortLine>()
  /** Units that are being reset because aborts were not answered. */
  readonly #resets = new Set<number>()
  #underWay = 0
  #answered = 0

  constructor(pair: RingPair, options: PairOptions) {
    this.#pair = pair
    this.#options = options
    for (let index = FUNCTION_SLOTS - 1; index >= 0; index--) this.#free.push(options.slots + index)
    pair.addUser(this)
  }

  /** Functions that were answered, and those that are under way. */
  get counts(): { answered: number; underWay: number } {
    return { answered: this.#answered, underWay: this.#underWay }
  }

  /**
   * Sends a function that was checked (`ts/initiator/check.ts`) to the unit whose LUN has these first four bytes, big-endian.
   * It waits its turn for a slot.
   */
  manage(lunWord: number, request: FunctionRequest): Promise<FunctionResult> {
    return new Promise((resolve, reject) => {
      const { refusal } = this.#pair
      if (refusal !== undefined) return reject(refusal)
      const { signal } = request
      if (signal?.aborted) return reject(signal.reason)
      const { maxWaiting, abortTimeoutMs } = this.#options
      if (this.#free.length === 0 && this.#waiting.length >= maxWaiting) {
        return reject(new SgringError('ERR_SGRING_BUSY'))
      }
      const tag = BigInt(request.tag ?? 0)
      const asked = {
        function: request.function,
        lunBytes: swap(lunWord),
        tagLow: Number(tag & 0xffff_ffffn),
        tagHigh: Number(tag >> 32n),
      }
      const call = new FunctionCall(
        this,
        asked,
        (result) => {
          this.#pair.settled()
          resolve(result)
        },
        (reason) => {
          this.#pair.settled()
          reject(reason)
        },
      )
      this.#pair.awaited()
      call.patience = request.timeoutMs ?? abortTimeoutMs
      this.#pair.wheel.start(call, call.patience)
      this.#enter(call)
      if (signal !== undefined) call.heed(signal)
    })
  }

  /**
   * ABORT TASK of a command that its caller gave up on.
   *
   * @param over called with its answer, or when it never will have one; not if it is dropped
   */
  abort(
    lunBytes: number,
    tagLow: number,
    tagHigh: number,
    over: (result: FunctionResult | undefined) => void,
  ): FunctionCall {
    const asked: Asked = { function: TaskFunction.ABORT_TASK, lunBytes, tagLow, tagHigh }
    const call = new FunctionCall(this, asked, over, () => over(undefined))
    const line = this.#aborts.get(lunBytes) ?? { waiting: new Waiting(), underWay: 0 }
    this.#aborts.set(lunBytes, line)
    call.line = line
    // While there is a slot for aborts nobody waits but those whose unit has enough of them.
    if (line.underWay < ABORTS_A_UNIT && this.#free.length > KEPT_FROM_ABORTS) {
      line.underWay++
      this.#send(call, this.#free.pop()!)
    } else {
      line.waiting.push(call)
    }
    return call
  }

  /** LOGICAL UNIT RESET of a unit that does not answer aborts, unless one is under way there. */
  reset(lunBytes: number): void {
    if (this.#resets.has(lunBytes)) return
    this.#resets.add(lunBytes)
    const over = () => {
      this.#resets.delete(lunBytes)
    }
    const asked = { function: TaskFunction.LOGICAL_UNIT_RESET, lunBytes, tagLow: 0, tagHigh: 0 }
    this.#enter(new FunctionCall(this, asked, over, over))
  }

  /** Takes back an ABORT TASK that was not sent. Says whether it was so. */
  drop(call: FunctionCall): boolean {
    if (call.settled || (call.sent && !this.#takeBack(call))) return false
    if (!call.sent) call.line?.waiting.left()
    call.settled = true
    return true
  }

  room(): void {
    this.#start()
    if (this.#aborts.size > 0) this.#startAborts()
  }

  lost(reason: TransportError): void {
    this.#underWay = 0
    const lines = [this.#waiting, ...Array.from(this.#aborts.values(), ({ waiting }) => waiting)]
    for (const line of lines) for (const call of line.clear()) call.fail(reason)
  }

  // ---- for the calls

  /** Who asked waits no longer: it leaves unsent if it waits, else its slot is kept until the target answers. */
  giveUp(call: FunctionCall, reason: unknown): void {
    call.fail(reason)
    if (!call.sent) this.#waiting.left()
    else this.#takeBack(call)
  }

  /** The target has not answered in time; while there is none, there is nobody to be late. */
  expired(call: FunctionCall): void {
    if (this.#pair.isInterrupted) this.#pair.wheel.start(call, call.patience)
    else this.giveUp(call, new TransportError('ERR_SGRING_ABORT_UNANSWERED'))
  }

  /** Another target has it. */
  restart(call: FunctionCall): void {
    if (call.deadline === 0) return
    this.#pair.wheel.stop(call)
    this.#pair.wheel.start(call, call.patience)
  }

  /** Its slot comes back. */
  returned(call: FunctionCall, slot: number, flags: number): FunctionResult | undefined {
    this.#freed(call, slot)
    this.#answered++
    return functionResult(this.#pair.slots, slot, flags)
  }

  /** Nobody waits for it any more. */
  stop(call: FunctionCall): void {
    this.#pair.wheel.stop(call)
  }

  /** Its slot comes back unsent, if there is no target and it was not published before. */
  #takeBack(call: FunctionCall): boolean {
    if (!this.#pair.unlist(call.slot)) return false
    this.#freed(call, call.slot)
    // Behind all that leave now.
    queueMicrotask(() => {
      if (this.#pair.refusal === undefined) this.room()
    })
    return true
  }

  #freed(call: FunctionCall, slot: number): void {
    if (call.line !== undefined) call.line.underWay--
    this.#underWay--
    this.#pair.setOwner(slot, undefined)
    this.#free.push(slot)
  }

  #enter(call: FunctionCall): void {
    this.#waiting.push(call)
    this.#start()
  }

  /** Sends those that wait, as long as slots are free. */
  #start(): void {
    while (this.#free.length > 0) {
      const call = this.#waiting.first
      if (call === undefined) return
      // Out of the line first: to list it may publish, take completions, and come back here.
      this.#waiting.shift()
      this.#send(call, this.#free.pop()!)
    }
  }

  /** Sends ABORT TASKs, one of each unit in turn. */
  #startAborts(): void {
    for (let some = true; some; ) {
      some = false
      for (const [lunBytes, line] of this.#aborts) {
        if (this.#free.length <= KEPT_FROM_ABORTS) return
        const call = line.underWay < ABORTS_A_UNIT ? line.waiting.first : undefined
        if (call !== undefined) {
          some = true
          line.waiting.shift()
          line.underWay++
          this.#send(call, this.#free.pop()!)
        } else if (line.underWay === 0) {
          this.#aborts.delete(lunBytes)
        }
      }
    }
  }

  #send(call: FunctionCall, slot: number): void {
    call.slot = slot
    this.#underWay++
    this.#pair.setOwner(slot, call)
    this.#pair.slots.writeFunction(slot, this.#pair.nextTag(slot), this.#pair.tagHigh, call.asked)
    this.#pair.list(slot)
  }
}
