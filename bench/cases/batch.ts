/** The batch form to a native target: beside the same ring with a call for each submission and each completion, and beside `net`. */

import { NativeTarget } from '../native-target.ts'
import { PerCallRing } from '../rivals/napi/per-call.ts'
import { NetPeer } from '../rivals/net/peer-process.ts'
import { countsOf } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { batchForm, DEPTH, promiseForm } from './forms.ts'
import { ReadyLoad } from './loads.ts'

const PROOF = 4 * DEPTH

export const batch: Case = {
  name: 'batch',
  what: `TEST UNIT READY, ${DEPTH} at a time, to a native target`,
  bytes: 0,
  open,
}

async function open(setting: CaseSetting): Promise<OpenCase> {
  const target = await NativeTarget.start(setting)
  const nexus = await target.connect()
  const queue = nexus.unit(0).queue({ depth: DEPTH })
  const calls = new PerCallRing(target.ring, DEPTH)
  const native = await target.connectNet()
  const net = await NetPeer.start(setting.folder, setting.placement, 'coalesced')
  const load = new ReadyLoad()
  const contestants = [
    {
      name: 'batch',
      run: (count: number) => batchForm(queue, load, count),
      counts: () => countsOf(nexus),
    },
    { name: 'calls', run: (count: number) => calls.run(load, count) },
    {
      name: 'net',
      run: (count: number) => promiseForm((command) => net.unit.execute(command), load, count),
    },
    {
      name: 'net-native',
      run: (count: number) => promiseForm((command) => native.execute(command), load, count),
    },
  ]
  for (const contestant of contestants) await contestant.run(PROOF)
  const close = async () => {
    calls.close()
    await net.close()
    await queue.close()
    await target.close()
  }
  return { contestants, close }
}
