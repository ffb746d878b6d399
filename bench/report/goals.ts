/** Each number beside its goal, and second opinions. */

import { median } from '../judge.ts'
import type { CaseResult, GoalResult } from '../results.ts'
import { against } from './chart.ts'
import { tableMarkup } from './figures.ts'
import { element, type Markup } from './html.ts'
import { digits, nanoseconds, plain } from './numbers.ts'

/** A word is enough, and the mark before it is for the eye. */
const MARKS = { met: '✓ met', missed: '✗ missed', unclear: '? unclear' }

export function goalTable(ratios: readonly GoalResult[]): Markup {
  const headings = ['goal', 'reached (95 % interval)', 'wanted', 'beside the goal', 'verdict']
  return tableMarkup([headings, ...ratios.map(goalRow)])
}

function goalRow(ratio: GoalResult): (string | Markup)[] {
  const { name, value, low, high, unit, verdict, reason } = ratio
  const why = reason ?? shortfall(ratio)
  const mark = element('span', { class: verdict }, MARKS[verdict])
  const verdictCell = why === undefined ? mark : element('span', {}, mark, `: ${why}`)
  if (value === null || low === null || high === null)
    return [name, '–', wanted(ratio), '', verdictCell]
  const reached = amount(unit, value, [low, high])
  return [name, reached, wanted(ratio), besideGoal(ratio, { value, low, high }), verdictCell]
}

type Wanted = Pick<GoalResult, 'direction' | 'goal' | 'unit' | 'yardstick'>

export function wanted({ direction, goal, unit, yardstick }: Wanted): string {
  const limit = `${direction === 'at_least' ? 'at least' : 'at most'} ${plain(amount(unit, goal))}`
  return yardstick === undefined
    ? limit
    : `${limit} (${yardstick.contestant}: ${digits(yardstick.value)})`
}

/** What yardsticks say, where there are some. */
export function yardstickSentence(
  ratios: readonly Pick<GoalResult, 'yardstick'>[],
): string | undefined {
  return ratios.some(({ yardstick }) => yardstick !== undefined) ? YARDSTICK : undefined
}

const YARDSTICK =
  'In brackets behind a goal stands a yardstick: how many times as fast as the rival a contestant is that does little beyond what all must do: memcpy copies the bytes, call is one plain call and one promise. It changes no verdict.'

/** A number with its unit, and its interval. */
export function amount(unit: string, value: number, interval: readonly number[] = []): string {
  const ns = unit.startsWith('ns ')
  const [told = '', ...ends] = [value, ...interval].map(ns ? nanoseconds : digits)
  const range = ends.length === 0 ? '' : ` (${ends.join(' to ')})`
  return `${told} ${ns ? unit.slice(3) : unit}${range}`
}

/** By how much a goal is missed. */
function shortfall({ direction, goal, value, verdict }: GoalResult): string | undefined {
  const margin = marginOf(direction, goal, value ?? 0)
  return verdict === 'missed' && margin > 0 ? `${digits(1 / margin)} times off` : undefined
}

interface Numbers {
  readonly value: number
  readonly low: number
  readonly high: number
}

function besideGoal({ name, direction, goal }: GoalResult, { value, low, high }: Numbers): Markup {
  const margin = (number: number) => marginOf(direction, goal, number)
  const beyond = margin(value) >= 1 ? 'on the good side of' : 'short of'
  const title = `${name}: ${digits(value)}, ${beyond} the goal ${digits(goal)}`
  return against(title, { value: margin(value), low: margin(low), high: margin(high) })
}

/** How many times as good as the goal; 1 is at the goal. A number that should be small, and is 0 or less, is as good as can be. */
export function marginOf(direction: GoalResult['direction'], goal: number, value: number): number {
  if (direction === 'at_least') return Math.max(0, value) / goal
  return value <= 0 ? Number.MAX_VALUE : Math.max(0, goal) / value
}

/** How many goals are met, missed and unclear. */
export function goalSentence(ratios: readonly GoalResult[]): string {
  const of = (wanted: GoalResult['verdict']) => ratios.filter(({ verdict }) => verdict === wanted)
  const [met, missed, unclear] = [of('met'), of('missed'), of('unclear')].map(
    ({ length }) => length,
  )
  return `Goals met: ${met} of ${ratios.length}; missed: ${missed}; unclear: ${unclear}.`
}

/** What `benchmark` says of a contestant, beside what this suite says. */
export interface SecondOpinion {
  readonly case: string
  readonly contestant: string
  readonly ours: Numbers
  readonly theirs: Numbers
  readonly agree: boolean
}

/** Of all contestants that have one: whether the 95 % intervals of the mean overlap, by the processes' means. */
export function secondOpinions(cases: readonly CaseResult[]): SecondOpinion[] {
  return cases.flatMap(({ name, processes }) =>
    processes.flatMap((scores) =>
      scores.flatMap(({ name: contestant, samples, crossCheck }) => {
        if (crossCheck === undefined) return []
        const ours = meanOf(samples)
        const theirs = { value: crossCheck.mean, low: crossCheck.low, high: crossCheck.high }
        return [
          {
            case: name,
            contestant,
            ours,
            theirs,
            agree: ours.low <= theirs.high && theirs.low <= ours.high,
          },
        ]
      }),
    ),
  )
}

/** With its 95 % interval, by the normal distribution: what a dozen samples or more allow. */
function meanOf(samples: readonly number[]): Numbers {
  const value = samples.reduce((sum, sample) => sum + sample, 0) / samples.length
  const squares = samples.reduce((sum, sample) => sum + (sample - value) ** 2, 0)
  const half = 1.96 * Math.sqrt(squares / Math.max(1, samples.length - 1) / samples.length)
  return { value, low: value - half, high: value + half }
}

export function opinionSection(cases: readonly CaseResult[]): Markup | undefined {
  const all = secondOpinions(cases)
  if (all.length === 0) return undefined
  const interval = ({ value, low, high }: Numbers) =>
    `${nanoseconds(value)} (${nanoseconds(low)} to ${nanoseconds(high)})`
  const disagree = all.filter(({ agree }) => !agree)
  const apart = disagree.map(
    ({ ours, theirs }) => Math.max(ours.value, theirs.value) / Math.min(ours.value, theirs.value),
  )
  const sentence =
    disagree.length === 0
      ? 'Both agree everywhere: the 95 % intervals of their means overlap.'
      : `In ${disagree.length} of ${all.length} processes the 95 % intervals of their means do not overlap; there the means are ${digits(median(apart))} times apart, in the median.`
  return element(
    'section',
    { id: 'second-opinion' },
    element('h2', {}, 'A second opinion'),
    element(
      'p',
      {},
      `What needs no promise is measured by benchmark.js as well, with its own warm-up and batches. ${sentence}`,
    ),
    tableMarkup([
      ['contestant', 'case', 'here: mean', 'benchmark.js: mean', 'intervals'],
      ...all.map((one) => [
        one.contestant,
        one.case,
        interval(one.ours),
        interval(one.theirs),
        one.agree ? 'overlap' : 'do not overlap',
      ]),
    ]),
  )
}
