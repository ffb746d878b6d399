/** Mixed commands from several threads at once, which join one nexus. */

import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { StatusLine } from '../progress.ts'

export const THREADS: number = Math.min(4, Math.max(2, availableParallelism()))
const DEPTH = 16
/** A lane of commands, one at a time, has this many blocks to itself. */
export const LANE_BLOCKS = 8
/** A thread has this many. */
export const REGION_BLOCKS: number = DEPTH * LANE_BLOCKS
const SECONDS = 1.5
const DRAW_EVERY_MS = 100

/** The nexus to be joined, and where there is room on its LUN 0. */
export interface Shared {
  readonly socket: string
  readonly join: string
  /** The first of `THREADS * REGION_BLOCKS` blocks that may be written. */
  readonly firstBlock: number
}

/** What a thread is told. */
export interface Assignment extends Shared {
  readonly depth: number
  readonly seconds: number
  /** One 32-bit word that counts the commands of all threads. */
  readonly counter: Int32Array
}

/** What a thread tells at its end. */
export interface ThreadOutcome {
  readonly commands: number
  readonly errors: number
  readonly firstError: string | undefined
  /** Nanoseconds from sending to settling. */
  readonly latency: RecordableHistogram
}

export interface MixedOutcome {
  readonly threads: number
  /** Commands of a thread that are under way. */
  readonly depth: number
  readonly seconds: number
  readonly commands: number
  /** Commands that failed, and answers that were wrong. */
  readonly errors: number
  readonly firstError: string | undefined
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

/** Runs the threads to their end. A thread that cannot go on rejects it, as does `signal`; all threads are gone then too. */
export async function mixed(
  shared: Shared,
  { silent, signal }: { readonly silent: boolean; readonly signal: AbortSignal },
): Promise<MixedOutcome> {
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const workers = Array.from({ length: THREADS }, (_, thread) => {
    const firstBlock = shared.firstBlock + thread * REGION_BLOCKS
    const workerData: Assignment = {
      ...shared,
      firstBlock,
      depth: DEPTH,
      seconds: SECONDS,
      counter,
    }
    return new Worker(new URL('./worker.js', import.meta.url), { workerData })
  })
  const next = () => Promise.all(workers.map((worker) => once(worker, 'message', { signal })))
  const line = new StatusLine({ silent })
  const timer = setInterval(() => {
    line.show(`mixed  ${Atomics.load(counter, 0).toLocaleString('en')} commands`)
  }, DRAW_EVERY_MS)
  try {
    await next()
    const started = performance.now()
    for (const worker of workers) worker.postMessage('go')
    const outcomes = (await next()).map(([outcome]) => outcome as ThreadOutcome)
    return summed(outcomes, (performance.now() - started) / 1000)
  } finally {
    clearInterval(timer)
    line.end()
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function summed(outcomes: readonly ThreadOutcome[], seconds: number): MixedOutcome {
  const latency = createHistogram()
  for (const outcome of outcomes) latency.add(outcome.latency)
  const us = (percentile: number) => latency.percentile(percentile) / 1000
  return {
    threads: outcomes.length,
    depth: DEPTH,
    seconds,
    commands: outcomes.reduce((sum, { commands }) => sum + commands, 0),
    errors: outcomes.reduce((sum, { errors }) => sum + errors, 0),
    firstError: outcomes.find(({ firstError }) => firstError !== undefined)?.firstError,
    p50Us: us(50),
    p99Us: us(99),
    p999Us: us(99.9),
  }
}
