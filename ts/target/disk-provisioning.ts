/** Commands about blocks without moving them: UNMAP, WRITE SAME, GET LBA STATUS, PRE-FETCH (SBC-3 clause 5, 4.7.3). */

import { blockCount, blockLba, blockLbaExact } from '../scsi/block.ts'
import { encodeLbaStatus, type LbaExtent, ProvisioningStatus } from '../scsi/block-provisioning.ts'
import { getUint16, getUint32, getUint64 } from '../scsi/bytes.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, good, status } from '../task/answer.ts'
import { Status } from '../task/command.ts'
import type { Task } from '../task/task.ts'
import { type DiskCore, SHORT_DATA_OUT, took } from './disk-core.ts'
import { illegalRequest, invalidField } from './refusal.ts'

/** MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT and MAXIMUM UNMAP LBA COUNT (SBC-3 6.6.4). */
export const MAX_UNMAP_DESCRIPTORS = 256
export const MAX_UNMAP_BLOCKS = 0xffff_ffff
/** LBA status descriptors that one answer has at most. */
const MAX_LBA_DESCRIPTORS = 256

const HEADER = 8
const DESCRIPTOR = 16

/** UNMAP (SBC-3 5.28): nothing is unmapped unless all of it can be. What is unmapped reads as zeros. */
export function unmap(core: DiskCore, task: Task): void {
  const { cdb } = task
  const length = getUint16(cdb, 7)
  core.counts.writeCommands += 1
  if ((cdb[1]! & 1) !== 0) {
    // ANCHOR: there is no such state here (ANC_SUP 0).
    task.answer(invalidField(1, 0))
  } else if (length === 0) {
    task.good()
  } else if (length < HEADER) {
    task.answer(illegalRequest(SenseCode.PARAMETER_LIST_LENGTH_ERROR))
  } else if (task.dataOutLength < length) {
    task.answer(SHORT_DATA_OUT)
  } else {
    const ranges = readUnmapList(core, task.copyDataOut(length))
    if ('status' in ranges) task.answer(ranges)
    else unmapFrom(core, task, ranges, 0, length)
  }
}

interface Blocks {
  readonly lba: number
  readonly blocks: number
}

function readUnmapList(core: DiskCore, list: Uint8Array): readonly Blocks[] | Answer {
  // A last descriptor that is not whole is ignored (SBC-3 5.28.2).
  const described = Math.min(getUint16(list, 2), list.length - HEADER)
  const count = Math.floor(described / DESCRIPTOR)
  if (count > MAX_UNMAP_DESCRIPTORS) {
    return illegalRequest(SenseCode.INVALID_FIELD_IN_PARAMETER_LIST)
  }
  const ranges: Blocks[] = []
  let total = 0
  for (let n = 0; n < count; n++) {
    const at = HEADER + n * DESCRIPTOR
    const lba = getUint64(list, at)
    const blocks = getUint32(list, at + 8)
    total += blocks
    if (lba + BigInt(blocks) > BigInt(core.blocks)) return core.outOfRange(lba)
    if (blocks > 0) ranges.push({ lba: Number(lba), blocks })
  }
  return total > MAX_UNMAP_BLOCKS
    ? illegalRequest(SenseCode.INVALID_FIELD_IN_PARAMETER_LIST)
    : ranges
}

function unmapFrom(
  core: DiskCore,
  task: Task,
  ranges: readonly Blocks[],
  index: number,
  taken: number,
): void {
  const range = ranges[index]
  if (range === undefined) {
    task.answer(took(taken))
    return
  }
  const bytes = { offset: range.lba * core.blockLength, length: range.blocks * core.blockLength }
  core.operate(task, 'release', bytes, (same, errno) => {
    if (errno === 0) unmapFrom(core, same, ranges, index + 1, taken)
    else same.answer(core.failed(errno, 'write', bytes))
  })
}

const WriteSame = { ANCHOR: 0x10, UNMAP: 0x08, OBSOLETE: 0x06, NDOB: 0x01 } as const

