/** What a kernel node does with task management, aborts, resets and its own end: nothing that Linux cannot. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import {
  type NodeOptions,
  type OpenedNode,
  open,
  parseSense,
  type Response,
  read10,
  SenseKey,
  ServiceResponse,
  Status,
  TaskAttribute,
  TaskFunction,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'

const BSG = '/dev/bsg/0:0:0:0'
/** A host in `recovery` keeps what is sent to its devices, and sends it when it is `running` (drivers/scsi/scsi_lib.c, `scsi_queue_rq`). */
const HOST_STATE = '/sys/class/scsi_host/host0/state'

const { cdb, dataInLength } = read10({ lba: 0, blocks: 1, blockLength: 512 })
const READ = { cdb, dataIn: dataInLength }

/** A node by ioctls that has two commands under way at most, which stay so until `release()`. */
type Held = OpenedNode & { release(): void }

async function heldNode(options: NodeOptions = {}): Promise<Held> {
  const unit = await open(BSG, { transport: 'ioctl', threads: 2, ...options })
  const release = () => writeFileSync(HOST_STATE, 'running\n')
  writeFileSync(HOST_STATE, 'recovery\n')
  return Object.assign(unit, {
    release,
    [Symbol.asyncDispose]: async () => {
      release()
      await unit.close()
    },
  })
}

/** Resolves when as many of the commands have left as there are threads: the engine answers behind that. */
async function left(unit: OpenedNode): Promise<void> {
  await unit.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
}

/** What became of a command: its status, or the code or name of its error. */
function outcome(result: PromiseSettledResult<Response>): number | string {
  if (result.status === 'fulfilled') return result.value.status
  const { code, name } = result.reason
  return name === 'AbortError' ? name : code
}

const test = suite('task management on a kernel node')

test('ABORT TASK of a command in flight is rejected, says why, and the command ends by itself (sam-5 7.2)', async () => {
  await using unit = await heldNode()
  const read = unit.execute({ ...READ, tag: 7 })
  await left(unit)
  const { response, reason } = await unit.taskManagement({
    function: TaskFunction.ABORT_TASK,
    tag: 7,
  })
  assert.equal(response, ServiceResponse.FUNCTION_REJECTED)
  assert.match(reason ?? '', /Linux offers no way/)
  unit.release()
  assert.equal((await read).status, Status.GOOD)
})

test('ABORT TASK of a command that has not left ends it (sam-5 7.2)', async () => {
  await using unit = await heldNode()
  const reads = Promise.allSettled([1, 2, 3].map((tag) => unit.execute({ ...READ, tag })))
  await left(unit)
  const { response } = await unit.taskManagement({ function: TaskFunction.ABORT_TASK, tag: 3 })
  assert.equal(response, ServiceResponse.FUNCTION_COMPLETE)
  unit.release()
  assert.deepEqual((await reads).map(outcome), [Status.GOOD, Status.GOOD, 'ERR_SGRING_ABORTED'])
})

test('queries are answered truly, and all else is rejected (sam-5 7.8, 7.9)', async () => {
  await using unit = await heldNode()
  const ask = async (request: Parameters<typeof unit.taskManagement>[0]) =>
    (await unit.taskManagement(request)).response
  const { FUNCTION_COMPLETE, FUNCTION_SUCCEEDED, FUNCTION_REJECTED } = ServiceResponse
  assert.equal(await ask({ function: TaskFunction.QUERY_TASK_SET }), FUNCTION_COMPLETE)
  const read = unit.execute({ ...READ, tag: 7 })
  assert.equal(await ask({ function: TaskFunction.QUERY_TASK_SET }), FUNCTION_SUCCEEDED)
  assert.equal(await ask({ function: TaskFunction.QUERY_TASK, tag: 7 }), FUNCTION_SUCCEEDED)
  assert.equal(await ask({ function: TaskFunction.QUERY_TASK, tag: 8 }), FUNCTION_COMPLETE)
  for (const name of [
    'ABORT_TASK_SET',
    'CLEAR_ACA',
    'CLEAR_TASK_SET',
    'LOGICAL_UNIT_RESET',
    'I_T_NEXUS_RESET',
    'QUERY_ASYNCHRONOUS_EVENT',
  ] as const) {
    assert.equal(await ask({ function: TaskFunction[name] }), FUNCTION_REJECTED, name)
  }
  unit.release()
  assert.equal((await read).status, Status.GOOD)
})

