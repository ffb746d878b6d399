/** The numbers that the README tells: `bench/results/published.json`, and the README's part that is made of it. */

import type { Environment } from './environment.ts'
import { figuresOf } from './report/figures.ts'
import { amount, wanted, yardstickSentence } from './report/goals.ts'
import { nanoseconds } from './report/numbers.ts'
import type { GoalResult, Results } from './results.ts'

/** What is committed of a run: nothing else of the machine. */
export interface Published {
  readonly environment: Pick<
    Environment,
    'cpu' | 'cpus' | 'virtual' | 'kernel' | 'node' | 'rustc' | 'glibc' | 'placement'
  >
  readonly ratios: readonly Omit<GoalResult, 'placement'>[]
  readonly times: readonly Times[]
}

/** The contestants of a case, and their medians in nanoseconds an operation. */
export interface Times {
  readonly case: string
  readonly what: string
  readonly ns: Readonly<Record<string, number>>
}

/** @throws `RangeError` for a smoke run's, which are no numbers */
export function publishedOf({ environment, options, ratios, cases }: Results): Published {
  if (options.smoke) throw new RangeError('a smoke run has no numbers')
  const { cpu, cpus, virtual, kernel, node, rustc, glibc, placement } = environment
  const withGoals = new Set(ratios.map((ratio) => ratio.case))
  return {
    environment: { cpu, cpus, virtual, kernel, node, rustc, glibc, placement },
    ratios: ratios.map(({ placement, ...ratio }) => ratio),
    times: cases
      .filter(({ name }) => withGoals.has(name))
      .map((result) => {
        const figures = figuresOf(result, cpus)
        const ns = figures.map(({ name, ns }) => [name, Math.round(ns * 10) / 10])
        return { case: result.name, what: result.what, ns: Object.fromEntries(ns) }
      }),
  }
}

const BEGIN = '<!-- numbers -->\n'
const END = '<!-- /numbers -->'

/**
 * The README with these numbers.
 *
 * @throws `RangeError` where it has no place for them
 */
export function withNumbers(readme: string, published: Published): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (from < 0 || to < from) throw new RangeError(`no ${BEGIN.trim()} and ${END}`)
  return `${readme.slice(0, from + BEGIN.length)}${numbers(published)}${readme.slice(to)}`
}

/** What the README shows first. */
const HEADLINE = ['ready', 'read-4k']

/** In Markdown. */
function numbers({ environment, ratios, times }: Published): string {
  const of = (verdict: GoalResult['verdict']) =>
    ratios.filter((ratio) => ratio.verdict === verdict).length
  const [first, others] = [true, false].map((wanted) =>
    times.filter((one) => HEADLINE.includes(one.case) === wanted).map(timesRow),
  )
  const sentence = yardstickSentence(ratios)
  const yardsticks = sentence === undefined ? '' : `${sentence}\n\n`
  return `\`npm run bench\` on ${where(environment)};
medians, and ratios with their 95 % intervals:

| case | time of one operation |
|---|---|
${lines(first)}
Goals met: ${of('met')} of ${ratios.length}; missed: ${of('missed')}; unclear, or not measured there: ${of('unclear')}.

<details>
<summary>Each goal, and what was reached</summary>

| what | reached | goal | |
|---|---|---|---|
${lines(ratios.map(goalRow))}
${yardsticks}| case | time of one operation |
|---|---|
${lines(others)}
</details>

The numbers of a virtual machine vary from run to run, ratios less so; a busy machine, one CPU for both programs, or sleeping instead of spinning give
others. [bench/README.md](bench/README.md) says what the names are, how it is measured, and why goals are missed; a run's own report,
\`bench/results/report.html\`, says what is not measured.
`
}

function lines(rows: readonly string[] = []): string {
  return rows.map((row) => `${row}\n`).join('')
}

function where({
  cpu,
  cpus,
  virtual,
  kernel,
  node,
  rustc,
  glibc,
  placement,
}: Published['environment']): string {
  const machine = `${virtual ? 'a virtual machine with ' : ''}${cpus} CPUs (${cpu})`
  const { here, there, pinned } = placement
  const places = pinned ? `, the initiator on CPU ${here} and the target on CPU ${there}` : ''
  const [, compiler = rustc] = /^rustc (\S+)/.exec(rustc) ?? []
  const library = glibc === null ? '' : `, glibc ${glibc}`
  return `${machine}, Linux ${kernel}, Node ${node.slice(1)}, rustc ${compiler}${library}${places}`
}

function goalRow(ratio: Omit<GoalResult, 'placement'>): string {
  const { name, value, low, high, unit, verdict, reason } = ratio
  const found = value === null ? '–' : amount(unit, value, [low!, high!])
  const said = reason === undefined ? verdict : `${verdict}: ${reason}`
  return row([name, found, wanted(ratio), said])
}

function timesRow({ what, ns }: Times): string {
  const times = Object.entries(ns).map(([name, time]) => `\`${name}\` ${nanoseconds(time)}`)
  return row([what, times.join(', ')])
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
