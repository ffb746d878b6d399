/** A target that is killed, and another one that follows it: its clients go on. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Nexus } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'
import { count, hold, release } from '../support/scripted-unit.ts'
import { Home } from './home.ts'

const test = suite('a target that is killed')

async function lostWith(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, { code })
}

test('commands that it held are carried out by the next one, and their caller notices nothing but the time', async () => {
  const home = new Home(['scripted'])
  const first = await home.start()
  const nexus = await home.connect()
  const interrupted = once(nexus.events, 'interrupted')
  const resumed = once(nexus.events, 'resumed')
  const disk = nexus.unit(0)
  await disk.write({ lba: 7, data: new Uint8Array(512).fill(7) })
  await first.killed()
  await interrupted
  // Given while there is no target at all.
  const reading = disk.read({ lba: 7, blocks: 1 })
  const second = await home.start()
  const [{ resubmitted }] = await resumed
  assert.equal(resubmitted, 0)
  assert.deepEqual(await reading, new Uint8Array(512).fill(7))
  assert.equal(nexus.targetPid, second.pid)
  await nexus.close()
  await second.event('nexusClosed')
  assert.deepEqual(home.ledgers(), [])
  await second.close()
})

test('a command that it had begun is rejected by the policy fail, by name', async () => {
  const home = new Home(['scripted'])
  const first = await home.start()
  const nexus = await home.connect()
  const unit = nexus.unit(1)
  await unit.testUnitReady()
  const held = lostWith(unit.execute(hold()), 'ERR_SGRING_OUTCOME_UNKNOWN')
  await untilSeen(unit, 1)
  await first.killed()
  const second = await home.start()
  await held
  assert.equal(await seen(nexus), 0, 'the second target has not carried it out')
  await nexus.close()
  await second.close()
})

for (const [name, policy] of [
  ['rerun', 'rerun'],
  ['a function that says so', () => 'rerun' as const],
] as const) {
  test(`a command that it had begun is carried out again by the policy ${name}`, async () => {
    const home = new Home(['scripted'])
    const first = await home.start()
    const nexus = await home.connect({ recovery: { policy } })
    const unit = nexus.unit(1)
    await unit.testUnitReady()
    const held = unit.execute(hold(5))
    await untilSeen(unit, 1)
    await first.killed()
    const second = await home.start()
    await untilSeen(nexus.unit(1), 1)
    await unit.execute(release())
    assert.equal((await held).status, 0)
    await nexus.close()
    await second.close()
  })
}

test('a command that its caller gives up meanwhile is not carried out again, and its end is waited for', async () => {
  const home = new Home(['scripted'])
  const first = await home.start()
  const nexus = await home.connect({
    recovery: { policy: 'rerun' },
    abortTimeoutMs: 100,
  })
  const interrupted = once(nexus.events, 'interrupted')
  const unit = nexus.unit(1)
  await unit.testUnitReady()
  const controller = new AbortController()
  const { signal } = controller
  const held = lostWith(unit.execute({ ...hold(), signal }), 'ERR_SGRING_OUTCOME_UNKNOWN')
  await untilSeen(unit, 1)
  await first.killed()
  await interrupted
  controller.abort(new Error('enough'))
  // Many times as long as a target would have for the abort.
  const late = { cdb: new Uint8Array(6), timeoutMs: 1000, onAbort: 'detach' } as const
  await lostWith(nexus.unit(0).execute(late), 'ERR_SGRING_TIMEOUT')
  const second = await home.start()
  await held
  assert.equal(await seen(nexus), 0, 'the second target has not carried it out')
  await nexus.close()
  await second.close()
})

for (const [policy, ends] of [
  ['rerun', 'is carried out again'],
  ['fail', 'says that its outcome is unknown'],
] as const) {
  test(`a command of a queue that it had begun ${ends} by the policy ${policy}`, async () => {
    const home = new Home(['scripted'])
    const first = await home.start()
    const nexus = await home.connect({ recovery: { policy } })
    const unit = nexus.unit(1)
    await unit.testUnitReady()
    const queue = unit.queue({ depth: 2 })
    const slot = queue.reserve()
    const { cdb } = hold()
    queue.cdb(slot).set(cdb)
    queue.submit(slot, cdb.length, 0, 0)
    queue.flush()
    await untilSeen(unit, 1)
    await first.killed()
    const second = await home.start()
    if (policy === 'rerun') {
      await untilSeen(unit, 1)
      await unit.execute(release())
    }
    await queue.drain(({ status, unknown }) => {
      assert.deepEqual([status === 0, unknown], [policy === 'rerun', policy === 'fail'])
    })
    await queue.close()
    await nexus.close()
    await second.close()
  })
}

test('who hears of the interruption may close the nexus at once', async () => {
  const home = new Home(['scripted'])
  const first = await home.start()
  const nexus = await home.connect()
  const closed = once(nexus.events, 'end')
  nexus.events.on('interrupted', () => void nexus.close())
  await nexus.unit(1).testUnitReady()
  const lost = lostWith(nexus.unit(1).execute(hold()), 'ERR_SGRING_NEXUS_LOST')
  await first.killed()
  await closed
  await lost
  await lostWith(nexus.unit(0).testUnitReady(), 'ERR_SGRING_CLOSED')
})

test('a client that waits for nothing is not held by waiting for the next one', async () => {
  const home = new Home()
  const server = await home.start()
  const child = new Program(new URL('./programs.js', import.meta.url), [
    'is idle when its target dies',
    home.listen,
  ])
  assert.equal(await child.line(), 'idle')
  await server.killed()
  const { code, stdout, stderr } = await child.ended
  assert.deepEqual([code, stdout, stderr], [0, 'idle\ninterrupted\n', ''])
})

test('none that follows it in time ends the nexus', async () => {
  const home = new Home()
  const first = await home.start()
  const nexus = await home.connect({ recovery: { waitMs: 50 } })
  await nexus.unit(0).testUnitReady()
  await first.killed()
  await lostWith(nexus.unit(0).testUnitReady(), 'ERR_SGRING_NEXUS_LOST')
})

async function seen(nexus: Nexus): Promise<number> {
  const response = await nexus.unit(1).execute(count())
  // The next target's first word is a unit attention.
  if (response.status !== 0) return seen(nexus)
  return (response.data[0]! << 8) | response.data[1]!
}

async function untilSeen(unit: ReturnType<Nexus['unit']>, wanted: number): Promise<void> {
  for (;;) {
    const { status, data } = await unit.execute(count())
    if (status === 0 && ((data[0]! << 8) | data[1]!) >= wanted) return
  }
}

test.run()
