// guest: --scsi-debug 'dev_size_mb=64 num_tgts=1 max_luns=1 ndelay=20000'
/** What a kernel node does with task management, aborts, resets and its own end: nothing that Linux cannot. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import {
  type NodeOptions,
  type OpenedNode,
  open,
  parseSense,
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
const DEBUG = '/sys/bus/pseudo/drivers/scsi_debug'

const { cdb, dataInLength } = read10({ lba: 0, blocks: 1, blockLength: 512 })
const READ = { cdb, dataIn: dataInLength }
const CLOSED = { code: 'ERR_SGRING_NEXUS_LOST' }

/** scsi_debug takes another delay, in jiffies or in nanoseconds, only while it has no command. */
async function delay(file: 'delay' | 'ndelay', value: number): Promise<void> {
  await until('scsi_debug takes another delay', () => {
    try {
      writeFileSync(`${DEBUG}/${file}`, String(value))
      return true
    } catch {
      return false
    }
  })
}

/** A node by ioctls that has two commands under way at most, each of which takes a while. */
async function slow(options: NodeOptions = {}): Promise<OpenedNode> {
  // Seconds: so that it is seen under way.
  await delay('delay', 500)
  const unit = await open(BSG, { transport: 'ioctl', threads: 2, ...options })
  return Object.assign(unit, {
    [Symbol.asyncDispose]: async () => {
      await unit.close()
      await delay('ndelay', 20_000)
    },
  })
}

/** Resolves when as many of the commands have left as there are threads: the engine answers behind that. */
async function left(unit: OpenedNode): Promise<void> {
  await unit.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
}

const test = suite('task management on a kernel node')

test('ABORT TASK of a command in flight is rejected, says why, and the command ends by itself (sam-5 7.2)', async () => {
  await using unit = await slow()
  const read = unit.execute({ ...READ, tag: 7 })
  await left(unit)
  const { response, reason } = await unit.taskManagement({
    function: TaskFunction.ABORT_TASK,
    tag: 7,
  })
  assert.equal(response, ServiceResponse.FUNCTION_REJECTED)
  assert.match(reason ?? '', /Linux offers no way/)
  assert.equal((await read).status, Status.GOOD)
})

test('ABORT TASK of a command that has not left ends it (sam-5 7.2)', async () => {
  await using unit = await slow()
  const reads = [1, 2, 3].map((tag) => unit.execute({ ...READ, tag }))
  const aborted = assert.rejects(reads[2]!, { code: 'ERR_SGRING_ABORTED' })
  await left(unit)
  const { response } = await unit.taskManagement({ function: TaskFunction.ABORT_TASK, tag: 3 })
  assert.equal(response, ServiceResponse.FUNCTION_COMPLETE)
  await aborted
  for (const read of reads.slice(0, 2)) assert.equal((await read).status, Status.GOOD)
})

test('queries are answered truly, and all else is rejected (sam-5 7.8, 7.9)', async () => {
  await using unit = await slow()
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
  assert.equal((await read).status, Status.GOOD)
})

test('a signal ends what has not left; what is in flight resolves with its result', async () => {
  await using unit = await slow()
  const controller = new AbortController()
  const { signal } = controller
  const reads = [1, 2, 3].map(() => unit.execute({ ...READ, signal }))
  const unsent = assert.rejects(reads[2]!, { name: 'AbortError' })
  await left(unit)
  controller.abort()
  await unsent
  for (const read of reads.slice(0, 2)) assert.equal((await read).status, Status.GOOD)
})

test("with onAbort: 'detach' a signal settles at once, and slot and bytes come back when the command ends", async () => {
  await using unit = await slow()
  const controller = new AbortController()
  const read = unit.execute({ ...READ, signal: controller.signal, onAbort: 'detach' })
  const settled = assert.rejects(read, { name: 'AbortError' })
  await left(unit)
  controller.abort()
  await settled
  assert.equal(unit.node.stats.quarantined, 1)
  await until('it has ended', () => unit.node.stats.quarantined === 0)
  assert.equal(unit.node.stats.arenaUsedBytes, 0)
})

test('close() waits for nothing, and tells how many commands it leaves in the hands of the kernel', async () => {
  await using unit = await slow()
  const reads = [1, 2, 3].map(() => assert.rejects(unit.execute(READ), CLOSED))
  await left(unit)
  const told = once(unit.node.events, 'leftBehind')
  await unit.close()
  assert.equal(unit.node.leftBehind, 2, 'the third has never left')
  assert.deepEqual(await told, [2])
  await Promise.all(reads)
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
