import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { ServiceResponse, type SgringError, TaskAttribute, TaskFunction } from '#dist/index.js'
import { FLAG_SENSE } from '#dist/ring/layout.gen.js'
import { FUNCTION_SLOTS } from '#dist/ring/pair.js'
import { ENDED_WITHOUT_RESPONSE, OVERTAKEN } from '#dist/task/function.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { type Fetched, RawTarget } from './raw-target.ts'

const test = suite('functions and aborts, as a target sees them')

const COMMAND = { cdb: new Uint8Array(6) }
const SMALL = { slots: 4, arenaBytes: 64 << 10 }
const { FUNCTION_COMPLETE, FUNCTION_SUCCEEDED } = ServiceResponse
const reason = new Error('enough')

/** The tag that a function is about. */
function managed({ cdb }: Fetched): bigint {
  assert.equal(cdb.length, 16)
  return new DataView(cdb.buffer).getBigUint64(0, true)
}

/** When a function was sent: nanoseconds of CLOCK_MONOTONIC. */
function sentAt({ cdb }: Fetched): bigint {
  const [nanoseconds, seconds] = new Uint32Array(cdb.buffer, 8)
  return BigInt(seconds!) * 1_000_000_000n + BigInt(nanoseconds!)
}

/** How a promise has ended, once it has. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'resolved',
    (error: SgringError) => error.code ?? error,
  )
}

test('a function names its unit, itself and a command by its tag; a command its attribute and priority', async () => {
  await using target = await RawTarget.open(SMALL)
  const unit = target.nexus.unit(7)
  const command = unit.execute({ ...COMMAND, priority: 3 })
  const ordered = unit.execute({
    ...COMMAND,
    tag: 9,
    attribute: TaskAttribute.ORDERED,
    priority: 0,
  })
  const before = process.hrtime.bigint()
  const query = unit.taskManagement({ function: TaskFunction.QUERY_TASK, tag: 2n ** 64n - 2n })
  const reset = target.nexus.taskManagement({ function: TaskFunction.I_T_NEXUS_RESET })
  const tasks = await target.fetch(4)
  const times = [before, ...tasks.slice(2).map(sentAt), process.hrtime.bigint()]
  assert.deepEqual(
    times,
    times.toSorted((one, other) => Number(one - other)),
  )
  assert.deepEqual(
    tasks.map(({ lun, function: code, attribute }) => [lun, code, attribute]),
    [
      [7 << 16, 0, 0x30],
      [7 << 16, 0, 0x01],
      [7 << 16, TaskFunction.QUERY_TASK, 0],
      [0, TaskFunction.I_T_NEXUS_RESET, 0],
    ],
  )
  assert.deepEqual(
    [tasks[1]!.tag, managed(tasks[2]!), managed(tasks[3]!)],
    [9n, 2n ** 64n - 2n, 0n],
  )
  target.complete(tasks.slice(0, 2))
  target.complete(tasks.slice(2), FUNCTION_COMPLETE)
  await Promise.all([command, ordered])
  assert.deepEqual(await Promise.all([query, reset]), [
    { response: FUNCTION_COMPLETE },
    { response: FUNCTION_COMPLETE },
  ])
  const { commands, functions, outstanding } = target.nexus.stats
  assert.deepEqual([commands, functions, outstanding], [2, 2, 0])
})

test('every service response comes as it is; what is none is a delivery failure', async () => {
  await using target = await RawTarget.open(SMALL)
  const answers = new Set<number>(Object.values(ServiceResponse))
  answers.delete(ServiceResponse.COMMAND_COMPLETE)
  for (let flags = 0; flags < 16; flags++) {
    const query = target.nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
    target.complete(await target.fetch(1), flags)
    if (answers.has(flags)) assert.deepEqual(await query, { response: flags })
    else if (flags === OVERTAKEN)
      await assert.rejects(query, { code: 'ERR_SGRING_OUTCOME_UNKNOWN' })
    else await assert.rejects(query, { code: 'ERR_SGRING_DELIVERY' })
  }
})

test('additional response information is decoded, and what is too short of it is none (sam-5 7.10)', async () => {
  await using target = await RawTarget.open(SMALL)
  const ask = async (...bytes: number[]) => {
    const query = { function: TaskFunction.QUERY_ASYNCHRONOUS_EVENT }
    const answer = target.nexus.taskManagement(query)
    target.complete(await target.fetch(1), FUNCTION_SUCCEEDED | FLAG_SENSE, Uint8Array.from(bytes))
    return (await answer).event
  }
  const event = { senseKey: 6, asc: 0x29, ascq: 3 }
  assert.deepEqual(await ask(0x16, 0x29, 3), { ...event, more: false })
  assert.deepEqual(await ask(0x26, 0x29, 3), { ...event, more: true })
  assert.equal(await ask(0x26, 0x29), undefined)
})

test('an aborted command settles with what its completion says, and no other answer', async () => {
  await using target = await RawTarget.open(SMALL)
  for (const flags of [0, 1, ENDED_WITHOUT_RESPONSE]) {
    const controller = new AbortController()
    const { signal } = controller
    const command = target.nexus.unit(1).execute({ ...COMMAND, signal })
    const [sent] = await target.fetch(1)
    controller.abort(reason)
    const [abort] = await target.fetch(1)
    assert.deepEqual(
      [abort!.function, abort!.lun, managed(abort!)],
      [TaskFunction.ABORT_TASK, 1 << 16, sent!.tag],
    )
    // A target that rejects the abort, or answers it first, has not ended the command.
    target.complete([abort!], ServiceResponse.FUNCTION_REJECTED)
    target.complete([sent!], flags)
    const ends = ['resolved', 'ERR_SGRING_DELIVERY', reason]
    assert.equal(await outcome(command), ends[flags])
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  }
})

test('a command that a function ends, and no abort of its own, rejects with ERR_SGRING_ABORTED', async () => {
  await using target = await RawTarget.open(SMALL)
  const command = target.nexus.unit(0).execute({ ...COMMAND, dataIn: 8192 })
  target.complete(await target.fetch(1), ENDED_WITHOUT_RESPONSE)
  await assert.rejects(command, { name: 'TransportError', code: 'ERR_SGRING_ABORTED' })
  assert.equal(target.nexus.stats.arenaUsedBytes, 0)
})

test('a tag of its caller is in use until its ABORT TASK is answered; the command settles then', async () => {
  await using target = await RawTarget.open(SMALL)
  const unit = target.nexus.unit(0)
  const controller = new AbortController()
  const { signal } = controller
  const aborted = unit.execute({ ...COMMAND, signal, tag: 5 })
  const [sent] = await target.fetch(1)
  controller.abort(reason)
  const [abort] = await target.fetch(1)
  target.complete([sent!], ENDED_WITHOUT_RESPONSE)
  // A later command's completion comes behind it.
  const later = unit.execute(COMMAND)
  target.complete(await target.fetch(1))
  await later
  await assert.rejects(unit.execute({ ...COMMAND, tag: 5 }), { code: 'ERR_SGRING_TAG_IN_USE' })
  target.complete([abort!], FUNCTION_COMPLETE)
  await assert.rejects(aborted, reason)
  const again = unit.execute({ ...COMMAND, tag: 5 })
  target.complete(await target.fetch(1))
  await again
})

test('aborts wait for slots, and are not sent once their commands are over', async () => {
  await using target = await RawTarget.open({ ...SMALL, slots: 40 })
  const controller = new AbortController()
  const { signal } = controller
  const ends = Array.from({ length: 40 }, () =>
    outcome(target.nexus.unit(0).execute({ ...COMMAND, signal })),
  )
  const sent = await target.fetch(40)
  controller.abort(reason)
  // No more of one unit at a time.
  const aborts = await target.fetch(4)
  const reset = target.nexus.taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET })
  const [asked] = await target.fetch(1)
  assert.equal(asked!.function, TaskFunction.LOGICAL_UNIT_RESET)
  target.complete(sent, ENDED_WITHOUT_RESPONSE)
  for (const end of await Promise.all(ends)) assert.equal(end, reason)
  target.complete([...aborts, asked!], FUNCTION_COMPLETE)
  assert.deepEqual(await reset, { response: FUNCTION_COMPLETE })
  assert.ok(target.isIdle())
  const { commands, functions, outstanding, quarantined } = target.nexus.stats
  assert.deepEqual([commands, functions, outstanding, quarantined], [40, 5, 0, 0])
})

test("'detach' rejects at once, aborts, and keeps slot and bytes until the completion", async () => {
  await using target = await RawTarget.open(SMALL)
  const controller = new AbortController()
  const { signal } = controller
  const options = { dataIn: 8192, signal, onAbort: 'detach' } as const
  const command = target.nexus.unit(0).execute({ ...COMMAND, ...options })
  const sent = await target.fetch(1)
  controller.abort(reason)
  await assert.rejects(command, reason)
  const aborts = await target.fetch(1)
  assert.equal(managed(aborts[0]!), sent[0]!.tag)
  const { outstanding, quarantined, arenaUsedBytes } = target.nexus.stats
  assert.deepEqual([outstanding, quarantined, arenaUsedBytes], [1, 1, 8192])
  target.complete(sent, ENDED_WITHOUT_RESPONSE)
  target.complete(aborts, FUNCTION_COMPLETE)
  const query = target.nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
  target.complete(await target.fetch(1), FUNCTION_COMPLETE)
  await query
  const after = target.nexus.stats
  assert.deepEqual([after.outstanding, after.quarantined, after.arenaUsedBytes], [0, 0, 0])
})

test('a function that is given up rejects with the reason; its slot comes back when it is answered', async () => {
  await using target = await RawTarget.open(SMALL)
  const asks = (signal: AbortSignal) =>
    outcome(target.nexus.taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET, signal }))
  const controller = new AbortController()
  const { signal } = controller
  const all = Array.from({ length: FUNCTION_SLOTS + 3 }, () => asks(signal))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  const sent = await target.fetch(FUNCTION_SLOTS)
  controller.abort(reason)
  for (const end of await Promise.all(all)) assert.equal(end, reason)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  // Nothing is sent for one that is aborted already, and those that waited have left.
  assert.equal(await asks(signal), reason)
  const next = target.nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
  target.complete(sent, FUNCTION_COMPLETE)
  target.complete(await target.fetch(1), FUNCTION_SUCCEEDED)
  assert.deepEqual(await next, { response: FUNCTION_SUCCEEDED })
  assert.ok(target.isIdle())
  assert.equal(target.nexus.stats.functions, FUNCTION_SLOTS + 1)
})

test('a function leaves no listener on its signal, however it ends', async () => {
  const { signal } = new AbortController()
  const target = await RawTarget.open({ ...SMALL, maxWaiting: 1 })
  const listeners = () => getEventListeners(signal, 'abort').length
  const asks = (timeoutMs = 0) => {
    const request = { function: TaskFunction.QUERY_TASK_SET, signal, timeoutMs }
    return outcome(target.nexus.taskManagement(request))
  }
  const answered = asks()
  assert.equal(listeners(), 1)
  target.complete(await target.fetch(1), FUNCTION_COMPLETE)
  assert.deepEqual([await answered, listeners()], ['resolved', 0])
  const undelivered = asks()
  target.complete(await target.fetch(1), ENDED_WITHOUT_RESPONSE)
  assert.deepEqual([await undelivered, listeners()], ['ERR_SGRING_DELIVERY', 0])
  const late = asks(1)
  assert.deepEqual([await late, listeners()], ['ERR_SGRING_ABORT_UNANSWERED', 0])
  const lost = Array.from({ length: FUNCTION_SLOTS }, () => asks())
  assert.deepEqual([await asks(), listeners()], ['ERR_SGRING_BUSY', 1])
  await target.close()
  for (const end of await Promise.all(lost)) assert.equal(end, 'ERR_SGRING_NEXUS_LOST')
  assert.equal(listeners(), 0)
  assert.deepEqual([await asks(), listeners()], ['ERR_SGRING_CLOSED', 0])
})

test('functions beyond the slots for them wait, up to maxWaiting', async () => {
  await using target = await RawTarget.open({ ...SMALL, maxWaiting: 2 })
  const request = { function: TaskFunction.QUERY_TASK_SET }
  const asked = Array.from({ length: FUNCTION_SLOTS + 2 }, () =>
    target.nexus.taskManagement(request),
  )
  await assert.rejects(target.nexus.taskManagement(request), { code: 'ERR_SGRING_BUSY' })
  target.complete(await target.fetch(FUNCTION_SLOTS), FUNCTION_COMPLETE)
  await Promise.all(asked.slice(0, FUNCTION_SLOTS))
  target.complete(await target.fetch(2), FUNCTION_COMPLETE)
  await Promise.all(asked)
})

test('aborts at a unit that answers none leave other units their own, and never reset those', async () => {
  await using target = await RawTarget.open({
    ...SMALL,
    slots: 40,
    abortTimeoutMs: 2000 * deadlineScale,
    resetUnanswered: true,
  })
  const { nexus } = target
  const controller = new AbortController()
  const hung = Array.from({ length: 30 }, () =>
    outcome(nexus.unit(1).execute({ ...COMMAND, signal: controller.signal })),
  )
  await target.fetch(30)
  controller.abort(reason)
  const stuck = await target.fetch(4)
  assert.ok(stuck.every(({ lun }) => lun === 1 << 16))
  const other = new AbortController()
  const command = nexus.unit(0).execute({ ...COMMAND, signal: other.signal })
  const [sent] = await target.fetch(1)
  other.abort(reason)
  const [abort] = await target.fetch(1)
  assert.deepEqual([abort!.function, abort!.lun], [TaskFunction.ABORT_TASK, 0])
  target.complete([sent!], ENDED_WITHOUT_RESPONSE)
  target.complete([abort!], FUNCTION_COMPLETE)
  await assert.rejects(command, reason)
  const [reset] = await target.fetch(1)
  assert.deepEqual([reset!.function, reset!.lun], [TaskFunction.LOGICAL_UNIT_RESET, 1 << 16])
  await Promise.all(hung)
})

test('a target that refuses to abort has no longer to end the command than one that does not answer', async () => {
  const abortTimeoutMs = 500 * deadlineScale
  await using target = await RawTarget.open({ ...SMALL, abortTimeoutMs })
  const { nexus } = target
  const controller = new AbortController()
  const command = nexus.unit(0).execute({ ...COMMAND, signal: controller.signal })
  const unanswered = { code: 'ERR_SGRING_ABORT_UNANSWERED', cause: reason }
  const rejected = assert.rejects(command, unanswered)
  const sent = await target.fetch(1)
  controller.abort(reason)
  target.complete(await target.fetch(1), ServiceResponse.FUNCTION_REJECTED)
  await rejected
  assert.equal(nexus.stats.quarantined, 1)
  target.complete(sent)
  await until('the completion', () => nexus.stats.quarantined === 0)
})

test('resetUnanswered: a unit that refuses to abort, and does not end the command, is reset as one that does not answer', async () => {
  const abortTimeoutMs = 500 * deadlineScale
  await using target = await RawTarget.open({ ...SMALL, abortTimeoutMs, resetUnanswered: true })
  const { nexus } = target
  const controller = new AbortController()
  const command = nexus.unit(1).execute({ ...COMMAND, signal: controller.signal })
  const unanswered = { code: 'ERR_SGRING_ABORT_UNANSWERED', message: /or was refused$/ }
  const rejected = assert.rejects(command, unanswered)
  const sent = await target.fetch(1)
  controller.abort(reason)
  target.complete(await target.fetch(1), ServiceResponse.FUNCTION_REJECTED)
  await rejected
  const [reset] = await target.fetch(1)
  assert.deepEqual([reset!.function, reset!.lun], [TaskFunction.LOGICAL_UNIT_RESET, 1 << 16])
  target.complete(sent, ENDED_WITHOUT_RESPONSE)
  target.complete([reset!], FUNCTION_COMPLETE)
  await until('the completion', () => nexus.stats.quarantined === 0)
})

test.run()
