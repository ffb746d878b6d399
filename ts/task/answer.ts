/** What a unit answers to a task. */

import { encodeSense, type SenseInit } from '../scsi/sense.ts'
import { Status } from './command.ts'

/**
 * A status, with data-in or sense where it has some. The bytes are copied when the answer is given.
 *
 * @example
 * // Half of the data-out was taken, and there is something to say about it.
 * const half = (task: HandlerTask): Answer => ({
 *   ...checkCondition(SenseKey.RECOVERED_ERROR, 0x0c00),
 *   data: Uint8Array.of(1),
 *   taken: task.dataOutLength / 2,
 * })
 */
export interface Answer {
  readonly status: number
  readonly data?: Uint8Array
  readonly sense?: Uint8Array
  /**
   * Data-out bytes that the unit took: the rest is the residual. Default: none; for GOOD of a handler all, if it has looked at
   * `task.dataOut`, or else what the unit behind took for `next()`.
   */
  readonly taken?: number
  /** Instead of `data`: data-in bytes that a transfer has moved already, as the answer that `next()` resolves with says it. */
  readonly moved?: number
}

const GOOD: Answer = Object.freeze({ status: Status.GOOD })

/** GOOD, with data-in if there is any. */
export function good(data?: Uint8Array): Answer {
  return data === undefined ? GOOD : { status: Status.GOOD, data }
}

/**
 * CHECK CONDITION with sense data in fixed format (SPC-5 4.4.3), or in descriptor format with `descriptor: true`.
 *
 * @param ascAscq additional sense code and qualifier as one number: 0x2400 is INVALID FIELD IN CDB
 * @example checkCondition(SenseKey.ILLEGAL_REQUEST, 0x2400)
 */
export function checkCondition(key: number, ascAscq: number, more?: SenseInit): Answer {
  return { status: Status.CHECK_CONDITION, sense: encodeSense(key, ascAscq, more) }
}

/** A bare status, such as BUSY or RESERVATION CONFLICT. */
export function status(value: number): Answer {
  return { status: value }
}
