/** What is made of the ends of a copy's parts: of those that no device here can be brought to, by a copy that does what the test says. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { constants, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Checkpoints } from '#dist/cli/copy-checkpoints.js'
import type { Writing } from '#dist/cli/copy-end.js'
import type { CopyState } from '#dist/cli/copy-state.js'
import {
  CheckConditionError,
  encodeSense,
  parseSense,
  type Sense,
  SenseKey,
  Status,
} from '#dist/index.js'
import { statusError } from '#dist/initiator/status-error.js'
import type { KernelCopy, KernelCopyFailure } from '#dist/native.js'
import { copyNodes, type NodeBlocks, type NodeCopying } from '#dist/sg/node-copy.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const test = suite('the supervision of a copy between nodes')

const PART = 4096
const WRITE_ERROR = 0x0c00
const BYTES = 8 * PART
const bell = join(temporaryFolder(), 'bell')
execFileSync('mkfifo', [bell])

/** It says what the test has it say; nobody rings, so it is looked at now and then. */
class Scripted implements KernelCopy {
  readonly failures: KernelCopyFailure[] = []
  readonly goneOn: number[] = []
  moved = 0
  frontier = 0
  atWork = 2
  stopped = false
  writing = 0
  marked = 0

  takeBell(): number {
    return openSync(bell, constants.O_RDWR | constants.O_NONBLOCK)
  }

  progress(): ReturnType<KernelCopy['progress']> {
    return [this.moved, this.frontier, this.atWork, this.atWork, 0, this.marked]
  }

  mark(): void {
    this.marked = this.writing
  }

  failure(): KernelCopyFailure | null {
    return this.failures.shift() ?? null
  }

  goOn(at: number): void {
    this.goneOn.push(at)
  }

  stop(): void {
    this.stopped = true
  }
}

function failed(at: number, key: SenseKey, deferred = false): KernelCopyFailure {
  return {
    ...{ at, length: PART, writing: true, status: Status.CHECK_CONDITION },
    ...{ hostStatus: 0, driverStatus: 0, errno: 0, inResidual: 0, outResidual: 0 },
    sense: encodeSense(key, WRITE_ERROR, { deferred }),
  }
}

const isDeferred = (error: unknown) => (error as CheckConditionError).sense.deferred

/** Sets a scripted copy going, and checkpoints that are due with each part. */
function begun(more: Partial<NodeCopying> = {}, everyMs = 0) {
  const copy = new Scripted()
  const forgotten = new Set<string>()
  const end = (name: string) =>
    ({
      node: {
        beginCopy: () => copy,
        forgetCopy: () => forgotten.add(name),
        heard: (key: number) => heard.push([name, key]),
      },
      attention: (sense: Sense) => steps.attention(sense),
      ...{ lba: 0n, blockLength: 512 },
    }) as unknown as NodeBlocks
  const saved: number[] = []
  const heard: (string | number)[][] = []
  const steps = { synced: 0, sync: async () => {}, attention: (_: Sense) => {} }
  const sync = () => {
    steps.synced += 1
    return steps.sync()
  }
  const to = { sync, stop: async () => {} }
  const checkpoints = new Checkpoints({
    ...{ begun: 0, everyMs, say: () => {}, stopped: () => {} },
    to: to as unknown as Writing,
    state: { save: async (done: number) => void saved.push(done) } as unknown as CopyState,
  })
  const controller = new AbortController()
  const copying = copyNodes({
    ...{ from: end('from'), to: end('to'), length: BYTES, partBytes: PART, depth: 2 },
    signal: controller.signal,
    redo: () => Promise.reject(new Error('a part has failed')),
    moved: (_bytes, frontier) => checkpoints.reached(frontier),
    lost: (error) => checkpoints.lost(error),
    begun: (look) => checkpoints.asks(look),
    ...more,
  })!
  copying.catch(() => {})
  return { copy, copying, checkpoints, saved, steps, controller, forgotten, heard }
}

