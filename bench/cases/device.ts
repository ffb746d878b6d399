/** What the way there and back adds to a device that takes its time, one command at a time. */

import { NativeContestants } from '../native.ts'
import { NativeTarget } from '../native-target.ts'
import { countsOf } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { promiseForm } from './forms.ts'
import { ReadyLoad } from './loads.ts'

const SERVICE_NS = 20_000
/** V8 compiles what runs often on a thread of its own, for which neither side leaves a CPU idle: it is through when the first sample is taken. */
const PROOF = 10_000
/** Of about a hundred commands each: what a hypervisor takes away meanwhile is in few of them, and in every one of a thousand. */
const SAMPLES = { rounds: Infinity, sampleMs: 2, warmMs: Infinity }
/** Before the clock starts: the target, which slept while others had their turn, is awake then. */
const AWAKE = 16

export const device: Case = {
  name: 'device',
  what: `TEST UNIT READY by execute(), one at a time, to a native target that takes ${SERVICE_NS / 1000} us for each`,
  bytes: 0,
  atMost: SAMPLES,
  open,
}

async function open(setting: CaseSetting): Promise<OpenCase> {
  const { placement, nativeProgram } = setting
  const target = await NativeTarget.start(setting, SERVICE_NS)
  const nexus = await target.connect()
  const unit = nexus.unit(0)
  const alone = new NativeContestants(nativeProgram, ['device', String(SERVICE_NS)], {
    cpu: placement.there,
    placement,
  })
  const load = new ReadyLoad()
  const run = (count: number) => promiseForm((command) => unit.execute(command), load, count, 1)
  const ring = {
    name: 'ring',
    run: async (count: number) => {
      await run(AWAKE)
      return run(count)
    },
    counts: () => countsOf(nexus),
  }
  await ring.run(PROOF)
  const close = async () => {
    await alone.close()
    await target.close()
  }
  return { contestants: [ring, alone.contestant('device')], close }
}
