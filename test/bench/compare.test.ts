/** `npm run bench -- --compare`: what has changed from one run to another, and what only looks as if. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { compiled } from './compiled.ts'
import { specimen as whole } from './specimen.ts'

const test = suite('bench --compare')
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Fewer of its cases are as good. */
const specimen = { ...whole, cases: whole.cases.slice(0, 2) }
type Run = typeof specimen

/** With every time of a contestant of a case multiplied. */
function slowed(run: Run, wanted: string, contestant: string, times: number): Run {
  const cases = run.cases.map((one) => ({
    ...one,
    processes: one.processes.map((scores) =>
      scores.map((score) =>
        one.name === wanted && score.name === contestant
          ? { ...score, samples: score.samples.map((ns) => ns * times) }
          : score,
      ),
    ),
  }))
  return { ...run, cases }
}

interface Comparison {
  status: number
  told: string
  warnings: string
}

interface Module {
  comparison(before: object, after: object, anyway: boolean): Comparison
}

async function compare(before: object, after: object, anyway = false): Promise<Comparison> {
  const { comparison } = await compiled<Module>('compare.js')
  return comparison(before, after, anyway)
}

test('a run is as fast as itself', async () => {
  const { status, told } = await compare(specimen, specimen)
  assert.match(told, /^NOISE +ready, promise +50\d ns -> 50\d ns, 1\.000 times/m)
  assert.match(told, /^regressions: 0, improvements: 0, noise: \d+, of rivals: \d+$/m)
  assert.equal(status, 0)
})

test('what takes longer is a regression, and ends with exit code 1', async () => {
  const { status, told } = await compare(specimen, slowed(specimen, 'ready', 'promise', 1.3))
  assert.match(told, /^REGRESSION +ready, promise .* 1\.300 times \(/m)
  assert.match(told, /^NOISE +device, promise /m)
  assert.match(told, /^regressions: 1, /m)
  assert.equal(status, 1)
})

test('what takes less is an improvement; a little more or less is noise; a rival is no finding', async () => {
  const { status, told } = await compare(
    specimen,
    slowed(
      slowed(slowed(specimen, 'ready', 'promise', 0.7), 'ready', 'batch', 1.04),
      'ready',
      'net',
      2,
    ),
  )
  assert.match(told, /^IMPROVEMENT +ready, promise /m)
  assert.match(told, /^NOISE +ready, batch /m)
  assert.match(told, /^RIVAL +ready, net .* 2\.000 times/m)
  assert.equal(status, 0)
})

test("a goal's number is a finding where the two intervals do not meet", async () => {
  const [first, ...others] = specimen.ratios
  const change = (value: number, half: number) => ({
    ...specimen,
    ratios: [{ ...first, value, low: value - half, high: value + half }, ...others],
  })
  const worse = await compare(specimen, change(5, 0.5))
  assert.match(worse.told, /^REGRESSION +goal: TEST UNIT READY, promise form +6\.40 .* -> 5\.00 /m)
  assert.equal(worse.status, 1)
  const unclear = await compare(specimen, change(5, 1.5))
  assert.match(unclear.told, /^NOISE +goal: TEST UNIT READY, promise form/m)
  assert.equal(unclear.status, 0)
})

test('runs of different environments are not compared, unless that is asked for, and never without a word', async () => {
  const other = {
    ...specimen,
    environment: { ...specimen.environment, node: 'v24.1.0', load: 3 },
  }
  const refused = await compare(specimen, other)
  assert.match(refused.warnings, /the runs differ in node: "v22\.13\.0" and "v24\.1\.0"\n/)
  assert.deepEqual([refused.status, refused.told], [2, ''])
  const compared = await compare(specimen, other, true)
  assert.match(compared.warnings, /the runs differ in node/)
  assert.match(compared.told, /^regressions: 0/m)
  assert.equal(compared.status, 0)
})

test(
  'a file that holds no results is named, and ends with exit code 2',
  () => {
    const file = join(temporaryFolder(), 'before.json')
    writeFileSync(file, '{}')
    const args = ['bench/run.js', '--compare', file, file]
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    assert.match(stderr, /^bench: .*before\.json: holds no results/m)
    assert.equal(status, 2)
  },
  { deadlineMs: 60_000 },
)

test.run()
