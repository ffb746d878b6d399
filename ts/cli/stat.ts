/** `sgring stat`: the live counters of a target. */

import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { parseAddress } from '../ring/address.ts'
import { WellKnownLun } from '../scsi/lun.ts'
import { type TargetCounters, targetCounters } from '../task/counters.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine, table } from './output.ts'
import { parseCount, parseSeconds, size } from './quantity.ts'
import { withUnitAt } from './unit.ts'
import { CONNECTING, type Verb, verb } from './verb.ts'

/** Counters, and when they were read, in milliseconds. */
interface Sample {
  readonly counters: TargetCounters
  readonly at: number
}

export const stat: Verb = verb({
  name: 'sgring stat',
  summary: 'live counters of a target',
  usage: 'TARGET [--watch SECONDS [--count N]] [--timeout SECONDS] [--json]',
  about: [
    'Reads the counters of a served target by LOG SENSE (SPC-4 6.8) of page 36h, which is vendor specific, of its TARGET LOG PAGES well known logical unit (SPC-4 8.4). What is read counts itself: one nexus, one pair, one task.',
    'With --watch, a terminal shows a table that is drawn anew in its place, and anything else gets a line each time.',
    'A wake-up is a bell that woke the target out of its sleep: none for many commands is how it should be under load.',
  ],
  operands: { TARGET: 'a socket, as a path with a slash, or an address; its LUN does not count' },
  options: {
    watch: {
      type: 'string',
      value: 'SECONDS',
      help: 'again every so often, for what happened since the time before; until Ctrl-C',
    },
    count: { type: 'string', value: 'N', help: 'with --watch: so many times' },
    ...CONNECTING,
  },
  examples: [
    ['sgring stat ring:disk', 'all counters, once'],
    ['sgring stat ./disk.sock --json', 'by its socket, as JSON'],
    ['sgring stat ring:disk --watch 0.5 --count 3', 'three lines, half a second apart'],
  ],
  async run(call) {
    const { watch, count } = call.values
    const watchMs = watch === undefined ? undefined : parseSeconds('--watch', watch)
    const lines = linesOf(count, watchMs)
    const socket = socketOf(call.operands[0] ?? '')
    await withUnitAt(socket, WellKnownLun.TARGET_LOG_PAGES, call, async (pages, options) => {
      const read = () => sampled(pages, options)
      if (watchMs === undefined) tell(await read(), call.json)
      else await watched(read, { ...call, watchMs, lines })
    })
  },
})

/** A path is a socket; an address names one. */
function socketOf(target: string): string {
  return !target.startsWith('ring:') && target.includes('/')
    ? resolve(target)
    : parseAddress(target).socket
}

function linesOf(text: string | undefined, watchMs: number | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (watchMs === undefined) throw new CliError(ExitCode.SYNTAX, '--count goes with --watch')
  const count = Number(parseCount('--count', text))
  if (count > 0) return count
  throw new CliError(ExitCode.SYNTAX, `--count is 1 or more, not '${text}'`)
}

async function sampled(pages: LogicalUnit, options: HelperOptions): Promise<Sample> {
  return { counters: await pages.run(targetCounters(), options), at: performance.now() }
}

function tell({ counters }: Sample, json: boolean): void {
  const { commands, fetches, wakes } = counters
  const perCommand = commands === 0 ? 0 : wakes / commands
  if (json) {
    process.stdout.write(jsonLine({ ...counters, wakesPerCommand: rounded(perCommand) }))
    return
  }
  const n = (value: number) => value.toLocaleString('en')
  process.stdout.write(
    table([
      ['nexuses', n(counters.nexuses)],
      ['pairs', n(counters.pairs)],
      ['tasks', `${n(counters.tasks)} outstanding`],
      ['commands', n(commands)],
      ['fetches', `${n(fetches)}, ${ratio(commands, fetches)} commands each`],
      ['wake-ups', `${n(wakes)}, ${ratio(wakes, commands)} a command`],
      ['aborted', n(counters.aborted)],
      ['late answers', n(counters.lateAnswers)],
      ['refused', `${n(counters.refused)} connections`],
      ['ended', `${n(counters.ended)} nexuses, for what their initiators did`],
      ['arenas', `${size(counters.arenaBytes)} mapped`],
      ['process', `${size(counters.residentBytes)} in memory`],
      ...counters.recent.map((text): [string, string] => ['recently', text]),
    ]),
  )
}

