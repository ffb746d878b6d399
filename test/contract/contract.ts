/** What the parts of the contract of a logical unit have in common. */

import type { EventEmitter } from 'node:events'
import type { LogicalUnit, OpenOptions, SgringErrorCode, TransportEvents } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'

/** A unit with all that the contract asks about it. */
export interface ContractUnit {
  readonly unit: LogicalUnit
  readonly events: EventEmitter<TransportEvents>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Which unit is opened: they have the LUNs in this order. */
export const UNITS = ['disk', 'scripted', 'narrow'] as const
export type Which = (typeof UNITS)[number]

/** What a transport may lack; tests of it are then skipped for the reason given, and what happens instead is asserted beside this suite. */
export type Feature =
  | 'scripted units'
  | 'a POWER ON for each nexus'
  | 'residuals by the target'
  | 'a range check of no blocks'

/**
 * A transport under test: a target with a disk that may be overwritten and two units that do what they are told (`ScriptedUnit`), the second
 * with a task set of limits (`NARROW`).
 */
export interface Contract {
  readonly blockLength: 512 | 4096
  /** Blocks of the disk: 16 MiB or more. */
  readonly blocks: number
  /** The disk takes one nexus at a time. */
  readonly oneNexus?: boolean
  /** Why it lacks a feature. */
  readonly lacks?: Partial<Record<Feature, string>>
  /** What a transfer that is too long for it is refused with. Default: `ERR_SGRING_ARENA_TOO_SMALL`. */
  readonly tooLong?: SgringErrorCode
  /** Bytes of a READ that still runs when it is aborted. Default: 1536 KiB, more than a target copies where it finds the command. */
  readonly longRead?: number
  /** How much of the longest tests' rounds it takes: a part of 1, the default, where each command takes long. */
  readonly share?: number
  /** Starts the target; what it resolves with stops it, and fails if the target has something to complain about. */
  start(): Promise<() => Promise<void>>
  /** Opens a unit by a nexus of its own. */
  open(which: Which, options?: OpenOptions): Promise<ContractUnit>
}

/** A unit whose POWER ON unit attention is over. */
export async function openReady(
  contract: Contract,
  which: Which,
  options?: OpenOptions,
): Promise<ContractUnit> {
  const opened = await contract.open(which, options)
  await opened.unit.testUnitReady()
  return opened
}

/** The suite, for tests that need a feature: visible skips where it lacks. */
export function where(
  test: Suite,
  { lacks = {} }: Contract,
  feature: Feature,
): (...args: Parameters<Suite>) => void {
  const reason = lacks[feature]
  return (name, body, options) => test(name, body, { ...options, skip: reason })
}
