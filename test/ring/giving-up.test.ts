import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { join } from 'node:path'
import { type Command, connect, serve, TaskFunction } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from '../scsi/random.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { until } from '../support/until.ts'

const test = suite('commands that are given up at random')

const COMMANDS = 4000
const reason = new Error('enough')
/** What a command may reject with. */
const CODES = [
  undefined,
  'ERR_SGRING_ABORTED',
  'ERR_SGRING_TIMEOUT',
  'ERR_SGRING_TAG_IN_USE',
  'ERR_SGRING_BUSY',
]

test('each settles once, with its own bytes or a reason, and nothing is left behind', async () => {
  const next = generator(seed)
  const listen = join(temporaryFolder(), 'target.sock')
  await using _server = await serve({ listen, units: [new scripted.ScriptedUnit()] })
  await using nexus = await connect(listen, { slots: 24, arenaBytes: 512 << 10, maxWaiting: 100 })
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  const ends: Promise<void>[] = []
  let controller = new AbortController()
  const signals = [controller.signal]
  for (let index = 0; index < COMMANDS; index++) {
    const sent = pattern(1 + (next() % 40_000), index)
    const echo = next() % 3 !== 0
    const command: Command = {
      ...(echo ? scripted.echo(sent) : { ...scripted.hold(), dataIn: 4096 }),
      ...(next() % 2 === 0 && { signal: controller.signal }),
      ...(next() % 4 === 0 && { tag: next() % 40 }),
      ...(next() % 3 === 0 && { onAbort: 'detach' as const }),
      timeoutMs: next() % 8 === 0 ? 1 : 0,
    }
    const end = unit.execute(command).then(
      ({ data }) => assert.ok(!echo || Buffer.from(data).equals(sent), `seed ${seed}`),
      (error) => assert.ok(CODES.includes(error.code) && (error.code || error === reason)),
    )
    ends.push(end)
    const what = next() % 32
    if (what === 0) {
      controller.abort(reason)
      controller = new AbortController()
      signals.push(controller.signal)
    } else if (what === 1) {
      const request = { function: TaskFunction.ABORT_TASK_SET }
      ends.push(unit.taskManagement(request).then(() => {}))
    } else if (what < 8) {
      await new Promise(setImmediate)
    }
  }
  controller.abort(reason)
  while (nexus.stats.outstanding + nexus.stats.waiting > 0) {
    await unit.taskManagement({ function: TaskFunction.ABORT_TASK_SET })
  }
  await Promise.all(ends)
  await until('the last aborts to be answered', () => {
    const { outstanding, waiting, quarantined, arenaUsedBytes } = nexus.stats
    return outstanding + waiting + quarantined + arenaUsedBytes === 0
  })
  for (const signal of signals) assert.equal(getEventListeners(signal, 'abort').length, 0)
  // All slots are there, and every tag may be used.
  const all = Array.from({ length: 40 }, (_, tag) =>
    unit.execute({ ...scripted.withStatus(tag), tag }),
  )
  for (const [tag, { status }] of (await Promise.all(all)).entries()) assert.equal(status, tag)
})

test.run()
