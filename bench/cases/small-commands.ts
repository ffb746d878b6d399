/**
 * Commands whose cost is the way there and back: the ring in both its forms, records over `net`, messages between
 * processes, and, of what has data, one thread's memcpy.
 */

import type { Contestant } from '../contest.ts'
import { NativeContestants } from '../native.ts'
import type { Random } from '../random.ts'
import { countsOf, TargetProcess } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { batchForm, DEPTH, promiseForm } from './forms.ts'
import { type CheckedLoad, ReadLoad, ReadyLoad } from './loads.ts'

/** What the commands read from: larger than a core's own caches, so that the copy is no mere echo. */
const IMAGE_BYTES = 64 << 20
const READ_BYTES = 4096
const PROOF = 4 * DEPTH

export const ready: Case = {
  name: 'ready',
  what: `TEST UNIT READY, ${DEPTH} at a time, between two processes`,
  bytes: 0,
  open: (setting) => open(setting, () => new ReadyLoad()),
}

export const read4k: Case = {
  name: 'read-4k',
  what: `READ of 4 KiB at random blocks of 64 MiB, ${DEPTH} at a time, between two processes`,
  bytes: READ_BYTES,
  open: (setting) => open(setting, (random) => new ReadLoad(IMAGE_BYTES, READ_BYTES, random)),
}

async function open(
  setting: CaseSetting,
  make: (random: Random) => CheckedLoad,
): Promise<OpenCase> {
  const target = await TargetProcess.start(setting, IMAGE_BYTES, true)
  const [one, other, net] = [
    await target.connect(),
    await target.connect(),
    await target.connectNet(),
  ]
  const load = make(setting.random)
  const unit = one.unit(0)
  const queue = other.unit(0).queue({ depth: DEPTH, dataBytes: load.dataBytes })
  const contestants: Contestant[] = [
    {
      name: 'promise',
      run: (count: number) => promiseForm((command) => unit.execute(command), load, count),
      counts: () => countsOf(one),
      target,
    },
    {
      name: 'batch',
      run: (count: number) => batchForm(queue, load, count),
      counts: () => countsOf(other),
      target,
    },
    {
      name: 'net',
      run: (count: number) => promiseForm((command) => net.execute(command), load, count),
      target,
    },
  ]
  // Messages carry no data here.
  if (load.dataBytes === 0) contestants.push(await messages(target, load))
  const copies = load.dataBytes === 0 ? undefined : copiesOf(setting, load.dataBytes)
  if (copies !== undefined) contestants.push(copies.contestant('memcpy'))
  for (const contestant of contestants) await contestant.run(PROOF)
  load.trust()
  const close = async () => {
    await copies?.close()
    await queue.close()
    await target.close()
  }
  return { contestants, close }
}

/** Of the same blocks, on the target's CPU, where the ring's copies are made, too. */
function copiesOf({ placement, nativeProgram }: CaseSetting, bytes: number): NativeContestants {
  const args = ['copies', ...[IMAGE_BYTES, DEPTH, bytes].map(String)]
  return new NativeContestants(nativeProgram, args, { cpu: placement.there, placement })
}

async function messages(target: TargetProcess, load: CheckedLoad): Promise<Contestant> {
  const ipc = await target.connectIpc()
  return {
    name: 'ipc',
    run: (count) => promiseForm((command) => ipc.execute(command), load, count),
    target,
  }
}
