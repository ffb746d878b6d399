/** The report: one page that needs nothing else, no network and no JavaScript. */

import type { Sweep } from '../cases/case.ts'
import type { Environment } from '../environment.ts'
import type { CaseResult, Results } from '../results.ts'
import { swatch } from './chart.ts'
import {
  caseSection,
  latencySection,
  type Section,
  sectionMarkup,
  sweepSection,
} from './figures.ts'
import { goalSentence, goalTable, opinionSection, yardstickSentence } from './goals.ts'
import { type Child, element, type Markup, together } from './html.ts'
import { lookOf } from './interfaces.ts'
import { digits, mib } from './numbers.ts'
import { profilesBelow } from './profiles.ts'
import { STYLE } from './style.ts'

/** What may go to a browser: nothing comes from elsewhere, and nothing runs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** The whole document, for results of any suite. */
export function page(results: Results): string {
  const { suite, cases, sweeps, ratios, environment, options } = results
  const { cpus } = environment
  const drawn = sweeps.flatMap((sweep) => {
    const section = sweepSection(sweep, cases, cpus)
    if (section === undefined) return []
    const below = profilesBelow(results, namesOf(sweep))
    return [{ sweep, section: { ...section, below } }]
  })
  const swept = new Set(drawn.flatMap(({ sweep }) => namesOf(sweep)))
  const latencySections = present(cases.map((result) => latencySection(result, cpus)))
  const alone = cases.filter(({ name }) => !swept.has(name))
  const caseSections = alone.flatMap((result) => {
    const section = caseSection(result, cpus)
    return section === undefined
      ? []
      : [{ ...section, below: profilesBelow(results, [result.name]) }]
  })
  const title = `sgring: benchmarks of ${suite}`
  const body = element(
    'main',
    {},
    element('h1', {}, title),
    element('p', { class: 'soft' }, where(environment)),
    options.smoke
      ? element(
          'p',
          { class: 'smoke' },
          'A smoke run: it shows that all is right, and measures nothing. No number here means anything.',
        )
      : undefined,
    element(
      'nav',
      { 'aria-label': 'sections' },
      ...NAVIGATION.map(([id, name]) => element('a', { href: `#${id}` }, name)),
    ),
    heading('goals', 'Goals'),
    element('p', {}, goalSentence(ratios)),
    element('p', { class: 'soft' }, [READING, yardstickSentence(ratios) ?? ''].join(' ').trim()),
    goalTable(ratios),
    heading('interfaces', 'Interfaces'),
    element(
      'p',
      {},
      'Each has one colour and one mark in every picture. Limits are dashed: nothing that does the work can be faster.',
    ),
    legend([...drawn.map(({ section }) => section), ...latencySections, ...caseSections]),
    heading('throughput', 'Throughput'),
    ...sectionsOr(
      drawn.map(({ section }) => section),
      'No factor was varied in this run.',
    ),
    heading('latency', 'Latency'),
    ...sectionsOr(
      latencySections,
      'No contestant of this run recorded latencies of single operations.',
    ),
    heading('cases', 'Case by case'),
    element(
      'p',
      { class: 'soft' },
      '* oversubscribed: more threads ran at once than there are CPUs, and no goal applies.',
    ),
    ...sectionsOr(caseSections, 'No case ran.'),
    ...failures(cases),
    opinionSection(cases),
    heading('method', 'How it was measured'),
    method(results),
  )
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('title', {}, title),
    // Its own text, without anything that would need escaping.
    element('style', {}, { markup: STYLE }),
  )
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, element('body', {}, body)).markup}\n`
}

const NAVIGATION = [
  ['goals', 'Goals'],
  ['interfaces', 'Interfaces'],
  ['throughput', 'Throughput'],
  ['latency', 'Latency'],
  ['cases', 'Case by case'],
  ['method', 'Method'],
] as const

const READING =
  'A goal is met or missed when the whole interval is on one side of it, else it is unclear. Beside the goal: the dashed line is the goal, to its right is better, and an end of the line is four times as good or as bad.'

function namesOf({ points }: Sweep): string[] {
  return points.map((point) => point.case)
}

function heading(id: string, text: string): Markup {
  return element('h2', { id }, text)
}

function present<T>(all: readonly (T | undefined)[]): T[] {
  return all.filter((one) => one !== undefined)
}

function sectionsOr(sections: readonly Section[], none: string): Markup[] {
  return sections.length > 0 ? sections.map(sectionMarkup) : [element('p', { class: 'soft' }, none)]
}

/** Of all that is shown. */
function legend(sections: readonly Section[]): Markup {
  const names = new Set(sections.flatMap((section) => section.names))
  const items = [...names].sort().map((name) => {
    const look = lookOf(name)
    const what = look.what === undefined ? '' : `: ${look.what}`
    return element('li', {}, swatch(look), element('span', {}, element('b', {}, name), what))
  })
  return element('ul', { class: 'legend' }, ...items)
}

function failures(cases: readonly CaseResult[]): Child[] {
  return cases
    .filter(({ failure }) => failure !== undefined)
    .map(({ name, failure }) =>
      element('p', {}, element('span', { class: 'missed' }, `${name} failed`), `: ${failure}`),
    )
}

function where({ cpu, cpus, virtual, kernel, node, rustc }: Environment): string {
  return `${cpu}, ${cpus} CPUs${virtual ? ' of a virtual machine' : ''}; Linux ${kernel}, Node ${node.slice(1)}, ${rustc.replace(/ \(.*/, '')}`
}

function method({ environment, options, pins, notes }: Results): Markup {
  const { placement, sameCore, load, lastCacheBytes, memoryBytes, v8 } = environment
  const places = `initiator on CPU ${placement.here}, target on CPU ${placement.there}${placement.pinned ? '' : ', not pinned: there was no taskset'}`
  const cores =
    sameCore === null ? 'unknown' : sameCore ? 'two threads of one core' : 'cores of their own'
  const entries: [string, string][] = [
    ['placement', pins ? places : 'where the kernel put them'],
    ['the two CPUs', cores],
    ['last cache, memory', `${mib(lastCacheBytes)}, ${mib(memoryBytes)}`],
    ['V8', v8],
    ['load in the minute before', digits(load)],
    [
      'samples',
      `${options.processes} processes a case, ${options.rounds} rounds each, contestants in an order shuffled anew; ${options.sampleMs} ms a sample`,
    ],
    ['warm-up', `${options.warmMs} ms for each contestant in each process, before the first round`],
    [
      'numbers',
      'medians over all samples; bands and bars are the least and the most of them; ratios are those of samples of one round, their intervals a bootstrap over processes and rounds (95 %)',
    ],
  ]
  return together(
    element(
      'dl',
      {},
      ...entries.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
    ),
    element('p', {}, notes.trim()),
  )
}
