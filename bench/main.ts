/** Runs the cases, each in processes of its own, and judges them. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Suite } from './cases/case.ts'
import type { ClientOptions, ClientReport, ProfileReport } from './client.ts'
import { comparison } from './compare.ts'
import type { Score } from './contest.ts'
import { environment, lastCacheBytes } from './environment.ts'
import { helpOf, type Options, Unusable, wantedOf } from './options.ts'
import { type Placement, placement, start } from './place.ts'
import { whyNot } from './profile.ts'
import { Progress } from './progress.ts'
import { publishedOf, withNumbers } from './publish.ts'
import { page } from './report/page.ts'
import { report } from './report.ts'
import {
  type CaseResult,
  changed,
  judged,
  type Profile,
  type Results,
  shortfalls,
  type Unprofiled,
} from './results.ts'

const CLIENT = fileURLToPath(new URL('client.js', import.meta.url))
/** Where a checkout's benchmarks stand. */
const BENCH_BELOW = 'build/bench'
/** What of a run is committed. */
const PUBLISHED = 'bench/results/published.json'
/** Stands beside the results. */
const REPORT = 'report.html'
const SMOKE_IMAGE_BYTES = 8 << 20

/** Where a run takes place. */
interface Around {
  readonly root: string
  readonly rustc: string
  /** Where the results are kept, unless they are a smoke run's; the report stands beside them. */
  readonly file: string
}

/**
 * Runs a suite, once everything is built.
 *
 * @returns the exit code: 0 when all was measured, whatever the verdicts; 1 when a case failed; 2 when
 * what was asked for cannot be done; what `comparison()` says
 */
export async function bench(
  suite: Suite,
  args: readonly string[],
  around: Around,
): Promise<number> {
  try {
    const wanted = wantedOf(args, suite)
    switch (wanted.job) {
      case 'help':
        process.stdout.write(helpOf(suite))
        return 0
      case 'compare':
        return compare(wanted.files, wanted.anyway)
      case 'publish':
        publish(wanted.file ?? around.file, around.root)
        return 0
      case 'measure':
        return await measure(suite, wanted.options, around)
    }
  } catch (error) {
    if (!(error instanceof Unusable)) throw error
    process.stderr.write(`bench: ${error.message}\n`)
    return 2
  }
}

async function measure(
  suite: Suite,
  options: Options,
  { root, rustc, file }: Around,
): Promise<number> {
  const place = placement(options.cpus)
  const around = environment(place, rustc)
  const cases = await measured(suite, options, place, nativeProgram(root))
  const ratios = judged(cases, suite, around)
  const looked = await profiled(options.profile ? shortfalls(ratios) : [], (name, profile) =>
    runCase<ProfileReport>(CLIENT, suite, name, 1, options, place, nativeProgram(root), profile),
  )
  const results: Results = {
    ...{ suite: suite.name, notes: suite.notes, pins: suite.pins, environment: around, options },
    ...{ ratios, cases, sweeps: suite.sweeps ?? [], changes: changed(cases), ...looked },
  }
  if (!options.smoke) keep(file, results)
  process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : report(results))
  return cases.some(({ failure }) => failure !== undefined) ? 1 : 0
}

/** Runs the cases one after the other. One that fails says so, and is no reason not to run the others. */
async function measured(
  suite: Suite,
  options: Options,
  place: Placement,
  nativeProgram: string,
): Promise<CaseResult[]> {
  const other = options.beside === undefined ? undefined : await otherIn(options.beside, suite)
  const chosen = suite.cases.filter(({ name }) => options.only.includes(name))
  const progress = new Progress(chosen.length * options.processes)
  const cases: CaseResult[] = []
  for (const { name, what, bytes } of chosen) {
    const run = async (client: string, seed: number) =>
      (await runCase<ClientReport>(client, suite, name, seed, options, place, nativeProgram)).scores
    const processes: (readonly Score[])[] = []
    const beside: (readonly Score[])[] = []
    try {
      for (let seed = 1; seed <= options.processes; seed++) {
        progress.begin(`${name}, process ${seed} of ${options.processes}`)
        const turns = [{ client: CLIENT, scores: processes }]
        if (other?.cases.has(name)) turns.push({ client: other.client, scores: beside })
        // Neither is always the first: what the machine does over time meets both.
        if (seed % 2 === 0) turns.reverse()
        for (const { client, scores } of turns) scores.push(await run(client, seed))
      }
      cases.push({ name, what, bytes, processes, beside })
    } catch (error) {
      const failure = messageOf(error)
      progress.tell(failure)
      progress.skip(options.processes * (cases.length + 1))
      cases.push({ name, what, bytes, processes: [], beside: [], failure })
    }
  }
  progress.end()
  return cases
}

