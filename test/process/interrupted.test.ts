/** A client between two targets: what leaves unsent, what no further target gets, and who is held by waiting. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { connect, type Nexus, type RecoveryOptions, TaskFunction } from '#dist/index.js'
import { FUNCTION_SLOTS } from '#dist/ring/pair.js'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'
import { count, die, hold } from '../support/scripted-unit.ts'
import type { ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'
import { Home } from './home.ts'

const test = suite('a client whose target has died')

/** Several servers start one after the other. */
const SLOW = { deadlineMs: 60_000 }
const TEST_UNIT_READY = { cdb: new Uint8Array(6) }

/** A home whose first server is dead, and a client that knows it. */
async function bereft(options = {}): Promise<{ home: Home; nexus: Nexus }> {
  const home = new Home(['scripted'])
  const first = await home.start()
  const nexus = await home.connect(options)
  const interrupted = once(nexus.events, 'interrupted')
  await nexus.unit(1).testUnitReady()
  await first.killed()
  await interrupted
  return { home, nexus }
}

/** How many commands a scripted unit has seen that count. */
async function seen(nexus: Nexus): Promise<number> {
  const { status, data } = await nexus.unit(1).execute(count())
  // The next target's first word is a unit attention.
  return status === 0 ? (data[0]! << 8) | data[1]! : seen(nexus)
}

async function closed(nexus: Nexus, server: ServerProcess): Promise<void> {
  await nexus.close()
  await server.close()
}

for (const [by, onAbort] of [
  ['signal', 'wait'],
  ['timeoutMs', 'detach'],
] as const) {
  test(
    `settles at once what is given up by ${by} while there is none, and sends it to nobody (onAbort: ${onAbort})`,
    async () => {
      const { home, nexus } = await bereft({ slots: 3 })
      const unit = nexus.unit(1)
      const controller = new AbortController()
      const { signal } = controller
      const given = by === 'signal' ? { signal, timeoutMs: 0 } : { timeoutMs: 1, tag: 7 }
      const staying = [unit.execute(TEST_UNIT_READY)]
      const unsent = unit.execute({ ...hold(), dataIn: 512, onAbort, ...given })
      staying.push(unit.execute(TEST_UNIT_READY))
      // All are in their slots, and listed.
      await turn()
      const waiting = unit.execute(TEST_UNIT_READY)
      assert.equal(nexus.stats.waiting, 1)
      const why = new Error('enough')
      controller.abort(why)
      await assert.rejects(unsent, by === 'signal' ? why : { code: 'ERR_SGRING_TIMEOUT' })
      await turn()
      const { outstanding, waiting: inLine, quarantined, arenaUsedBytes } = nexus.stats
      assert.deepEqual([outstanding, inLine, quarantined, arenaUsedBytes], [3, 0, 0, 0])
      const second = await home.start()
      await Promise.all([...staying, waiting])
      assert.equal(await seen(nexus), 0)
      assert.equal(nexus.stats.functions, 0, 'no ABORT TASK')
      await closed(nexus, second)
    },
    SLOW,
  )
}

test(
  'sends no function that is given up while there is none, and its slot is another one’s',
  async () => {
    const { home, nexus } = await bereft()
    const controller = new AbortController()
    const { signal } = controller
    const query = { function: TaskFunction.QUERY_TASK_SET, lun: 1, timeoutMs: 0 } as const
    const given = Array.from({ length: FUNCTION_SLOTS }, () =>
      assert.rejects(nexus.taskManagement({ ...query, signal }), signal.reason),
    )
    const waiting = nexus.taskManagement(query)
    await turn()
    controller.abort()
    await Promise.all(given)
    const second = await home.start()
    await waiting
    assert.equal(nexus.stats.functions, 1)
    await closed(nexus, second)
  },
  SLOW,
)

