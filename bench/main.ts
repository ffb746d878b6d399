/** Runs the cases, each in processes of its own, and judges them. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Suite } from './cases/case.ts'
import type { ClientOptions, ClientReport } from './client.ts'
import type { Score } from './contest.ts'
import { type Environment, environment, lastCacheBytes } from './environment.ts'
import { type Goal, type Ratio, ratioOf, type Verdict, verdict } from './judge.ts'
import { helpOf, type Options, optionsOf } from './options.ts'
import { type Placement, placement, start } from './place.ts'
import { report } from './report.ts'

/** All of a run, as it is kept. */
export interface Results {
  readonly environment: Environment
  readonly options: Options
  readonly cases: readonly CaseResult[]
  readonly goals: readonly GoalResult[]
  readonly changes: readonly Change[]
}

export interface CaseResult {
  readonly name: string
  /** The contestants' scores by process. */
  readonly processes: readonly (readonly Score[])[]
  /** Those of the other checkout, by the same processes' turns. */
  readonly beside: readonly (readonly Score[])[]
}

/** What changed from the other checkout to this one: this one's time over that one's. */
export interface Change extends Ratio {
  readonly case: string
  readonly contestant: string
}

export interface GoalResult extends Goal, Ratio {
  readonly verdict: Verdict
}

const CLIENT = fileURLToPath(new URL('client.js', import.meta.url))
/** Where a checkout's benchmarks stand. */
const BENCH_BELOW = 'build/bench'
const SMOKE_IMAGE_BYTES = 8 << 20

/**
 * Runs a suite, once everything is built.
 *
 * @param around `file` is where the results are kept, unless they are a smoke run's
 * @returns the exit code: 0 when all was measured, whatever the verdicts
 */
export async function bench(
  suite: Suite,
  args: readonly string[],
  { root, rustc, file }: { root: string; rustc: string; file: string },
): Promise<number> {
  const options = optionsOf(args, suite)
  if (options.help) {
    process.stdout.write(helpOf(suite))
    return 0
  }
  const other = options.beside === undefined ? undefined : await otherIn(options.beside, suite)
  const place = placement(options.cpus)
  const around = environment(place, rustc)
  const cases: CaseResult[] = []
  for (const { name } of suite.cases.filter(({ name }) => options.only.includes(name))) {
    const processes: (readonly Score[])[] = []
    const beside: (readonly Score[])[] = []
    for (let process_ = 1; process_ <= options.processes; process_++) {
      process.stderr.write(`bench: ${name}, process ${process_} of ${options.processes}\n`)
      const turns = [{ client: CLIENT, scores: processes }]
      if (other?.cases.has(name)) turns.push({ client: other.client, scores: beside })
      // Neither is always the first: what the machine does over time meets both.
      if (process_ % 2 === 0) turns.reverse()
      for (const { client, scores } of turns)
        scores.push(
          await runCase(client, suite, name, process_, options, place, nativeProgram(root)),
        )
    }
    cases.push({ name, processes, beside })
  }
  const goals = judged(cases, suite)
  const results: Results = { environment: around, options, cases, goals, changes: changed(cases) }
  if (!options.smoke) keep(file, results)
  process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : report(results, suite))
  return 0
}

/**
 * The other checkout's client, and the cases that it has.
 *
 * @throws `TypeError` where there is none
 */
async function otherIn(
  folder: string,
  suite: Suite,
): Promise<{ client: string; cases: ReadonlySet<string> }> {
  const client = resolve(folder, BENCH_BELOW, 'client.js')
  if (!existsSync(client))
    throw new TypeError(`--beside: no ${client}; run \`npm run bench -- --smoke\` there first`)
  const { SUITES: suites }: { SUITES: readonly Suite[] } = await import(
    pathToFileURL(resolve(folder, BENCH_BELOW, 'suites.js')).href
  )
  const cases = suites.find(({ name }) => name === suite.name)?.cases ?? []
  return { client, cases: new Set(cases.map(({ name }) => name)) }
}

async function runCase(
  client: string,
  suite: Suite,
  name: string,
  seed: number,
  options: Options,
  place: Placement,
  nativeProgram: string,
): Promise<readonly Score[]> {
  const { rounds, sampleMs, warmMs } = options
  const imageBytes = options.smoke ? SMOKE_IMAGE_BYTES : imageOver(4 * lastCacheBytes(place.there))
  const setting: ClientOptions = {
    ...{ suite: suite.name, case: name, seed, placement: place, nativeProgram, imageBytes },
    ...{ rounds, sampleMs, warmMs },
  }
  const output = await outputOf([...options.nodeArgs, client, JSON.stringify(setting)], name)
  return (JSON.parse(output) as ClientReport).scores
}

/** A quarter more than `bytes`, in whole MiB. */
function imageOver(bytes: number): number {
  return Math.ceil((bytes * 1.25) / (1 << 20)) * (1 << 20)
}

/** What the client prints. */
function outputOf(args: readonly string[], name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = start(process.execPath, args)
    let output = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}`))
    })
  })
}

function judged(cases: readonly CaseResult[], { goals }: Suite): GoalResult[] {
  return cases.flatMap(({ name, processes }) =>
    goals
      .filter((goal) => goal.case === name)
      .map((goal) => {
        const ratio = ratioOf(processes.map((scores) => ratios(scores, goal)))
        return { ...goal, ...ratio, verdict: verdict(goal, ratio) }
      }),
  )
}

function changed(cases: readonly CaseResult[]): Change[] {
  return cases
    .filter(({ beside }) => beside.length > 0)
    .flatMap(({ name, processes, beside }) =>
      processes[0]!.flatMap(({ name: contestant }) => {
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

/** One ratio a round. */
function ratios(scores: readonly Score[], { ours, rival, sense }: Goal): number[] {
  const samples = (wanted: string) => scores.find(({ name }) => name === wanted)!.samples
  const [above, below] =
    sense === 'faster' ? [samples(rival), samples(ours)] : [samples(ours), samples(rival)]
  return above.map((value, round) => value / below[round]!)
}

function nativeProgram(root: string): string {
  return join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release/sgring-bench')
}

function keep(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results)}\n`)
}
