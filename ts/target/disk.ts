/** The device server of a disk (SBC-3): direct-access block device over a backing. */

import { SgringError } from '../errors.ts'
import { blockCount, blockLba, blockLbaExact, hasFua, hasProtect } from '../scsi/block.ts'
import { getUint32 } from '../scsi/bytes.ts'
import { encodeCapacity10, encodeCapacity16 } from '../scsi/capacity.ts'
import { Opcode, ServiceActionIn16 } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition, good } from '../task/answer.ts'
import type { Backing, Task, TransferDone } from '../task/task.ts'
import { answerBackingError, isVanished, VANISHED } from './backing-error.ts'
import { DiskMode, type DiskModeOptions } from './disk-mode.ts'
import { diskPages } from './disk-pages.ts'
import { checkText, type IdentityOptions, serialOf } from './identity.ts'
import { answerInquiry, type InquiryPages } from './inquiry.ts'
import { illegalRequest, invalidField, unknownOpcode } from './refusal.ts'
import { answerRequestSense } from './request-sense.ts'
import type { TaskSetOptions, Unit, UnitContext } from './unit.ts'

export interface DiskOptions extends IdentityOptions, TaskSetOptions, DiskModeOptions {
  readonly backing: Backing
  /** Bytes in one logical block. Bytes of the backing that make no whole block are left out. Default: 512. */
  readonly blockLength?: 512 | 4096
  /** 1 to 16 characters of product identification. Default: `DISK IN MEMORY` or `DISK IN A FILE`. */
  readonly product?: string
  /** Bytes that one command may move: MAXIMUM TRANSFER LENGTH of VPD page B0h. Default: 32 MiB. */
  readonly maxTransferBytes?: number
}

/** Bytes in one logical block where nobody says. */
export const DEFAULT_BLOCK_LENGTH = 512
const MAX_TRANSFER_BYTES = 32 * 1024 * 1024

/** A disk. READ, WRITE and TEST UNIT READY allocate nothing on their way through. */
export class Disk implements Unit {
  readonly blockLength: number
  /** Logical blocks. */
  readonly blocks: number
  readonly serial: string
  readonly maxTasks: number | undefined
  readonly maxRunning: number | undefined
  readonly #backing: Backing
  readonly #product: string
  readonly #maxTransferBlocks: number
  /** Writes rest in a volatile cache, the page cache, until they are flushed. Memory is its own medium. */
  readonly #volatileCache: boolean
  readonly #mode: DiskMode
  #vanished = false
  #pages: InquiryPages | undefined