for (const [policy, changes] of [
  ['fail', false],
  ['rerun', true],
] as const) {
  test(
    `gives what three targets died of to no fourth: policy ${policy}`,
    async () => {
      const home = new Home(['scripted'])
      const first = await home.start()
      const nexus = await home.connect({ recovery: { policy } })
      let resumed = 0
      nexus.events.on('resumed', () => resumed++)
      await nexus.unit(1).testUnitReady()
      const poison = nexus.unit(1).execute(die(changes))
      const ended = assert.rejects(poison, { code: 'ERR_SGRING_OUTCOME_UNKNOWN' })
      await first.ended()
      for (let following = 0; following < 2; following++) {
        // It may die before it has said that it is ready.
        await home.start().then(
          (server) => server.ended(),
          () => {},
        )
      }
      await ended
      assert.equal(resumed, 2)
      const last = await home.start()
      assert.equal(await seen(nexus), 0)
      await closed(nexus, last)
    },
    SLOW,
  )
}

test(
  'gives up nothing that a target had which has hung up, and whose process lives and may write',
  async () => {
    const home = new Home(['scripted'])
    const first = await home.start()
    const nexus = await home.connect({ recovery: { policy: 'rerun' } })
    await nexus.unit(1).testUnitReady()
    // No time of its own is up before the test's.
    const patient = nexus.unit(1).execute({ ...hold(), timeoutMs: 2 ** 31 - 1 })
    const held = assert.rejects(patient, { code: 'ERR_SGRING_NEXUS_LOST' })
    let resumed = once(nexus.events, 'resumed')
    await first.killed()
    const second = await home.start()
    await resumed
    resumed = once(nexus.events, 'resumed')
    await second.killed()
    const third = new Worker(new URL('../support/server-main.js', import.meta.url), {
      argv: [JSON.stringify(home.config())],
      stdin: true,
      stdout: true,
    })
    await resumed
    const interrupted = once(nexus.events, 'interrupted')
    await third.terminate()
    await interrupted
    for (let turns = 0; turns < 100; turns++) await turn()
    await nexus.close()
    await held
  },
  SLOW,
)

for (const policy of ['fail', 'rerun'] as const) {
  test(
    `loses each command once where a policy closes the nexus, and says ${policy}`,
    async () => {
      const home = new Home(['scripted'])
      const first = await home.start()
      let asked = 0
      const close: RecoveryOptions['policy'] = () => {
        asked++
        void nexus.close()
        return policy
      }
      const nexus = await home.connect({ recovery: { policy: close } })
      const unit = nexus.unit(1)
      await unit.testUnitReady()
      const lost = [1, 2, 3].map((fill) =>
        assert.rejects(unit.execute(hold(fill)), { code: 'ERR_SGRING_NEXUS_LOST' }),
      )
      while ((await seen(nexus)) < 3);
      await first.killed()
      const second = await home.start()
      await Promise.all(lost)
      assert.equal(asked, 1)
      assert.equal(nexus.stats.quarantined, 0)
      await second.close()
    },
    SLOW,
  )
}

test(
  'that waits for nothing is not held by the next one, which takes its time to answer',
  async () => {
    const home = new Home()
    const server = await home.start()
    const child = new Program(new URL('./programs.js', import.meta.url), [
      'waits for nothing once it is told so',
      home.listen,
    ])
    assert.equal(await child.line(), 'idle')
    await server.killed()
    rmSync(home.listen)
    let greeted = false
    const dumb = createServer((socket) => {
      greeted = true
      socket.on('error', () => {})
    })
    dumb.listen(home.listen)
    await until('it connects', () => greeted)
    child.write('enough')
    const { code, stderr } = await child.ended
    assert.deepEqual([code, stderr], [0, ''])
    dumb.close()
  },
  SLOW,
)

test(
  'takes of recovery what it is',
  async () => {
    const { home, nexus } = await bereft()
    await nexus.close()
    for (const recovery of [null, 7, { policy: 'reurn' }, { waitMs: -1 }]) {
      const options = { recovery: recovery as unknown as RecoveryOptions }
      await assert.rejects(connect(home.listen, options), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
    }
  },
  SLOW,
)

test.run()
