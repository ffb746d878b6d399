/** Large READs, whose cost is the copy: the ring's batch form, and one thread's memcpy between memory of the same kind and size. */

import { NativeContestants } from '../native.ts'
import { countsOf, TargetProcess } from '../target-process.ts'
import type { Case } from './case.ts'
import { batchForm, DEPTH } from './forms.ts'
import { ReadLoad } from './loads.ts'

const READ_BYTES = 128 << 10
const PROOF = 2 * DEPTH

export const read128k: Case = {
  name: 'read-128k',
  what: `READ of 128 KiB at random blocks of an image over four times the last cache, ${DEPTH} at a time`,
  bytes: READ_BYTES,
  async open(setting) {
    const { placement, nativeProgram, imageBytes, random } = setting
    const target = await TargetProcess.start(setting, imageBytes, false)
    // On the target's CPU, where the ring's copies are made, too.
    const args = ['copies', ...[imageBytes, DEPTH, READ_BYTES].map(String)]
    const native = new NativeContestants(nativeProgram, args, { cpu: placement.there, placement })
    const load = new ReadLoad(imageBytes, READ_BYTES, random)
    const nexus = await target.connect()
    const queue = nexus.unit(0).queue({ depth: DEPTH, dataBytes: READ_BYTES })
    const batch = {
      name: 'batch',
      run: (count: number) => batchForm(queue, load, count),
      counts: () => countsOf(nexus),
    }
    await batch.run(PROOF)
    load.trust()
    const close = async () => {
      await native.close()
      await queue.close()
      await target.close()
    }
    return { contestants: [batch, native.contestant('memcpy')], close }
  },
}
