/** Two runs of the same benchmarks: what became slower, what faster, and what is noise. */

import type { Score } from './contest.ts'
import type { Environment } from './environment.ts'
import { median } from './judge.ts'
import { Random } from './random.ts'
import { isRival } from './report/interfaces.ts'
import { digits, nanoseconds } from './report/numbers.ts'
import type { CaseResult, GoalResult, Results } from './results.ts'

/** Runs of the same code, some time apart, differ by so much: less is no finding, however narrow its interval is. */
const TOLERANCE = 0.05
const RESAMPLES = 2000

type Finding = 'regression' | 'improvement' | 'noise'

/** What became of one contestant's time, or of one goal. */
interface Compared {
  readonly what: string
  /** The later over the earlier, with its interval. */
  readonly told: string
  /** A rival's time is no finding: the machine has changed, or the rival. */
  readonly finding: Finding | 'rival'
}

/** What is said of two runs. */
export interface Comparison {
  /** The exit code: 1 where something became slower, 2 where the environments differ and nobody has said that they may. */
  readonly status: 0 | 1 | 2
  readonly told: string
  readonly warnings: string
}

/** @param anyway compares runs of different environments, too */
export function comparison(before: Results, after: Results, anyway: boolean): Comparison {
  const warnings = differences(before.environment, after.environment)
  if (warnings.length > 0 && !anyway) {
    const refusal = 'so their difference says nothing about the code; --anyway compares them'
    return { status: 2, told: '', warnings: warned([...warnings, refusal]) }
  }
  const all = compared(before, after)
  const status = all.some(({ finding }) => finding === 'regression') ? 1 : 0
  return { status, told: lines(all), warnings: warned(warnings) }
}

function warned(warnings: readonly string[]): string {
  return warnings.map((warning) => `bench: ${warning}\n`).join('')
}

/** What must be alike before two runs say anything about the code, and is not. */
function differences(before: Environment, after: Environment): string[] {
  const names = [
    ...(['cpu', 'cpus', 'virtual', 'lastCacheBytes', 'sameCore', 'kernel'] as const),
    ...(['node', 'rustc', 'glibc', 'placement'] as const),
  ]
  return names.flatMap((name) => {
    const [one, other] = [before[name], after[name]].map((value) => JSON.stringify(value ?? null))
    return one === other ? [] : [`the runs differ in ${name}: ${one} and ${other}`]
  })
}

/** Every contestant and every goal that both runs have. */
function compared(before: Results, after: Results): Compared[] {
  const times = after.cases.flatMap((later) => {
    const earlier = before.cases.find(({ name }) => name === later.name)
    return earlier === undefined ? [] : timesOf(earlier, later)
  })
  const goals = after.ratios.flatMap((later) => {
    const earlier = before.ratios.find((ratio) => ratio.name === later.name)
    return earlier === undefined ? [] : goalOf(earlier, later)
  })
  return [...times, ...goals]
}

function timesOf(before: CaseResult, after: CaseResult): Compared[] {
  return (after.processes[0] ?? []).flatMap(({ name }) => {
    const [earlier, later] = [samplesOf(before, name), samplesOf(after, name)]
    if (earlier === undefined || later === undefined) return []
    const { ratio, low, high } = ratioOfMedians(earlier, later)
    const medians = [earlier, later].map((samples) => nanoseconds(median(samples.flat())))
    return {
      what: `${after.name}, ${name}`,
      told: `${medians[0]} -> ${medians[1]}, ${ratio.toFixed(3)} times (${low.toFixed(3)} to ${high.toFixed(3)})`,
      finding: isRival(name) ? 'rival' : findingOf(low, high),
    }
  })
}

/** By process; nothing where one has none. */
function samplesOf({ processes }: CaseResult, name: string): (readonly number[])[] | undefined {
  const samples = processes.map(
    (scores: readonly Score[]) => scores.find((score) => score.name === name)?.samples ?? [],
  )
  return samples.length > 0 && samples.every((those) => those.length > 0) ? samples : undefined
}

/** The later time over the earlier. */
function findingOf(low: number, high: number): Finding {
  if (low > 1 + TOLERANCE) return 'regression'
  return high < 1 / (1 + TOLERANCE) ? 'improvement' : 'noise'
}

/**
 * The ratio of the medians of two runs, the later over the earlier, with the interval of 95 % of a bootstrap that draws processes and, in
 * each, rounds.
 */
function ratioOfMedians(
  before: readonly (readonly number[])[],
  after: readonly (readonly number[])[],
): { readonly ratio: number; readonly low: number; readonly high: number } {
  const random = new Random(2)
  const drawn = (processes: readonly (readonly number[])[]) =>
    median(
      processes.flatMap(() => {
        const rounds = processes[random.below(processes.length)]!
        return rounds.map(() => rounds[random.below(rounds.length)]!)
      }),
    )
  const ratios = Array.from({ length: RESAMPLES }, () => drawn(after) / drawn(before))
  ratios.sort((a, b) => a - b)
  return {
    ratio: median(after.flat()) / median(before.flat()),
    low: ratios[Math.floor(RESAMPLES * 0.025)]!,
    high: ratios[Math.ceil(RESAMPLES * 0.975) - 1]!,
  }
}

/** A goal's number has changed where the two intervals do not meet. */
function goalOf(before: GoalResult, after: GoalResult): Compared[] {
  if (before.value === null || after.value === null) return []
  const told = [before, after].map(
    ({ value, low, high, verdict }) =>
      `${digits(value!)} (${digits(low!)} to ${digits(high!)}, ${verdict})`,
  )
  const [less, more] = [after.high! < before.low!, after.low! > before.high!]
  const [worse, better] = after.direction === 'at_least' ? [less, more] : [more, less]
  const finding = worse ? 'regression' : better ? 'improvement' : 'noise'
  return [{ what: `goal: ${after.name}`, told: told.join(' -> '), finding }]
}

/** A line for each, and how many there are of what. */
function lines(all: readonly Compared[]): string {
  const width = Math.max(0, ...all.map(({ what }) => what.length))
  const lines = all.map(
    ({ what, told, finding }) =>
      `${finding.toUpperCase().padEnd(11)}  ${what.padEnd(width)}  ${told}`,
  )
  const of = (wanted: Compared['finding']) => all.filter(({ finding }) => finding === wanted).length
  const sum = `regressions: ${of('regression')}, improvements: ${of('improvement')}, noise: ${of('noise')}, of rivals: ${of('rival')}`
  return `${[...lines, '', sum].join('\n')}\n`
}
