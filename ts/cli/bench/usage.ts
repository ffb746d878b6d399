/** What a job costs this process. */

import type { PairStats } from '../../ring/stats.ts'

/** Counters that only grow. */
export interface Usage {
  /** CPU time of all threads of this process, in microseconds. */
  readonly userUs: number
  readonly systemUs: number
  /** Context switches: because a thread waited, and because its time was over. */
  readonly voluntarySwitches: number
  readonly involuntarySwitches: number
  /** Native calls that published commands. */
  readonly batches: number
  /** Times that the bell woke this side. */
  readonly wakes: number
}

/** The counters as they are now. */
export function usageNow({ batches, wakes }: Pick<PairStats, 'batches' | 'wakes'>): Usage {
  const { userCPUTime, systemCPUTime, voluntaryContextSwitches, involuntaryContextSwitches } =
    process.resourceUsage()
  return {
    userUs: userCPUTime,
    systemUs: systemCPUTime,
    voluntarySwitches: voluntaryContextSwitches,
    involuntarySwitches: involuntaryContextSwitches,
    batches,
    wakes,
  }
}

/** What they have grown by. */
export function usageSince(before: Usage, now: Usage): Usage {
  return {
    userUs: now.userUs - before.userUs,
    systemUs: now.systemUs - before.systemUs,
    voluntarySwitches: now.voluntarySwitches - before.voluntarySwitches,
    involuntarySwitches: now.involuntarySwitches - before.involuntarySwitches,
    batches: now.batches - before.batches,
    wakes: now.wakes - before.wakes,
  }
}
