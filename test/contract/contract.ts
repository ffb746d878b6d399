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

/** A transport under test: a target with a disk that may be overwritten and a unit that does what it is told (`ScriptedUnit`). */
export interface Contract {
  readonly blockLength: 512 | 4096
  /** Blocks of the disk: 16 MiB or more. */
  readonly blocks: number
  /** Starts the target; what it resolves with stops it, and fails if the target has something to complain about. */
  start(): Promise<() => Promise<void>>
  /** Opens a unit by a nexus of its own. */
  open(which: 'disk' | 'scripted', options?: OpenOptions): Promise<ContractUnit>
}

/** A unit whose POWER ON unit attention is over. */
export async function openReady(
  contract: Contract,
  which: 'disk' | 'scripted',
  options?: OpenOptions,
): Promise<ContractUnit> {
  const opened = await contract.open(which, options)
  await opened.unit.testUnitReady()
  return opened
}
