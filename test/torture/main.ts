/** `npm run torture`: the walk, then the random mode; what was found, and one JSON line at the end. */

import { parseArgs } from 'node:util'
import type { Found, Tally } from './home.ts'
import { random } from './random.ts'
import { added, walk } from './walk.ts'

const HELP = `usage: npm run torture -- [--minutes N] [--seed S] [--walk whole|POINTS|none] [--clients N] [--json]

Kills targets and clients, and checks that every command ends once, whatever dies: no command is lost, none is
carried out more often than its policy says, every block and every buffer holds what it may, and all that was
taken comes home; memory, too, of processes that end in order: one that is killed tells nothing of its own.

First the walk: a process is killed at each store that another process, the ledger or a backing can see, one
after the other. Then, for --minutes, what the seed decides: kills, stops, slow peers, workers that end, targets
that follow one another in order, and targets that have no descriptors or may not write. A seed brings the same
decisions about; when each of them takes effect is the scheduler's.

  --minutes N   of the random mode, fractions too; 0 is none. Default: 1
  --seed S      a whole number. Default: one by the clock, which is told
  --walk W      whole, none, or how many kill points of each side, spread over the walk. Default: whole
  --clients N   1 to 8. Default: 3
  --json        no progress on stderr
  --help        this

The last line of stdout is JSON: kill_points (processes killed at one, in turn), kill_places (of the source), kills
(all of them), commands, unknown (of which their callers were told that nobody knows), lost, doubled, corrupt,
leaked, longest_stall_ms, seed, seconds.

exit codes: 0 nothing was found; 1 something was, and the history that led to it is on stderr; 2 wrong arguments

examples:
  npm run torture -- --minutes 3 --seed 1
      the whole walk, and three minutes of what seed 1 decides
  npm run torture -- --walk none --minutes 0.2 --seed 7 --json
      twelve seconds of the random mode, and nothing but the line
  npm run torture -- --walk 20 --minutes 0
      twenty kill points of targets and twenty of clients
`

/** Where the modules with kill points are, from here. */
const KILL_POINTS = new URL('../../kill-points/test/torture/main.js', import.meta.url).href
const PROGRESS_MS = 5000

interface Plan {
  readonly minutes: number
  readonly seed: number
  readonly clients: number
  /** Kill points of each side; undefined: all. */
  readonly points: number | undefined
  readonly json: boolean
}

/** Runs it. The exit code. */
export async function torture(args: readonly string[]): Promise<number> {
  const plan = planOf(args)
  if (typeof plan === 'string') {
    const isHelp = plan === HELP
    ;(isHelp ? process.stdout : process.stderr).write(plan)
    return isHelp ? 0 : 2
  }
  const { minutes, seed, clients, points, json } = plan
  const began = performance.now()
  const progress = json ? () => {} : teller(began)
  const parts: (() => Promise<Tally & { found?: Found }>)[] = []
  if (points !== 0) {
    parts.push(() => walk({ seed, from: KILL_POINTS, points, onProgress: progress }))
  }
  if (minutes > 0) {
    const ms = minutes * 60_000
    parts.push(() =>
      random({ seed, ms, clients, onProgress: (tally) => progress('random', tally) }),
    )
  }
  let all: Tally & { found?: Found } = NOTHING
  for (const part of parts) {
    all = added(all, await part())
    if (all.found !== undefined) break
  }
  const { found, ...tally } = all
  if (found !== undefined) {
    process.stderr.write(`${found.history.join('\n')}\n\nfound ${found.fault}\nseed ${seed}\n`)
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10
  process.stdout.write(`${JSON.stringify({ ...tally, seed, seconds })}\n`)
  return found === undefined ? 0 : 1
}

const NOTHING: Tally = {
  kill_points: 0,
  kill_places: 0,
  kills: 0,
  commands: 0,
  unknown: 0,
  lost: 0,
  doubled: 0,
  corrupt: 0,
  leaked: 0,
  longest_stall_ms: 0,
}

/** What is asked for; else what to say. */
function planOf(args: readonly string[]): Plan | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        walk: { type: 'string', default: 'whole' },
        clients: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return HELP
    const points = { whole: undefined, none: 0 }[values.walk] ?? values.walk
    return {
      minutes: inRange('--minutes', values.minutes, 10_000, false),
      seed: inRange('--seed', values.seed, 2 ** 32 - 1),
      clients: Math.max(1, inRange('--clients', values.clients, 8)),
      points: values.walk === 'whole' ? undefined : inRange('--walk', String(points), 10_000),
      json: values.json,
    }
  } catch (error) {
    return `torture: ${(error as Error).message}\nsee npm run torture -- --help\n`
  }
}

function inRange(name: string, text: string, most: number, whole = true): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= most && (!whole || Number.isInteger(value))) {
    return value
  }
  throw new RangeError(
    `${name} is ${whole ? 'a whole number' : 'a number'} up to ${most}, not ${text}`,
  )
}

/** Writes how far it is, now and then. */
function teller(began: number): (part: string, tally: Readonly<Tally>) => void {
  let last = began
  return (part, tally) => {
    const now = performance.now()
    if (now < last + PROGRESS_MS) return
    last = now
    const { kill_points, kills, commands, unknown } = tally
    const seconds = ((now - began) / 1000).toFixed(0)
    const points = kill_points > 0 ? `${kill_points} kill points, ` : ''
    process.stderr.write(
      `torture: ${seconds} s, ${part}: ${points}${kills} kills, ${commands} commands, ${unknown} unknown\n`,
    )
  }
}
