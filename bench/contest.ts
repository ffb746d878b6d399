/** Contestants that take turns: one sample of each a round, in an order that is shuffled anew. Or one alone, which is looked into. */

import { Bench } from 'tinybench'
import { type CrossCheck, crossCheck } from './cross-check.ts'
import { itself, type Profiled, type SideProfile, Unprofilable } from './profile.ts'
import type { Random } from './random.ts'
import { heapBytes, Usage } from './usage.ts'

/** An initiator's and a target's. */
const THREADS = 2
/** Operations in a sample, so that each is short. */
const SHORT = 256
const HEAP_TRIES = 9

/** One way to do the same thing. */
export interface Contestant {
  readonly name: string
  /** Does it `count` times, checks each, and resolves with the milliseconds that took. */
  run(count: number): Promise<number>
  /** Counts since it was made, such as wake-ups; the report divides their growth by the operations. */
  counts?(): Readonly<Record<string, number>>
  /** Operations a second, where it keeps to that, and what it says that they took is no time of the clock. */
  readonly rate?: number
  /** Called when it is warm: what it has recorded so far is not to count. */
  warm?(): void
  /** How long single operations took since it was warm, where it records that. */
  latency?(): Latency
  /** Promises that an operation makes, where that says something. */
  promises?(): Promise<number>
  /** Whether it runs in a process of its own, so that what this process spends meanwhile says nothing. */
  readonly elsewhere?: boolean
  /** Does it `count` times in a process of its own that looks into itself meanwhile. */
  profile?(count: number): Promise<SideProfile[]>
  /** The process of its other side, where that is Node's, and can be looked into. */
  readonly target?: Profiled
  /** Does it once, where that takes no promise: `benchmark` takes its time as well, and has to agree. */
  operation?(): void
  /** Threads of all its processes that run at once; 2 if it does not say. More than CPUs, and its figures are `oversubscribed`. */
  readonly threads?: number
}

/** How long single operations took. */
export interface Latency {
  /** `closed`: the next begins when one has ended. `open`: they begin at a rate, and what one waits for its turn counts. */
  readonly loop: 'closed' | 'open'
  /** Of an open loop: operations that begin in a second. */
  readonly rate?: number
  readonly count: number
  /** Percentiles and nanoseconds, both ascending, up to the 100th. */
  readonly percentiles: readonly (readonly [percentile: number, ns: number])[]
}

export interface ContestOptions {
  readonly rounds: number
  /** What one sample should last. */
  readonly sampleMs: number
  /** How long each contestant runs before the first round, so that what is compiled later is compiled. */
  readonly warmMs: number
}

/** The smaller of two sizes in everything. */
export function atMost(
  { rounds, sampleMs, warmMs }: ContestOptions,
  most: ContestOptions | undefined,
): ContestOptions {
  const { rounds: mostRounds, sampleMs: mostSample, warmMs: mostWarm } = most ?? NO_LIMIT
  return {
    rounds: Math.min(rounds, mostRounds),
    sampleMs: Math.min(sampleMs, mostSample),
    warmMs: Math.min(warmMs, mostWarm),
  }
}

const NO_LIMIT: ContestOptions = { rounds: Infinity, sampleMs: Infinity, warmMs: Infinity }

/** What one contestant did in one process. */
export interface Score {
  readonly name: string
  /** Operations in one sample. */
  readonly operations: number
  /** Nanoseconds an operation, a sample a round. */
  readonly samples: readonly number[]
  /** Growth of its counts an operation. */
  readonly counts: Readonly<Record<string, number>>
  readonly threads: number
  readonly latency?: Latency
  readonly crossCheck?: CrossCheck
}

