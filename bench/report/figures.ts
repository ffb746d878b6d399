/** What is shown of results: numbers of each contestant, and from them pictures, each with a sentence that is made of the same numbers. */

import type { Sweep } from '../cases/case.ts'
import type { Latency, Score } from '../contest.ts'
import { median } from '../judge.ts'
import { type CaseResult, isOversubscribed } from '../results.ts'
import { type Line, lines, rows } from './chart.ts'
import { element, type Markup } from './html.ts'
import { lookOf } from './interfaces.ts'
import { count, digits, flow, nanoseconds, rate } from './numbers.ts'
import { factor, logarithmic, nines } from './scale.ts'
import { byTime, caseSentence, latencySentence, perSecond, sweepSentence } from './sentences.ts'

/** What a contestant did in all processes of a case. */
export interface Figure {
  readonly name: string
  /** Nanoseconds an operation: the median, the least and the most of all samples. */
  readonly ns: number
  readonly least: number
  readonly most: number
  readonly counts: Readonly<Record<string, number>>
  readonly oversubscribed: boolean
  readonly scores: readonly Score[]
}

/** A picture, what it shows, and the same as a table. */
export interface Section {
  readonly id: string
  readonly title: string
  /** The interfaces that it shows. */
  readonly names: readonly string[]
  readonly picture: Markup
  readonly sentence: string
  readonly table: readonly (readonly string[])[]
  /** What else is known of it. */
  readonly below?: Markup | undefined
}

/** Those that took part in every process. */
export function figuresOf({ processes }: CaseResult, cpus: number): Figure[] {
  return (processes[0] ?? []).flatMap(({ name }) => {
    const scores = processes.flatMap((all) => all.find((score) => score.name === name) ?? [])
    const samples = scores.flatMap((score) => score.samples)
    if (scores.length < processes.length || samples.length === 0) return []
    const counted = Object.keys(scores[0]!.counts).filter((key) =>
      scores.every((score) => key in score.counts),
    )
    const counts = counted.map((key): [string, number] => [
      key,
      median(scores.map((score) => score.counts[key]!)),
    ])
    return {
      ...{ name, scores, ns: median(samples) },
      ...{ least: Math.min(...samples), most: Math.max(...samples) },
      counts: Object.fromEntries(counts),
      oversubscribed: scores.some((score) => isOversubscribed(score, cpus)),
    }
  })
}

/** A case by itself: the time of each contestant, the fastest on top. */
export function caseSection(result: CaseResult, cpus: number): Section | undefined {
  const figures = byTime(figuresOf(result, cpus))
  if (figures.length === 0) return undefined
  const { name, what, bytes } = result
  const shown = figures.map((figure) => ({
    ...{ name: figure.name, look: lookOf(figure.name) },
    ...{ value: figure.ns, low: figure.least, high: figure.most },
    label: figure.oversubscribed ? `${time(figure.ns, bytes)} *` : time(figure.ns, bytes),
    text: told(figure, bytes),
  }))
  const all = figures.flatMap(({ least, most }) => [least, most])
  return {
    id: `case-${name}`,
    title: `${name}: ${what}`,
    names: figures.map(({ name }) => name),
    picture: rows(`${name}: time of one operation by contestant`, shown, {
      x: (span) => logarithmic(all, span, nanoseconds),
      title: 'time of one operation (logarithmic; mark: median, bar: least to most)',
    }),
    sentence: caseSentence(figures),
    table: [HEADINGS, ...figures.map((figure) => cells(figure, bytes))],
  }
}

/** The lines of a sweep: how many operations a second, by the factor that differs. */
export function sweepSection(
  sweep: Sweep,
  cases: readonly CaseResult[],
  cpus: number,
): Section | undefined {
  const at = sweep.points.flatMap(({ at, case: wanted, only }) => {
    const found = cases.find(({ name }) => name === wanted)
    if (found === undefined) return []
    const all = figuresOf(found, cpus)
    const figures =
      only === undefined
        ? all
        : all
            .filter(({ name }) => name === only.contestant)
            .map((figure) => ({ ...figure, name: only.as }))
    return figures.length === 0 ? [] : [{ at, bytes: found.bytes, figures }]
  })
  if (at.length < 2) return undefined
  const points = at.sort((a, b) => a.at - b.at)
  const names = [...new Set(points.flatMap(({ figures }) => figures.map(({ name }) => name)))]
  const shown: Line[] = names.map((name) => ({
    ...{ name, look: lookOf(name) },
    points: points.flatMap(({ at, bytes, figures }) => {
      const figure = figures.find((one) => one.name === name)
      if (figure === undefined) return []
      const [y, low, high] = [figure.ns, figure.most, figure.least].map(perSecond)
      const text = `${count(at)}: ${told(figure, bytes)}`
      return [{ x: at, y: y!, low: low!, high: high!, text }]
    }),
  }))
  const rates = shown.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]))
  const headings = [sweep.factor, ...HEADINGS]
  return {
    id: `sweep-${sweep.name}`,
    title: sweep.title,
    names,
    picture: lines(`${sweep.title}: operations a second by ${sweep.factor}`, shown, {
      x: (span) =>
        factor(
          points.map(({ at }) => at),
          span,
          count,
        ),
      y: (span) => logarithmic(rates, span, rate),
      xTitle: `${sweep.factor} (logarithmic)`,
      yTitle: 'operations a second (logarithmic)',
    }),
    sentence: sweepSentence(sweep, points),
    table: [
      headings,
      ...points.flatMap(({ at, bytes, figures }) =>
        byTime(figures).map((figure) => [count(at), ...cells(figure, bytes)]),
      ),
    ],
  }
}