test('save nothing that was reached when a deferred error is told of (spc-4 4.5.7)', async () => {
  const { copy, copying, checkpoints, saved, steps, controller } = begun()
  copy.failures.push(failed(PART, SenseKey.MEDIUM_ERROR, true))
  ;[copy.moved, copy.frontier, copy.atWork] = [PART, PART, 0]
  const error = await copying.catch((error: unknown) => error)
  assert.ok(isDeferred(error))
  await checkpoints.stop(controller.signal)
  assert.deepEqual([steps.synced, saved], [0, []])
})

test('reject with a deferred error, though something else had failed before', async () => {
  const { copy, copying, checkpoints, saved, steps, controller } = begun()
  copy.failures.push(failed(0, SenseKey.MEDIUM_ERROR))
  ;[copy.moved, copy.frontier] = [PART, 0]
  await until('it is stopped', () => copy.stopped)
  copy.failures.push(failed(2 * PART, SenseKey.MEDIUM_ERROR, true))
  ;[copy.moved, copy.frontier, copy.atWork] = [3 * PART, 2 * PART, 0]
  const error = await copying.catch((error: unknown) => error)
  assert.ok(isDeferred(error))
  await checkpoints.stop(controller.signal)
  assert.deepEqual([steps.synced, saved], [0, []])
})

test('save nothing when a deferred error was told while the cache was synchronized', async () => {
  const { copy, copying, checkpoints, saved, steps, controller } = begun()
  steps.sync = async () => {
    copy.failures.push(failed(PART, SenseKey.HARDWARE_ERROR, true))
  }
  ;[copy.moved, copy.frontier] = [PART, PART]
  await until('it is stopped', () => copy.stopped)
  copy.atWork = 0
  const error = await copying.catch((error: unknown) => error)
  assert.ok(isDeferred(error))
  await checkpoints.stop(controller.signal)
  assert.deepEqual([steps.synced, saved], [1, []])
})

const earlier = (key: SenseKey) => ({
  status: Status.CHECK_CONDITION,
  sense: encodeSense(key, WRITE_ERROR, { deferred: true }),
})

test('save nothing when a part that is moved once more tells of a deferred error, though others end with GOOD', async () => {
  const redo = async () => {
    throw statusError(earlier(SenseKey.MEDIUM_ERROR))
  }
  const { copy, copying, checkpoints, saved, steps, controller } = begun({ redo })
  copy.failures.push(failed(4 * PART, SenseKey.UNIT_ATTENTION))
  await until('it is stopped', () => copy.stopped)
  ;[copy.moved, copy.frontier, copy.atWork] = [3 * PART, 3 * PART, 0]
  assert.ok(isDeferred(await copying.catch((error: unknown) => error)))
  await checkpoints.stop(controller.signal)
  assert.deepEqual([steps.synced, saved], [0, []])
})

test('reject with the deferred error of a part that is moved once more, though another one had failed before', async () => {
  const ends: ((error: unknown) => void)[] = []
  const redo = () => new Promise<void>((_, reject) => ends.push(reject))
  const { copy, copying, checkpoints, saved, steps, controller } = begun(
    { redo },
    Number.POSITIVE_INFINITY,
  )
  copy.failures.push(failed(0, SenseKey.UNIT_ATTENTION), failed(PART, SenseKey.UNIT_ATTENTION))
  ;[copy.moved, copy.frontier] = [3 * PART, 3 * PART]
  await until('both are moved once more', () => ends.length === 2)
  ends[0]?.(new Error('a part has failed'))
  await until('it is stopped', () => copy.stopped)
  ends[1]?.(statusError(earlier(SenseKey.HARDWARE_ERROR)))
  copy.atWork = 0
  assert.ok(isDeferred(await copying.catch((error: unknown) => error)))
  await checkpoints.stop(controller.signal)
  assert.deepEqual([steps.synced, saved], [0, []])
})

test('move a part once more that tells of an earlier RECOVERED ERROR: nothing is lost', async () => {
  const { copy, copying, checkpoints, saved } = begun({ redo: async () => {} })
  copy.failures.push(failed(0, SenseKey.RECOVERED_ERROR, true))
  await until('it goes on', () => copy.goneOn.length > 0)
  ;[copy.moved, copy.frontier, copy.atWork] = [BYTES, BYTES, 0]
  await copying
  await checkpoints.end()
  assert.deepEqual(saved, [BYTES])
})

