import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { connect, good, type Handler, type Nexus, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { MAIN, Place } from './program.ts'

const NO_SCRIPT =
  spawnSync('script', ['--version']).error === undefined
    ? undefined
    : 'needs script(1): apt-get install bsdutils'

const test = suite('sgring stat')

const HANG = 0xc0
/** Answers when it is too late. */
const hangs: Handler = async (task, next) => {
  if (task.cdb[0] !== HANG) return next()
  await once(task.signal, 'abort')
  return good()
}

let place: Place
let server: Server
let nexus: Nexus
test.before.each(async () => {
  place = new Place()
  server = await serve({ listen: place.path('unit.sock'), units: [{ handler: hangs }] })
  nexus = await connect(place.path('unit.sock'))
})
test.after.each(async () => {
  await nexus.close()
  await server.close()
  await place.remove()
})

const lost = { code: 'ERR_SGRING_NEXUS_LOST' }

const hang = (by: Nexus) => by.unit(0).execute({ cdb: Uint8Array.of(HANG, 0, 0, 0, 0, 0) })

const stat = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await place.sgring(['stat', './unit.sock', ...args])
  assert.equal(code, 0, stderr)
  return stdout.toString()
}

test('tells all counters as JSON', async () => {
  for (let command = 0; command < 100; command++) await nexus.unit(0).testUnitReady()
  const ended = assert.rejects(hang(nexus), lost)
  const other = await connect(server.listen)
  await other.unit(0).testUnitReady()
  const gone = assert.rejects(hang(other), lost)
  await other.unit(0).testUnitReady()
  await other.close()
  await gone
  await until('the late answer', () => server.stats.handlers.late === 1)
  const told = JSON.parse(await stat('--json'))
  assert.deepEqual(Object.keys(told), [
    'nexuses',
    'pairs',
    'tasks',
    'commands',
    'fetches',
    'wakes',
    'aborted',
    'late_answers',
    'arena_bytes',
    'resident_bytes',
    'refused',
    'ended',
    'recent',
    'wakes_per_command',
  ])
  // The one that hangs, and the one that asks.
  assert.deepEqual([told.nexuses, told.pairs, told.tasks], [2, 2, 2])
  assert.deepEqual([told.aborted, told.late_answers], [1, 1])
  assert.ok(told.commands > 100 && told.fetches > 0 && told.fetches <= told.commands)
  assert.ok(told.arena_bytes >= 2 * (64 << 20) && told.resident_bytes > 1 << 20)
  await nexus.close()
  await ended
})

test('tells them in a table', async () => {
  assert.match(
    await stat(),
    /^nexuses +2\npairs +2\ntasks +1 outstanding\ncommands +\d+\nfetches +\d+, .*\nwake-ups +\d+, .* a command\naborted +0\nlate answers +0\nrefused +0 connections\nended +0 nexuses, .*\narenas +128\.0 MiB mapped\nprocess +\d.* in memory\n$/,
  )
})

test('tells with --watch what happened since the line before', async () => {
  const lines = (await stat('--watch', '0.05', '--count', '3')).trimEnd().split('\n')
  assert.equal(lines.length, 4)
  assert.match(
    lines[0]!,
    /^ *nexuses +pairs +tasks +commands\/s +fetches\/s +wakes\/cmd +aborted +late +arenas +process$/,
  )
  for (const line of lines.slice(1))
    assert.match(line, /^ +2 +2 +1 +\d+ +\d+ +\d\.\d{3} +0 +0 +128\.0 MiB +\d/)
})

test('watches until Ctrl-C, which is its normal end', async () => {
  const running = place.start(process.execPath, [
    MAIN,
    'stat',
    './unit.sock',
    '--watch',
    '0.05',
    '--json',
  ])
  const lines = createInterface({ input: running.child.stdout! })
  for (let count = 0; count < 3; count++) {
    const [line] = await once(lines, 'line')
    assert.equal(JSON.parse(line).nexuses, 2)
  }
  running.child.kill('SIGINT')
  assert.equal((await running.over()).code, 0)
})

test(
  'draws a table in its place on a terminal',
  async () => {
    const line = 'sgring stat ./unit.sock --watch 0.05 --count 3'
    const { code, stdout } = await place.shell(`script --quiet --return -c '${line}' /dev/null`)
    assert.equal(code, 0)
    const tables = stdout.toString().replaceAll('\r', '').replaceAll('\x1b', 'ESC').split('ESC[10A')
    assert.equal(tables.length, 3)
    for (const table of tables) {
      assert.match(table, /^(ESC\[2K.+\n){10}$/)
      assert.match(table, /^ESC\[2Kcommands +\d+ a second, \d+ in all$/m)
    }
  },
  { skip: NO_SCRIPT },
)

test('takes an address, whose LUN does not count', async () => {
  const { code } = await place.sgring(['stat', `ring:${place.path('unit.sock')}?lun=9`])
  assert.equal(code, 0)
})

test('refuses what makes no sense', async () => {
  for (const [args, message] of [
    [['--count', '2'], '--count goes with --watch'],
    [['--watch', '1', '--count', '0'], "--count is 1 or more, not '0'"],
    [['--watch', 'x'], "--watch is a number of seconds, as 2 or 0.5, not 'x'"],
  ] as const) {
    const { code, stderr } = await place.sgring(['stat', './unit.sock', ...args])
    assert.deepEqual([code, stderr], [1, `sgring: ${message}\n`])
  }
  assert.equal((await place.sgring(['stat', 'unit.sock'])).code, 1)
})

test.run()
