/** Task management functions on a pair: slots of their own, and lines for those that find none. */

import { SgringError, TransportError } from '../errors.ts'
import { type FunctionRequest, type FunctionResult, TaskFunction } from '../task/function.ts'
import { type Asked, FunctionCall, functionResult } from './function-call.ts'
import { FUNCTION_SLOTS, type PairOptions, type PairUser, type RingPair } from './pair.ts'
import { swap } from './slots.ts'
import { Waiting } from './waiting.ts'

/** Slots that the aborts by signal or timeout leave to others: when all that they use hang, a reset still finds one. */
const KEPT_FROM_ABORTS = 4

export class Functions implements PairUser {
  readonly #pair: RingPair
  readonly #options: PairOptions
  readonly #free: number[] = []
  readonly #waiting = new Waiting<FunctionCall>()
  /** ABORT TASKs of commands that their callers gave up on: at most one a slot. */
  readonly #aborts = new Waiting<FunctionCall>()
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
      this.#pair.wheel.start(call, request.timeoutMs ?? abortTimeoutMs)
      this.#enter(call, this.#waiting, 0)
    })
  }

  /**
   * ABORT TASK of a command that its caller gave up on.
   *
   * @param over called when it is answered, or never will be; not if it is dropped
   */
  abort(lunBytes: number, tagLow: number, tagHigh: number, over: () => void): FunctionCall {
    const asked: Asked = { function: TaskFunction.ABORT_TASK, lunBytes, tagLow, tagHigh }
    const call = new FunctionCall(this, asked, over, over)
    this.#enter(call, this.#aborts, KEPT_FROM_ABORTS)
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
    this.#enter(new FunctionCall(this, asked, over, over), this.#waiting, 0)
  }

  /** Takes an ABORT TASK that was not sent out of its line. Says whether it was so. */
  drop(call: FunctionCall): boolean {
    if (call.slot >= 0 || call.settled) return false
    call.settled = true
    this.#aborts.left()
    return true
  }

  room(): void {
    this.#start(this.#waiting, 0)
    this.#start(this.#aborts, KEPT_FROM_ABORTS)
  }

  lost(reason: TransportError): void {
    this.#underWay = 0
    for (const call of [...this.#waiting.clear(), ...this.#aborts.clear()]) call.fail(reason)
  }

  // ---- for the calls

  /** Its time is up: it leaves unsent if it waits, else its slot is kept until the target answers. */
  unanswered(call: FunctionCall): void {
    call.fail(new TransportError('ERR_SGRING_ABORT_UNANSWERED'))
    if (call.slot < 0) this.#waiting.left()
  }

  /** Its slot comes back. */
  returned(slot: number, flags: number): FunctionResult | undefined {
    this.#answered++
    this.#underWay--
    this.#pair.setOwner(slot, undefined)
    this.#free.push(slot)
    return functionResult(this.#pair.slots, slot, flags)
  }

  /** Nobody waits for it any more. */
  stop(call: FunctionCall): void {
    this.#pair.wheel.stop(call)
  }

  #enter(call: FunctionCall, line: Waiting<FunctionCall>, kept: number): void {
    line.push(call)
    this.#start(line, kept)
  }

  /** Sends those that wait in `line`, as long as more than `kept` slots are free. */
  #start(line: Waiting<FunctionCall>, kept: number): void {
    while (this.#free.length > kept) {
      const call = line.first
      if (call === undefined) return
      // Out of the line first: to list it may publish, take completions, and come back here.
      line.shift()
      this.#send(call, this.#free.pop()!)
    }
  }

  #send(call: FunctionCall, slot: number): void {
    call.slot = slot
    this.#underWay++
    this.#pair.setOwner(slot, call)
    this.#pair.slots.writeFunction(slot, this.#pair.nextTag(), this.#pair.tagHigh, call.asked)
    this.#pair.list(slot)
  }
}
