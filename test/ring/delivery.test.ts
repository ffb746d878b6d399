import assert from 'node:assert/strict'
import type { Completion } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { RawTarget } from './raw-target.ts'

const test = suite('service delivery or target failure')

/** The service response (SAM-5 5.1) among a completion's flags. */
const FAILURE = 1

let target: RawTarget
test.before(async () => {
  target = await RawTarget.open({ slots: 8, arenaBytes: 1 << 20 })
})
test.after(() => target.close())

/** Takes `count` tasks, and fails the first of them only. */
async function answer(count: number): Promise<void> {
  const tasks = await target.fetch(count)
  target.complete(tasks.slice(0, 1), FAILURE)
  target.complete(tasks.slice(1))
}

test('execute() rejects with it, the nexus lives on, and all bytes come back', async () => {
  const command = { cdb: new Uint8Array(6), dataIn: 8192 }
  const commands = [target.nexus.unit(0).execute(command), target.nexus.unit(0).execute(command)]
  const failed = assert.rejects(commands[0]!, {
    name: 'TransportError',
    code: 'ERR_SGRING_DELIVERY',
  })
  await answer(2)
  await failed
  assert.equal((await commands[1]!).status, 0)
  const { outstanding, arenaUsedBytes } = target.nexus.stats
  assert.deepEqual([outstanding, arenaUsedBytes], [0, 0])
})

test('a queue does not show it as success', async () => {
  await using queue = target.nexus.unit(0).queue({ depth: 2, dataBytes: 4096 })
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
