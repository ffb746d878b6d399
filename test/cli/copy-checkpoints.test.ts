/** How far a copy is noted to be, of whose parts some fail. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { Checkpoints } from '#dist/cli/copy-checkpoints.js'
import type { Writing } from '#dist/cli/copy-end.js'
import type { CopyState } from '#dist/cli/copy-state.js'
import { type Copying, pour } from '#dist/cli/copying.js'
import {
  type CheckConditionError,
  encodeSense,
  SenseKey,
  Status,
  TransportError,
} from '#dist/index.js'
import { tellsOfLoss } from '#dist/initiator/loss.js'
import { statusError } from '#dist/initiator/status-error.js'
import { suite } from '../harness/index.ts'

const test = suite('checkpoints of a copy')

const PART = 4096
const BYTES = 8 * PART
const WRITE_ERROR = 0x0c00
/** Nobody has pressed Ctrl-C. */
const calm = new AbortController().signal
const NEVER = Number.POSITIVE_INFINITY

/** Parts that are written when the test says so, or fail. */
class Scripted {
  readonly #ends = new Map<number, { resolve(): void; reject(error: unknown): void }>()

  readonly write = (at: number): Promise<void> =>
    new Promise((resolve, reject) => this.#ends.set(at, { resolve, reject }))

  get begun(): number {
    return this.#ends.size
  }

  /** The part's own end; what others make of it comes later. */
  end(part: number, error?: unknown): void {
    const end = this.#ends.get(part * PART)
    if (error === undefined) end?.resolve()
    else end?.reject(error)
  }
}

/** Sets a copy by lanes going, and checkpoints that are due with each part, unless none is before the end. */
function begun(
  depth: number,
  {
    readBack,
    sync = async () => {},
    everyMs = 0,
  }: {
    readonly readBack?: Copying['to']['readBack']
    readonly sync?: Writing['sync']
    readonly everyMs?: number
  } = {},
) {
  const parts = new Scripted()
  const saved: number[] = []
  const told: number[] = []
  const controller = new AbortController()
  const end = { blockLength: 512, size: BYTES, close: async () => {} }
  const to = { sync, stop: async () => {} }
  const checkpoints = new Checkpoints({
    ...{ begun: 0, everyMs, say: () => {}, stopped: (kept) => void told.push(kept) },
    to: to as unknown as Writing,
    state: { save: async (done: number) => void saved.push(done) } as unknown as CopyState,
  })
  const read = async (_at: number, length: number) => new Uint8Array(length)
  const copying: Copying = {
    from: { ...end, name: 'a file', place: '', read },
    to: { ...end, name: 'a unit', ordered: false, readBack, write: parts.write },
    range: { skip: 0, seek: 0, length: BYTES, done: 0 },
    pace: { partBytes: PART, depth },
    signal: controller.signal,
    ...{ pad: false, verify: readBack !== undefined },
    moved: (_bytes, frontier) => checkpoints.reached(frontier),
    lost: (error) => checkpoints.lost(error),
    begun: (written) => checkpoints.asks(written),
  }
  const copy = pour(copying)
  copy.catch(() => {})
  return { parts, copy, checkpoints, saved, told, controller }
}

/** What a copy is told to end by, and who listens to it. */
function ending() {
  const controller = new AbortController()
  return { controller, listeners: () => getEventListeners(controller.signal, 'abort').length }
}

/** What has been begun by promises has come as far as it can. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

const failure = (deferred: boolean) =>
  statusError({
    status: Status.CHECK_CONDITION,
    sense: encodeSense(SenseKey.MEDIUM_ERROR, WRITE_ERROR, { deferred }),
  })

const isDeferred = (error: unknown) => (error as CheckConditionError).sense.deferred

test('none is saved after a deferred error, though another part ends with GOOD (spc-4 4.5.7)', async () => {
  const { parts, copy, checkpoints, saved, told } = begun(2)
  await turn()
  parts.end(1, failure(true))
  await turn()
  parts.end(0)
  assert.ok(isDeferred(await copy.catch((error: unknown) => error)))
  await checkpoints.stop(calm)
  assert.deepEqual([saved, told], [[], []])
})

test('a deferred error is what a copy rejects with, though another part had failed before', async () => {
  const { parts, copy, checkpoints, saved } = begun(3)
  await turn()
  parts.end(1, failure(false))
  await turn()
  parts.end(2, failure(true))
  await turn()
  parts.end(0)
  assert.ok(isDeferred(await copy.catch((error: unknown) => error)))
  await checkpoints.stop(calm)
  assert.deepEqual(saved, [])
})

test('none is saved before the writes have ended that were under way when the cache was synchronized', async () => {
  for (const isLost of [false, true]) {
    const { parts, saved } = begun(2)
    await turn()
    parts.end(0)
    await turn()
    await turn()
    assert.deepEqual(saved, [])
    parts.end(1, isLost ? failure(true) : undefined)
    await turn()
    await turn()
    assert.deepEqual(saved.slice(0, 1), isLost ? [] : [PART])
  }
})

test('none is saved before the parts have been read back that were under way when the cache was synchronized', async () => {
  for (const isLost of [false, true]) {
    const second = new Scripted()
    const readBack = async (at: number) => {
      if (at === PART) await second.write(at)
      return new Uint8Array(PART)
    }
    const { parts, saved } = begun(2, { readBack })
    await turn()
    parts.end(1)
    parts.end(0)
    for (let turns = 0; turns < 3; turns++) await turn()
    assert.deepEqual(saved, [])
    second.end(1, isLost ? failure(true) : undefined)
    for (let turns = 0; turns < 3; turns++) await turn()
    assert.deepEqual(saved.slice(0, 1), isLost ? [] : [PART])
  }
})

test('none is saved by a copy that was told to end if a write does not, and nothing is asked again', async () => {
  let asked = 0
  const sync = async () => {
    asked += 1
  }
  const { checkpoints, saved } = begun(2, { sync })
  checkpoints.asks(() => new Promise(() => {}))
  checkpoints.reached(PART)
  await turn()
  await checkpoints.stop(AbortSignal.abort())
  assert.deepEqual([saved, asked, checkpoints.failure], [[], 1, undefined])
})

test('a copy that has failed waits as long as it takes, until it is told to end', async () => {
  let patience: AbortSignal | undefined
  const sync = (given: AbortSignal) => {
    patience = given
    return new Promise<void>((_, reject) => {
      given.addEventListener('abort', () => reject(given.reason))
    })
  }
  const { parts, copy, checkpoints, saved } = begun(2, { sync, everyMs: NEVER })
  await turn()
  parts.end(0)
  await turn()
  parts.end(1, failure(false))
  await turn()
  parts.end(2)
  await copy.catch(() => {})
  const { controller, listeners } = ending()
  const stopped = checkpoints.stop(controller.signal)
  await turn()
  assert.deepEqual([patience?.aborted, listeners()], [false, 1])
  controller.abort()
  await stopped
  assert.deepEqual([patience?.aborted, listeners()], [true, 0])
  assert.deepEqual([saved, checkpoints.failure], [[], undefined])
})

test('each leaves nothing behind', async () => {
  const listeners: number[] = []
  const sync = async (patience: AbortSignal) =>
    void listeners.push(getEventListeners(patience, 'abort').length)
  const { parts, copy, saved } = begun(1, { sync })
  for (let part = 0; part < BYTES / PART; part++) {
    await turn()
    parts.end(part)
    await turn()
  }
  await copy
  assert.ok(saved.length > 2)
  assert.deepEqual(new Set(listeners), new Set([0]))
})

test('writes that are under way when the copy is told to end are heard before one is saved', async () => {
  const unanswered = new TransportError('ERR_SGRING_NEXUS_LOST')
  for (const error of [undefined, failure(false), failure(true), unanswered]) {
    const { parts, copy, checkpoints, saved, controller } = begun(2, { everyMs: NEVER })
    await turn()
    parts.end(0)
    await turn()
    controller.abort()
    await assert.rejects(copy, { name: 'AbortError' })
    const stopped = checkpoints.stop(controller.signal)
    for (let turns = 0; turns < 3; turns++) await turn()
    assert.deepEqual(saved, [])
    parts.end(1)
    parts.end(2, error)
    await stopped
    const isLost = error !== undefined && tellsOfLoss(error)
    assert.deepEqual(saved, isLost || error === unanswered ? [] : [PART])
    assert.equal(checkpoints.failure?.error, isLost ? error : undefined)
  }
})

test('nothing is begun once the copy was told to end', async () => {
  const { parts, copy, controller } = begun(2, { readBack: () => assert.fail('read back') })
  await turn()
  controller.abort()
  await assert.rejects(copy, { name: 'AbortError' })
  parts.end(0)
  parts.end(1)
  for (let turns = 0; turns < 3; turns++) await turn()
  assert.equal(parts.begun, 2)
})

test('none is saved once a write had no answer, which may have told of a loss', async () => {
  const { parts, copy, checkpoints, saved, told } = begun(2)
  await turn()
  const timeout = new TransportError('ERR_SGRING_TIMEOUT')
  parts.end(1, timeout)
  await turn()
  parts.end(0)
  await assert.rejects(copy, timeout)
  await checkpoints.stop(calm)
  assert.deepEqual([saved, told, checkpoints.failure], [[], [], undefined])
})

test('what the last SYNCHRONIZE CACHE tells counts, unless it has no answer', async () => {
  const timeout = new TransportError('ERR_SGRING_TIMEOUT')
  const unreadable = statusError({ status: Status.CHECK_CONDITION, sense: new Uint8Array(0) })
  for (const error of [failure(true), failure(false), new Error('EIO'), unreadable, timeout]) {
    const sync = () => Promise.reject(error)
    const { parts, copy, checkpoints, saved, controller } = begun(1, { sync, everyMs: NEVER })
    await turn()
    parts.end(0)
    await turn()
    controller.abort()
    await assert.rejects(copy, { name: 'AbortError' })
    parts.end(1)
    await checkpoints.stop(controller.signal)
    assert.deepEqual(saved, [])
    assert.equal(checkpoints.failure?.error, error === timeout ? undefined : error)
  }
})

test('what lies before any other failure is saved', async () => {
  const { parts, copy, checkpoints, saved, told } = begun(2)
  await turn()
  parts.end(1, failure(false))
  await turn()
  parts.end(0)
  assert.ok(!isDeferred(await copy.catch((error: unknown) => error)))
  await checkpoints.stop(calm)
  assert.deepEqual([saved, told], [[PART], [PART]])
})

test.run()
