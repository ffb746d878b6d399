/** `execute()` over the ring, and over `fs.read` and `fs.write` of two named pipes. */

import { NativeTarget } from '../native-target.ts'
import { keepOn } from '../place.ts'
import { FifoUnit } from '../rivals/fifo/client.ts'
import { countsOf } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { DEPTH, promiseForm } from './forms.ts'
import { ReadyLoad } from './loads.ts'

const PROOF = 4 * DEPTH

export const fifo: Case = {
  name: 'fifo',
  what: `TEST UNIT READY by execute(), ${DEPTH} at a time, to a peer in another process that answers at once`,
  bytes: 0,
  open,
}

async function open(setting: CaseSetting): Promise<OpenCase> {
  const { folder, placement } = setting
  const target = await NativeTarget.start(setting)
  const nexus = await target.connect()
  const unit = nexus.unit(0)
  const pipes = await FifoUnit.start(folder)
  keepOn(placement.there, placement, pipes.pid)
  const load = new ReadyLoad()
  const contestants = [
    {
      name: 'ring',
      run: (count: number) => promiseForm((command) => unit.execute(command), load, count),
      counts: () => countsOf(nexus),
    },
    {
      name: 'fifo',
      run: (count: number) => promiseForm((command) => pipes.execute(command), load, count),
      // Both sides' own, and the threads of both pools that read and write.
      threads: 4,
    },
  ]
  for (const contestant of contestants) await contestant.run(PROOF)
  const close = async () => {
    await pipes.close()
    await target.close()
  }
  return { contestants, close }
}
