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

/** Bytes that differ from block to block and from seed to seed. */
export function pattern(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = (seed * 0x9e37_79b9 + 1) >>> 0
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[index] = state ^ (state >>> 15)
  }
  return new Uint8Array(words.buffer, 0, length)
}
