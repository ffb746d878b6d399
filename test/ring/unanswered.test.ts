import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, ServiceResponse, TaskFunction } from '#dist/index.js'
import { FUNCTION_SLOTS } from '#dist/ring/pair.js'
import { ENDED_WITHOUT_RESPONSE } from '#dist/task/function.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'
import * as scripted from '../support/scripted-unit.ts'
import { ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'
import { RawTarget } from './raw-target.ts'

const test = suite('a target that does not answer')

const COMMAND = { cdb: new Uint8Array(6) }
const SMALL = { slots: 4, arenaBytes: 64 << 10, abortTimeoutMs: 1 }
const UNANSWERED = { name: 'TransportError', code: 'ERR_SGRING_ABORT_UNANSWERED' }
const LOST = { code: 'ERR_SGRING_NEXUS_LOST' }
const reason = new Error('enough')

/** A server that is stopped, with a nexus that has a command held there; both end with the test. */
async function stopped(options: object) {
  const server = await ServerProcess.start({ units: ['scripted'] })
  const nexus = await connect(server.socket, { ...SMALL, ...options })
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  server.kill('SIGSTOP')
  await until('a stopped server', () => server.state() === 'T')
  const close = async () => {
    server.kill('SIGCONT')
    await nexus.close()
    await server.close()
  }
  return { server, nexus, unit, [Symbol.asyncDispose]: close }
}

test('an abort that is not answered in time rejects with the cause; slot and bytes stay until the completion', async () => {
  await using open = await stopped({})
  const { server, nexus, unit } = open
  const into = new Uint8Array(8192)
  const controller = new AbortController()
  const options = { dataIn: into, signal: controller.signal, tag: 1 }
  const aborted = unit.execute({ ...scripted.describing(6, 0), ...options })
  const late = unit.execute({ ...scripted.hold(), timeoutMs: 1 })
  await until('both to be sent', () => nexus.stats.outstanding === 2)
  controller.abort(reason)
  await Promise.all([
    assert.rejects(aborted, { ...UNANSWERED, cause: reason }),
    assert.rejects(late, (error: Error) => {
      assert.deepEqual((error as { code?: string }).code, UNANSWERED.code)
      assert.equal((error.cause as { code?: string }).code, 'ERR_SGRING_TIMEOUT')
      return true
    }),
  ])
  const { outstanding, quarantined, arenaUsedBytes } = nexus.stats
  assert.deepEqual([outstanding, quarantined, arenaUsedBytes], [2, 2, 8192])
  await assert.rejects(unit.execute({ ...COMMAND, tag: 1 }), { code: 'ERR_SGRING_TAG_IN_USE' })
  server.kill('SIGCONT')
  await until('the completions', () => nexus.stats.quarantined === 0)
  await unit.execute({ ...COMMAND, tag: 2 })
  const after = nexus.stats
  assert.deepEqual([after.outstanding, after.arenaUsedBytes], [0, 0])
  assert.ok(into.every((byte) => byte === 0))
})

test('a function that is not answered in time rejects, and one that waits for a slot leaves unsent', async () => {
  await using open = await stopped({})
  const { server, nexus, unit } = open
  const request = { function: TaskFunction.QUERY_TASK_SET }
  const asked = Array.from({ length: FUNCTION_SLOTS + 4 }, () => unit.taskManagement(request))
  await Promise.all(asked.map((call) => assert.rejects(call, UNANSWERED)))
  server.kill('SIGCONT')
  await until('the answers', () => nexus.stats.functions === FUNCTION_SLOTS)
  const answer = await unit.taskManagement({ ...request, timeoutMs: 0 })
  assert.deepEqual(answer, { response: ServiceResponse.FUNCTION_COMPLETE })
  assert.equal(nexus.stats.functions, FUNCTION_SLOTS + 1)
})

test('resetUnanswered: the unit is reset, once, and then the nexus is given up', async () => {
  await using target = await RawTarget.open({ ...SMALL, resetUnanswered: true })
  const { nexus } = target
  const ended = once(nexus.events, 'end')
  const other = nexus.unit(1).execute({ ...COMMAND, timeoutMs: 0 })
  const lost = assert.rejects(other, LOST)
  const hung = [1, 2].map(() => nexus.unit(0).execute({ ...COMMAND, timeoutMs: 1 }))
  const rejected = hung.map((command) => assert.rejects(command, UNANSWERED))
  const came = await target.fetch(3 + 2 + 1)
  assert.deepEqual(
    came.map(({ function: code, lun }) => [code, lun]),
    [
      [0, 1 << 16],
      [0, 0],
      [0, 0],
      [TaskFunction.ABORT_TASK, 0],
      [TaskFunction.ABORT_TASK, 0],
      [TaskFunction.LOGICAL_UNIT_RESET, 0],
    ],
  )
  const [error] = (await Promise.all([ended, lost, ...rejected]))[0] as [Error]
  assert.match(error.message, /neither by its ABORT TASK nor by LOGICAL UNIT RESET/)
  await assert.rejects(nexus.unit(1).execute(COMMAND), LOST)
})

test('a reset that brings the command home keeps the nexus', async () => {
  await using target = await RawTarget.open({
    ...SMALL,
    resetUnanswered: true,
    abortTimeoutMs: 1000 * deadlineScale,
  })
  const { nexus } = target
  const hung = nexus.unit(0).execute({ ...COMMAND, timeoutMs: 1, dataIn: 4096 })
  const rejected = assert.rejects(hung, UNANSWERED)
  const [command, abort, reset] = await target.fetch(3)
  assert.equal(reset!.function, TaskFunction.LOGICAL_UNIT_RESET)
  await rejected
  target.complete([command!], ENDED_WITHOUT_RESPONSE)
  target.complete([reset!, abort!], ServiceResponse.FUNCTION_COMPLETE)
  await until('the slots', () => nexus.stats.functions === 2)
  const { outstanding, quarantined, arenaUsedBytes } = nexus.stats
  assert.deepEqual([outstanding, quarantined, arenaUsedBytes], [0, 0, 0])
  // Longer than its deadline: another command's abort is not answered in this time.
  const timeoutMs = 1500 * deadlineScale
  const later = nexus.unit(0).execute({ ...COMMAND, timeoutMs, onAbort: 'detach' })
  await assert.rejects(later, { code: 'ERR_SGRING_TIMEOUT' })
  const query = nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET, timeoutMs: 0 })
  const [, , asked] = await target.fetch(3)
  target.complete([asked!], ServiceResponse.FUNCTION_COMPLETE)
  assert.deepEqual(await query, { response: ServiceResponse.FUNCTION_COMPLETE })
})

