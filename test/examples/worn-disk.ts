/**
 * A disk with bad blocks, as disks have them: a READ ends at the first one, with what stands before it, and a WRITE makes it good.
 *
 *     const server = await serve({ listen, units: [{ memory: 1 << 20, handler: wornDisk(new Set([7n]), 512) }] })
 */

import { checkCondition, type Handler, parseBlockCdb, SenseCode, SenseKey, Status } from 'sgring'

/** @param bad the blocks; those that are written leave the set */
export function wornDisk(bad: Set<bigint>, blockLength: number): Handler {
  return async (task, next) => {
    const range = parseBlockCdb(task.cdb)
    const answer = await next()
    if (range === undefined || answer.status !== Status.GOOD) return answer
    const { lba, blocks, write } = range
    const met = [...bad].filter((one) => one >= lba && one < lba + BigInt(blocks))
    if (write) {
      for (const one of met) bad.delete(one)
      return answer
    }
    const [first] = met.sort((a, b) => (a < b ? -1 : 1))
    if (first === undefined) return answer
    // INFORMATION has the block, and the blocks before it are handed over (SBC-3 4.18.1).
    const before = Number(first - lba) * blockLength
    const { UNRECOVERED_READ_ERROR } = SenseCode
    return {
      ...checkCondition(SenseKey.MEDIUM_ERROR, UNRECOVERED_READ_ERROR, { information: first }),
      moved: Math.min(answer.moved ?? 0, before),
    }
  }
}
