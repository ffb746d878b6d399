/** What is kept of a run: all that its report, its comparison with another run, and the README's numbers are made of. */

import type { Suite, Sweep } from './cases/case.ts'
import type { Score } from './contest.ts'
import type { Environment } from './environment.ts'
import {
  type Direction,
  directionOf,
  type Goal,
  median,
  type Ratio,
  ratioOf,
  unitOf,
  type Verdict,
  verdict,
} from './judge.ts'
import type { Options } from './options.ts'
import type { Placement } from './place.ts'
import type { SideProfile } from './profile.ts'

/** All of a run, as `bench/results/latest.json` holds it. */
export interface Results {
  /** The suite's name. */
  readonly suite: string
  /** What a reader must know, and what the numbers do not say. */
  readonly notes: string
  /** Whether initiator and target were each kept on a CPU. */
  readonly pins: boolean
  readonly environment: Environment
  readonly options: Options
  /** One for each goal of the suite, whether or not its case ran. */
  readonly ratios: readonly GoalResult[]
  readonly cases: readonly CaseResult[]
  readonly sweeps: readonly Sweep[]
  readonly changes: readonly Change[]
  /** Of contestants that fall short of a goal, a side each. */
  readonly profiles: readonly Profile[]
  readonly unprofiled: readonly Unprofiled[]
}

/** Where the time of a contestant goes, alone and warm. */
export interface Profile extends SideProfile {
  readonly case: string
  readonly contestant: string
}

/** Why that is not known. */
export interface Unprofiled {
  readonly case: string
  readonly contestant: string
  readonly why: string
}

export interface CaseResult {
  readonly name: string
  readonly what: string
  /** Data bytes of one operation. */
  readonly bytes: number
  /** The contestants' scores by process; none where a process failed. */
  readonly processes: readonly (readonly Score[])[]
  /** Those of the other checkout, by the same processes' turns. */
  readonly beside: readonly (readonly Score[])[]
  /** Why there are no scores. */
  readonly failure?: string
}

/** A goal, and what became of it. */
export interface GoalResult {
  readonly name: string
  readonly case: string
  readonly ours: string
  readonly rival: string | null
  /** What `goal`, `value`, `low` and `high` count. */
  readonly unit: string
  readonly goal: number
  readonly direction: Direction
  /** The median, and the ends of its interval; null where there is none. */
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly yardstick?: Yardstick
  /** `unclear` also where there is a `reason`. */
  readonly verdict: Verdict
  /** Why there is no number, or none that the goal is for: `oversubscribed` where more threads ran at once than there are CPUs. */
  readonly reason?: string
  readonly placement: Placement
}

/** What can be reached about, wherever the goal is. */
export interface Yardstick {
  /** Who does little beyond what all must do. */
  readonly contestant: string
  /** How many times as fast as the rival it is: the median of the same rounds. */
  readonly value: number
}

/** What changed from the other checkout to this one: this one's time over that one's. */
export interface Change extends Ratio {
  readonly case: string
  readonly contestant: string
}

/** Every goal of a suite, in its order. */
export function judged(
  cases: readonly CaseResult[],
  { goals }: Pick<Suite, 'goals'>,
  { cpus, placement }: Pick<Environment, 'cpus' | 'placement'>,
): GoalResult[] {
  return goals.map((goal) => {
    const found = cases.find(({ name }) => name === goal.case)
    const numbers = numbersOf(found, goal)
    const reason = typeof numbers === 'string' ? numbers : crowded(found!, goal, cpus)
    const ratio = typeof numbers === 'string' ? undefined : ratioOf(numbers)
    const yardstick = ratio && yardstickOf(found!, goal)
    return {
      ...{ name: goal.what, case: goal.case, ours: goal.ours, rival: rivalOf(goal) ?? null },
      ...{ unit: unitOf(goal), goal: goal.limit, direction: directionOf(goal.sense) },
      ...{ value: ratio?.median ?? null, low: ratio?.low ?? null, high: ratio?.high ?? null },
      ...(yardstick && { yardstick }),
      verdict: ratio === undefined || reason !== undefined ? 'unclear' : verdict(goal, ratio),
      ...(reason !== undefined && { reason }),
      placement,
    }
  })
}

