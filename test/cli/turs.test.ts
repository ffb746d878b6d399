import assert from 'node:assert/strict'
import { checkCondition, type Server, serve, status, type Task, type Unit } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring turs')
let place: Place
let server: Server
test.before.each(() => {
  place = new Place()
})
test.after.each(async () => {
  await server.close()
  await place.remove()
})

/** Serves a unit that ends its first commands in `failures`, and the others in GOOD. */
async function serving(...failures: readonly Parameters<Task['answer']>[0][]) {
  const left = [...failures]
  let commands = 0
  const unit: Unit = {
    execute(task) {
      commands++
      const failure = left.shift()
      if (failure === undefined) task.good()
      else task.answer(failure)
    },
  }
  server = await serve({ listen: place.path('unit.sock'), units: [unit] })
  return () => commands
}

const turs = (...args: string[]) =>
  place.sgring(['turs', `ring:${place.path('unit.sock')}`, ...args])

const notReady = checkCondition(2, 0x0403)
const attention = checkCondition(6, 0x2a09)

test('says nothing of a unit that is ready', async () => {
  const commands = await serving()
  const { code, stdout, stderr } = await turs()
  assert.deepEqual([code, stdout.length, stderr, commands()], [0, 0, '', 1])
})

test('ends with the exit code of sg3_utils for what the unit said', async () => {
  for (const [answer, expected, message] of [
    [notReady, 2, /^sgring: NOT READY: LOGICAL UNIT NOT READY/],
    [attention, 6, /^sgring: UNIT ATTENTION/],
    [checkCondition(4, 0x4400), 3, /HARDWARE ERROR/],
    [status(0x18), 24, /RESERVATION CONFLICT/],
    [status(0x08), 26, /BUSY/],
  ] as const) {
    const commands = await serving(answer)
    const { code, stdout, stderr } = await turs()
    assert.deepEqual([code, stdout.length, commands()], [expected, 0, 1])
    assert.match(stderr, message)
    await server.close()
  }
})

test('sends as many as it is told, counts those that failed, and tells the first of them', async () => {
  const commands = await serving(notReady, status(0x08), attention)
  const { code, stdout, stderr } = await turs('--number', '2000')
  assert.equal(stdout.toString(), 'Completed 2000 Test Unit Ready commands with 3 errors\n')
  assert.deepEqual([code, commands()], [2, 2000])
  assert.match(stderr, /^sgring: NOT READY: [^\n]*\n$/)
})

test('times them in the words of sg_turs', async () => {
  await serving()
  const { code, stdout } = await turs('--number', '0x10', '--time')
  assert.equal(code, 0)
  assert.match(
    stdout.toString(),
    /^time to perform commands was \d+\.\d{6} secs; \d+ operations\/sec\nCompleted 16 Test Unit Ready commands with 0 errors\n$/,
  )
})

test('gives its numbers as JSON, beside the error if there is one', async () => {
  await serving(attention)
  const { code, stdout, stderr } = await turs('--number', '3', '--json')
  const { commands, errors, seconds, commands_per_s } = JSON.parse(stdout.toString())
  assert.deepEqual([code, commands, errors], [6, 3, 1])
  assert.ok(seconds > 0 && commands_per_s > 0)
  assert.equal(JSON.parse(stderr).error.sense_key, 6)
})

test('refuses numbers that make no sense', async () => {
  await serving()
  for (const number of ['0', 'x', '-1', '18446744073709551615']) {
    const { code, stderr } = await turs(`--number=${number}`)
    assert.equal(code, 1)
    assert.match(stderr, /^sgring: --number is /)
  }
})

test('gives up on a unit that does not answer in time', async () => {
  server = await serve({ listen: place.path('unit.sock'), units: [{ execute() {} }] })
  const { code, stderr } = await turs('--timeout', '0.2')
  assert.equal(code, 33)
  assert.match(stderr, /^sgring: /)
})

test.run()
