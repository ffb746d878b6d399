/** A copy from one kernel node to another: parts go from device to device, and come here only where something is wrong with them. */

import { mayBeLost } from '../initiator/loss.ts'
import { copyNodes } from '../sg/node-copy.ts'
import { checkBlockLength, checkMayMoveAgain } from './copy-queue.ts'
import { readerOf, writerOf } from './copy-unit.ts'
import type { Copying } from './copying.ts'

/** Pours from node to node; undefined where the bytes have to come here, or parts are not what a command can move. */
export function pourBetweenNodes(copying: Copying): Promise<void> | undefined {
  const { range, pace, verify, signal, moved } = copying
  const [from, to] = [copying.from.direct, copying.to.direct]
  if (from === undefined || to === undefined || range.length === undefined || verify)
    return undefined
  const most = Math.min(from.unit.maxTransferBytes, to.unit.maxTransferBytes)
  const length = range.length - range.done
  const isWhole = length % from.blockLength === 0 && length % to.blockLength === 0
  if (length === 0 || !isWhole || pace.partBytes > most) return undefined
  const [skip, seek] = [range.skip + range.done, range.seek + range.done]
  const begun = (blocks: typeof from, at: number) => ({
    ...blocks,
    lba: blocks.lba + BigInt(at / blocks.blockLength),
  })
  const [source, sink] = [begun(from, skip), begun(to, seek)]
  const helper = { read: readerOf(source), write: writerOf(sink) }
  const heard = async (sent: Promise<void>) => {
    try {
      await sent
    } catch (error) {
      if (mayBeLost(error)) copying.lost?.(error)
      throw error
    }
  }
  return copyNodes({
    ...pace,
    from: source,
    to: sink,
    length,
    signal,
    redo: async ({ at, length, writing, end }) => {
      checkMayMoveAgain(end)
      await (writing ? heard(checkBlockLength(to)) : checkBlockLength(from))
      const data = await helper.read(at, length)
      signal.throwIfAborted()
      await heard(helper.write(at, data))
    },
    moved: (bytes, frontier) => moved(bytes, range.done + frontier),
    lost: (error) => copying.lost?.(error),
    begun: (written) => copying.begun?.(written),
  })
}
