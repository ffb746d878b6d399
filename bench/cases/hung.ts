/** What commands that hang in one unit's handler do to the commands of another unit: nothing, it is to be hoped. */

import assert from 'node:assert/strict'
import { type LogicalUnit, type Nexus, TaskFunction, testUnitReady } from '#dist/index.js'
import { HUNG_LUN, TargetProcess } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'

const IMAGE_BYTES = 1 << 20
const HUNG = 1000
/** Enough to keep the target at work, and few enough that a latency is not all queue. */
const AT_ONCE = 4

export const hung: Case = {
  name: 'hung',
  what: `TEST UNIT READY, ${AT_ONCE} at a time, with and without ${HUNG} commands that hang in another unit: the 99th percentile of their latencies`,
  bytes: 0,
  open,
}

async function open(setting: CaseSetting): Promise<OpenCase> {
  // Two targets, so that one of them has nothing that hangs.
  const quiet = await TargetProcess.start(setting, IMAGE_BYTES, false, { name: 'quiet' })
  const busy = await TargetProcess.start(setting, IMAGE_BYTES, false, { name: 'busy' })
  const hanging = await hang(await busy.connect({ slots: HUNG }))
  const [alone, beside] = [await quiet.connect(), await busy.connect()]
  const contestants = [
    { name: 'alone', run: (count: number) => p99(alone.unit(0), count), target: quiet },
    { name: 'beside', run: (count: number) => p99(beside.unit(0), count), target: busy },
  ]
  const close = async () => {
    // All that time.
    assert.deepEqual([hanging.outstanding, hanging.ended], [HUNG, 0])
    await quiet.close()
    await busy.close()
  }
  return { contestants, close }
}

/** Fills all slots of a nexus with commands that nobody answers, and says how many there are. */
async function hang(nexus: Nexus): Promise<{ readonly outstanding: number; ended: number }> {
  const unit = nexus.unit(HUNG_LUN)
  const { cdb } = testUnitReady()
  await unit.execute({ cdb })
  const hanging = {
    get outstanding() {
      return nexus.stats.outstanding
    },
    ended: 0,
  }
  const ended = () => {
    hanging.ended++
  }
  for (let left = HUNG; left > 0; left--) unit.execute({ cdb, timeoutMs: 0 }).then(ended, ended)
  // The pair keeps its order: once this is answered, the target has them all.
  await nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET, lun: HUNG_LUN })
  return hanging
}

/** Sends `count` commands, and resolves with what they would have taken if each had taken as long as the 99th of 100. */
async function p99(unit: LogicalUnit, count: number): Promise<number> {
  const { cdb } = testUnitReady()
  const latencies = new Float64Array(count)
  let next = 0
  const lane = async () => {
    while (next < count) {
      const number = next++
      const started = performance.now()
      assert.equal((await unit.execute({ cdb })).status, 0)
      latencies[number] = performance.now() - started
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return latencies.sort()[Math.floor(count * 0.99)]! * count
}
