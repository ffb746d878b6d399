/** What the parts of the contract of a logical unit have in common. */

import type { EventEmitter } from 'node:events'
import type { LogicalUnit, OpenOptions, TransportEvents } from '#dist/index.js'

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
