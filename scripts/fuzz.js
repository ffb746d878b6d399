/**
 * `npm run fuzz [-- --seconds N --target T … --keep]`: what is read of a peer, of the kernel or of a file, under a fuzzer that is led by
 * coverage, for N seconds a target (10). `crates/fuzz` has the targets in Rust, under libFuzzer and AddressSanitizer, and `test/fuzz` the
 * parsers in TypeScript. New inputs stay in `build/fuzz`, for the next run to begin with; `--keep` minimises them into the corpora that
 * are committed. An input that fails is in `build/fuzz/failed`, and is tried before anything else the next time; one that fails no more is
 * an input like the others then. Those of parsers stay there.
 *
 * SanitizerCoverage is a pass of LLVM's, which stable Rust runs; libFuzzer's own C++ is built from source.
 */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parseArgs } from 'node:util'
import { laneEnvironment } from './lib/cargo.js'
import { ending, run } from './lib/child.js'
import { main, Stop } from './lib/stop.js'
import { exitCode, line, single, summary } from './lib/tally.js'
import { find, toolchain } from './lib/toolchain.js'
import { root, setup } from './setup.js'

/** @typedef {import('./lib/tally.js').Outcome} Outcome */

const crate = join(root, 'crates/fuzz')
const manifest = join(crate, 'Cargo.toml')
const work = join(root, 'build/fuzz')
const failed = join(work, 'failed')
/** A target that must fail. */
const SEEDED = 'seeded'
/** The parsers in TypeScript, which are one target here. */
const PARSERS = 'parsers'
/** Seconds that an input may take, on a machine that is busy too, and MiB that a target may. */
const [TIMEOUT, MEMORY] = [120, 2048]
/** A day. */
const MOST_SECONDS = 86_400
/** Bytes of an input: what has more is no more telling. */
const LONGEST = 512

const coverage = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
]

main(async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      target: { type: 'string', multiple: true, default: [] },
      keep: { type: 'boolean', default: false },
    },
  })
  const seconds = Number(values.seconds)
  // libFuzzer takes whole seconds, and 0 for no end.
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MOST_SECONDS)
    throw new Stop(`--seconds is a whole number up to ${MOST_SECONDS}, not ${values.seconds}`)
  const natives = readdirSync(join(crate, 'targets')).map((file) => file.replace('.rs', ''))
  const all = [...natives.filter((name) => name !== SEEDED), PARSERS]
  const unknown = values.target.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new Stop(`no target ${unknown}: there are ${all.join(', ')}`)
  const chosen = values.target.length === 0 ? all : values.target

  /** @type {Outcome[]} */
  const outcomes = []
  /** @param {Outcome} outcome */
  const tell = (outcome) => {
    outcomes.push(outcome)
    process.stdout.write(line(outcome))
  }
  const rust = chosen.filter((name) => name !== PARSERS)
  if (rust.length > 0) await fuzzRust(rust, seconds, values.keep, tell)
  if (chosen.includes(PARSERS)) tell(await fuzzParsers(seconds))
  process.stdout.write(`\n${summary(outcomes)}`)
  return exitCode(outcomes)
})

/**
 * @param {readonly string[]} targets
 * @param {number} seconds
 * @param {boolean} keep
 * @param {(outcome: Outcome) => void} tell
 */
async function fuzzRust(targets, seconds, keep, tell) {
  // As the crate `cc` has it, which builds libFuzzer.
  const [compiler = ''] = (process.env.CXX ?? 'c++').split(' ')
  if (!(isAbsolute(compiler) ? existsSync(compiler) : find(compiler))) {
    const reason = `libFuzzer is C++, and there is no ${compiler}: install g++, or say CXX=…`
    for (const test of targets) {
      tell({ name: `fuzz ${test}`, passed: 0, failed: 0, skipped: [{ test, reason }], seconds: 0 })
    }
    return
  }
  const { host } = await toolchain(root)
  const env = laneEnvironment(root, 'fuzz', [...coverage, '-Zsanitizer=address'].join(' '), {
    RUSTC_BOOTSTRAP: '1',
    // What was freed is kept for a while, to be seen when it is used: less than by default, for there are many inputs.
    ASAN_OPTIONS: 'quarantine_size_mb=16',
  })
  const args = ['--manifest-path', manifest, '--locked']
  const fetched = await run('cargo', ['fetch', ...args, '--target', host], { cwd: root })
  if (fetched.code !== 0) {
    tell(single('fuzz targets are fetched', false, fetched.seconds, fetched.output))
    return
  }
  const options = ['--release', '--bins', '--features', 'fuzzer', '--target', host]
  const built = await run('cargo', ['build', ...args, ...options, '--offline'], { cwd: root, env })
  tell(single('fuzz targets build', built.code === 0, built.seconds, built.output))
  if (built.code !== 0) return

  const folder = join(env.CARGO_TARGET_DIR ?? '', host, 'release')
  mkdirSync(failed, { recursive: true })
  tell(await seededFault(folder, env))
  for (const target of targets) tell(await fuzz(folder, target, seconds, keep, env))
}

