import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { markAsUntransferable } from 'node:worker_threads'
import { type Answer, good, type Handler, type HandlerTask, type Nexus } from '#dist/index.js'
import type { Unit } from '#dist/target/unit.js'
import type { Task } from '#dist/task/task.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { cdb, powerOn, type ReadyUnit, readyUnit } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite('a command that is aborted in a handler')

const VENDOR = 0xc0
const LOST = { code: 'ERR_SGRING_NEXUS_LOST' }

/** A handler's call, and the means to end it. */
interface Call {
  readonly task: HandlerTask
  readonly next: () => Promise<Answer>
  answer(answer: Answer): void
  reject(reason: unknown): void
}

/** A unit whose handler keeps vendor specific commands until the test answers them. */
async function keeping(units: Unit[] = []): Promise<ReadyUnit & { readonly calls: Call[] }> {
  const calls: Call[] = []
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    return new Promise<Answer>((answer, reject) => calls.push({ task, next, answer, reject }))
  }
  const opened = await readyUnit({ handler, units: units.map((unit) => ({ unit, handler })) })
  return Object.assign(opened, { calls })
}

/** Sends a vendor specific command on a nexus of its own, and gives the handler's call. */
async function call(
  opened: ReadyUnit & { readonly calls: Call[] },
  { lun = 0, dataOut = new Uint8Array(0) } = {},
): Promise<{ kept: Call; lose(): Promise<void>; nexus: Nexus }> {
  const nexus = await opened.connect()
  await powerOn(nexus, lun)
  const before = opened.calls.length
  const sent = nexus.unit(lun).execute({ cdb: cdb(VENDOR), dataOut, dataIn: 8, timeoutMs: 0 })
  const rejected = assert.rejects(sent, LOST)
  const kept = await until('a call of the handler', () => opened.calls[before])
  const lose = async () => {
    const tasks = opened.server.stats.tasks
    await nexus.close()
    await rejected
    await until('the end of the task', () => opened.server.stats.tasks < tasks)
  }
  return { kept, lose, nexus }
}

test('is over at once, also if the handler never answers, and delays nobody', async () => {
  await using opened = await keeping()
  const { lose } = await call(opened)
  for (let round = 0; round < 100; round++) await opened.unit.testUnitReady()
  await lose()
  assert.equal(opened.server.stats.tasks, 0)
  assert.deepEqual(opened.server.stats.handlers, { running: 1, late: 0, failed: 0 })
  await opened.unit.testUnitReady()
})

test('is one of ten thousand that hang, which delay nobody and end with their nexuses', async () => {
  await using opened = await keeping()
  const slots = 2500
  const nexuses = await Promise.all([1, 2, 3, 4].map(() => opened.connect({ slots })))
  const hung = nexuses.flatMap((nexus) =>
    // The first meets POWER ON.
    Array.from({ length: slots + 1 }, () =>
      nexus.unit(0).execute({ cdb: cdb(VENDOR), timeoutMs: 0 }),
    ),
  )
  const settled = Promise.allSettled(hung)
  await until('10,000 calls', () => opened.calls.length === 10_000)
  const data = new Uint8Array(64 << 10).fill(1)
  for (let round = 0; round < 50; round++) await opened.unit.write({ lba: 0, data })
  for (const nexus of nexuses) await nexus.close()
  const lost = (await settled).filter(({ status }) => status === 'rejected')
  assert.equal(lost.length, 10_000)
  await until('the end of all', () => opened.server.stats.tasks === 0)
  for (const { answer } of opened.calls) answer(good())
  await until('all answers', () => opened.server.stats.handlers.late === 10_000)
})

test('aborts its signal, whether it was asked for before or after', async () => {
  await using opened = await keeping()
  const early = await call(opened)
  const { signal } = early.kept.task
  let aborted = 0
  signal.addEventListener('abort', () => aborted++)
  assert.equal(signal.aborted, false)
  await early.lose()
  assert.deepEqual([aborted, signal.aborted, signal.reason.name], [1, true, 'AbortError'])
  const late = await call(opened)
  await late.lose()
  assert.equal(late.kept.task.signal.aborted, true)
  assert.equal(late.kept.task.signal, late.kept.task.signal)
})

test('leaves the handler no bytes of it: its buffers have length 0', async () => {
  await using opened = await keeping()
  const { kept, lose } = await call(opened, { dataOut: new Uint8Array(5000).fill(7) })
  const whole = kept.task.dataOut
  const part = whole.subarray(10, 20)
  assert.deepEqual([whole.length, part[0]], [5000, 7])
  await lose()
  assert.deepEqual([whole.length, part.length, whole.buffer.byteLength], [0, 0, 0])
  assert.deepEqual([kept.task.dataOut.length, kept.task.dataOutLength], [0, 5000])
  const unasked = await call(opened, { dataOut: new Uint8Array(100) })
  await unasked.lose()
  assert.equal(unasked.kept.task.dataOut.length, 0)
})

test('takes no offence at a buffer that the handler has transferred itself', async () => {
  await using opened = await keeping()
  const { kept, lose } = await call(opened, { dataOut: new Uint8Array(100).fill(7) })
  const { buffer } = kept.task.dataOut
  const mine = structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
  await lose()
  assert.deepEqual(new Uint8Array(mine), new Uint8Array(100).fill(7))
  assert.deepEqual(opened.failures, [])
})

