/**
 * `npm test [-- FILTER… --json]`: makes the checkout ready, then runs every test file in a process of its own, the Rust tests, the loom
 * models, and where QEMU and kernels are there already the kernel tests. A filter is a part of a path: a test file's, or a crate's
 * folder. Ends with `N passed, N failed, N skipped`.
 */

import { join } from 'node:path'
import { cargoTest, packages } from './lib/cargo.js'
import { forgotten, runFiles, testFiles } from './lib/files.js'
import { kernelLane } from './lib/kernel-lane.js'
import { kernelNames } from './lib/kernels.js'
import { buildKillPoints } from './lib/kill-points.js'
import { main } from './lib/stop.js'
import { exitCode, line, single, sum, summary } from './lib/tally.js'
import { loom, models } from './loom.js'
import { root, setup } from './setup.js'

/** The test that runs all benchmarks, and so needs their rivals. */
const BENCHMARKS = 'test/bench/bench.test.ts'
/** The test whose processes die at kill points. */
const TORTURE = 'test/torture/torture.test.ts'

main(async () => {
  const args = process.argv.slice(2)
  const json = args.includes('--json')
  const filters = args.filter((arg) => arg !== '--json')
  /** @param {string} path */
  const chosen = (path) => filters.length === 0 || filters.some((filter) => path.includes(filter))
  const { rustc } = await setup()
  // Before the clock of a test file runs: they take minutes the first time.
  if (testFiles(root).filter(chosen).includes(BENCHMARKS)) {
    const { buildBenchmarks } = await import(join(root, 'bench/build.js'))
    await buildBenchmarks(rustc)
  }
  if (testFiles(root).filter(chosen).includes(TORTURE)) await buildKillPoints(rustc)

  const stream = json ? process.stderr : process.stdout
  /** @type {import('./lib/tally.js').Outcome[]} */
  const outcomes = []
  /** @param {import('./lib/tally.js').Outcome} outcome */
  const tell = (outcome) => {
    outcomes.push(outcome)
    stream.write(line(outcome))
  }

  const lost = forgotten(root)
  if (lost.length > 0) tell(single('no test file is forgotten', false, 0, lost.join('\n')))
  await runFiles(root, testFiles(root).filter(chosen), tell)
  for (const outcome of await rust(chosen, filters.length === 0)) tell(outcome)
  if (models.some(chosen)) await loom(tell)
  /** @param {string} text */
  const note = (text) => void stream.write(`${text}\n`)
  await kernelLane(root, { kernels: kernelNames, chosen, fetch: false, tell, note })

  process.stdout.write(
    json
      ? `${JSON.stringify({ ok: exitCode(outcomes) === 0, ...sum(outcomes), suites: outcomes })}\n`
      : `\n${summary(outcomes)}`,
  )
  return exitCode(outcomes)
})

/**
 * @param {(path: string) => boolean} chosen
 * @param {boolean} all
 */
async function rust(chosen, all) {
  const names = packages(root).filter(({ folder }) => chosen(folder))
  if (names.length === 0) return []
  return cargoTest(root, 'rust', all ? ['--workspace'] : names.flatMap(({ name }) => ['-p', name]))
}
