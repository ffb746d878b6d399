/** Test files: which there are, which were forgotten, and running one in a process of its own. */

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, normalize } from 'node:path'
import { ending, run } from './child.js'
import { filesBelow } from './step.js'

/**
 * The sources of all test files that run on the host, relative to the root. Those that take a kernel are
 * kernel-lane.js'.
 *
 * @param {string} root
 */
export function testFiles(root) {
  return filesBelow(root, 'test').filter(
    (path) => path.endsWith('.test.ts') && !/^test\/(kernel|guests)\//.test(path),
  )
}

/**
 * Files that look like tests and that no run would ever reach, each with the reason: named as a test but not `test/….test.ts`, or
 * registering suites without being a test file or imported by another file.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function forgotten(root) {
  const named = ['test', 'ts', 'bench', 'scripts']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((path) => /[._-](tests?|spec)\.[cm]?[jt]sx?$/.test(path))
    .filter((path) => !(path.startsWith('test/') && path.endsWith('.test.ts')))
    .map((path) => `${path}: is named as a test but is not test/….test.ts`)

  const sources = filesBelow(root, 'test').filter((path) => path.endsWith('.ts'))
  const imports = new Map(sources.map((path) => [path, imported(root, path)]))
  const reached = new Set([...imports.values()].flat())
  const unreached = sources
    .filter((path) => !path.startsWith('test/harness/') && !path.endsWith('.test.ts'))
    .filter((path) => imports.get(path)?.includes('test/harness/index.ts'))
    .filter((path) => !reached.has(path))
    .map((path) => `${path}: has suites, but no test file imports it`)
  return [...named, ...unreached]
}

/**
 * The files that one imports by a relative path.
 *
 * @param {string} root
 * @param {string} path
 */
function imported(root, path) {
  const text = readFileSync(join(root, path), 'utf8')
  return Array.from(text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g), ([, target]) =>
    normalize(join(dirname(path), target ?? '')),
  )
}

/**
 * Runs test files, two at a time; those whose name contains `.alone.` one at a time, after the others.
 *
 * @param {string} root
 * @param {readonly string[]} files sources, relative to the root
 * @param {(outcome: import('./tally.js').Outcome) => void} onOutcome
 * @param {{ node?: string, deadlineMs?: number }} [options]
 */
export async function runFiles(root, files, onOutcome, options) {
  const queue = files.filter((path) => !basename(path).includes('.alone.'))
  const alone = files.filter((path) => basename(path).includes('.alone.'))
  await Promise.all([work(queue), work(queue)])
  await work(alone)

  /** @param {string[]} paths */
  async function work(paths) {
    for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
      onOutcome(await runFile(root, path, builtFile(root, path), options))
    }
  }
}

/**
 * Where a test file's source is compiled to.
 *
 * @param {string} root
 * @param {string} path
 */
export function builtFile(root, path) {
  return join(root, 'build', path.replace(/\.ts$/, '.js'))
}

/**
 * What tests' own deadlines are multiplied by where nobody says so: two files run at a time, on a machine that may be slow, and beside others' work.
 */
export const DEADLINE_SCALE = '3'

/**
 * Runs one compiled test file under a deadline. However the process ends, the outcome names the file, and the test that ran.
 *
 * @param {string} root
 * @param {string} name
 * @param {string} built
 * @param {{ node?: string, deadlineMs?: number }} [options] `deadlineMs` for the whole file, whose tests have their own; default: 900,000
 * @returns {Promise<import('./tally.js').Outcome>}
 */
export async function runFile(
  root,
  name,
  built,
  { node = process.execPath, deadlineMs = 900_000 } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'sgring-test-'))
  const report = join(folder, 'report')
  try {
    const ended = await run(node, ['--enable-source-maps', built], {
      cwd: root,
      env: {
        SGRING_DEADLINE_SCALE: DEADLINE_SCALE,
        ...process.env,
        SGRING_TEST_REPORT: report,
      },
      deadlineMs,
    })
    return judge(name, { ...ended, how: ending(ended) }, events(report))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @typedef {object} Event see test/harness/report.ts
 * @property {'start' | 'pass' | 'fail' | 'skip' | 'result'} at
 * @property {string} suite
 * @property {string} test
 * @property {string} [reason]
 */

/**
 * What a test file has told.
 *
 * @param {string} path
 * @returns {Event[]} none when the process died before its first test
 */
export function events(path) {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/**
 * What a test file's run comes to.
 *
 * @param {string} name
 * @param {{ code: number | null, how: string, output: string, seconds: number }} ended its exit code, if any, and how it ended in words
 * @param {readonly Event[]} events
 * @returns {import('./tally.js').Outcome}
 */
export function judge(name, { code, how, output, seconds }, events) {
  /** @param {Event['at']} kind */
  const all = (kind) => events.filter(({ at }) => at === kind)
  const skipped = all('skip').map(({ suite, test, reason = '' }) => ({
    test: `${suite} > ${test}`,
    reason,
  }))
  const outcome = { name, passed: all('pass').length, skipped, seconds }
  const failed = all('fail').length
  const finished = all('result').length === 1
  if (finished && failed === 0 && code === 0) return { ...outcome, failed }

  const last = events.at(-1)
  const during =
    last?.at === 'start'
      ? `during "${last.suite} > ${last.test}"`
      : `after ${last === undefined ? 'no test' : `"${last.suite} > ${last.test}"`}`
  const trouble =
    finished && failed > 0 ? output : `${output}\n${name} ${how}${finished ? '' : ` ${during}`}`
  return { ...outcome, failed: finished && failed > 0 ? failed : failed + 1, trouble }
}
