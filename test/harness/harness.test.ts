import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { deadlineScale } from './deadline.ts'
import { suite } from './index.ts'

interface Result {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly { suite: string; test: string; reason: string }[]
}

/** Runs a fixture as a test file of its own, and reads the result line that it ends with. */
function runFixture(name: string): { code: number | null; output: string; result: Result } {
  const path = fileURLToPath(new URL(`./fixtures/${name}.js`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' })
  return { code: status, output: stdout + stderr, result: JSON.parse(lastLine(stdout)) }
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}

const test = suite('a test file')

test('that passes ends with 0 and its counts', () => {
  const { code, result } = runFixture('passing')
  assert.equal(code, 0)
  assert.deepEqual(result, { passed: 2, failed: 0, skipped: [] })
})

test('with a failing test fails, shows the assertion, and ends whatever was left behind', () => {
  const { code, output, result } = runFixture('failing')
  assert.equal(code, 1)
  assert.deepEqual(result, { passed: 1, failed: 1, skipped: [] })
  assert.match(output, /is wrong/)
  assert.match(output, /Expected values to be strictly equal/)
})

test('names the test that hangs, runs the next one, and ends', () => {
  const { code, output, result } = runFixture('hanging')
  assert.equal(code, 1)
  assert.deepEqual(result, { passed: 1, failed: 1, skipped: [] })
  const told = `waits > for an answer that never comes did not end within ${50 * deadlineScale} ms`
  assert.ok(output.includes(told), output)
})

test('fails when it registers a suite and does not run it', () => {
  const { code, output, result } = runFixture('forgotten')
  assert.equal(code, 1)
  assert.deepEqual(result, { passed: 1, failed: 1, skipped: [] })
  assert.match(output, /the forgotten one: it is registered and never run/)
})

test('fails when a suite has no tests', () => {
  const { code, result } = runFixture('bare')
  assert.equal(code, 1)
  assert.equal(result.failed, 1)
})

test('fails when the process is ended in the middle of a suite', () => {
  const { code, output, result } = runFixture('exiting')
  assert.equal(code, 1)
  assert.equal(result.failed, 1)
  assert.match(output, /exits: the process ended before it/)
})

test('tells each skip with its reason', () => {
  const { code, output, result } = runFixture('skipping')
  assert.equal(code, 0)
  assert.deepEqual(result, {
    passed: 1,
    failed: 0,
    skipped: [
      { suite: 'tapes', test: 'reads a real tape', reason: 'needs /dev/nst0' },
      { suite: 'tapes', test: 'reads many tapes', reason: 'needs a library' },
    ],
  })
  assert.match(output, /skipped: tapes > reads a real tape: needs \/dev\/nst0/)
})

test('fails every test around which a hook throws', () => {
  const { code, output, result } = runFixture('hooks')
  assert.equal(code, 1)
  assert.deepEqual(result, { passed: 0, failed: 3, skipped: [] })
  assert.match(output, /no target/)
  assert.match(output, /not cleaned up/)
})

test('may not skip without a reason', () => {
  assert.throws(() => test.skip('something', ' '), /a skip has a reason/)
})

test.run()