/** Whose goals are missed or unclear by what was measured; each once. */
export function shortfalls(
  ratios: readonly GoalResult[],
): { readonly case: string; readonly contestant: string }[] {
  const short = ratios.filter(({ verdict, reason }) => verdict !== 'met' && reason === undefined)
  const named = short.map(({ case: name, ours }) => ({ case: name, contestant: ours }))
  return [...new Map(named.map((one) => [`${one.case}, ${one.contestant}`, one])).values()]
}

/** Whether more threads ran at once than there are CPUs for. */
export function isOversubscribed(score: Score, cpus: number): boolean {
  return score.threads > cpus
}

/** The goal's number by process and round, or why there is none. */
function numbersOf(found: CaseResult | undefined, goal: Goal): number[][] | string {
  if (found === undefined) return 'did not run'
  if (found.failure !== undefined) return `failed: ${found.failure}`
  const named = (wanted: string | undefined) =>
    found.processes.map((scores) => scores.find(({ name }) => name === wanted))
  const [ours, rivals] = [named(goal.ours), named(rivalOf(goal))]
  const numbers: number[][] = []
  for (const [index, score] of ours.entries()) {
    if (score === undefined) return `${goal.ours} did not run`
    if (goal.sense === 'counted') {
      const count = score.counts[goal.count]
      if (count === undefined) return `${goal.ours} does not count ${goal.count}`
      numbers.push([count])
      continue
    }
    const rival = rivals[index]
    if (rival === undefined) return `${goal.rival} did not run`
    numbers.push(
      score.samples.map((ns, round) => OPERATIONS[goal.sense](ns, rival.samples[round]!)),
    )
  }
  return numbers.length > 0 ? numbers : 'did not run'
}

/** From our time and the rival's. */
const OPERATIONS = {
  faster: (ours: number, rival: number): number => rival / ours,
  slower: (ours: number, rival: number): number => ours / rival,
  above: (ours: number, rival: number): number => ours - rival,
}

/** Of a goal whose rival ran. */
function yardstickOf({ processes }: CaseResult, goal: Goal): Yardstick | undefined {
  if (goal.sense !== 'faster' || goal.yardstick === undefined) return undefined
  const { rival, yardstick } = goal
  const ratios = processes.flatMap((scores) => {
    const [part, whole] = [yardstick, rival].map(
      (wanted) => scores.find(({ name }) => name === wanted)?.samples,
    )
    return part?.map((ns, round) => whole![round]! / ns) ?? []
  })
  return ratios.length === 0 ? undefined : { contestant: yardstick, value: median(ratios) }
}

function crowded({ processes }: CaseResult, goal: Goal, cpus: number): string | undefined {
  const names = [goal.ours, rivalOf(goal)]
  const scores = processes.flat().filter(({ name }) => names.includes(name))
  return scores.some((score) => isOversubscribed(score, cpus)) ? 'oversubscribed' : undefined
}

function rivalOf(goal: Goal): string | undefined {
  return goal.sense === 'counted' ? undefined : goal.rival
}

/** Every contestant that the other checkout has, too. */
export function changed(cases: readonly CaseResult[]): Change[] {
  return cases
    .filter(({ beside }) => beside.length > 0)
    .flatMap(({ name, processes, beside }) =>
      (processes[0] ?? []).flatMap(({ name: contestant }) => {
        const samples = (scores: readonly Score[]) =>
          scores.find((score) => score.name === contestant)?.samples
        const before = beside.map(samples)
        // A contestant that is new has nothing to be compared with.
        if (before.some((those) => those === undefined)) return []
        const ratio = ratioOf(
          processes.map((scores, index) =>
            samples(scores)!.map((ns, round) => ns / before[index]![round]!),
          ),
        )
        return [{ case: name, contestant, ...ratio }]
      }),
    )
}