  /**
   * @throws `ERR_SGRING_BACKING` for a backing without a single block, `ERR_SGRING_INVALID_ARGUMENT` for options outside their range
   */
  constructor(options: DiskOptions) {
    const {
      backing,
      blockLength = DEFAULT_BLOCK_LENGTH,
      maxTransferBytes = MAX_TRANSFER_BYTES,
    } = options
    if (blockLength !== 512 && blockLength !== 4096) {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'blockLength must be 512 or 4096')
    }
    this.maxTasks = options.maxTasks
    this.maxRunning = options.maxRunning
    this.#backing = backing
    this.#volatileCache = backing.kind === 'file' && !backing.readOnly
    this.#product =
      options.product ?? (backing.kind === 'memory' ? 'DISK IN MEMORY' : 'DISK IN A FILE')
    this.#maxTransferBlocks = Math.floor(maxTransferBytes / blockLength)
    this.blockLength = blockLength
    this.blocks = Math.floor(backing.lengthBytes / blockLength)
    this.serial = serialOf(options)
    if (!(this.#maxTransferBlocks >= 1 && this.#maxTransferBlocks <= 0xffff_ffff)) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        `maxTransferBytes must hold 1 to ${0xffff_ffff} blocks, not ${maxTransferBytes} bytes`,
      )
    }
    checkText('product', this.#product, 16)
    if (this.blocks < 1) {
      throw new SgringError(
        'ERR_SGRING_BACKING',
        `${backing.lengthBytes} bytes are too few for one block of ${blockLength}`,
      )
    }
    this.#mode = new DiskMode(
      {
        backing,
        medium: () => ({
          blocks: this.blocks,
          blockLength,
          readOnly: backing.readOnly,
          volatileCache: this.#volatileCache,
        }),
        taskAbortedStatus: options.taskAbortedStatus ?? false,
        failed: (errno) => this.#failed(errno, 'write'),
      },
      options,
    )
  }

  get taskAbortedStatus(): boolean {
    return this.#mode.taskAbortedStatus
  }

  get descriptorSense(): boolean {
    return this.#mode.descriptorSense
  }

  attach(context: UnitContext): void {
    this.#mode.attach(context)
  }

  reset(): void {
    this.#mode.reset()
  }

  execute(task: Task): void {
    switch (task.cdb[0]) {
      case Opcode.READ_6:
      case Opcode.READ_10:
      case Opcode.READ_12:
      case Opcode.READ_16:
        this.#read(task)
        break
      case Opcode.WRITE_6:
      case Opcode.WRITE_10:
      case Opcode.WRITE_12:
      case Opcode.WRITE_16:
        this.#write(task)
        break
      case Opcode.TEST_UNIT_READY:
        if (this.#vanished) task.answer(VANISHED)
        else task.good()
        break
      case Opcode.SYNCHRONIZE_CACHE_10:
      case Opcode.SYNCHRONIZE_CACHE_16:
        this.#synchronizeCache(task)
        break
      case Opcode.MODE_SELECT_6:
      case Opcode.MODE_SELECT_10:
        this.#mode.select(task)
        break
      default:
        task.answer(this.#answer(task.cdb))
    }
  }

  /** Data-in room that is smaller than the blocks gets what fits, and the residual says so (as RFC 7143 11.4.5.2 has it). */
  #read(task: Task): void {
    const { cdb } = task
    const blocks = blockCount(cdb)
    if (!this.#isInRange(cdb, blocks) || hasProtect(cdb)) task.answer(this.#refusal(cdb))
    else if (blocks === 0) task.good()
    else if (this.#fromMedium(cdb)) task.flush(this.#backing, this.#flushedToRead)
    else this.#startRead(task)
  }

  /** FUA, or RCD of the caching page, where there is a cache to pass by. */
  #fromMedium(cdb: Uint8Array): boolean {
    return this.#mode.readsThrough || (this.#volatileCache && hasFua(cdb))
  }

  #startRead(task: Task): void {
    const length = Math.min(blockCount(task.cdb) * this.blockLength, task.dataInLength)
    task.read(this.#backing, blockLba(task.cdb) * this.blockLength, length, this.#hasRead)
  }

  /**
   * Data-out shorter than the blocks is refused, with nothing written (0Eh 03h, as Linux LIO answers it): GOOD would say that all of
   * them are. Of longer data-out the residual says what was not taken.
   */
  #write(task: Task): void {
    const { cdb, dataOutLength } = task
    const blocks = blockCount(cdb)
    const length = blocks * this.blockLength
    if (this.#mode.writeProtected) {
      task.answer(checkCondition(SenseKey.DATA_PROTECT, SenseCode.WRITE_PROTECTED))
    } else if (!this.#isInRange(cdb, blocks) || hasProtect(cdb)) {
      task.answer(this.#refusal(cdb))
    } else if (blocks === 0) {
      task.good()
    } else if (dataOutLength < length) {
      task.answer(illegalRequest(SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT))
    } else {
      const offset = blockLba(cdb) * this.blockLength
      const fua = this.#mode.writesThrough || hasFua(cdb)
      task.write(this.#backing, offset, length, fua, this.#hasWritten)
    }
  }

  /** All of the cache, whichever blocks are named. IMMED allows an earlier answer, and is not used: so no error is ever deferred. */
  #synchronizeCache(task: Task): void {
    if (blockLba(task.cdb) > this.blocks - blockCount(task.cdb))
      task.answer(this.#outOfRange(task.cdb))
    else if (this.#volatileCache) task.flush(this.#backing, this.#hasFlushed)
    else task.good()
  }

  // One function a disk, not one a command.

  readonly #hasRead: TransferDone = (task, errno) => {
    if (errno === 0) task.moved(blockCount(task.cdb) * this.blockLength)
    else task.answer(this.#failed(errno, 'read'))
  }

  readonly #hasWritten: TransferDone = (task, errno) => {
    if (errno === 0) task.moved(blockCount(task.cdb) * this.blockLength)
    else task.answer(this.#failed(errno, 'write'))
  }

  readonly #hasFlushed: TransferDone = (task, errno) => {
    if (errno === 0) task.good()
    else task.answer(this.#failed(errno, 'write'))
  }

  /** READ with FUA: what the cache holds is on the medium first, so what is read is what the medium has (SBC-3 4.15). */
  readonly #flushedToRead: TransferDone = (task, errno) => {
    if (errno === 0) this.#startRead(task)
    else task.answer(this.#failed(errno, 'write'))
  }

  #failed(errno: number, direction: 'read' | 'write'): Answer {
    if (isVanished(errno)) this.#vanished = true
    return answerBackingError(errno, direction)
  }

  /** An LBA beyond 2^53-1 is rounded and still larger than any `blocks`; more blocks than there are leave a negative number. */
  #isInRange(cdb: Uint8Array, blocks: number): boolean {
    return blockLba(cdb) <= this.blocks - blocks && blocks <= this.#maxTransferBlocks
  }

  /** Why a READ or WRITE is not in range, or asks for protection information. */
  #refusal(cdb: Uint8Array): Answer {
    if (hasProtect(cdb)) return invalidField(1, 7)
    if (blockCount(cdb) > this.#maxTransferBlocks) return invalidField(lengthField(cdb[0]!), 7)
    return this.#outOfRange(cdb)
  }

  /** INFORMATION has the first LBA that is not there (SBC-3 4.18.1). */
  #outOfRange(cdb: Uint8Array): Answer {
    const lba = blockLbaExact(cdb)
    const end = BigInt(this.blocks)
    return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE, {
      information: lba > end ? lba : end,
      // Fixed format has no room for an address of 64 bits.
      descriptor: this.#mode.descriptorSense,
    })
  }

  /** The commands that move no blocks. */
  #answer(cdb: Uint8Array): Answer {
    switch (cdb[0]) {
      case Opcode.INQUIRY:
        return answerInquiry(this.#inquiryPages(), cdb)
      case Opcode.REQUEST_SENSE:
        return this.#vanished
          ? answerRequestSense(
              cdb,
              SenseKey.NOT_READY,
              SenseCode.LOGICAL_UNIT_NOT_READY_MANUAL_INTERVENTION_REQUIRED,
            )
          : answerRequestSense(cdb, SenseKey.NO_SENSE, SenseCode.NO_ADDITIONAL_SENSE_INFORMATION)
      case Opcode.READ_CAPACITY_10:
        return good(encodeCapacity10(BigInt(this.blocks) - 1n, this.blockLength))
      case Opcode.SERVICE_ACTION_IN_16:
        return (cdb[1]! & 0x1f) === ServiceActionIn16.READ_CAPACITY_16
          ? good(this.#capacity16().subarray(0, getUint32(cdb, 10)))
          : invalidField(1, 4)
      case Opcode.MODE_SENSE_6:
      case Opcode.MODE_SENSE_10:
        return this.#mode.sense(cdb)
      default:
        return unknownOpcode()
    }
  }

  #inquiryPages(): InquiryPages {
    this.#pages ??= diskPages({
      product: this.#product,
      serial: this.serial,
      maxTransferBlocks: this.#maxTransferBlocks,
      volatileCache: this.#volatileCache,
      solidState: this.#backing.kind === 'memory',
    })
    return this.#pages
  }

  #capacity16(): Uint8Array {
    return encodeCapacity16({
      lastLba: BigInt(this.blocks) - 1n,
      blockLength: this.blockLength,
      protectionType: 0,
      logicalBlocksPerPhysicalBlock: 1,
      lowestAlignedLba: 0,
      provisioning: false,
      unmappedReadsZeros: false,
    })
  }
}

/** The first byte of TRANSFER LENGTH. */
function lengthField(opcode: number): number {
  switch (opcode >> 5) {
    case 0:
      return 4
    case 4:
      return 10
    case 5:
      return 6
    default:
      return 7
  }
}