/** WRITE SAME(10) and (16) (SBC-3 5.43): one block as often as there are blocks; 0 is to the end (WSNZ 0). */
export function writeSame(core: DiskCore, task: Task): void {
  const { cdb } = task
  const flags = cdb[1]!
  const named = blockCount(cdb)
  const lba = blockLba(cdb)
  const blocks = named === 0 ? Math.max(core.blocks - lba, 1) : named
  const noDataOut = cdb[0] === Opcode.WRITE_SAME_16 && (flags & WriteSame.NDOB) !== 0
  const data = noDataOut ? 0 : core.blockLength
  const refusal = core.refusal(cdb, blocks, Number.POSITIVE_INFINITY) ?? writeSameFlags(core, flags)
  if (refusal !== undefined) task.answer(refusal)
  else if (task.dataOutLength < data) task.answer(SHORT_DATA_OUT)
  else {
    const range = { offset: lba * core.blockLength, length: blocks * core.blockLength, data }
    // With UNMAP, blocks that read as zeros when they are unmapped may be; others are written (SBC-3 4.7.3.4.4).
    const operation = (flags & WriteSame.UNMAP) !== 0 ? 'fillOrRelease' : 'fill'
    core.operate(task, operation, range, (same, errno) => {
      if (errno === 0) core.counts.otherWrittenBytes += range.length
      if (errno !== 0) same.answer(core.failed(errno, 'write', range))
      else if (!core.mode.writesThrough) same.answer(took(data))
      else core.flushed(same, (flushed) => flushed.answer(took(data)))
    })
  }
}

function writeSameFlags(core: DiskCore, flags: number): Answer | undefined {
  // ANCHOR is for UNMAP, and for units that anchor; PBDATA and LBDATA would ask for blocks that are not the same.
  if ((flags & WriteSame.ANCHOR) !== 0) return invalidField(1, 4)
  if ((flags & WriteSame.UNMAP) !== 0 && !core.thin) return invalidField(1, 3)
  return (flags & WriteSame.OBSOLETE) === 0 ? undefined : invalidField(1, 2)
}

/** GET LBA STATUS (SBC-3 5.4), from the LBA on as far as the allocation length has room for. */
export function lbaStatus(core: DiskCore, task: Task): void {
  const { cdb } = task
  const lba = blockLba(cdb)
  if (lba >= core.blocks) {
    task.answer(core.outOfRange(blockLbaExact(cdb)))
    return
  }
  const room = Math.floor((getUint32(cdb, 10) - HEADER) / DESCRIPTOR)
  const most = Math.min(Math.max(room, 1), MAX_LBA_DESCRIPTORS)
  addExtent(core, task, lba, [], most)
}

function addExtent(
  core: DiskCore,
  task: Task,
  lba: number,
  extents: LbaExtent[],
  most: number,
): void {
  const last = extents.at(-1)
  if (lba >= core.blocks || extents.length === most) {
    const data = encodeLbaStatus(extents)
    task.answer(good(data.subarray(0, getUint32(task.cdb, 10))))
    return
  }
  const range = { offset: lba * core.blockLength, length: 0 }
  task.operate(core.backing, 'extent', range, (same, errno, value) => {
    if (errno !== 0) {
      same.answer(core.failed(errno, 'read', { ...range, length: core.blockLength }))
      return
    }
    const length = Math.floor(value / 2)
    // A block that takes room in part takes it.
    const free = value % 2 === 0 ? Math.floor(length / core.blockLength) : 0
    const whole = free > 0 ? free : Math.ceil(length / core.blockLength)
    const blocks = Math.min(whole, core.blocks - lba, 0xffff_ffff)
    const provisioning = free > 0 ? ProvisioningStatus.DEALLOCATED : ProvisioningStatus.MAPPED
    if (last?.status === provisioning && last.blocks + blocks <= 0xffff_ffff) {
      extents[extents.length - 1] = { ...last, blocks: last.blocks + blocks }
    } else {
      extents.push({ lba: BigInt(lba), blocks, status: provisioning })
    }
    addExtent(core, same, lba + blocks, extents, most)
  })
}

const CONDITION_MET = status(Status.CONDITION_MET)

/**
 * PRE-FETCH(10) and (16) (SBC-3 5.8, 5.9): CONDITION MET when all blocks are in the cache, GOOD for more than it is for. 0 is to the end.
 * IMMED allows an earlier answer, and is not used.
 */
export function preFetch(core: DiskCore, task: Task): void {
  const { cdb } = task
  const named = blockCount(cdb)
  const lba = blockLba(cdb)
  const refusal = core.refusal(cdb, named, Number.POSITIVE_INFINITY)
  if (refusal !== undefined) {
    task.answer(refusal)
    return
  }
  const wanted = named === 0 ? core.blocks - lba : named
  const blocks = Math.min(wanted, core.maxTransferBlocks)
  const range = { offset: lba * core.blockLength, length: blocks * core.blockLength }
  core.operate(task, 'load', range, (same, errno) => {
    if (errno !== 0) same.answer(core.failed(errno, 'read', range))
    else if (blocks === wanted) same.answer(CONDITION_MET)
    else same.good()
  })
}
