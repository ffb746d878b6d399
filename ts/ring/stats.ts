/** What a pair tells of itself. */

import type { Commands } from './commands.ts'

/** Live numbers of a pair. */
export interface PairStats {
  /** Commands that ended: with any status, or with none. */
  commands: number
  /** Task management functions that were answered, those that `signal` and `timeoutMs` cause among them. */
  functions: number
  /** Native calls that published commands. */
  batches: number
  /** Times the bell woke this side. */
  wakes: number
  /** Commands under way now, the quarantined among them. */
  outstanding: number
  /** Commands that wait for a slot or arena space now. */
  waiting: number
  /** Settled commands whose completion has not come: their slots and bytes are not used again before. */
  quarantined: number
  /** Arena bytes that commands and leases hold now. */
  arenaUsedBytes: number
  /** Arena bytes that may occupy memory now. */
  arenaResidentBytes: number
}

/** The numbers of now. */
export function pairStats({
  pair,
  functions,
  counts: { waiting, quarantined },
}: Commands): PairStats {
  const { completed, batches, wakes, outstanding } = pair.counts
  const { answered, underWay } = functions.counts
  return {
    commands: completed - answered,
    functions: answered,
    batches,
    wakes,
    outstanding: outstanding - underWay,
    waiting,
    quarantined,
    arenaUsedBytes: pair.arena.usedBytes,
    arenaResidentBytes: pair.arena.residentBytes,
  }
}
