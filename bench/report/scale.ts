/** From values to places along an axis. */

import { plain } from './numbers.ts'

export interface Tick {
  readonly at: number
  readonly label: string
}

export interface Scale {
  /** The place of a value; values beyond the ends are at the ends. */
  place(value: number): number
  /** Ascending, each within the ends. */
  readonly ticks: readonly Tick[]
}

/** From where to where, in the picture's units. */
export type Span = readonly [from: number, to: number]

/** What a logarithmic axis of one value spans around it. */
const AROUND = 1.5
/** At most so many ticks of powers of ten before every other one is left out. */
const DECADES = 8

/**
 * A logarithmic axis that holds all of the values.
 *
 * @param values those that are not above 0 are not on it
 */
export function logarithmic(
  values: readonly number[],
  span: Span,
  label: (value: number) => string,
): Scale {
  const [low, high] = ends(values)
  const place = placer(Math.log10(low), Math.log10(high), span, Math.log10)
  const ticks = ticksBetween(low, high).map((at) => ({ at, label: plain(label(at)) }))
  return { place, ticks }
}

/**
 * An axis of the values of one factor, each with a tick: logarithmic, with 0 as far left of the smallest as a step by 4.
 *
 * @param values at least one, none negative
 */
export function factor(
  values: readonly number[],
  span: Span,
  label: (value: number) => string,
): Scale {
  const distinct = [...new Set(values)].sort((a, b) => a - b)
  const least = distinct.find((value) => value > 0) ?? 1
  const shown = (value: number) => (value > 0 ? value : least / 4)
  const [low, high] = ends(distinct.map(shown))
  const place = placer(Math.log10(low), Math.log10(high), span, (value) => Math.log10(shown(value)))
  return { place, ticks: distinct.map((at) => ({ at, label: label(at) })) }
}

/** Percentiles by their nines: 90, 99, 99.9 and so on are equally far apart, from 0 to `last`, which is below 100. */
export function nines(last: number, span: Span): Scale {
  const place = placer(0, depth(last), span, depth)
  const ticks = [0, 50, 90, 99, 99.9, 99.99].filter((at) => at <= last)
  return { place, ticks: ticks.map((at) => ({ at, label: at === 0 ? '0' : `p${at}` })) }
}

/** How many nines. */
function depth(percentile: number): number {
  return -Math.log10(Math.max(1 - percentile / 100, 1e-9))
}

function placer(low: number, high: number, [from, to]: Span, measure: (value: number) => number) {
  return (value: number): number => {
    const part = (measure(value) - low) / (high - low)
    // Not a number is neither below nor above: it stays, and its element throws.
    return from + Math.min(1, Math.max(0, part)) * (to - from)
  }
}

/** Of an axis that is never empty. */
function ends(values: readonly number[]): Span {
  const shown = values.filter((value) => value > 0 && Number.isFinite(value))
  const [low, high] = [Math.min(...shown), Math.max(...shown)]
  if (shown.length === 0) return [1 / AROUND, AROUND]
  return high / low < AROUND ? [low / AROUND, high * AROUND] : [low, high]
}

/** Powers of ten; where those are fewer than three, twice and five times them as well; where that is not enough, more. */
function ticksBetween(low: number, high: number): number[] {
  for (const multiples of [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const found: number[] = []
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const multiple of multiples) {
        const at = Number(`${multiple}e${power}`)
        if (at >= low && at <= high) found.push(at)
      }
    }
    if (found.length > DECADES && multiples.length === 1)
      return found.filter((_, index) => index % 2 === 0)
    if (found.length >= 3) return found
  }
  return [low, high]
}

/** Moves labels apart that would overlap: their places in the same order, at least `gap` between them, within the span where that is possible. */
export function apart(places: readonly number[], gap: number, [from, to]: Span): number[] {
  const order = places.map((_, index) => index).sort((a, b) => places[a]! - places[b]!)
  const moved = [...places]
  let least = from
  for (const index of order) {
    moved[index] = Math.max(places[index]!, least)
    least = moved[index]! + gap
  }
  let most = to
  for (const index of order.reverse()) {
    moved[index] = Math.min(moved[index]!, most)
    most = moved[index]! - gap
  }
  return moved
}
