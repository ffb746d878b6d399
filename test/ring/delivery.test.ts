import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type Completion, connect, type Nexus } from '#dist/index.js'
import { native, type TargetListener, type TargetPair } from '#dist/native.js'
import { RECORD_BYTES } from '#dist/ring/layout.gen.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const test = suite('service delivery or target failure')

const SLOTS = 8
/** The service response (SAM-5 5.1) among a completion's flags. */
const FAILURE = 1 << 24

const path = join(temporaryFolder(), 'target.sock')
let listener: TargetListener
let target: TargetPair
let nexus: Nexus
test.before(async () => {
  const allowedUids = [process.geteuid?.() ?? 0]
  listener = native().listen({ path, allowedUids, mode: 0o600, maxPending: 1 })
  const connecting = connect(path, { slots: SLOTS, arenaBytes: 1 << 20 })
  target = await until('a connection', () => listener.accept() ?? undefined)
  assert.ok(target.arrival())
  assert.ok(target.welcome(1, 0, new Uint8Array(16).fill(1)))
  nexus = await connecting
})
test.after(async () => {
  await nexus.close()
  target.close()
  listener.close()
})

/** Takes `count` tasks, and fails the first of them only. */
async function answer(count: number): Promise<void> {
  const desk = target.desk()
  const fetched = new Uint32Array(desk, SLOTS * RECORD_BYTES, SLOTS)
  const completions = new Uint32Array(desk, SLOTS * RECORD_BYTES + 4 * SLOTS, SLOTS)
  for (let done = 0; done < count; ) {
    const some = await until('tasks', () => target.fetch(true) || undefined)
    for (let index = 0; index < some; index++) {
      completions[index] = fetched[index]! | (done + index === 0 ? FAILURE : 0)
    }
    assert.equal(target.complete(some), 0)
    done += some
  }
}

test('execute() rejects with it, the nexus lives on, and all bytes come back', async () => {
  const command = { cdb: new Uint8Array(6), dataIn: 8192 }
  const commands = [nexus.unit(0).execute(command), nexus.unit(0).execute(command)]
  const failed = assert.rejects(commands[0]!, {
    name: 'TransportError',
    code: 'ERR_SGRING_DELIVERY',
  })
  await answer(2)
  await failed
  assert.equal((await commands[1]!).status, 0)
  const { outstanding, arenaUsedBytes } = nexus.stats
  assert.deepEqual([outstanding, arenaUsedBytes], [0, 0])
})

test('a queue does not show it as success', async () => {
  await using queue = nexus.unit(0).queue({ depth: 2, dataBytes: 4096 })
  for (let slot = queue.reserve(); slot >= 0; slot = queue.reserve()) queue.submit(slot, 6, 0, 4096)
  queue.flush()
  await answer(2)
  const seen: [boolean, number, number][] = []
  const take = (done: Completion) => {
    seen.push([done.delivered, done.status, done.data.length])
    done.release()
  }
  while ((await queue.drain(take)) > 0);
  assert.deepEqual(seen, [
    [false, -1, 0],
    [true, 0, 4096],
  ])
})

test.run()
