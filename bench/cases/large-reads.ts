/** Large READs, whose cost is the copy: the ring's batch form, and one thread's memcpy between memory of the same kind and size. */

import { NativeContestants } from '../native.ts'
import { countsOf, TargetProcess } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { batchForm, DEPTH } from './forms.ts'
import { ReadLoad } from './loads.ts'

export const read128k: Case = large('read-128k', '128 KiB', 128 << 10, DEPTH)
/** Fewer at a time: the arena is as large as the image is small beside the caches. */
export const read1m: Case = large('read-1m', '1 MiB', 1 << 20, 16)

function large(name: string, size: string, bytes: number, depth: number): Case {
  return {
    name,
    what: `READ of ${size} at random blocks of an image over four times the last cache, ${depth} at a time`,
    bytes,
    open: (setting) => open(setting, bytes, depth),
  }
}

async function open(setting: CaseSetting, bytes: number, depth: number): Promise<OpenCase> {
  const { placement, nativeProgram, imageBytes, random } = setting
  const target = await TargetProcess.start(setting, imageBytes, false)
  // On the target's CPU, where the ring's copies are made, too.
  const args = ['copies', ...[imageBytes, depth, bytes].map(String)]
  const native = new NativeContestants(nativeProgram, args, { cpu: placement.there, placement })
  const load = new ReadLoad(imageBytes, bytes, random)
  const nexus = await target.connect()
  const queue = nexus.unit(0).queue({ depth, dataBytes: bytes })
  const batch = {
    name: 'batch',
    run: (count: number) => batchForm(queue, load, count),
    counts: () => countsOf(nexus),
    target,
  }
  await batch.run(2 * depth)
  load.trust()
  const close = async () => {
    await native.close()
    await queue.close()
    await target.close()
  }
  return { contestants: [batch, native.contestant('memcpy')], close }
}
