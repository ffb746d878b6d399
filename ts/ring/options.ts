/** Looking at options before anything is done with them. */

import { SgringError } from '../errors.ts'

/**
 * The value, if it is an integer of `least` to `most`.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` with the option's name, if not
 */
export function inRange(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `${name} is an integer of ${least} to ${most}, not ${String(value)}`,
  )
}

/**
 * The value, if it is a boolean.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` with the option's name, if not
 */
export function isBoolean(name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value
  throw new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `${name} is true or false, not ${String(value)}`,
  )
}
