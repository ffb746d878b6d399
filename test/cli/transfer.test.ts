/** The end of a transfer to a file: its last fsync, and what is left when that is not done. */

import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Checkpoints } from '#dist/cli/copy-checkpoints.js'
import type { Writing } from '#dist/cli/copy-end.js'
import { openFileReading, openFileWriting } from '#dist/cli/copy-file.js'
import type { CopyState } from '#dist/cli/copy-state.js'
import { between, transfer } from '#dist/cli/transfer.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'

const test = suite('the last fsync of a transfer')

const PART = 65536
const BYTES = 8 * PART
const folder = temporaryFolder()
const source = join(folder, 'in')
writeFileSync(source, pattern(BYTES, 1))

/** Goes on after the first part of a copy to a file whose fsyncs end so, one after the other; tells what becomes of it. */
async function ending(name: string, ...syncs: readonly ((stop: () => void) => unknown)[]) {
  return endingAfter(undefined, name, ...syncs)
}

/** The same where the last part cannot be written, if there is a reason. */
async function endingAfter(
  reason: Error | undefined,
  name: string,
  ...syncs: readonly ((stop: () => void) => unknown)[]
) {
  const sink = join(folder, name)
  const part = `${sink}.part`
  writeFileSync(part, pattern(BYTES, 1).subarray(0, PART))
  const controller = new AbortController()
  const { signal } = controller
  const left = [...syncs]
  const [saved, told]: [number[], number[]] = [[], []]
  const call = {
    ...{ operands: [], given: [], json: true, signal },
    values: { 'part-bytes': String(PART), depth: '2' },
  }
  const work = async (to: Writing, from: Awaited<ReturnType<typeof openFileReading>>) => {
    const { sync, write } = to
    to.write = async (at, data) => {
      if (reason !== undefined && at + data.length === BYTES) throw reason
      await write.call(to, at, data)
    }
    to.sync = async (patience) => {
      await left.shift()?.(() => controller.abort())
      await sync.call(to, patience)
    }
    const checkpoints = new Checkpoints({
      ...{ to, begun: PART, everyMs: Number.POSITIVE_INFINITY, say: () => {} },
      state: { save: async (done: number) => void saved.push(done) } as unknown as CopyState,
      stopped: (kept) => void told.push(kept),
    })
    const range = { skip: 0, seek: 0, length: BYTES, done: PART }
    await transfer(call, { from, to, range, label: '', checkpoints })
  }
  const options = { force: false, resume: true, keeps: true, inPlace: false }
  const ends = {
    from: () => openFileReading(source, signal),
    to: () => openFileWriting(sink, options, signal),
  }
  const error = await between(call, ends, (from, to) => work(to, from)).catch((error) => error)
  const bytes = existsSync(part) ? statSync(part).size : undefined
  return { error, saved, told, bytes, left: left.length, isThere: existsSync(sink) }
}

test('gives a file its name', async () => {
  const { error, bytes, isThere } = await ending('whole')
  assert.deepEqual([error, bytes, isThere], [undefined, undefined, true])
})

test('that fails keeps what was brought to the medium before, and is not asked again', async () => {
  const full = new Error('ENOSPC')
  const fails = () => {
    throw full
  }
  const { error, saved, told, bytes, left, isThere } = await ending('full', fails, () => {})
  assert.equal(error, full)
  assert.deepEqual([saved, told, left, isThere], [[], [PART], 1, false])
  assert.ok(bytes !== undefined && bytes >= PART)
})

test('that fails, too, does not take the place of what ended it', async () => {
  const [broken, full] = [new Error('EPIPE'), new Error('ENOSPC')]
  const fails = () => {
    throw full
  }
  const { error, saved, told } = await endingAfter(broken, 'broken', fails)
  assert.equal(error, broken)
  assert.deepEqual([saved, told], [[], [PART]])
})

test('that Ctrl-C meets is waited for, and not asked again', async () => {
  const slow = async (stop: () => void) => {
    stop()
    for (let turns = 0; turns < 3; turns++) await turn()
  }
  const { error, saved, told, bytes, left, isThere } = await ending('aborted', slow, () => {})
  assert.equal(error.name, 'AbortError')
  assert.deepEqual([saved, told, bytes, left, isThere], [[BYTES], [BYTES], BYTES, 1, false])
})

test('that fails while Ctrl-C is pressed is not asked again', async () => {
  const failed = new Error('EIO')
  const fails = (stop: () => void) => {
    stop()
    throw failed
  }
  const { saved, told, left, isThere } = await ending('eio', fails, () => {})
  assert.deepEqual([saved, told, left, isThere], [[], [PART], 1, false])
})

test.run()
