/** What it takes to take a command back, on a ring that is idle otherwise. */

import assert from 'node:assert/strict'
import { type LogicalUnit, testUnitReady } from '#dist/index.js'
import { countsOf, HUNG_LUN, TargetProcess } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'

const IMAGE_BYTES = 1 << 20

export const abort: Case = {
  name: 'abort',
  what: 'a command that hangs is aborted, one at a time, between two processes',
  bytes: 0,
  open,
}

async function open(setting: CaseSetting): Promise<OpenCase> {
  const target = await TargetProcess.start(setting, IMAGE_BYTES, false)
  const [one, other] = [await target.connect(), await target.connect()]
  const disk = one.unit(0)
  const [hung, beside] = [other.unit(HUNG_LUN), other.unit(0)]
  // Its unit attention is all that it answers.
  await hung.execute(testUnitReady())
  const contestants = [
    {
      name: 'ready',
      run: (count: number) => ready(disk, count),
      counts: () => countsOf(one),
      target,
    },
    {
      name: 'abort',
      run: (count: number) => aborts(hung, beside, count),
      counts: () => countsOf(other),
      target,
    },
  ]
  return { contestants, close: () => target.close() }
}

/** TEST UNIT READY, one after the other. */
async function ready(unit: LogicalUnit, count: number): Promise<number> {
  const command = testUnitReady()
  const started = performance.now()
  for (let left = count; left > 0; left--)
    assert.equal((await unit.execute({ cdb: command.cdb })).status, 0)
  return performance.now() - started
}

/** Aborts, each timed from `abort()` to the rejection. What went before it is waited for, and not timed. */
async function aborts(hung: LogicalUnit, beside: LogicalUnit, count: number): Promise<number> {
  const { cdb } = testUnitReady()
  const reason = new Error('aborted')
  let ms = 0
  for (let left = count; left > 0; left--) {
    const controller = new AbortController()
    const { signal } = controller
    const ended = hung.execute({ cdb, signal }).then(
      () => assert.fail('a hung command was answered'),
      (error: unknown) => {
        assert.equal(error, reason)
        return performance.now()
      },
    )
    // The pair keeps its order: once this is answered, the target has the one before.
    await beside.execute({ cdb })
    const started = performance.now()
    controller.abort(reason)
    ms += (await ended) - started
  }
  return ms
}