/**
 * The fault is found, and AddressSanitizer reports it.
 *
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
async function seededFault(folder, env) {
  const options = ['-max_total_time=120', '-max_len=16', '-seed=1', `-artifact_prefix=${work}/`]
  const ended = await run(join(folder, SEEDED), options, { env, cwd: work, deadlineMs: 300_000 })
  const found = ended.code !== 0 && /AddressSanitizer: heap-buffer-overflow/.test(ended.output)
  for (const file of readdirSync(work))
    if (/^(crash|leak|timeout|oom)-/.test(file)) rmSync(join(work, file))
  return single('fuzz finds and reports a seeded fault', found, ended.seconds, ended.output)
}

/**
 * @param {string} folder
 * @param {string} target
 * @param {number} seconds
 * @param {boolean} keep
 * @param {NodeJS.ProcessEnv} env
 */
async function fuzz(folder, target, seconds, keep, env) {
  const program = join(folder, target)
  const inputs = join(work, target)
  const corpus = join(crate, 'corpus', target)
  mkdirSync(inputs, { recursive: true })
  mkdirSync(corpus, { recursive: true })
  const again = await failedBefore(program, target, inputs, env)
  if (again !== undefined) return again
  const limits = [`-timeout=${TIMEOUT}`, `-rss_limit_mb=${MEMORY}`, `-max_len=${LONGEST}`]
  const artifacts = `-artifact_prefix=${failed}/${target}-`
  const timed = [`-max_total_time=${seconds}`, '-print_final_stats=1', ...limits, artifacts]
  const deadlineMs = (seconds + 300) * 1000
  const ended = await run(program, [...timed, inputs, corpus], { env, cwd: work, deadlineMs })

  const executions = /number_of_executed_units: (\d+)/.exec(ended.output)?.[1]
  const reached = Array.from(ended.output.matchAll(/ cov: (\d+) /g)).at(-1)?.[1]
  const counters = /\((\d+) inline 8-bit counters\)/.exec(ended.output)?.[1]
  const name = `fuzz ${target}: ${executions} executions, ${reached} of ${counters} edges`
  const passed = ended.code === 0 && executions !== undefined && reached !== undefined
  if (passed && keep) await minimise(program, inputs, corpus, env)
  // The end says what happened; before it stands a line for each new input.
  const trouble = ended.output.split('\n').slice(-80).join('\n')
  return single(name, passed, ended.seconds, `${trouble}\n${program} ${ending(ended)}`)
}

/**
 * Tries what has failed in an earlier run: the first that still does, if any.
 *
 * @param {string} program
 * @param {string} target
 * @param {string} inputs
 * @param {NodeJS.ProcessEnv} env
 */
async function failedBefore(program, target, inputs, env) {
  for (const name of readdirSync(failed).filter((file) => file.startsWith(`${target}-`))) {
    const input = join(failed, name)
    const options = [`-timeout=${TIMEOUT}`, `-rss_limit_mb=${MEMORY}`, input]
    const ended = await run(program, options, { env, cwd: work, deadlineMs: 300_000 })
    if (ended.code !== 0) {
      const title = `fuzz ${target}: ${name} of an earlier run still fails`
      return single(title, false, ended.seconds, `${ended.output}\n${program} ${ending(ended)}`)
    }
    renameSync(input, join(inputs, name))
  }
  return undefined
}

/**
 * The fewest inputs that reach as much as all of them, as the committed corpus.
 *
 * @param {string} program
 * @param {string} inputs
 * @param {string} corpus
 * @param {NodeJS.ProcessEnv} env
 */
async function minimise(program, inputs, corpus, env) {
  const fewest = `${inputs}-fewest`
  rmSync(fewest, { recursive: true, force: true })
  mkdirSync(fewest)
  const args = ['-set_cover_merge=1', `-max_len=${LONGEST}`, fewest, inputs, corpus]
  const merged = await run(program, args, { env, cwd: work, deadlineMs: 600_000 })
  if (merged.code !== 0 || readdirSync(fewest).length === 0) throw new Stop(merged.output)
  rmSync(corpus, { recursive: true })
  const moved = await run('mv', [fewest, corpus])
  if (moved.code !== 0) throw new Stop(moved.output)
}

/**
 * The parsers in TypeScript: their loop reads Node's own block coverage.
 *
 * @param {number} seconds
 */
async function fuzzParsers(seconds) {
  await setup(['packages', 'dist', 'tests'])
  const program = join(root, 'build/test/fuzz/main.js')
  if (!existsSync(program)) throw new Stop(`${program} was not built`)
  const deadlineMs = (seconds + 300) * 1000
  const ended = await run(process.execPath, [program, String(seconds)], { cwd: root, deadlineMs })
  const told = /^(\d+ parsers, \d+ executions, \d+ of \d+ branches)$/m.exec(ended.stdout)?.[1]
  const passed = ended.code === 0 && told !== undefined
  return single(`fuzz ${PARSERS}: ${told}`, passed, ended.seconds, ended.output)
}
