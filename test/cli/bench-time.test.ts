/** `sgring bench` over time: rates, what is shown on the way, and how a job ends. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { BenchPlace } from './bench-place.ts'

const NO_SCRIPT =
  spawnSync('script', ['--version']).error === undefined
    ? undefined
    : 'needs script(1): apt-get install bsdutils'

const test = suite('sgring bench over time')
let place: BenchPlace
test.before.each(() => {
  place = new BenchPlace()
})
test.after.each(() => place.remove())

test('counts latency from when a command was due, where there is a rate', async () => {
  const MS = 20
  await place.serving(async (_, next) => {
    await pause(MS)
    return next()
  })
  const job = ['--depth', '1', '--count', '10']
  const closed = await place.told(...job)
  assert.equal(closed.open_loop, null)
  const open = await place.told(...job, '--rate', '1000')
  // The tenth is due after 9 ms, and leaves when nine have taken 20 ms each; timers may be a millisecond early.
  const least = 10 * (MS - 1) - 9
  assert.ok(open.operations.read.latency_ns.max >= least * 1e6)
  assert.ok(open.operations.read.latency_ns.p50 >= (5 * (MS - 1) - 5) * 1e6)
  assert.ok(open.open_loop.waited >= 8)
  assert.equal(open.open_loop.unsent, 0)
})

test('tells what was due and never left before the time was over', async () => {
  await place.serving(async (_, next) => {
    await pause(20)
    return next()
  })
  const job = ['--depth', '1', '--rate', '10000', '--time', '1', '--warm-up', '0.1']
  const report = await place.told(...job)
  assert.equal(report.ended, 'time')
  // 50 of the 10,000 fit into the time, of 19 ms each where timers are early 52, and one is under way at its end. A slow machine has fewer.
  assert.ok(report.commands > 0 && report.commands <= 54)
  assert.equal(report.open_loop.unsent, 10_000 - report.commands)
  const { stdout } = await place.bench(...job)
  assert.match(stdout.toString(), /^randread of 4\.0 KiB, 10000 a second, at most 1 at a time/m)
  assert.match(stdout.toString(), /due; \d+ had to wait for room, and 99\d\d were never sent$/m)
})

test('keeps a rate that the unit can keep', async () => {
  await place.serving()
  const report = await place.told('--rate-bytes', '400K', '--time', '0.5', '--warm-up', '0')
  assert.deepEqual([report.job.rate_per_s, report.ended], [100, 'time'])
  assert.equal(report.commands + report.open_loop.unsent, 50)
})

test('ends early on Ctrl-C, with its results', async () => {
  await place.serving()
  const running = place.startBench('--time', '1000', '--warm-up', '0', '--json')
  await until('commands', () => place.met.length > 100)
  running.child.kill('SIGINT')
  const { code, stdout, stderr } = await running.ended()
  const { ended, commands, unanswered } = JSON.parse(stdout.toString())
  assert.deepEqual([code, stderr, ended, unanswered], [0, '', 'interrupted', 0])
  assert.equal(commands, place.met.length)
})

test('does not wait on Ctrl-C for a unit that does not answer', async () => {
  await place.serving(() => new Promise(() => {}))
  for (const form of ['batch', 'promise']) {
    place.met = []
    const running = place.startBench('--depth', '3', '--count', '10', '--form', form, '--json')
    await until('commands', () => place.met.length === 3)
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended()
    const { ended, commands, unanswered } = JSON.parse(stdout.toString())
    assert.deepEqual([code, ended, commands, unanswered], [0, 'interrupted', 0, 3])
  }
})

test('gives up on a unit that has gone silent, with its results', async () => {
  await place.serving((_, next) => (place.met.length > 50 ? new Promise(() => {}) : next()))
  const report = await place.told('--count', '100', '--depth', '2', '--timeout', '3')
  assert.deepEqual([report.code, report.ended, report.unanswered], [33, 'error', 2])
  assert.equal(report.commands, 50)
  assert.equal(JSON.parse(report.stderr).error.code, 'ERR_SGRING_TIMEOUT')
})

test('tells what it has when the target goes away', async () => {
  for (const form of ['batch', 'promise']) {
    const server = await place.serving()
    const running = place.startBench('--time', '1000', '--warm-up', '0', '--form', form, '--json')
    const before = place.met.length
    await until('commands', () => place.met.length > before + 100)
    await server.close()
    const { code, stdout, stderr } = await running.ended()
    const { ended, commands } = JSON.parse(stdout.toString())
    assert.deepEqual([code, ended, commands > 0], [99, 'error', true])
    assert.equal(JSON.parse(stderr).error.code, 'ERR_SGRING_NEXUS_LOST')
  }
})

test(
  'shows each second how it goes on a terminal, and nowhere else',
  async () => {
    await place.serving()
    const line = `sgring bench ${place.address} --time 2.5 --warm-up 0`
    const { code, stdout } = await place.shell(`script --quiet --return -c '${line}' /dev/null`)
    assert.equal(code, 0)
    const [before, ...shown] = stdout.toString().split('\r\x1b[K')
    const after = shown.pop()
    assert.deepEqual([before, after?.startsWith(place.address)], ['', true])
    // Two, or one more or less where timers are late.
    assert.ok(shown.length > 0)
    const progress = /^randread {2}0:0\d of 0:03 {2}\d+ a second {2}[\d.]+ [kMG]?B\/s {2}0 errors$/
    for (const line of shown) assert.match(line, progress)
  },
  { skip: NO_SCRIPT },
)

test.run()
