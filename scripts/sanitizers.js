/**
 * `npm run check:sanitizers [-- FILTER…]`: the Rust tests under ThreadSanitizer and under AddressSanitizer, on stable Rust. Each
 * lane first shows with a seeded fault that it can fail. The standard library is not instrumented: ThreadSanitizer takes what it
 * synchronises for races. scripts/seeded/thread.supp names these, and `crates/sync` shows it what locks order.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cargoTest, laneEnvironment, packages } from './lib/cargo.js'
import { run } from './lib/child.js'
import { main } from './lib/stop.js'
import { exitCode, line, single, summary } from './lib/tally.js'
import { toolchain } from './lib/toolchain.js'
import { root } from './setup.js'

/**
 * @typedef {object} Lane
 * @property {string} name
 * @property {string} folder the suffix of its target folder
 * @property {string} flags
 * @property {string} seeded a program with a fault
 * @property {RegExp} report what must be said about it
 */

/** @type {readonly Lane[]} */
const lanes = [
  {
    name: 'ThreadSanitizer',
    folder: 'tsan',
    // Without shared generics, the library's own are compiled here too, and are seen; with `tsan`, so is what its locks order.
    flags:
      '-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -Zshare-generics=no --cfg tsan',
    seeded: 'race.rs',
    report: /ThreadSanitizer: data race/,
  },
  {
    name: 'AddressSanitizer',
    folder: 'asan',
    flags: '-Zsanitizer=address',
    seeded: 'use_after_free.rs',
    report: /AddressSanitizer: heap-use-after-free/,
  },
]

/** The add-on runs inside Node, which is not instrumented. */
const neverRun = 'sgring-node'

main(async () => {
  const filters = process.argv.slice(2)
  const chosen = packages(root)
    .filter(({ name }) => name !== neverRun)
    .filter(({ folder }) => filters.length === 0 || filters.some((part) => folder.includes(part)))
  const { host } = await toolchain(root)
  await run('cargo', ['fetch', '--target', host], { cwd: root })

  /** @type {import('./lib/tally.js').Outcome[]} */
  const outcomes = []
  /** @param {import('./lib/tally.js').Outcome} outcome */
  const tell = (outcome) => {
    outcomes.push(outcome)
    process.stdout.write(line(outcome))
  }
  for (const lane of lanes) {
    const env = environment(lane)
    tell(await seededFault(lane, host, env))
    // Documentation tests are left out: rustdoc takes its flags from elsewhere, and they share nothing between threads.
    const args = ['--lib', '--tests', '--target', host]
    const names = chosen.map(({ name }) => name)
    if (names.length === 0) continue
    // One test at a time: two would be given the same addresses in turn, by a kernel whose order ThreadSanitizer does not see.
    const flags = [...names.flatMap((name) => ['-p', name]), ...args, '--', '--test-threads=1']
    for (const outcome of await cargoTest(root, lane.name, flags, env)) tell(outcome)
    if (lane.folder === 'tsan' && names.includes('sgring-ring')) tell(await weakenedRing(host, env))
  }
  process.stdout.write(`\n${summary(outcomes)}`)
  return exitCode(outcomes)
})

/**
 * @param {Lane} lane
 * @returns {NodeJS.ProcessEnv}
 */
function environment({ folder, flags }) {
  /** @param {string} file */
  const named = (file) => `suppressions=${join(root, 'scripts/seeded', file)}`
  return laneEnvironment(root, folder, flags, {
    RUSTC_BOOTSTRAP: '1',
    TSAN_OPTIONS: `halt_on_error=1 ${named('thread.supp')}`,
    LSAN_OPTIONS: `${named('leak.supp')} print_suppressions=0`,
    // Inlined, the fast paths of the library's locks are instrumented with the code around them.
    CARGO_PROFILE_DEV_OPT_LEVEL: '1',
    // An instrumented run is slow; the plain one has tried many more cases.
    PROPTEST_CASES: process.env.PROPTEST_CASES ?? '32',
  })
}

/**
 * Builds a program with a fault by the lane's own flags. It passes when the fault is reported and ends the program.
 *
 * @param {Lane} lane
 * @param {string} host
 * @param {NodeJS.ProcessEnv} env
 */
async function seededFault({ name, flags, seeded, report }, host, env) {
  const folder = env.CARGO_TARGET_DIR ?? ''
  mkdirSync(folder, { recursive: true })
  const program = join(folder, `seeded-${seeded.replace('.rs', '')}`)
  const source = join(root, 'scripts/seeded', seeded)
  const args = ['--edition', '2024', '--target', host, ...flags.split(' '), '-o', program, source]
  const built = await run('rustc', args, { env })
  const title = `${name} reports a seeded fault (${seeded})`
  if (built.code !== 0) return single(title, false, built.seconds, built.output)

  const ended = await run(program, [], { env, deadlineMs: 60_000 })
  const reported = ended.code !== 0 && report.test(ended.output)
  return single(title, reported, built.seconds + ended.seconds, ended.output)
}

/**
 * The ring with its publishing store made relaxed: the threads of its tests then race, and that must be reported.
 *
 * @param {string} host
 * @param {NodeJS.ProcessEnv} env
 */
async function weakenedRing(host, env) {
  const args = ['test', '--offline', '-p', 'sgring-ring', '--test', 'threads', '--target', host]
  const flags = `${env.RUSTFLAGS} --cfg weaken="publish"`
  const ended = await run('cargo', args, { cwd: root, env: { ...env, RUSTFLAGS: flags } })
  const reported = ended.code !== 0 && /ThreadSanitizer: data race/.test(ended.output)
  const title = 'ThreadSanitizer reports a weakened publication'
  return single(title, reported, ended.seconds, ended.output)
}
