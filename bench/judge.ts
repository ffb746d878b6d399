/** From samples to verdicts. */

import { Random } from './random.ts'

/** What is to be reached by a contestant of a case. */
export type Goal = {
  readonly case: string
  readonly what: string
  readonly ours: string
  readonly limit: number
} & (Faster | Slower | Counted)

/** Beside another contestant of the case: the rival's time over ours is at least `limit`. */
interface Faster {
  readonly sense: 'faster'
  readonly rival: string
  /** A contestant that does little beyond what all must do. It tells how far away a goal is, and changes no verdict. */
  readonly yardstick?: string
}

/** `slower`: our time over the rival's is at most `limit`. `above`: our time is at most `limit` nanoseconds more than the rival's. */
interface Slower {
  readonly sense: 'slower' | 'above'
  readonly rival: string
}

/** By itself: one of its counts is at most `limit` an operation. */
interface Counted {
  readonly sense: 'counted'
  readonly count: string
}

export type Verdict = 'met' | 'missed' | 'unclear'

/** A ratio, or another number, with the interval that holds its median in 95 of 100 repetitions of the run, as far as this run can tell. */
export interface Ratio {
  readonly median: number
  readonly low: number
  readonly high: number
}

const RESAMPLES = 2000

/**
 * The ratios of samples of the same round.
 *
 * The interval is a bootstrap's: processes are drawn with replacement, and rounds within them, for what a process's compiled code
 * and memory do to all of its rounds is the larger part of the spread.
 *
 * @param processes ratios by process and round, at least one
 */
export function ratioOf(processes: readonly (readonly number[])[]): Ratio {
  const random = new Random(1)
  const medians: number[] = []
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const drawn = processes.flatMap(() => {
      const rounds = processes[random.below(processes.length)]!
      return rounds.map(() => rounds[random.below(rounds.length)]!)
    })
    medians.push(median(drawn))
  }
  medians.sort((a, b) => a - b)
  return {
    median: median(processes.flat()),
    low: medians[Math.floor(RESAMPLES * 0.025)]!,
    high: medians[Math.ceil(RESAMPLES * 0.975) - 1]!,
  }
}

export type Direction = 'at_least' | 'at_most'

export function directionOf(sense: Goal['sense']): Direction {
  return sense === 'faster' ? 'at_least' : 'at_most'
}

/** What a goal's number counts. */
export function unitOf(goal: Goal): string {
  switch (goal.sense) {
    case 'faster':
      return 'times as fast'
    case 'slower':
      return 'times the time'
    case 'above':
      return 'ns more'
    case 'counted':
      return `${goal.count} a command`
  }
}

/** Met or missed when the whole interval is on one side of the limit. */
export function verdict(
  { sense, limit }: Pick<Goal, 'sense' | 'limit'>,
  { low, high }: Ratio,
): Verdict {
  const [worst, best] =
    directionOf(sense) === 'at_least' ? [low - limit, high - limit] : [limit - high, limit - low]
  if (worst >= 0) return 'met'
  return best < 0 ? 'missed' : 'unclear'
}

/** @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
