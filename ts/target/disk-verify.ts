/** Commands that compare or mix data-out with blocks: VERIFY, WRITE AND VERIFY, COMPARE AND WRITE, ORWRITE (SBC-3 clause 5). */

import { blockCount, blockLba, hasFua } from '../scsi/block.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import type { Task } from '../task/task.ts'
import { type DiskCore, MAX_COMPARE_AND_WRITE, SHORT_DATA_OUT, took } from './disk-core.ts'
import { invalidField } from './refusal.ts'

/** BYTCHK (SBC-3 5.29): with what blocks are compared. */
const ByteCheck = { MEDIUM: 0, EACH: 1, RESERVED: 2, ONE: 3 } as const

/** VERIFY(10), (12), (16): what the medium has, and not what a cache has. */
export function verify(core: DiskCore, task: Task): void {
  const { cdb } = task
  const blocks = blockCount(cdb)
  const check = (cdb[1]! >> 1) & 3
  const length = blocks * core.blockLength
  const data = check === ByteCheck.MEDIUM ? 0 : check === ByteCheck.EACH ? length : core.blockLength
  const most = check === ByteCheck.EACH ? core.maxTransferBlocks : Number.POSITIVE_INFINITY
  const refusal =
    check === ByteCheck.RESERVED ? invalidField(1, 2) : core.refusal(cdb, blocks, most)
  if (refusal !== undefined) task.answer(refusal)
  else if (blocks === 0) task.good()
  else if (task.dataOutLength < data) task.answer(SHORT_DATA_OUT)
  else core.flushed(task, (same) => verifyMedium(core, same, blockLba(cdb), length, data))
}

/** WRITE AND VERIFY(10), (12), (16): written to the medium, then verified there. */
export function writeAndVerify(core: DiskCore, task: Task): void {
  const { cdb } = task
  const blocks = blockCount(cdb)
  const check = (cdb[1]! >> 1) & 3
  const length = blocks * core.blockLength
  // 11b is VERIFY's alone.
  core.counts.writeCommands += 1
  const refusal = check > ByteCheck.EACH ? invalidField(1, 2) : core.refusal(cdb, blocks)
  if (refusal !== undefined) task.answer(refusal)
  else if (blocks === 0) task.good()
  else if (task.dataOutLength < length) task.answer(SHORT_DATA_OUT)
  else {
    const lba = blockLba(cdb)
    task.write(core.backing, lba * core.blockLength, length, true, (same, errno) => {
      if (errno !== 0) {
        same.answer(core.failed(errno, 'write', core.rangeOf(same.cdb)))
        return
      }
      core.counts.writtenBytes += length
      verifyMedium(core, same, lba, length, check === ByteCheck.EACH ? length : 0, length)
    })
  }
}

/** @param data bytes of data-out to compare with: none, all, or one block for all @param taken bytes of data-out that it has taken */
function verifyMedium(
  core: DiskCore,
  task: Task,
  lba: number,
  length: number,
  data: number,
  taken: number = data,
): void {
  const operation = data === 0 ? 'verify' : 'compare'
  const range = { offset: lba * core.blockLength, length, data }
  core.operate(task, operation, range, (same, errno, equal) => {
    if (errno !== 0) {
      same.answer(core.failed(errno, 'verify', range))
      return
    }
    const done = data === 0 ? length : equal
    core.counts.verifiedBytes += done
    if (done === length) same.answer(took(taken))
    else same.answer(miscompare(equal % data, taken))
  })
}

/**
 * COMPARE AND WRITE (SBC-3 5.2): as one step, between which nobody reads or writes the blocks. Data-out has the blocks twice: as they are
 * expected, and as they shall be.
 */
export function compareAndWrite(core: DiskCore, task: Task): void {
  const { cdb } = task
  const blocks = cdb[13]!
  const length = blocks * core.blockLength
  const most = Math.min(MAX_COMPARE_AND_WRITE, core.maxTransferBlocks)
  const refusal = blocks > most ? invalidField(13, 7) : core.refusal(cdb, blocks)
  if (refusal !== undefined) task.answer(refusal)
  else if (blocks === 0) task.good()
  else if (task.dataOutLength < 2 * length) task.answer(SHORT_DATA_OUT)
  else {
    const range = {
      offset: blockLba(cdb) * core.blockLength,
      length,
      data: 2 * length,
      fua: core.mode.writesThrough || hasFua(cdb),
    }
    task.operate(core.backing, 'compareAndWrite', range, (same, errno, equal) => {
      if (errno !== 0) same.answer(core.failed(errno, 'write', range))
      else if (equal === length) {
        core.counts.otherWrittenBytes += length
        same.answer(took(2 * length))
      } else same.answer(miscompare(equal, 2 * length))
    })
  }
}

/** ORWRITE(16) (SBC-3 5.5): sets bits. */
export function orWrite(core: DiskCore, task: Task): void {
  const { cdb } = task
  const blocks = blockCount(cdb)
  const length = blocks * core.blockLength
  const refusal = core.refusal(cdb, blocks)
  if (refusal !== undefined) task.answer(refusal)
  else if (blocks === 0) task.good()
  else if (task.dataOutLength < length) task.answer(SHORT_DATA_OUT)
  else {
    const range = {
      offset: blockLba(cdb) * core.blockLength,
      length,
      data: length,
      fua: core.mode.writesThrough || hasFua(cdb),
    }
    task.operate(core.backing, 'orWrite', range, (same, errno) => {
      if (errno === 0) core.counts.otherWrittenBytes += length
      same.answer(errno === 0 ? took(length) : core.failed(errno, 'write', range))
    })
  }
}

/** INFORMATION has where in the data-out the first byte is that is not the same (SBC-3 5.2). */
function miscompare(offset: number, taken: number): Answer {
  const code = SenseCode.MISCOMPARE_DURING_VERIFY_OPERATION
  return { ...checkCondition(SenseKey.MISCOMPARE, code, { information: offset }), taken }
}
