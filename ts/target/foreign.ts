/** What code of the caller's own hands over. Nothing of it is relied on before it is looked at. */

import { SgringError } from '../errors.ts'
import type { Answer } from '../task/answer.ts'
import { Status } from '../task/command.ts'

/** Residuals are 32-bit numbers with a sign. */
const MAX_COUNT = 2 ** 31 - 1
const STATUSES: ReadonlySet<unknown> = new Set(Object.values(Status))

/**
 * An answer, each field read once, its bytes as `checkBytes` gives them.
 *
 * @param most bytes that its `moved` may tell
 * @throws `ERR_SGRING_INVALID_ARGUMENT` with what makes it none
 */
export function checkAnswer(value: unknown, most: number): Answer {
  if (typeof value !== 'object' || value === null) throw wrong('an answer is an object', value)
  const { status, data, sense, taken, moved } = value as Partial<Answer>
  if (!STATUSES.has(status)) throw wrong('status is one of SAM-5', status)
  if (taken !== undefined && !isCount(taken, MAX_COUNT)) {
    throw wrong('taken is a number of bytes', taken)
  }
  if (moved !== undefined && (data !== undefined || !isCount(moved, most))) {
    throw wrong('moved is at most what next() has moved, and without data', moved)
  }
  return {
    status: status as number,
    ...(data !== undefined && { data: checkBytes('data', data) }),
    ...(sense !== undefined && { sense: checkBytes('sense', sense) }),
    ...(taken !== undefined && { taken }),
    ...(moved !== undefined && { moved }),
  }
}

/**
 * The same bytes in a view that nobody else has: whatever an object says of itself in properties of its own, this is how long it is.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for what is no Uint8Array, whose buffer is detached, or that is longer than a residual can tell
 */
export function checkBytes(name: string, value: unknown): Uint8Array {
  if (kindOf(value) !== 'Uint8Array') throw wrong(`${name} is a Uint8Array`, value)
  const length = lengthOf(value)
  if (length > MAX_COUNT) throw wrong(`${name} has at most ${MAX_COUNT} bytes`, length)
  try {
    return new Uint8Array(bufferOf(value), offsetOf(value), length)
  } catch {
    throw wrong(`${name} has its bytes`, value)
  }
}

/** Whether it is a promise, or like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** As `signal.reason` is, and what Node's own functions reject with that were given the signal. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function isCount(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

/** Getters of every typed array: they read the array itself, and throw for anything else, but for the first, which gives `undefined`. */
const [kindOf, lengthOf, bufferOf, offsetOf] = [
  getter<string | undefined>(Symbol.toStringTag),
  getter<number>('length'),
  getter<ArrayBuffer>('buffer'),
  getter<number>('byteOffset'),
]

function getter<T>(name: PropertyKey): (array: unknown) => T {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype)
  const { get } = Object.getOwnPropertyDescriptor(prototype, name)!
  return (array) => get!.call(array)
}

function wrong(rule: string, value: unknown): SgringError {
  // Not every object can be made a string.
  const shown = typeof value === 'object' && value !== null ? 'an object' : String(value)
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', `${rule}, not ${shown}`)
}
