/** A short run of the torture, what it says of itself, and where its kill points are not. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'

const test = suite('the torture')

const root = new URL('../../../', import.meta.url)
const KILLING = new URL('build/kill-points/native/', root)
const SEED = 20_251_121

/** Runs `torture` with these arguments. */
async function torture(...args: readonly string[]) {
  const { code, stdout, stderr } = await new Program(new URL('./run.js', import.meta.url), args)
    .ended
  return { code, stderr, stdout, last: stdout.trimEnd().split('\n').at(-1) ?? '' }
}

function right(code: number | null, stderr: string, last: string): Record<string, number> {
  assert.equal(code, 0, stderr)
  const line = JSON.parse(last) as Record<string, number>
  const { lost, doubled, corrupt, leaked, seed } = line
  assert.deepEqual([lost, doubled, corrupt, leaked, seed], [0, 0, 0, 0, SEED], last)
  assert.ok(line.kills! > 0 && line.commands! > 0, last)
  return line
}

test(
  'finds nothing in some seconds of what a seed decides',
  async () => {
    const args = ['--walk', 'none', '--minutes', '0.07', '--seed', `${SEED}`, '--json']
    const { code, stderr, last } = await torture(...args)
    right(code, stderr, last)
  },
  { deadlineMs: 120_000 },
)

test(
  'finds nothing at some kill points of targets, and of clients',
  async () => {
    const args = ['--walk', '3', '--minutes', '0', '--seed', `${SEED}`, '--json']
    const { code, stderr, last } = await torture(...args)
    const { kill_points, kill_places } = right(code, stderr, last)
    assert.ok(kill_points! >= 3 && kill_places! >= 2, last)
  },
  {
    deadlineMs: 120_000,
    skip: existsSync(KILLING) ? undefined : 'not built with kill points: npm run torture',
  },
)

test('says what it takes, and refuses what it does not take', async () => {
  const help = await torture('--help')
  assert.equal(help.code, 0)
  assert.match(help.stdout, /^usage: .*examples:\n/s)
  for (const args of [['--minutes', 'x'], ['--seed', '-1'], ['--walk', 'some'], ['--what']]) {
    const { code, stderr, stdout } = await torture(...args)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /see npm run torture -- --help\n$/)
  }
})

test('has its kill points in a build of its own, and in none that is shipped', () => {
  const has = (folder: URL) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => name.endsWith('.node'))
      .map((name) => readFileSync(new URL(name, folder)).includes('killPointPasses'))
  assert.ok(has(new URL('native/', root)).every((found) => !found))
  assert.ok(has(KILLING).every((found) => found))
  const dist = readdirSync(fileURLToPath(new URL('dist/', root)), { recursive: true })
  const placed = dist
    .filter((name) => String(name).endsWith('.js'))
    .filter((name) => readFileSync(new URL(`dist/${name}`, root)).includes('killPoint'))
  assert.deepEqual(placed, [])
})

test.run()
