/** Results as a person reads them. */

import { median } from './judge.ts'
import { secondOpinions, yardstickSentence } from './report/goals.ts'
import {
  type CaseResult,
  type Change,
  type GoalResult,
  isOversubscribed,
  type Results,
} from './results.ts'

export function report(results: Results): string {
  const { environment: at, options } = results
  const { here, there, pinned } = at.placement
  const core =
    at.sameCore === null ? '' : at.sameCore ? ', threads of one core' : ', cores of their own'
  const places = `initiator on CPU ${here}, target on CPU ${there}${pinned ? '' : ' (not pinned: there is no taskset)'}${core}`
  const lines = [
    `${at.cpu}, ${at.cpus} CPUs, ${at.virtual ? 'virtual' : 'bare metal'}, last cache ${mib(at.lastCacheBytes)}, memory ${mib(at.memoryBytes)}`,
    `Linux ${at.kernel}, Node ${at.node} (V8 ${at.v8}), ${at.rustc}`,
    `${results.pins ? places : 'threads where the kernel puts them'}; load before: ${at.load.toFixed(2)}`,
    `${options.processes} processes a case, ${options.rounds} rounds each, contestants in shuffled order; medians`,
    '',
    ...results.cases.flatMap((result) => contestantLines(result, at.cpus)),
    ...(options.smoke
      ? ['A smoke run: all was right, and nothing was measured.']
      : goalLines(results.ratios)),
    ...changeLines(results.changes),
    ...(options.smoke ? [] : opinionLines(results.cases)),
    '',
  ]
  return `${lines.join('\n')}${results.notes}`
}

function contestantLines(
  { name, what, bytes, processes, failure }: CaseResult,
  cpus: number,
): string[] {
  if (failure !== undefined) return [`${name}: ${what}`, `  FAILED: ${failure}`, '']
  const contestants = (processes[0] ?? []).map((score) => score.name)
  const lines = contestants.map((contestant) => {
    const scores = processes.map((all) => all.find((score) => score.name === contestant)!)
    const ns = median(scores.flatMap(({ samples }) => samples))
    const perProcess = scores.map(({ samples }) => median(samples))
    const spread = `${nanoseconds(Math.min(...perProcess))} to ${nanoseconds(Math.max(...perProcess))}`
    const counted = Object.keys(scores[0]!.counts).filter((count) =>
      scores.every(({ counts }) => count in counts),
    )
    const counts = counted.map(
      (count) => `${median(scores.map(({ counts }) => counts[count]!)).toFixed(4)} ${count}`,
    )
    if (scores.some((score) => isOversubscribed(score, cpus))) counts.push('oversubscribed')
    const cells = [
      contestant.padEnd(10),
      nanoseconds(ns).padStart(9),
      speed(ns, bytes).padStart(13),
      spread.padEnd(24),
    ]
    return `  ${cells.join('  ')}  ${counts.join(', ')}`.trimEnd()
  })
  return [`${name}: ${what}`, ...lines, '']
}

function goalLines(goals: readonly GoalResult[]): string[] {
  const width = Math.max(0, ...goals.map(({ name }) => name.length))
  const sentence = yardstickSentence(goals)
  const lines = goals.map((ratio) => {
    const { name, value, low, high, unit, direction, goal, yardstick, verdict, reason } = ratio
    const wanted = `${direction === 'at_least' ? '>=' : '<='} ${goal} ${unit}`
    const found = value === null ? 'none' : `${number(value)} (${number(low!)} to ${number(high!)})`
    const least =
      yardstick === undefined ? '' : ` (${yardstick.contestant}: ${number(yardstick.value)})`
    const why = reason === undefined ? '' : `: ${reason}`
    return `${verdict.toUpperCase().padEnd(7)}  ${name.padEnd(width)}  ${found.padEnd(22)} goal ${wanted}${least}${why}`
  })
  return sentence === undefined ? lines : [...lines, sentence]
}

function changeLines(changes: readonly Change[]): string[] {
  if (changes.length === 0) return []
  return [
    '',
    "This checkout's time over the other's:",
    ...changes.map(({ case: name, contestant, median, low, high }) => {
      const what = `${name}, ${contestant}`.padEnd(24)
      return `  ${what}  ${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`
    }),
  ]
}

/** What benchmark.js says, and whether it agrees. */
function opinionLines(cases: readonly CaseResult[]): string[] {
  const all = secondOpinions(cases)
  if (all.length === 0) return []
  const apart = all.filter(({ agree }) => !agree)
  return [
    '',
    `benchmark.js beside: ${all.length - apart.length} of ${all.length} intervals of the mean (95 %) overlap`,
    ...apart.map(({ case: name, contestant, ours, theirs }) => {
      const means = `${nanoseconds(ours.value)} here, ${nanoseconds(theirs.value)} there`
      return `  ${name}, ${contestant}: they do not: ${means}`
    }),
  ]
}

function speed(ns: number, bytes: number): string {
  if (bytes >= 65_536) {
    return bytes < ns
      ? `${((bytes * 1e3) / ns).toFixed(1)} MB/s`
      : `${(bytes / ns).toFixed(2)} GB/s`
  }
  return ns > 10_000 ? `${(1e6 / ns).toFixed(1)} k/s` : `${(1e3 / ns).toFixed(3)} M/s`
}

function nanoseconds(ns: number): string {
  return ns < 10_000 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} us`
}

function number(value: number): string {
  return value.toFixed(2)
}

function mib(bytes: number): string {
  return `${Math.round(bytes / (1 << 20))} MiB`
}
