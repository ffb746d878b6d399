/** One task management function on its way through a pair, and what its answer says. */

import { TransportError } from '../errors.ts'
import {
  type AsynchronousEvent,
  type FunctionResult,
  OVERTAKEN,
  ServiceResponse,
  type TaskFunction,
} from '../task/function.ts'
import type { AbortLine, Functions } from './functions.ts'
import { ceaseToHeed, type Heeding, heed } from './heeding.ts'
import { FLAG_SENSE, FLAG_SERVICE_RESPONSE } from './layout.gen.ts'
import type { SlotOwner } from './pair.ts'
import type { Slots } from './slots.ts'
import type { Timed } from './wheel.ts'

/** What is asked of whom, as the slot has it. */
export interface Asked {
  readonly function: TaskFunction
  /** The LUN's first four bytes as a number of this machine's order. */
  readonly lunBytes: number
  /** The tag of the command that it is about. */
  readonly tagLow: number
  readonly tagHigh: number
}

/** From the request to the answer. */
export class FunctionCall implements SlotOwner, Timed, Heeding {
  readonly asked: Asked
  /** -1 while it waits. */
  slot: number = -1
  /** Of an ABORT TASK by signal or timeout. */
  line: AbortLine | undefined = undefined
  /** Who asked has an answer, or wants none any more. */
  settled: boolean = false
  /** Milliseconds that the target has; 0 is for ever. */
  patience: number = 0
  deadline: number = 0
  earlier: Timed | undefined = undefined
  later: Timed | undefined = undefined
  readonly #functions: Functions
  readonly #resolve: (result: FunctionResult) => void
  readonly #reject: (reason: unknown) => void
  #signal: AbortSignal | undefined = undefined

  constructor(
    functions: Functions,
    asked: Asked,
    resolve: (result: FunctionResult) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#functions = functions
    this.asked = asked
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Whether it has left its line. */
  get sent(): boolean {
    return this.slot >= 0
  }

  completed(slot: number, _status: number, flags: number): void {
    const result = this.#functions.returned(this, slot, flags)
    if (this.settled) return
    if (result === undefined) {
      const overtaken = (flags & FLAG_SERVICE_RESPONSE) === OVERTAKEN
      this.fail(
        new TransportError(overtaken ? 'ERR_SGRING_OUTCOME_UNKNOWN' : 'ERR_SGRING_DELIVERY'),
      )
    } else {
      this.#settle()
      this.#resolve(result)
    }
  }

  resumed(): void {
    this.#functions.restart(this)
  }

  lost(reason: TransportError): void {
    if (!this.settled) this.fail(reason)
  }

  expired(): void {
    this.#functions.expired(this)
  }

  /** Heeds the signal of who asked until it is settled. */
  heed(signal: AbortSignal): void {
    if (this.settled) return
    this.#signal = signal
    heed(signal, this)
  }

  aborted(reason: unknown): void {
    if (!this.settled) this.#functions.giveUp(this, reason)
  }

  fail(reason: unknown): void {
    this.#settle()
    this.#reject(reason)
  }

  #settle(): void {
    this.settled = true
    this.#functions.stop(this)
    if (this.#signal === undefined) return
    ceaseToHeed(this.#signal, this)
    this.#signal = undefined
  }
}

const RESPONSES: ReadonlySet<number> = new Set([
  ServiceResponse.FUNCTION_COMPLETE,
  ServiceResponse.FUNCTION_SUCCEEDED,
  ServiceResponse.FUNCTION_REJECTED,
  ServiceResponse.INCORRECT_LOGICAL_UNIT_NUMBER,
  ServiceResponse.SERVICE_DELIVERY_OR_TARGET_FAILURE,
])

/** What a completed slot says; undefined if that is no answer to a function. */
export function functionResult(
  slots: Slots,
  slot: number,
  flags: number,
): FunctionResult | undefined {
  const response = (flags & FLAG_SERVICE_RESPONSE) as ServiceResponse
  if (!RESPONSES.has(response)) return undefined
  if ((flags & FLAG_SENSE) === 0) return { response }
  const information = slots.sense(slot)
  return information.length < 3 ? { response } : { response, event: eventOf(information) }
}

/** Additional response information (SAM-5 7.10): UADE and sense key, ASC, ASCQ. */
function eventOf(information: Uint8Array): AsynchronousEvent {
  const [first = 0, asc = 0, ascq = 0] = information
  return { senseKey: first & 0x0f, asc, ascq, more: ((first >> 4) & 3) === 2 }
}