interface Watching {
  readonly watchMs: number
  readonly lines: number
  readonly json: boolean
  readonly signal: AbortSignal
}

/** Ctrl-C is its normal end. */
async function watched(
  read: () => Promise<Sample>,
  { watchMs, lines, json, signal }: Watching,
): Promise<void> {
  try {
    let before = await read()
    const tellNext = teller(json)
    for (let line = 0; line < lines; line++) {
      await sleep(watchMs, undefined, { signal })
      const now = await read()
      tellNext(since(before, now))
      before = now
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Tells one interval after the other: for a program, in place on a terminal, or a line each. */
function teller(json: boolean): (now: Interval) => void {
  if (json) return (now) => void process.stdout.write(jsonLine(now))
  if (process.stdout.isTTY) return inPlace()
  process.stdout.write(row(COLUMNS))
  return (now) => void process.stdout.write(row(cells(now)))
}

/** A table over the one before. */
function inPlace(): (now: Interval) => void {
  let above = 0
  return (now) => {
    const lines = table(liveRows(now)).split('\n').slice(0, -1)
    const up = above === 0 ? '' : `\x1b[${above}A`
    process.stdout.write(up + lines.map((line) => `\x1b[2K${line}\n`).join(''))
    above = lines.length
  }
}

function liveRows(now: Interval): [string, string][] {
  const n = (value: number) => value.toLocaleString('en')
  return [
    ['nexuses', n(now.nexuses)],
    ['pairs', n(now.pairs)],
    ['tasks', `${n(now.tasks)} outstanding`],
    ['commands', `${n(now.commandsPerS)} a second, ${n(now.commands)} in all`],
    ['fetches', `${n(now.fetchesPerS)} a second, ${n(now.fetches)} in all`],
    ['wake-ups', `${now.wakesPerCommand.toFixed(3)} a command, ${n(now.wakes)} in all`],
    ['aborted', n(now.aborted)],
    ['late answers', n(now.lateAnswers)],
    ['arenas', `${size(now.arenaBytes)} mapped`],
    ['process', `${size(now.residentBytes)} in memory`],
  ]
}

type Interval = ReturnType<typeof since>

/** The counters as they are now, and what became of those that only grow in each second since the sample before. */
function since(before: Sample, now: Sample) {
  const seconds = (now.at - before.at) / 1000
  const grown = (key: 'commands' | 'fetches' | 'wakes') => now.counters[key] - before.counters[key]
  return {
    ...now.counters,
    seconds: rounded(seconds),
    commandsPerS: Math.round(grown('commands') / seconds),
    fetchesPerS: Math.round(grown('fetches') / seconds),
    wakesPerCommand: rounded(grown('wakes') / Math.max(1, grown('commands'))),
  }
}

const COLUMNS = [
  'nexuses',
  'pairs',
  'tasks',
  'commands/s',
  'fetches/s',
  'wakes/cmd',
  'aborted',
  'late',
  'arenas',
  'process',
]

function cells(now: Interval): string[] {
  return [
    ...[now.nexuses, now.pairs, now.tasks, now.commandsPerS, now.fetchesPerS].map(String),
    now.wakesPerCommand.toFixed(3),
    ...[now.aborted, now.lateAnswers].map(String),
    ...[now.arenaBytes, now.residentBytes].map(size),
  ]
}

function row(cells: readonly string[]): string {
  return `${cells.map((cell, column) => cell.padStart(Math.max(10, COLUMNS[column]!.length))).join(' ')}\n`
}

function ratio(count: number, of: number): string {
  return of === 0 ? '0' : (count / of).toFixed(3)
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