test('abortTimeoutMs 0: an aborted command waits for its end, however long', async () => {
  await using target = await RawTarget.open({ ...SMALL, abortTimeoutMs: 0, resetUnanswered: true })
  const { nexus } = target
  const hung = nexus.unit(0).execute({ ...COMMAND, timeoutMs: 1 })
  const query = nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
  const tasks = await target.fetch(3)
  // What has a deadline beyond expires meanwhile.
  const later = nexus.unit(0).execute({ ...COMMAND, timeoutMs: 300, onAbort: 'detach' })
  await assert.rejects(later, { code: 'ERR_SGRING_TIMEOUT' })
  assert.equal(nexus.stats.quarantined, 1)
  const [command, asked] = tasks
  target.complete([command!], ENDED_WITHOUT_RESPONSE)
  await assert.rejects(hung, { code: 'ERR_SGRING_TIMEOUT' })
  target.complete([asked!], ServiceResponse.FUNCTION_COMPLETE)
  await query
})

test('a nexus that is given up by nobody ends when its target dies, and all aborts with it', async () => {
  const server = await ServerProcess.start({ units: ['scripted'] })
  await using nexus = await connect(server.socket, { ...SMALL, abortTimeoutMs: 0 })
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  server.kill('SIGSTOP')
  await until('a stopped server', () => server.state() === 'T')
  const controller = new AbortController()
  const { signal } = controller
  const lost = Array.from({ length: 10 }, (_, tag) =>
    unit.execute({ ...scripted.hold(), signal, tag }),
  )
  await until('all to be sent', () => nexus.stats.outstanding === 4)
  controller.abort(reason)
  const functions = Array.from({ length: 20 }, () =>
    unit.taskManagement({ function: TaskFunction.QUERY_TASK_SET }),
  )
  const all = Promise.allSettled([...lost, ...functions])
  await server.killed()
  for (const [index, result] of (await all).entries()) {
    const { code } = result.status === 'rejected' ? result.reason : { code: 'resolved' }
    assert.equal(code, index >= 4 && index < 10 ? undefined : LOST.code)
  }
})

test('a function that nothing else waits for keeps its process until its time is up', async () => {
  const server = await ServerProcess.start({ units: ['scripted'] })
  const main = new URL('./alive-main.js', import.meta.url)
  const child = new Program(main, ['manages a stopped target', server.socket])
  const { code, stdout, stderr } = await child.ended
  server.kill('SIGCONT')
  await server.close()
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: 'ERR_SGRING_ABORT_UNANSWERED\n', stderr: '' },
  )
})

test.run()