/** Looks into contestants, each alone in processes of its own. That one cannot be looked into is told, and no more. */
async function profiled(
  those: ReturnType<typeof shortfalls>,
  look: (name: string, contestant: string) => Promise<ProfileReport>,
): Promise<Pick<Results, 'profiles' | 'unprofiled'>> {
  const progress = new Progress(those.length)
  const profiles: Profile[] = []
  const unprofiled: Unprofiled[] = []
  for (const one of those) {
    progress.begin(`profile of ${one.case}, ${one.contestant}`)
    const failed = (error: unknown): ProfileReport => ({ profiles: [], why: whyNot(error) })
    const { profiles: found, why } = await look(one.case, one.contestant).catch(failed)
    profiles.push(...found.map((profile) => ({ ...one, ...profile })))
    if (why !== undefined) unprofiled.push({ ...one, why })
  }
  progress.end()
  return { profiles, unprofiled }
}

/**
 * The other checkout's client, and the cases that it has.
 *
 * @throws `Unusable` where there is none
 */
async function otherIn(
  folder: string,
  suite: Suite,
): Promise<{ client: string; cases: ReadonlySet<string> }> {
  const client = resolve(folder, BENCH_BELOW, 'client.js')
  if (!existsSync(client))
    throw new Unusable(`--beside: no ${client}; run \`npm run bench -- --smoke\` there first`)
  const { SUITES: suites }: { SUITES: readonly Suite[] } = await import(
    pathToFileURL(resolve(folder, BENCH_BELOW, 'suites.js')).href
  )
  const cases = suites.find(({ name }) => name === suite.name)?.cases ?? []
  return { client, cases: new Set(cases.map(({ name }) => name)) }
}

async function runCase<Report>(
  client: string,
  suite: Suite,
  name: string,
  seed: number,
  options: Options,
  place: Placement,
  nativeProgram: string,
  profile?: string,
): Promise<Report> {
  const { rounds, sampleMs, warmMs } = options
  const imageBytes = options.smoke ? SMOKE_IMAGE_BYTES : imageOver(4 * lastCacheBytes(place.there))
  const setting: ClientOptions = {
    ...{ suite: suite.name, case: name, seed, placement: place, nativeProgram, imageBytes },
    ...{ rounds, sampleMs, warmMs },
    ...(profile !== undefined && { profile }),
  }
  const { env } = suite.cases.find((known) => known.name === name)!
  const output = await outputOf([...options.nodeArgs, client, JSON.stringify(setting)], name, env)
  return JSON.parse(output) as Report
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A quarter more than `bytes`, in whole MiB. */
function imageOver(bytes: number): number {
  return Math.ceil((bytes * 1.25) / (1 << 20)) * (1 << 20)
}

/** What the client prints. */
function outputOf(
  args: readonly string[],
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = start(process.execPath, args, env)
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

function nativeProgram(root: string): string {
  return join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release/sgring-bench')
}

function keep(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results)}\n`)
  const shown = join(dirname(path), REPORT)
  writeFileSync(shown, page(results))
  process.stderr.write(`bench: ${path}\nbench: ${shown}\n`)
}

function compare(files: readonly [string, string], anyway: boolean): number {
  const { status, told, warnings } = comparison(read(files[0]), read(files[1]), anyway)
  process.stderr.write(warnings)
  process.stdout.write(told)
  return status
}

function publish(file: string, root: string): void {
  const published = publishedOf(read(file))
  const readme = join(root, 'README.md')
  writeFileSync(readme, withNumbers(readFileSync(readme, 'utf8'), published))
  writeFileSync(join(root, PUBLISHED), `${JSON.stringify(published, null, 2)}\n`)
}

/** @throws `Unusable`: what is wrong with the file, by its name */
function read(path: string): Results {
  try {
    const results: Results = JSON.parse(readFileSync(path, 'utf8'))
    if (results.ratios === undefined)
      throw new TypeError('holds no results, or those of an older version')
    return results
  } catch (error) {
    throw new Unusable(`${path}: ${error instanceof Error ? error.message : error}`)
  }
}