test('reject when sense data are of neither format, and hear what else has failed', async () => {
  for (const more of [[], [failed(PART, SenseKey.MEDIUM_ERROR, true)]]) {
    const { copy, copying, checkpoints, saved, controller } = begun()
    const odd = { ...failed(0, SenseKey.MEDIUM_ERROR), sense: Uint8Array.of(0x7f, 0, 3, 0) }
    copy.failures.push(odd, ...more)
    ;[copy.moved, copy.frontier, copy.atWork] = [PART, PART, 0]
    const error = await copying.catch((error: unknown) => error as CheckConditionError)
    await checkpoints.stop(controller.signal)
    const code = more.length === 0 ? 'ERR_SGRING_RESPONSE' : 'ERR_SGRING_CHECK_CONDITION'
    assert.deepEqual([error?.code, saved], [code, []])
  }
})

const POWER_ON = new CheckConditionError(
  parseSense(encodeSense(SenseKey.UNIT_ATTENTION, 0x2900)),
  'the destination had no power',
)

test('save nothing, and move nothing once more, after a unit attention at which no copy can go on', async () => {
  for (const before of [[], [failed(0, SenseKey.MEDIUM_ERROR)]]) {
    let redone = 0
    const redo = async () => {
      redone += 1
      throw new Error('a part has failed')
    }
    const { copy, copying, checkpoints, saved, steps, controller } = begun(
      { redo },
      Number.POSITIVE_INFINITY,
    )
    steps.attention = () => {
      throw POWER_ON
    }
    copy.failures.push(...before)
    if (before.length > 0) await until('it is stopped', () => copy.stopped)
    copy.failures.push(failed(4 * PART, SenseKey.UNIT_ATTENTION))
    ;[copy.moved, copy.frontier, copy.atWork] = [3 * PART, 3 * PART, 0]
    await assert.rejects(copying, POWER_ON)
    await checkpoints.stop(controller.signal)
    assert.deepEqual([steps.synced, saved, redone], [0, [], before.length])
  }
})

test('tell unit attentions and recovered errors of the node that they are of', async () => {
  const { copy, copying, heard } = begun({ redo: async () => {} })
  copy.failures.push(failed(0, SenseKey.UNIT_ATTENTION), {
    ...failed(PART, SenseKey.RECOVERED_ERROR),
    writing: false,
  })
  await until('it goes on', () => copy.goneOn.length === 2)
  ;[copy.moved, copy.frontier, copy.atWork] = [BYTES, BYTES, 0]
  await copying
  assert.deepEqual(heard, [
    ['to', SenseKey.UNIT_ATTENTION],
    ['from', SenseKey.RECOVERED_ERROR],
  ])
})

test('save nothing once a WRITE had no answer that can be read, which may have told of a loss', async () => {
  const ends = [
    // DID_TIME_OUT; CHECK CONDITION without sense data; with some that make no sense.
    { status: 0, hostStatus: 3, sense: new Uint8Array(0) },
    { status: Status.CHECK_CONDITION, hostStatus: 0, sense: new Uint8Array(0) },
    { status: Status.CHECK_CONDITION, hostStatus: 0, sense: new Uint8Array(18).fill(0x11) },
  ]
  for (const end of ends) {
    for (const writing of [false, true]) {
      const { copy, copying, checkpoints, saved, controller } = begun({}, Number.POSITIVE_INFINITY)
      copy.failures.push({ ...failed(4 * PART, SenseKey.NO_SENSE), ...end, writing })
      ;[copy.moved, copy.frontier, copy.atWork] = [3 * PART, 3 * PART, 0]
      await assert.rejects(copying)
      await checkpoints.stop(controller.signal)
      assert.deepEqual([saved, checkpoints.failure], [writing ? [] : [3 * PART], undefined])
    }
  }
})