test('a signal ends what has not left; what is in flight resolves with its result', async () => {
  await using unit = await heldNode()
  const controller = new AbortController()
  const { signal } = controller
  const reads = [1, 2, 3].map(() => unit.execute({ ...READ, signal }))
  const settled = Promise.allSettled(reads)
  await left(unit)
  controller.abort()
  await Promise.allSettled(reads.slice(2))
  unit.release()
  assert.deepEqual((await settled).map(outcome), [Status.GOOD, Status.GOOD, 'AbortError'])
})

test("with onAbort: 'detach' a signal settles at once, and slot and bytes come back when the command ends", async () => {
  await using unit = await heldNode()
  const controller = new AbortController()
  const read = unit.execute({ ...READ, signal: controller.signal, onAbort: 'detach' })
  const settled = assert.rejects(read, { name: 'AbortError' })
  await left(unit)
  controller.abort()
  await settled
  assert.equal(unit.node.stats.quarantined, 1)
  unit.release()
  await until('it has ended', () => unit.node.stats.quarantined === 0)
  assert.equal(unit.node.stats.arenaUsedBytes, 0)
})

test('close() waits for nothing, and tells how many commands it leaves in the hands of the kernel', async () => {
  await using unit = await heldNode()
  const reads = Promise.allSettled([1, 2, 3].map(() => unit.execute(READ)))
  await left(unit)
  const told = once(unit.node.events, 'leftBehind')
  await unit.close()
  assert.equal(unit.node.leftBehind, 2, 'the third has never left')
  assert.deepEqual(await told, [2])
  assert.deepEqual((await reads).map(outcome), Array(3).fill('ERR_SGRING_NEXUS_LOST'))
  unit.release()
  await using again = await open(BSG)
  await again.testUnitReady()
})

test('a node that leaves nothing behind is closed in the kernel when close() resolves', async () => {
  const unit = await open('/dev/sg0', { exclusive: true })
  await assert.rejects(open('/dev/sg0', { exclusive: true }), { code: 'ERR_SGRING_NODE_BUSY' })
  await unit.close()
  assert.equal(unit.node.leftBehind, 0)
  await (await open('/dev/sg0', { exclusive: true })).close()
})

test('attributes and priorities other than those of every pass-through are refused by name', async () => {
  await using unit = await open(BSG)
  const { ORDERED, HEAD_OF_QUEUE, ACA } = TaskAttribute
  for (const command of [
    { ...READ, attribute: ORDERED },
    { ...READ, attribute: HEAD_OF_QUEUE },
    { ...READ, attribute: ACA },
    { ...READ, priority: 1 },
  ]) {
    await assert.rejects(unit.execute(command), { code: 'ERR_SGRING_UNSUPPORTED' })
  }
})

test('a reset is one by its own name, on the nodes that know it', async () => {
  await using bsg = await open(BSG)
  await assert.rejects(bsg.node.reset('device'), { code: 'ERR_SGRING_UNSUPPORTED' })
  await using unit = await open('/dev/sg0')
  await unit.testUnitReady()
  await unit.node.reset('device', { noEscalate: true })
  // The unit tells that it was reset.
  const { sense } = await unit.execute({ cdb: new Uint8Array(6) })
  const { key, asc } = parseSense(sense)
  assert.deepEqual([key, asc], [SenseKey.UNIT_ATTENTION, 0x29])
  await assert.rejects(unit.node.reset('planet' as 'device'), {
    code: 'ERR_SGRING_INVALID_ARGUMENT',
  })
  await using reader = await open('/dev/sg0', { readOnly: true })
  await assert.rejects(reader.node.reset('device'), { code: 'ERR_SGRING_READ_ONLY' })
})

test.run()
