/** What pictures show, in words: made of the same numbers, and so as true. */

import type { Sweep } from '../cases/case.ts'
import type { Line } from './chart.ts'
import type { Figure } from './figures.ts'
import { isLimit, lookOf } from './interfaces.ts'
import { count, digits, nanoseconds, rate } from './numbers.ts'

/** @param figures the fastest first */
export function caseSentence(figures: readonly Figure[]): string {
  const rivals = figures.filter(({ name }) => !isLimit(lookOf(name)))
  const [fastest, slowest] = [rivals[0], rivals.at(-1)]
  const limits = figures
    .filter(({ name }) => isLimit(lookOf(name)))
    .map(({ name, ns }) => `; the limit, ${name}, is at ${nanoseconds(ns)}`)
    .join('')
  if (fastest === undefined || slowest === undefined) return 'Only limits were measured here.'
  if (fastest === slowest)
    return `${fastest.name} takes ${nanoseconds(fastest.ns)} an operation${limits}.`
  const between = rivals.slice(1, -1).map(({ name, ns }) => `${name} takes ${nanoseconds(ns)}, `)
  return `${fastest.name} is the fastest with ${nanoseconds(fastest.ns)} an operation, ${between.join('')}and ${slowest.name} takes ${digits(
    slowest.ns / fastest.ns,
  )} times as long as the fastest, ${nanoseconds(slowest.ns)}${limits}.`
}

/** What took part where a factor has a value. */
export interface At {
  readonly at: number
  readonly figures: readonly Figure[]
}

export function sweepSentence({ factor: what }: Sweep, points: readonly At[]): string {
  const names = new Set(points.flatMap(({ figures }) => figures.map(({ name }) => name)))
  if (names.size === 1) return aloneSentence([...names][0]!, what, points)
  const winners = points.map(({ at, figures }) => {
    const [first] = byTime(figures.filter(({ name }) => !isLimit(lookOf(name))))
    return { at, first }
  })
  const runs: { name: string; from: number; to: number; best: number }[] = []
  for (const { at, first } of winners) {
    if (first === undefined) continue
    const last = runs.at(-1)
    if (last?.name === first.name)
      Object.assign(last, { to: at, best: Math.max(last.best, perSecond(first.ns)) })
    else runs.push({ name: first.name, from: at, to: at, best: perSecond(first.ns) })
  }
  const told = runs.map(({ name, from, to, best }) => {
    const range = from === to ? `at ${count(from)}` : `from ${count(from)} to ${count(to)}`
    return `${name} ${range} (up to ${rate(best)})`
  })
  return `Fastest by ${what}: ${told.join(', then ')}.${ownParts(points)}`
}

/** Of a line that is by itself. */
function aloneSentence(name: string, what: string, points: readonly At[]): string {
  const rates = points.map(({ at, figures }) => ({ at, speed: perSecond(figures[0]!.ns) }))
  const [first, last] = [rates[0]!, rates.at(-1)!]
  const most = rates.reduce((best, one) => (one.speed > best.speed ? one : best))
  const times = digits(last.speed / first.speed)
  return `By ${what}, ${name} goes from ${rate(first.speed)} at ${count(first.at)} to ${rate(last.speed)} at ${count(last.at)}, ${times} times as many; the most, ${rate(most.speed)}, are at ${count(most.at)}.`
}

/** How near sgring's own come to the fastest, where they are not that themselves. */
function ownParts(points: readonly At[]): string {
  const parts = new Map<string, number[]>()
  for (const { figures } of points) {
    const best = Math.min(
      ...figures.filter(({ name }) => !isLimit(lookOf(name))).map(({ ns }) => ns),
    )
    for (const { name, ns } of figures)
      if (lookOf(name).ours === true) parts.set(name, [...(parts.get(name) ?? []), best / ns])
  }
  return [...parts]
    .filter(([, those]) => those.some((part) => part < 1))
    .map(([name, those]) => {
      const [least, most] = [Math.min(...those), Math.max(...those)].map((part) =>
        digits(part * 100),
      )
      return ` ${name} runs at ${least === most ? least : `${least} to ${most}`}\u00a0% of the fastest.`
    })
    .join('')
}

/** The percentiles that are told. */
const TOLD = [50, 99, 99.9, 99.99]

/** Each percentile by itself, the fastest first, of those that have it; of who has none of them, the last. */
export function latencySentence(drawn: readonly Line[]): string {
  const sentences = TOLD.flatMap((percentile) => {
    const those = drawn
      .flatMap(({ name, points }) =>
        points.flatMap(({ x, y }) => (x === percentile ? { name, y } : [])),
      )
      .sort((a, b) => a.y - b.y)
      .map(({ name, y }) => `${name} ${nanoseconds(y)}`)
    const part = percentile === 50 ? 'Half of the' : `${percentile} of 100`
    return those.length === 0 ? [] : `${part} operations take up to: ${those.join(', ')}.`
  })
  const others = drawn
    .filter(({ points }) => !points.some(({ x }) => TOLD.includes(x)))
    .map(({ name, points }) => {
      const { x, y } = points.at(-1)!
      return `${digits(x)} of 100 operations of ${name} take up to ${nanoseconds(y)}.`
    })
  return [...sentences, ...others].join(' ')
}

/** The fastest first. */
export function byTime(figures: readonly Figure[]): Figure[] {
  return [...figures].sort((a, b) => a.ns - b.ns)
}

export function perSecond(ns: number): number {
  return 1e9 / ns
}
