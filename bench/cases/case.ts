/** What a case is: contestants that do the same, opened in a process of their own. */

import type { Contestant, ContestOptions } from '../contest.ts'
import type { Goal } from '../judge.ts'
import type { Placement } from '../place.ts'
import type { Random } from '../random.ts'

/** What the run has decided for a case. */
export interface CaseSetting {
  readonly placement: Placement
  /** The native benchmark's program. */
  readonly nativeProgram: string
  /** An empty folder for sockets. */
  readonly folder: string
  /** The smallest image that is over four times the last cache, or smaller where only correctness counts. */
  readonly imageBytes: number
  readonly random: Random
}

/** Cases that are run together, and what is to be reached in them. */
export interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
  readonly goals: readonly Goal[]
  readonly sweeps?: readonly Sweep[]
  /** Whether initiator and target are each kept on a CPU. */
  readonly pins: boolean
  readonly full: Size
  readonly quick: Size
  /** What a reader must know, and what the numbers do not say. */
  readonly notes: string
}

/** What differs in one factor alone: on the report's plots a line goes through all scores of one name. */
export interface Sweep {
  readonly name: string
  /** What is done, and what stays the same. */
  readonly title: string
  /** What differs, with its unit, such as `payload, bytes`. */
  readonly factor: string
  readonly points: readonly SweepPoint[]
}

/** All contestants of a case; or one of them, where they are what differs, and then the interface's name stands for its own. */
export interface SweepPoint {
  readonly at: number
  readonly case: string
  readonly only?: { readonly contestant: string; readonly as: string }
}

/** How much is measured. */
export interface Size extends ContestOptions {
  readonly processes: number
  /** Whether what falls short of a goal is looked into, unasked. */
  readonly profile: boolean
}

export interface OpenCase {
  readonly contestants: readonly Contestant[]
  /** Threads of this process that are the contestants' other sides: they are kept on the target's CPU. */
  readonly there?: readonly number[]
  close(): Promise<void>
}

/** A module of this folder. */
export interface Case {
  readonly name: string
  /** One line: what is done, how often at a time, over what. */
  readonly what: string
  /** Data bytes of one operation; 0 for none. */
  readonly bytes: number
  /** What its processes have in their environment, beside what all have. */
  readonly env?: Readonly<Record<string, string>>
  /** Whether it needs the native rivals' program. */
  readonly takesRivals?: boolean
  /** What suffices for it, whatever the run's size. */
  readonly atMost?: ContestOptions
  open(setting: CaseSetting): Promise<OpenCase>
}
