import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Answer,
  good,
  type Handler,
  type HandlerTask,
  ServiceResponse,
  Status,
  TaskFunction,
} from '#dist/index.js'
import type { Unit } from '#dist/target/unit.js'
import type { TestUnitOptions } from '#dist/testing/index.js'
import { suite } from '../harness/index.ts'
import { cdb, powerOn, type ReadyUnit, readyUnit, told } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite('task management of commands in a handler')

const VENDOR = 0xc0
const ABORTED = { code: 'ERR_SGRING_ABORTED', name: 'TransportError' }
const { FUNCTION_COMPLETE, FUNCTION_SUCCEEDED } = ServiceResponse

/** A unit whose handler never answers vendor specific commands. */
async function hanging(
  options: TestUnitOptions = {},
): Promise<ReadyUnit & { readonly tasks: HandlerTask[] }> {
  const tasks: HandlerTask[] = []
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    tasks.push(task)
    return new Promise<Answer>(() => {})
  }
  return Object.assign(await readyUnit({ ...options, handler }), { tasks })
}

const hung = { cdb: cdb(VENDOR), timeoutMs: 0 }

test('ABORT TASK is answered at once, whatever the handler does (sam-5 7.2)', async () => {
  await using opened = await hanging()
  const { unit, tasks } = opened
  const sent = [5, 6].map((tag) => unit.execute({ ...hung, tag, dataOut: new Uint8Array(9) }))
  const [first, second] = sent.map((command) => assert.rejects(command, ABORTED))
  await until('both', () => tasks.length === 2)
  const dataOut = tasks.map((task) => task.dataOut)
  const about = { function: TaskFunction.QUERY_TASK, tag: 5 }
  assert.deepEqual(await unit.taskManagement(about), { response: FUNCTION_SUCCEEDED })
  const aborting = { function: TaskFunction.ABORT_TASK, tag: 5 }
  assert.deepEqual(await unit.taskManagement(aborting), { response: FUNCTION_COMPLETE })
  await first
  assert.deepEqual(
    tasks.map(({ tag, signal }) => [tag, signal.aborted]),
    [
      [5n, true],
      [6n, false],
    ],
  )
  assert.deepEqual(
    dataOut.map((bytes) => bytes.length),
    [0, 9],
  )
  assert.deepEqual(await unit.taskManagement(about), { response: FUNCTION_COMPLETE })
  await unit.taskManagement({ ...aborting, tag: 6 })
  await second
})

test("the caller's signal reaches the handler's", async () => {
  await using opened = await hanging()
  const controller = new AbortController()
  const reason = new Error('enough')
  const sent = assert.rejects(opened.unit.execute({ ...hung, signal: controller.signal }), reason)
  const task = await until('the handler', () => opened.tasks[0])
  const heard = new Promise((resolve) => task.signal.addEventListener('abort', resolve))
  controller.abort(reason)
  await Promise.all([sent, heard])
  assert.equal(opened.server.stats.tasks, 0)
})

test('what a handler answers when it hears of the abort is late: dropped, and counted', async () => {
  const handler: Handler = (task, next) =>
    task.cdb[0] === VENDOR
      ? new Promise<Answer>((resolve) => {
          task.signal.addEventListener('abort', () => resolve(good()))
        })
      : next()
  await using opened = await readyUnit({ handler })
  const sent = assert.rejects(opened.unit.execute({ ...hung, tag: 1 }), ABORTED)
  await until('the handler', () => opened.server.stats.handlers.running === 1)
  await opened.unit.taskManagement({ function: TaskFunction.ABORT_TASK, tag: 1 })
  await sent
  await until('the late answer', () => opened.server.stats.handlers.late === 1)
})

test('a handler that hands its signal on, and ends by it, is not late', async () => {
  const handler: Handler = async (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    if (task.cdb[1] === 0) await pause(2 ** 30, undefined, { signal: task.signal })
    else await new Promise((_, reject) => task.signal.addEventListener('abort', reject))
    return good()
  }
  await using opened = await readyUnit({ handler })
  for (const [byte, late] of [
    [0, 0],
    [1, 1],
  ] as const) {
    const sent = assert.rejects(opened.unit.execute({ ...hung, cdb: cdb(VENDOR, byte) }), ABORTED)
    await until('the handler', () => opened.server.stats.handlers.running === 1)
    await opened.unit.taskManagement({ function: TaskFunction.ABORT_TASK_SET })
    await sent
    await until('its end', () => opened.server.stats.handlers.running === 0)
    assert.deepEqual(opened.server.stats.handlers, { running: 0, late, failed: 0 })
  }
})

