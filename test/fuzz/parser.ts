/** What is fuzzed, and how it is named. */

import { SgringError } from '#dist/errors.js'
import type * as scsi from '#dist/scsi/index.js'

/** A parser, and bytes to begin with. */
export interface Parser {
  readonly name: string
  /** What it makes of the bytes; a promise where it must read something first. */
  readonly read: (data: Uint8Array) => unknown
  /** Whether this is how it refuses; anything else that is thrown is a fault. */
  readonly refuses: (error: unknown) => boolean
  /** Whether its words are a device's, which go to terminals. */
  readonly fromDevice: boolean
  readonly seeds: readonly Uint8Array[]
}

/** What a device sends. A page's own length stands in its first bytes: all zeros is a page that is empty. */
export const EMPTY = [new Uint8Array(4), new Uint8Array(64), new Uint8Array(512)]

export function bytes(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
}

export function isOf(error: unknown, code: string): boolean {
  return error instanceof SgringError && error.code === code
}

/** A device's bytes, of which it refuses what their format does not allow. */
export function of(
  name: string,
  read: (data: Uint8Array) => unknown,
  ...seeds: Uint8Array[]
): Parser {
  const refuses = (error: unknown) => isOf(error, 'ERR_SGRING_RESPONSE')
  return { name, read, refuses, fromDevice: true, seeds: [...EMPTY, ...seeds] }
}

/** What a command makes of its data. */
export function command(
  name: string,
  { parse }: scsi.TypedCommand<unknown>,
  ...seeds: Uint8Array[]
): Parser {
  return of(name, parse, ...seeds)
}