/** A percentile is shown where so many operations at least took longer. */
const BEYOND = 10
const LAST = 99.99

/** Latencies of a case's contestants by percentile, where they record them. */
export function latencySection(result: CaseResult, cpus: number): Section | undefined {
  const figures = figuresOf(result, cpus).flatMap((figure) => {
    const latencies = figure.scores.flatMap(({ latency }) => latency ?? [])
    return latencies.length === figure.scores.length ? [{ name: figure.name, latencies }] : []
  })
  const shown = figures.map(({ name, latencies }): Line => {
    const points = together(latencies).map(({ percentile, ns, least, most }) => ({
      ...{ x: percentile, y: ns, low: least, high: most },
      text: `${name}, p${percentile}: ${nanoseconds(ns)} (${nanoseconds(least)} to ${nanoseconds(most)})`,
    }))
    return { name, look: lookOf(name), points }
  })
  const drawn = shown.filter(({ points }) => points.length > 0)
  if (drawn.length === 0) return undefined
  const all = drawn.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]))
  const loops = [...new Set(figures.flatMap(({ latencies }) => latencies.map(loopOf)))]
  const title = `${result.name}: latencies of single operations, ${loops.join(' and ')}`
  return {
    id: `latency-${result.name}`,
    title,
    names: drawn.map(({ name }) => name),
    picture: lines(title, drawn, {
      x: (span) => nines(LAST, span),
      y: (span) => logarithmic(all, span, nanoseconds),
      xTitle: 'percentile (logarithmic in what is beyond it)',
      yTitle: 'latency (logarithmic)',
    }),
    sentence: latencySentence(drawn),
    table: [
      ['contestant', 'percentile', 'median of processes', 'least', 'most'],
      ...drawn.flatMap(({ name, points }) =>
        points.map(({ x, y, low, high }) => [name, `p${x}`, ...[y, low, high].map(nanoseconds)]),
      ),
    ],
  }
}

/** The percentiles that all processes have and that enough operations are beyond. */
function together(latencies: readonly Latency[]) {
  const operations = latencies.reduce((sum, { count }) => sum + count, 0)
  return (latencies[0]?.percentiles ?? []).flatMap(([percentile]) => {
    const values = latencies.flatMap(
      ({ percentiles }) => percentiles.find(([p]) => p === percentile)?.[1] ?? [],
    )
    const beyond = operations * (1 - percentile / 100)
    if (values.length < latencies.length || percentile > LAST || beyond < BEYOND - 1e-6) return []
    return [
      { percentile, ns: median(values), least: Math.min(...values), most: Math.max(...values) },
    ]
  })
}

function loopOf({ loop, rate: perSecond }: Latency): string {
  return perSecond === undefined ? `${loop} loop` : `${loop} loop at ${rate(perSecond)}`
}

const HEADINGS = ['contestant', 'median', 'least', 'most', 'speed', 'counts of one operation']

function cells(figure: Figure, bytes: number): string[] {
  const counts = Object.entries(figure.counts).map(([name, value]) => `${digits(value)} ${name}`)
  if (figure.oversubscribed) counts.push('oversubscribed')
  return [
    figure.name,
    ...[figure.ns, figure.least, figure.most].map(nanoseconds),
    bytes > 0
      ? `${rate(perSecond(figure.ns))}, ${flow(bytes, figure.ns)}`
      : rate(perSecond(figure.ns)),
    counts.join(', '),
  ]
}

function told(figure: Figure, bytes: number): string {
  const [name, ns, least, most, speed, counts] = cells(figure, bytes)
  return `${name}: ${ns} (${least} to ${most}), ${speed}${counts === '' ? '' : `; ${counts}`}`
}

/** What matters of many bytes is how many of them. */
function time(ns: number, bytes: number): string {
  return bytes >= 65_536 ? `${nanoseconds(ns)}, ${flow(bytes, ns)}` : nanoseconds(ns)
}

/** A section as it stands on the page. */
export function sectionMarkup({ id, title, picture, sentence, table, below }: Section): Markup {
  return element(
    'section',
    { id },
    element('h3', {}, title),
    element('figure', {}, picture, element('figcaption', {}, sentence)),
    element('details', {}, element('summary', {}, 'The numbers'), tableMarkup(table)),
    below,
  )
}

/** @param table its first row is its headings */
export function tableMarkup([headings = [], ...body]: readonly (readonly (
  | string
  | Markup
)[])[]): Markup {
  const head = headings.map((heading) => element('th', { scope: 'col' }, heading))
  const lines = body.map((row) =>
    element(
      'tr',
      {},
      ...row.map((cell, index) =>
        index === 0 ? element('th', { scope: 'row' }, cell) : element('td', {}, cell),
      ),
    ),
  )
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...lines),
    ),
  )
}
