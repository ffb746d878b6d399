import assert from 'node:assert/strict'
import { type Answer, good, type Handler, type Response, Status, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { cdb, powerOn, type ReadyUnit, readyUnit } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite('a unit with limits behind a handler')

const VENDOR = 0xc0

/** Handlers that wait for the test, and the most of them that there were at a time. */
class Waiting {
  readonly answers: ((answer: Answer) => void)[] = []
  readonly order: number[] = []
  running = 0
  most = 0

  readonly handler: Handler = async (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    this.order.push(task.cdb[1]!)
    this.running++
    this.most = Math.max(this.most, this.running)
    const answer = await new Promise<Answer>((resolve) => this.answers.push(resolve))
    this.running--
    return answer
  }

  /** Waits until `count` are there, and answers the oldest. */
  async answerOne(count = 1): Promise<void> {
    await until('a handler that waits', () => this.answers.length >= count)
    this.answers.shift()?.(good())
  }
}

function send(opened: ReadyUnit, count: number): Promise<Response>[] {
  return Array.from({ length: count }, (_, index) =>
    opened.unit.execute({ cdb: cdb(VENDOR, index), timeoutMs: 0 }),
  )
}

test('is given maxRunning commands at a time, and the others in their turn (sam-5 8.7)', async () => {
  const waiting = new Waiting()
  await using opened = await readyUnit({ handler: waiting.handler, maxRunning: 3 })
  const sent = send(opened, 20)
  for (let left = 20; left > 0; left--) await waiting.answerOne(Math.min(3, left))
  const statuses = (await Promise.all(sent)).map(({ status }) => status)
  assert.deepEqual(statuses, Array(20).fill(Status.GOOD))
  assert.equal(waiting.most, 3)
  assert.deepEqual(
    waiting.order,
    Array.from({ length: 20 }, (_, index) => index),
  )
})

test('takes maxTasks: beyond them are TASK SET FULL, and BUSY for a nexus without any (sam-5 5.3.1)', async () => {
  const waiting = new Waiting()
  await using opened = await readyUnit({ handler: waiting.handler, maxTasks: 2 })
  const other = await opened.connect()
  await powerOn(other, 0)
  const sent = send(opened, 2)
  await until('both', () => waiting.answers.length === 2)
  const { TASK_SET_FULL, BUSY, GOOD } = Status
  assert.equal((await opened.unit.execute({ cdb: cdb(0) })).status, TASK_SET_FULL)
  assert.equal((await other.unit(0).execute({ cdb: cdb(0) })).status, BUSY)
  assert.equal((await opened.unit.inquiry()).vendor, 'sgring')
  await waiting.answerOne()
  await Promise.race(sent)
  assert.equal((await other.unit(0).execute({ cdb: cdb(0) })).status, GOOD)
  await waiting.answerOne()
  await Promise.all(sent)
})

test('has them as options of every kind of unit, and refuses limits that are none', async () => {
  const { handler } = new Waiting()
  const own = { execute: () => {}, maxTasks: 0 }
  for (const unit of [
    { memory: 4096, maxTasks: 0 },
    { memory: 4096, maxRunning: 1.5, handler },
    { handler, maxTasks: -1 },
    { handler, maxRunning: Number.NaN },
    own,
    { unit: own, handler },
  ]) {
    await assert.rejects(serve({ listen: '/tmp/never-made.sock', units: [unit] }), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
  }
})

test.run()