test('takes no offence at a buffer that nobody may transfer', async () => {
  await using opened = await keeping()
  const { kept, lose } = await call(opened, { dataOut: new Uint8Array(100) })
  markAsUntransferable(kept.task.dataOut.buffer)
  await lose()
  assert.deepEqual([kept.task.dataOut.length, kept.task.signal.aborted], [0, true])
  assert.deepEqual(opened.failures, [])
})

test('leaves the bytes where they are to a native write of the handler that reads them still', async () => {
  const path = join(temporaryFolder(), 'fifo')
  execFileSync('mkfifo', [path])
  await using opened = await keeping()
  const length = 1 << 20
  const { kept, lose } = await call(opened, { dataOut: new Uint8Array(length).fill(0x41) })
  // More than the pipe takes: the write waits, in a thread, for somebody who reads.
  const writer = await open(path, 'r+')
  const written = writer.write(kept.task.dataOut)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const piece = new Uint8Array(4096)
  await until('the first bytes', () => readAvailable(reader, piece) > 0)
  await lose()
  const gc = collector()
  const others: Uint8Array[] = []
  for (let round = 0; round < 8; round++) {
    gc()
    // What was freed is given to somebody else.
    others.push(new Uint8Array(length).fill(0x42))
    await new Promise(setImmediate)
  }
  let foreign = 0
  let over = false
  const ended = written.then(() => {
    over = true
  })
  await until('the end of the write', () => {
    for (let count = readAvailable(reader, piece); count > 0; ) {
      foreign += piece.subarray(0, count).filter((byte) => byte !== 0x41).length
      count = readAvailable(reader, piece)
    }
    return over
  })
  await ended
  closeSync(reader)
  await writer.close()
  assert.deepEqual([foreign, others.length], [0, 8])
})

/** How many bytes a pipe gives at once: 0 for none. */
function readAvailable(fd: number, into: Uint8Array): number {
  try {
    return readSync(fd, into)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
  }
}

/** Collects garbage, now. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

test('drops and counts what the handler answers, rejects with or tells later', async () => {
  await using opened = await keeping()
  const calls = [await call(opened), await call(opened), await call(opened)]
  for (const { lose } of calls) await lose()
  const [first, second, third] = calls.map(({ kept }) => kept)
  first?.answer(good(new Uint8Array(8)))
  second?.reject(new Error('too late'))
  third?.task.progress(0.5, { notReady: true })
  third?.answer({ status: 0x7e })
  await until('three late answers', () => opened.server.stats.handlers.late === 3)
  assert.deepEqual(opened.server.stats.handlers, { running: 0, late: 3, failed: 0 })
  assert.deepEqual(opened.failures, [])
  await opened.unit.testUnitReady()
})

test('rejects next() afterwards, and ends no process by that', async () => {
  await using opened = await keeping()
  const { kept, lose } = await call(opened)
  await lose()
  kept.next()
  await assert.rejects(kept.next(), { code: 'ERR_SGRING_CLOSED' })
})

/** Keeps its vendor specific commands until they are aborted. */
class KeepingUnit implements Unit {
  readonly kept = new Set<Task>()

  execute(task: Task): void {
    if (task.cdb[0] !== VENDOR) {
      task.good()
      return
    }
    this.kept.add(task)
    task.onAbort = () => this.kept.delete(task)
  }
}

test('is taken from the unit behind, and its next() rejects with the reason', async () => {
  const unit = new KeepingUnit()
  await using opened = await keeping([unit])
  const { kept, lose } = await call(opened, { lun: 1 })
  const next = assert.rejects(kept.next(), { name: 'AbortError' })
  const [task] = unit.kept
  assert.ok(task)
  await lose()
  await next
  assert.equal(unit.kept.size, 0)
  assert.throws(() => task.good(), { code: 'ERR_SGRING_CLOSED' })
})

test('is over when the transfer that next() began is', async () => {
  await using opened = await keeping()
  const blocks = 2048
  for (let round = 0; round < 20; round++) {
    const nexus = await opened.connect()
    await powerOn(nexus, 0)
    const reads = Array.from({ length: 8 }, () => nexus.unit(0).read({ lba: 0, blocks }))
    const settled = Promise.allSettled(reads)
    if (round % 2 === 0) await nexus.unit(0).testUnitReady()
    await nexus.close()
    await settled
  }
  await until('the end of all tasks', () => opened.server.stats.tasks === 0)
  assert.equal((await opened.unit.read({ lba: 0, blocks })).length, blocks * 512)
  assert.deepEqual(opened.failures, [])
})

test('is none that an answer overtakes: one that does not wait for next() takes the command from its unit', async () => {
  const unit = new KeepingUnit()
  const handler: Handler = (_task, next) => {
    next()
    return good()
  }
  await using opened = await readyUnit({ units: [{ unit, handler }] })
  await powerOn(opened.nexus, 1)
  const { status } = await opened.nexus.unit(1).execute({ cdb: cdb(VENDOR) })
  assert.deepEqual([status, unit.kept.size], [0, 0])
})

test('is none that is answered during a transfer: the answer waits for its end', async () => {
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== 0x88) return next()
    next()
    return good(Uint8Array.of(1, 2, 3))
  }
  await using opened = await readyUnit({ handler })
  const reading = Uint8Array.of(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0)
  const commands = Array.from({ length: 16 }, () =>
    opened.unit.execute({ cdb: reading, dataIn: 1 << 20 }),
  )
  for (const { status, data, residual } of await Promise.all(commands)) {
    assert.deepEqual([status, [...data], residual], [0, [1, 2, 3], (1 << 20) - 3])
  }
})

test.run()