test('LOGICAL UNIT RESET ends the commands of every nexus, and tells them (sam-5 7.7)', async () => {
  await using opened = await hanging()
  const other = await opened.connect()
  await powerOn(other, 0)
  const sent = [opened.unit, other.unit(0)].map((unit) =>
    assert.rejects(unit.execute(hung), ABORTED),
  )
  await until('both', () => opened.tasks.length === 2)
  const reset = { function: TaskFunction.LOGICAL_UNIT_RESET }
  assert.deepEqual(await opened.unit.taskManagement(reset), { response: FUNCTION_COMPLETE })
  await Promise.all(sent)
  assert.ok(opened.tasks.every(({ signal }) => signal.aborted))
  for (const unit of [opened.unit, other.unit(0)]) {
    assert.equal(told(await unit.execute({ cdb: cdb(0) })), '2 6/29/03')
    assert.equal(told(await unit.execute({ cdb: cdb(0) })), '0')
  }
})

test('LOGICAL UNIT RESET reaches the unit behind, and ends operations that outlast their command', async () => {
  let resets = 0
  const unit: Unit = { execute: (task) => task.good(), reset: () => resets++ }
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    task.progress(0.5, { notReady: true, until: new Promise(() => {}) })
    return good()
  }
  await using opened = await readyUnit({ units: [{ unit, handler }] })
  const own = opened.nexus.unit(1)
  await own.testUnitReady()
  await own.execute({ cdb: cdb(VENDOR) })
  assert.equal(told(await own.execute({ cdb: cdb(0) })), '2 2/04/07')
  await own.taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET })
  assert.equal(resets, 1)
  await own.testUnitReady()
})

test('CLEAR TASK SET ends those of others in TASK ABORTED where the unit says so (sam-5 5.3.1)', async () => {
  await using opened = await hanging({ taskAbortedStatus: true })
  const other = await opened.connect()
  await powerOn(other, 0)
  const own = assert.rejects(opened.unit.execute(hung), ABORTED)
  const others = other.unit(0).execute(hung)
  await until('both', () => opened.tasks.length === 2)
  const clear = { function: TaskFunction.CLEAR_TASK_SET }
  assert.deepEqual(await opened.unit.taskManagement(clear), { response: FUNCTION_COMPLETE })
  await own
  assert.equal((await others).status, Status.TASK_ABORTED)
  assert.ok(opened.tasks.every(({ signal }) => signal.aborted))
})

test('a function waits for a transfer that next() began, and for nothing else', async () => {
  await using opened = await hanging()
  const reading = Uint8Array.of(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0)
  for (let round = 0; round < 10; round++) {
    const reads = [1, 2, 3].map((tag) =>
      opened.unit.execute({ cdb: reading, dataIn: 1 << 20, tag }),
    )
    const settled = Promise.allSettled(reads)
    const abort = { function: TaskFunction.ABORT_TASK_SET }
    assert.deepEqual(await opened.unit.taskManagement(abort), { response: FUNCTION_COMPLETE })
    assert.equal(opened.server.stats.tasks, 0)
    for (const result of await settled) {
      if (result.status === 'fulfilled') assert.equal(result.value.data.length, 1 << 20)
      else assert.equal(result.reason.code, ABORTED.code)
    }
  }
  await until('the handlers', () => opened.server.stats.handlers.running === 0)
  assert.deepEqual(opened.failures, [])
})

test('a task set that is full of commands that hang is free again after ABORT TASK SET', async () => {
  await using opened = await hanging({ maxTasks: 3, maxRunning: 1 })
  const sent = [1, 2, 3].map(() => assert.rejects(opened.unit.execute(hung), ABORTED))
  await until('the first', () => opened.tasks.length === 1)
  assert.equal((await opened.unit.execute(hung)).status, Status.TASK_SET_FULL)
  await opened.unit.taskManagement({ function: TaskFunction.ABORT_TASK_SET })
  await Promise.all(sent)
  assert.equal(opened.tasks.length, 1)
  await opened.unit.testUnitReady()
})

test.run()