export async function contest(
  contestants: readonly Contestant[],
  options: ContestOptions,
  random: Random,
): Promise<Score[]> {
  const entries = []
  for (const contestant of contestants) {
    const operations = await warmUp(contestant, options)
    contestant.warm?.()
    const [samples, usage, before] = [[] as number[], new Usage(), contestant.counts?.()]
    entries.push({ contestant, operations, samples, usage, before })
  }
  for (let round = 0; round < options.rounds; round++) {
    const bench = new Bench({
      iterations: 1,
      time: 0,
      warmup: false,
      retainSamples: true,
      throws: true,
    })
    for (const { contestant, operations, usage } of random.shuffled(entries)) {
      const sample = async () => ({
        overriddenDuration: (await usage.during(() => contestant.run(operations))) / operations,
      })
      bench.add(contestant.name, sample, { async: true })
    }
    await bench.run()
    for (const { contestant, samples } of entries) {
      const result = bench.getTask(contestant.name)?.result
      if (result?.state !== 'completed') throw new Error(`${contestant.name} took no sample`)
      for (const ms of result.latency.samples ?? []) samples.push(ms * 1e6)
    }
  }
  const scores: Score[] = []
  for (const { contestant, operations, samples, usage, before } of entries) {
    const all = operations * samples.length
    const counts = growth(before, contestant.counts?.(), all)
    const latency = contestant.latency?.()
    scores.push({
      name: contestant.name,
      operations,
      samples,
      counts: { ...counts, ...(await spent(contestant, operations, usage.of(all), options)) },
      threads: contestant.threads ?? THREADS,
      ...(latency && { latency }),
      ...(contestant.operation && { crossCheck: crossCheck(contestant.operation, options) }),
    })
  }
  return scores
}

const PROFILED_MS = 1000
/** The kernel lets native code look at itself 250 times a second, so it takes longer to see as much. */
const NATIVE_PROFILED_MS = 4000

/** Lets a contestant run alone for a while, once it is warm, and looks into its sides. Rejects where that cannot be. */
export async function profilesOf(
  contestant: Contestant,
  options: ContestOptions,
): Promise<SideProfile[]> {
  if (contestant.profile === undefined && contestant.elsewhere === true)
    throw new Unprofilable('it is a program that does not tell where its time goes')
  const operations = await warmUp(contestant, options)
  if (contestant.profile !== undefined)
    return contestant.profile(Math.ceil((operations * NATIVE_PROFILED_MS) / options.sampleMs))
  const sides = [
    { side: 'initiator', process: itself },
    { side: 'target', process: contestant.target },
  ] as const
  const begun = []
  for (const { side, process } of sides)
    if (process !== undefined) begun.push({ side, end: await process.profile() })
  const until = performance.now() + PROFILED_MS
  while (performance.now() < until) await contestant.run(operations)
  const profiles: SideProfile[] = []
  for (const { side, end } of begun) profiles.push({ side, ...(await end()) })
  return profiles
}

/** What an operation takes beside time. */
async function spent(
  contestant: Contestant,
  operations: number,
  usage: Readonly<Record<string, number>>,
  { rounds }: ContestOptions,
): Promise<Record<string, number>> {
  if (contestant.elsewhere === true) return {}
  const counts: Record<string, number> = { ...usage }
  // Where operations are long, so would be the wait for as many as this takes, and what they take from the heap is nothing beside them.
  if (operations >= SHORT)
    counts['heap bytes'] = await heapBytes(
      (count) => contestant.run(count),
      Math.min(rounds, HEAP_TRIES),
    )
  const promises = await contestant.promises?.()
  return { ...counts, ...(promises !== undefined && { promises }) }
}

/** Runs for `warmMs`, longer and longer, and returns how many operations last `sampleMs`. */
async function warmUp(
  contestant: Contestant,
  { sampleMs, warmMs }: ContestOptions,
): Promise<number> {
  const { rate } = contestant
  if (rate !== undefined) {
    await contestant.run(Math.ceil((rate * warmMs) / 1000))
    return Math.ceil((rate * sampleMs) / 1000)
  }
  let operations = 64
  for (let total = 0; ; ) {
    const ms = await contestant.run(operations)
    total += ms
    if (ms >= sampleMs / 2 && total >= warmMs) {
      return Math.max(1, Math.round((operations * sampleMs) / ms))
    }
    if (ms < sampleMs / 2) operations *= 2
  }
}

function growth(
  before: Readonly<Record<string, number>> = {},
  after: Readonly<Record<string, number>> = {},
  operations: number,
): Record<string, number> {
  const counts = Object.entries(after)
  return Object.fromEntries(
    counts.map(([name, count]) => [name, (count - (before[name] ?? 0)) / operations]),
  )
}