test('save nothing before the WRITEs have ended that were under way when the cache was synchronized', async () => {
  for (const isLost of [false, true]) {
    const { copy, copying, checkpoints, saved, steps, controller } = begun()
    copy.writing = 1
    ;[copy.moved, copy.frontier] = [PART, PART]
    await until('the cache is synchronized', () => steps.synced === 1)
    await until('its WRITEs are waited for', () => copy.marked === 1)
    assert.deepEqual(saved, [])
    copy.writing = 0
    if (isLost) copy.failures.push(failed(PART, SenseKey.MEDIUM_ERROR, true))
    copy.marked = 0
    await until('it is known', () => copy.stopped || saved.length > 0)
    ;[copy.moved, copy.frontier, copy.atWork] = [BYTES, BYTES, 0]
    await copying.catch((error) => assert.ok(isDeferred(error)))
    await checkpoints.stop(controller.signal)
    assert.deepEqual(saved, isLost ? [] : [PART, BYTES])
  }
})

test('save nothing before a part is moved once more that was when the cache was synchronized', async () => {
  const ends: ((error: unknown) => void)[] = []
  const redo = () => new Promise<void>((_, reject) => ends.push(reject))
  const { copy, copying, saved, steps } = begun({ redo })
  copy.failures.push(failed(PART, SenseKey.UNIT_ATTENTION))
  ;[copy.moved, copy.frontier] = [PART, PART]
  await until('the cache is synchronized', () => steps.synced === 1)
  await until('it is moved once more', () => ends.length === 1)
  copy.atWork = 0
  ends[0]?.(statusError(earlier(SenseKey.MEDIUM_ERROR)))
  assert.ok(isDeferred(await copying.catch((error: unknown) => error)))
  assert.deepEqual(saved, [])
})

test('hear of a deferred error after they were aborted, and let go of a copy once none is at work', async () => {
  const never = Number.POSITIVE_INFINITY
  const { copy, copying, checkpoints, saved, steps, controller, forgotten } = begun({}, never)
  ;[copy.moved, copy.frontier] = [PART, PART]
  steps.sync = async () => {
    copy.failures.push(failed(PART, SenseKey.HARDWARE_ERROR, true))
    copy.atWork = 0
  }
  controller.abort()
  await assert.rejects(copying, { name: 'AbortError' })
  assert.deepEqual([...forgotten], [])
  await checkpoints.stop(controller.signal)
  assert.deepEqual([steps.synced, saved], [1, []])
  assert.deepEqual([...forgotten], ['from', 'to'])
})

test('save nothing, aborted, before the WRITEs have ended that were under way then', async () => {
  for (const isLost of [false, true]) {
    const never = Number.POSITIVE_INFINITY
    const { copy, copying, checkpoints, saved, steps, controller } = begun({}, never)
    ;[copy.moved, copy.frontier, copy.writing] = [PART, PART, 1]
    controller.abort()
    await assert.rejects(copying, { name: 'AbortError' })
    const stopped = checkpoints.stop(controller.signal)
    await until('its WRITEs are waited for', () => steps.synced === 1 && copy.marked === 1)
    assert.deepEqual(saved, [])
    if (isLost) copy.failures.push(failed(PART, SenseKey.MEDIUM_ERROR, true))
    ;[copy.writing, copy.marked, copy.atWork] = [0, 0, 0]
    writeFileSync(bell, '!')
    await stopped
    assert.deepEqual(saved, isLost ? [] : [PART])
  }
})

test('begin nothing where they were aborted before', async () => {
  const signal = AbortSignal.abort()
  const { copying, copy } = begun({ signal })
  await assert.rejects(copying, { name: 'AbortError' })
  assert.equal(copy.stopped, false)
})

test('go on after a WRITE that failed and was done once more, and tell of a frontier that jumps', async () => {
  const told: number[] = []
  const { copy, copying } = begun({
    redo: async () => {},
    moved: (bytes, frontier) => void told.push(bytes, frontier),
  })
  copy.failures.push(failed(0, SenseKey.UNIT_ATTENTION))
  ;[copy.moved, copy.frontier] = [PART, 0]
  await until('it goes on', () => copy.goneOn.length > 0)
  assert.deepEqual(copy.goneOn, [0])
  ;[copy.moved, copy.frontier, copy.atWork] = [BYTES, BYTES, 0]
  await copying
  assert.deepEqual(told, [PART, 0, BYTES - PART, BYTES])
})

test.run()
