/** A second opinion on contestants that need no promise: that of `benchmark`, which warms up, batches and stops by rules of its own. */

import { createRequire } from 'node:module'
import type { ContestOptions } from './contest.ts'

/** What `benchmark` says: the mean of nanoseconds an operation, and the interval that holds it in 95 of 100 repetitions. */
export interface CrossCheck {
  readonly mean: number
  readonly low: number
  readonly high: number
  readonly samples: number
}

/** What is used of `benchmark` 2.1, which has no types of its own. */
interface Benchmark {
  run(options: { async: false }): this
  readonly error?: Error
  /** In seconds an operation; `moe` is half the interval's width, by Student's t. */
  readonly stats: {
    readonly mean: number
    readonly moe: number
    readonly sample: readonly number[]
  }
}

type Options = { readonly minSamples: number; readonly minTime: number; readonly maxTime: number }

const Benchmark = createRequire(import.meta.url)('benchmark') as new (
  operation: () => void,
  options: Options,
) => Benchmark

/** Has `benchmark` take the same samples of the same length. Throws what the operation throws. */
export function crossCheck(
  operation: () => void,
  { rounds, sampleMs }: Pick<ContestOptions, 'rounds' | 'sampleMs'>,
): CrossCheck {
  const minTime = sampleMs / 1000
  const benchmark = new Benchmark(operation, {
    minSamples: rounds,
    minTime,
    maxTime: rounds * minTime,
  })
  benchmark.run({ async: false })
  if (benchmark.error !== undefined) throw benchmark.error
  const { mean, moe, sample } = benchmark.stats
  return {
    mean: mean * 1e9,
    low: (mean - moe) * 1e9,
    high: (mean + moe) * 1e9,
    samples: sample.length,
  }
}
