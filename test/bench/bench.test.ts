/** The benchmarks' own correctness: that every case runs and is right, and that verdicts follow from samples. Nothing is measured. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'

const test = suite('the benchmarks')

const run = promisify(execFile)
const root = new URL('../../../', import.meta.url)

interface Results {
  cases: {
    name: string
    failure?: string
    processes: { name: string; operations: number; samples: number[] }[][]
  }[]
  ratios: { name: string; value: number | null; verdict: string }[]
}

interface Page {
  page(results: unknown): string
}

/** As it stands in the report. */
const escaped = (text: string) => text.replace(/'/g, '&#39;')

interface Judge {
  ratioOf(processes: number[][]): { median: number; low: number; high: number }
  verdict(goal: { sense: string; limit: number }, ratio: { low: number; high: number }): string
}

/** Compiled by the run below, and no part of the tests' own compilation. */
const judge = (): Promise<Judge> => import(new URL('build/bench/judge.js', root).href)

test(
  'every case runs, each contestant checked in the loop, and every goal is judged',
  async () => {
    const args = ['bench/run.js', '--smoke', '--json']
    const { stdout } = await run(process.execPath, args, { cwd: root, maxBuffer: 1 << 26 })
    const { cases, ratios } = JSON.parse(stdout) as Results
    for (const { name, failure, processes } of cases) {
      assert.equal(failure, undefined, name)
      assert.ok(processes.length === 1 && processes[0]!.length >= 2, name)
    }
    for (const { operations, samples } of cases.flatMap(({ processes }) => processes.flat())) {
      assert.ok(operations >= 1)
      assert.equal(samples.length, 2)
      assert.ok(samples.every((ns) => ns > 0))
    }
    // The smoke run is short of samples, not of numbers.
    assert.ok(ratios.length > 0)
    assert.deepEqual(
      ratios.filter(({ value }) => value === null),
      [],
    )
    const html = (await compiled<Page>('report/page.js')).page(JSON.parse(stdout))
    assert.ok(Buffer.byteLength(html) < 2_000_000)
    assert.match(html, /A smoke run/)
    for (const { name } of ratios) assert.ok(html.includes(escaped(name)), name)
    assert.doesNotMatch(html, /\b(?:NaN|Infinity|undefined)\b/)
  },
  {
    deadlineMs: 900_000,
    skip: availableParallelism() < 2 ? 'two threads spin, which takes two CPUs' : undefined,
  },
)

test(
  'a native program, as it is built for the benchmarks, tells functions of the checkout on both sides',
  async () => {
    const folder = process.env.CARGO_TARGET_DIR ?? 'target'
    const program = resolve(fileURLToPath(root), folder, 'release/sgring-bench')
    const ended = run(program, ['trips', '0', '1'])
    ended.child.stdin!.end('profile ring 1000000\n')
    const { stdout } = await ended
    const sides = JSON.parse(stdout) as { side: string; functions: { place: string }[] }[]
    assert.deepEqual(
      sides.map(({ side, functions }) => {
        const ours = functions.some(({ place }) => /^crates\/task\/src\/\w+\.rs:\d+$/.test(place))
        return [side, ours]
      }),
      [
        ['initiator', true],
        ['target', true],
      ],
    )
  },
  {
    deadlineMs: 60_000,
    skip: availableParallelism() < 2 ? 'two threads spin, which takes two CPUs' : undefined,
  },
)

test('a ratio whose whole interval is on one side of the limit is met or missed, any other is unclear', async () => {
  const { verdict } = await judge()
  const faster = { sense: 'faster', limit: 3 }
  assert.equal(verdict(faster, { low: 3, high: 4 }), 'met')
  assert.equal(verdict(faster, { low: 2.9, high: 4 }), 'unclear')
  assert.equal(verdict(faster, { low: 2, high: 2.9 }), 'missed')
  const slower = { sense: 'slower', limit: 1.6 }
  assert.equal(verdict(slower, { low: 1.2, high: 1.6 }), 'met')
  assert.equal(verdict(slower, { low: 1.2, high: 1.7 }), 'unclear')
  assert.equal(verdict(slower, { low: 1.7, high: 1.8 }), 'missed')
})

test('the interval is as wide as processes differ, not as rounds within them agree', async () => {
  const { ratioOf } = await judge()
  assert.deepEqual(ratioOf([[2, 2, 2]]), { median: 2, low: 2, high: 2 })
  const { low, high } = ratioOf([Array(50).fill(2), Array(50).fill(4)])
  assert.deepEqual([low, high], [2, 4])
})

test.run()
