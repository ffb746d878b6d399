/** Latencies of single operations, kept as HdrHistogram does. */

import { build } from 'hdr-histogram-js'
import type { Latency } from './contest.ts'

/** To a thousandth, up to a minute. */
const HISTOGRAM = { numberOfSignificantValueDigits: 3, highestTrackableValue: 60e9 } as const
/** Four steps from each nine to the next. */
const STEPS = 4

export class Latencies {
  readonly #histogram = build({ ...HISTOGRAM, useWebAssembly: false })
  readonly #rate: number | undefined

  /** @param rate of an open loop, operations a second: latencies are then counted from when they were to begin */
  constructor(rate?: number) {
    this.#rate = rate
  }

  /** Those kept so far do not count. */
  reset(): void {
    this.#histogram.reset()
  }

  record(ms: number): void {
    this.#histogram.recordValue(Math.max(1, Math.round(ms * 1e6)))
  }

  get latency(): Latency {
    const histogram = this.#histogram
    const count = histogram.totalCount
    const percentiles = nines(count).map((percentile) => [
      percentile,
      histogram.getValueAtPercentile(percentile),
    ])
    return {
      ...(this.#rate === undefined ? { loop: 'closed' } : { loop: 'open', rate: this.#rate }),
      count,
      percentiles: percentiles as [number, number][],
    }
  }
}

/** From 0 on, ever nearer to 100, as far as so many values say something; the median, and 100. To a thousandth. */
function nines(count: number): number[] {
  const percentiles = [50]
  for (let step = 0; 10 ** (step / STEPS) <= count; step++)
    percentiles.push(Math.round(1e5 * (1 - 10 ** (-step / STEPS))) / 1e3)
  return [...percentiles.sort((a, b) => a - b), 100]
}
