/** How far a copy is noted to be, of whose parts some fail. */

import assert from 'node:assert/strict'
import { Checkpoints } from '#dist/cli/copy-checkpoints.js'
import type { Writing } from '#dist/cli/copy-end.js'
import type { CopyState } from '#dist/cli/copy-state.js'
import { type Copying, pour } from '#dist/cli/copying.js'
import { type CheckConditionError, encodeSense, SenseKey, Status } from '#dist/index.js'
import { statusError } from '#dist/initiator/status-error.js'
import { suite } from '../harness/index.ts'

const test = suite('checkpoints of a copy')

const PART = 4096
const BYTES = 8 * PART
const WRITE_ERROR = 0x0c00

/** Parts that are written when the test says so, or fail. */
class Scripted {
  readonly #ends = new Map<number, { resolve(): void; reject(error: unknown): void }>()

  readonly write = (at: number): Promise<void> =>
    new Promise((resolve, reject) => this.#ends.set(at, { resolve, reject }))

  /** The part's own end; what others make of it comes later. */
  end(part: number, error?: unknown): void {
    const end = this.#ends.get(part * PART)
    if (error === undefined) end?.resolve()
    else end?.reject(error)
  }
}

/** Sets a copy by lanes going, and checkpoints that are due with each part. */
function begun(depth: number, readBack?: Copying['to']['readBack']) {
  const parts = new Scripted()
  const saved: number[] = []
  const told: number[] = []
  const end = { blockLength: 512, size: BYTES, close: async () => {} }
  const to = { sync: async () => {}, stop: async () => {} }
  const checkpoints = new Checkpoints({
    ...{ begun: 0, everyMs: 0, say: () => {}, stopped: (kept) => void told.push(kept) },
    to: to as unknown as Writing,
    state: { save: async (done: number) => void saved.push(done) } as unknown as CopyState,
  })
  const read = async (_at: number, length: number) => new Uint8Array(length)
  const copying: Copying = {
    from: { ...end, name: 'a file', place: '', read },
    to: { ...end, name: 'a unit', ordered: false, readBack, write: parts.write },
    range: { skip: 0, seek: 0, length: BYTES, done: 0 },
    pace: { partBytes: PART, depth },
    signal: new AbortController().signal,
    ...{ pad: false, verify: readBack !== undefined },
    moved: (_bytes, frontier) => checkpoints.reached(frontier),
    lost: (error) => checkpoints.lost(error),
    begun: (written) => checkpoints.asks(written),
  }
  const copy = pour(copying)
  copy.catch(() => {})
  return { parts, copy, checkpoints, saved, told }
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
  await checkpoints.stop()
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
  await checkpoints.stop()
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
    const { parts, saved } = begun(2, readBack)
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

test('none is saved by a copy that stops if a write does not end', async () => {
  const { checkpoints, saved } = begun(2)
  checkpoints.asks(() => new Promise(() => {}))
  checkpoints.reached(PART)
  await checkpoints.stop()
  assert.deepEqual(saved, [])
})

test('what lies before any other failure is saved', async () => {
  const { parts, copy, checkpoints, saved, told } = begun(2)
  await turn()
  parts.end(1, failure(false))
  await turn()
  parts.end(0)
  assert.ok(!isDeferred(await copy.catch((error: unknown) => error)))
  await checkpoints.stop()
  assert.deepEqual([saved, told], [[PART], [PART]])
})

test.run()
