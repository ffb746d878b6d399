import assert from 'node:assert/strict'
import {
  type Answer,
  good,
  type Handler,
  type HandlerTask,
  requestSense,
  type Sense,
  TaskFunction,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { cdb, powerOn, type ReadyUnit, readyUnit, told } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'
import { senseText } from './plain-task.ts'

const test = suite('a long operation')

const FORMAT = 0x04

/** A unit whose FORMAT UNIT takes as long as the test says. */
async function formatting(): Promise<{
  readonly opened: ReadyUnit
  /** Sends a FORMAT UNIT, and gives its handler's task and what ends it. */
  begin(): Promise<{ task: HandlerTask; end(answer: Answer): void; over: Promise<string> }>
  /** What REQUEST SENSE of another nexus says. */
  sense(): Promise<Sense>
}> {
  const begun: { task: HandlerTask; end(answer: Answer): void }[] = []
  const handler: Handler = (task, next) =>
    task.cdb[0] === FORMAT ? new Promise<Answer>((end) => begun.push({ task, end })) : next()
  const opened = await readyUnit({ handler })
  const other = await opened.connect()
  await powerOn(other, 0)
  return {
    opened,
    async begin() {
      const count = begun.length
      const over = opened.unit.execute({ cdb: cdb(FORMAT), timeoutMs: 0 }).then(told)
      return { ...(await until('FORMAT UNIT at the handler', () => begun[count])), over }
    },
    sense: () => other.unit(0).run(requestSense()),
  }
}

test('tells its progress to REQUEST SENSE of every nexus, until it is answered (spc-4 6.39)', async () => {
  const { opened, begin, sense } = await formatting()
  await using _ = opened
  const { task, end, over } = await begin()
  assert.equal(senseText(await sense()), '0/00/00')
  for (const [done, progress] of [
    [0, 0],
    [0.25, 0x4000],
    [0.999_999_99, 0xffff],
    [1, 0xffff],
  ] as const) {
    task.progress(done)
    const { specific, ...told } = await sense()
    assert.equal(senseText({ specific, ...told }), '0/00/16')
    assert.deepEqual(specific, { kind: 'progress', progress })
    const own = await opened.unit.run(requestSense({ descriptor: true }))
    assert.deepEqual([own.responseCode, own.specific], [0x72, specific])
  }
  assert.equal(told(await opened.unit.execute({ cdb: cdb(0) })), '0')
  end(good())
  assert.equal(await over, '0')
  assert.equal(senseText(await sense()), '0/00/00')
})

test('with notReady keeps off all commands but INQUIRY, REPORT LUNS and REQUEST SENSE (spc-4 6.39)', async () => {
  const { opened, begin, sense } = await formatting()
  await using _ = opened
  const { unit } = opened
  const { task, end, over } = await begin()
  for (const [notReady, text] of [
    [true, '2/04/07'],
    [0x0404, '2/04/04'],
  ] as const) {
    task.progress(0.5, { notReady })
    for (const command of [cdb(0), cdb(FORMAT), cdb(0xc0), cdb(0x08)]) {
      assert.equal(told(await unit.execute({ cdb: command })), `2 ${text}`)
    }
    const { specific } = await sense()
    assert.deepEqual(specific, { kind: 'progress', progress: 0x8000 })
    assert.equal(senseText(await sense()), text)
    assert.equal((await unit.inquiry()).vendor, 'sgring')
    assert.deepEqual((await unit.reportLuns()).luns, [0])
  }
  task.progress(0.6)
  assert.equal(told(await unit.execute({ cdb: cdb(0) })), '0')
  end(good())
  assert.equal(await over, '0')
})

test('tells that it is in the way before it tells of one that is not', async () => {
  const { opened, begin, sense } = await formatting()
  await using _ = opened
  const [first, second] = [await begin(), await begin()]
  first.task.progress(0.25)
  second.task.progress(0.75, { notReady: true })
  assert.equal(senseText(await sense()), '2/04/07')
  second.end(good())
  assert.equal(await second.over, '0')
  const { specific } = await sense()
  assert.deepEqual(specific, { kind: 'progress', progress: 0x4000 })
  first.end(good())
  await first.over
  assert.equal(senseText(await sense()), '0/00/00')
})

test('a new nexus is told of POWER ON first (sam-5 5.14)', async () => {
  const { opened, begin } = await formatting()
  await using _ = opened
  const { task, end, over } = await begin()
  task.progress(0.5, { notReady: true })
  const nexus = await opened.connect()
  assert.equal(senseText(await nexus.unit(0).run(requestSense())), '6/29/00')
  assert.equal(senseText(await nexus.unit(0).run(requestSense())), '2/04/07')
  end(good())
  await over
})

test('goes on behind the answer of its command (IMMED), until it settles (sbc-3 5.3)', async () => {
  const { opened, begin, sense } = await formatting()
  await using _ = opened
  for (const settle of ['resolve', 'reject'] as const) {
    const { task, end, over } = await begin()
    let settled = { resolve() {}, reject() {} }
    const until = new Promise<void>((resolve, reject) => {
      settled = { resolve, reject }
    })
    task.progress(0, { notReady: 0x0404, until })
    end(good())
    assert.equal(await over, '0')
    assert.equal(told(await opened.unit.execute({ cdb: cdb(0) })), '2 2/04/04')
    task.progress(0.5, { notReady: 0x0404, until })
    assert.deepEqual((await sense()).specific, { kind: 'progress', progress: 0x8000 })
    settled[settle]()
    await until.catch(() => {})
    assert.equal(senseText(await sense()), '0/00/00')
    task.progress(0.6)
    assert.equal(senseText(await sense()), '0/00/00')
  }
})

test('is over with its command: one that is aborted leaves no progress behind', async () => {
  const { opened, begin, sense } = await formatting()
  await using _ = opened
  for (const until of [undefined, new Promise(() => {})]) {
    const { task, over } = await begin()
    task.progress(0.5, { notReady: true, ...(until && { until }) })
    assert.equal(senseText(await sense()), '2/04/07')
    const aborted = assert.rejects(over, { code: 'ERR_SGRING_ABORTED' })
    await opened.unit.taskManagement({ function: TaskFunction.ABORT_TASK_SET })
    await aborted
    assert.equal(senseText(await sense()), '0/00/00')
    task.progress(0.6)
    assert.equal(senseText(await sense()), '0/00/00')
  }
})

test.run()
