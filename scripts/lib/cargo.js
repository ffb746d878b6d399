/** Cargo's test runs, and target folders for builds that differ in their flags. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ending, run } from './child.js'
import { filesBelow } from './step.js'

/**
 * The packages of the workspace, by folder and name. One that is a workspace of its own is none of them.
 *
 * @param {string} root
 * @returns {{ folder: string, name: string }[]}
 */
export function packages(root) {
  return filesBelow(root, 'crates')
    .filter((path) => /^crates\/[^/]+\/Cargo\.toml$/.test(path))
    .map((path) => ({ path, manifest: readFileSync(join(root, path), 'utf8') }))
    .filter(({ manifest }) => !/^\[workspace\]$/m.test(manifest))
    .map(({ path, manifest }) => ({
      folder: path.replace('/Cargo.toml', ''),
      name: /^name = "(.*)"$/m.exec(manifest)?.[1] ?? path,
    }))
}

/**
 * The environment of a build with flags of its own: in a target folder of its own, so that the others stay valid.
 *
 * @param {string} root
 * @param {string} lane the suffix of the target folder
 * @param {string} rustflags
 * @param {NodeJS.ProcessEnv} [more]
 * @returns {NodeJS.ProcessEnv}
 */
export function laneEnvironment(root, lane, rustflags, more) {
  return {
    ...process.env,
    CARGO_TARGET_DIR: `${process.env.CARGO_TARGET_DIR ?? join(root, 'target')}-${lane}`,
    RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${rustflags}`.trim(),
    ...more,
  }
}

/**
 * `cargo test` without a network, to the end whatever fails: one outcome a test program.
 *
 * @param {string} root
 * @param {string} title what the run's programs are listed under
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<import('./tally.js').Outcome[]>}
 */
export async function cargoTest(root, title, args, env = process.env) {
  const command = ['cargo', 'test', '--offline', '--no-fail-fast', ...args]
  // Cargo names a program on stderr, and the program answers on stdout: one pipe keeps their order.
  const ended = await run('sh', ['-c', 'exec "$@" 2>&1', 'sh', ...command], {
    cwd: root,
    env: { ...env, CARGO_TERM_COLOR: 'never' },
    deadlineMs: 30 * 60_000,
  })
  const outcomes = libtest(title, ended.output)
  if (ended.code !== 0 && outcomes.every(({ failed }) => failed === 0)) {
    const trouble = `${ended.output}\n${command.join(' ')} ${ending(ended)}`
    const seconds = ended.seconds
    return [...outcomes, { name: title, passed: 0, failed: 1, skipped: [], seconds, trouble }]
  }
  return outcomes
}

/**
 * Reads what libtest printed. A program that ends without its result has crashed, which is a failure.
 *
 * @param {string} title
 * @param {string} output
 * @returns {import('./tally.js').Outcome[]}
 */
export function libtest(title, output) {
  const head = /^ +(?:Running (.+) \(.*[/\\]([\w-]+)-[0-9a-f]+\)|Doc-tests (\S+))$/gm
  const starts = Array.from(output.matchAll(head))
  return starts
    .map((start, index) => {
      const text = output.slice(start.index, starts[index + 1]?.index)
      const [, source, program, documented] = start
      const name = documented === undefined ? `${program} ${source}` : `${documented} documentation`
      return testProgram(`${title} ${name}`, text)
    })
    .filter(({ passed, failed, skipped }) => passed + failed + skipped.length > 0)
}

/**
 * Reads what one test program printed.
 *
 * @param {string} name
 * @param {string} text
 * @returns {import('./tally.js').Outcome}
 */
export function testProgram(name, text) {
  // A documentation run has one result for merged tests and one for the rest.
  const results = Array.from(
    text.matchAll(
      /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;.* finished in ([\d.]+)s$/gm,
    ),
  )
  /** @param {number} column */
  const total = (column) => results.reduce((all, result) => all + Number(result[column]), 0)
  const skipped = Array.from(
    text.matchAll(/^test (.+) \.\.\. ignored(?:, (.*))?$/gm),
    ([, test = '', reason = 'ignored']) => ({ test, reason }),
  )
  const failed = results.length === 0 ? 1 : total(2)
  const outcome = { name, passed: total(1), failed, skipped, seconds: total(4) }
  return failed === 0 ? outcome : { ...outcome, trouble: text }
}
