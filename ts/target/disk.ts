/** The device server of a disk (SBC-3): direct-access block device over a backing. */

import { SgringError } from '../errors.ts'
import { blockCount, blockLba, blockLbaExact, hasFua } from '../scsi/block.ts'
import { DeviceType } from '../scsi/inquiry.ts'
import { Opcode } from '../scsi/opcode.ts'
import type { Backing, TargetNexus, Task, TransferDone } from '../task/task.ts'
import { diskCommands } from './disk-commands.ts'
import { DiskCore, type DiskTraits, SHORT_DATA_OUT } from './disk-core.ts'
import type { DiskModeOptions } from './disk-mode.ts'
import type { CommandTable } from './disk-opcodes.ts'
import { diskPages } from './disk-pages.ts'
import { ANY_UNIT, checkText, type IdentityOptions, serialOf } from './identity.ts'
import { answerInquiry, type InquiryPages } from './inquiry.ts'
import type { KeptCondition } from './kept-condition.ts'
import { type Repetition, repetitionOf } from './repetition.ts'
import type { TaskSetOptions, Unit, UnitContext } from './unit.ts'

export interface DiskOptions extends IdentityOptions, TaskSetOptions, DiskModeOptions {
  readonly backing: Backing
  /** Bytes in one logical block. Bytes of the backing that make no whole block are left out. Default: 512. */
  readonly blockLength?: 512 | 4096
  /** 1 to 8 characters of T10 vendor identification. Default: `sgring`. */
  readonly vendor?: string
  /** 1 to 16 characters of product identification. Default: `DISK IN MEMORY` or `DISK IN A FILE`. */
  readonly product?: string
  /** 1 to 4 characters of product revision level. Default: this package's. */
  readonly revision?: string
  /**
   * Thin provisioning (SBC-3 4.7.3): UNMAP and WRITE SAME give room back, blocks without room read as zeros, and GET LBA STATUS tells which
   * they are. Default: false.
   */
  readonly thin?: boolean
  /** The medium can be ejected and loaded (START STOP UNIT), unless a nexus prevents it. Default: false. */
  readonly removable?: boolean
  /** Bytes that one command may move: MAXIMUM TRANSFER LENGTH of VPD page B0h. Default: 32 MiB. */
  readonly maxTransferBytes?: number
}

/** Bytes in one logical block where nobody says. */
export const DEFAULT_BLOCK_LENGTH = 512
const MAX_TRANSFER_BYTES = 32 * 1024 * 1024

/** A disk. READ, WRITE and TEST UNIT READY allocate nothing on their way through. */
export class Disk implements Unit {
  readonly deviceType: number = DeviceType.DIRECT_ACCESS_BLOCK
  readonly serial: string
  readonly maxTasks: number | undefined
  readonly maxRunning: number | undefined
  readonly #vendor: string
  readonly #product: string
  readonly #revision: string
  readonly #core: DiskCore
  readonly #commands: CommandTable
  #pages: InquiryPages | undefined

  /**
   * @throws `ERR_SGRING_BACKING` for a backing without a single block, `ERR_SGRING_INVALID_ARGUMENT` for options outside their range
   */
  constructor(options: DiskOptions) {
    const traits = traitsOf(options)
    this.maxTasks = options.maxTasks
    this.maxRunning = options.maxRunning
    this.serial = serialOf(options)
    const isMemory = traits.backing.kind === 'memory'
    const product = options.product ?? (isMemory ? 'DISK IN MEMORY' : 'DISK IN A FILE')
    this.#product = checkText('product', product, 16)
    this.#vendor = checkText('vendor', options.vendor ?? ANY_UNIT.vendor, 8)
    this.#revision = checkText('revision', options.revision ?? ANY_UNIT.revision, 4)
    this.#core = new DiskCore(traits, options, {
      read: (task) => this.#read(task),
      write: (task) => this.#write(task),
      synchronizeCache: (task) => this.#synchronizeCache(task),
      inquiry: (task) => task.answer(answerInquiry(this.#inquiryPages(), task.cdb)),
    })
    this.#commands = diskCommands(traits)
  }

  /** Bytes in one logical block. */
  get blockLength(): number {
    return this.#core.blockLength
  }

  /** Logical blocks. */
  get blocks(): number {
    return this.#core.blocks
  }

  get taskAbortedStatus(): boolean {
    return this.#core.mode.taskAbortedStatus
  }

  get descriptorSense(): boolean {
    return this.#core.mode.descriptorSense
  }

  get queueError(): number {
    return this.#core.mode.queueError
  }

  /**
   * The backing has another length: every nexus is told (CAPACITY DATA HAS CHANGED). Commands that run are about the blocks that there were.
   *
   * @throws `ERR_SGRING_BACKING` for a backing without a single block; nothing is changed then
   */
  resized(): void {
    this.#core.resized()
  }

  /** @internal What an earlier target has left of the medium, and where it is noted from now on. */
  keep(condition: KeptCondition): void {
    this.#core.state.keep(condition)
  }

  attach(context: UnitContext): void {
    this.#core.attach(context)
  }

  reset(): void {
    this.#core.mode.reset()
    this.#core.state.reset()
  }

  nexusEnded(nexus: TargetNexus): void {
    this.#core.state.prevent(nexus, false)
  }

  repetition(cdb: Uint8Array, length: number): Repetition {
    return repetitionOf(cdb, length, this.deviceType)
  }

  execute(task: Task): void {
    if (!this.#core.state.clear) {
      this.#other(task)
      return
    }
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
        task.good()
        break
      default:
        this.#other(task)
    }
  }

  /** Whatever the table has, with all that may stand in its way. */
  #other(task: Task): void {
    const { cdb } = task
    const core = this.#core
    const found = this.#commands.find(cdb)
    if ('status' in found) {
      task.answer(found)
      return
    }
    const instead = core.state.answer(cdb, found.access)
    if (instead !== undefined) task.answer(instead)
    else if (found.writes && core.mode.writeProtected) task.answer(core.writeProtected)
    else found.run(core, task)
  }

  /** Data-in room that is smaller than the blocks gets what fits, and the residual says so (as RFC 7143 11.4.5.2 has it). */
  #read(task: Task): void {
    const { cdb } = task
    const core = this.#core
    const blocks = blockCount(cdb)
    core.counts.readCommands += 1
    if (!core.isInRange(cdb, blocks)) task.answer(core.refusal(cdb, blocks)!)
    else if (blocks === 0) task.good()
    else if (this.#fromMedium(cdb)) task.flush(core.backing, this.#flushedToRead)
    else this.#startRead(task)
  }

  /** FUA, or RCD of the caching page, where there is a cache to pass by. */
  #fromMedium(cdb: Uint8Array): boolean {
    const { mode, volatileCache } = this.#core
    return mode.readsThrough || (volatileCache && hasFua(cdb))
  }

  #startRead(task: Task): void {
    const { backing, blockLength } = this.#core
    const length = Math.min(blockCount(task.cdb) * blockLength, task.dataInLength)
    task.read(backing, blockLba(task.cdb) * blockLength, length, this.#hasRead)
  }

  /**
   * Data-out shorter than the blocks is refused, with nothing written (0Eh 03h, as Linux LIO answers it): GOOD would say that all of
   * them are. Of longer data-out the residual says what was not taken.
   */
  #write(task: Task): void {
    const { cdb, dataOutLength } = task
    const core = this.#core
    const blocks = blockCount(cdb)
    const length = blocks * core.blockLength
    core.counts.writeCommands += 1
    if (core.mode.writeProtected) {
      task.answer(core.writeProtected)
    } else if (!core.isInRange(cdb, blocks)) {
      task.answer(core.refusal(cdb, blocks)!)
    } else if (blocks === 0) {
      task.good()
    } else if (dataOutLength < length) {
      task.answer(SHORT_DATA_OUT)
    } else {
      const offset = blockLba(cdb) * core.blockLength
      const fua = core.mode.writesThrough || hasFua(cdb)
      task.write(core.backing, offset, length, fua, this.#hasWritten)
    }
  }

  /** All of the cache, whichever blocks are named. IMMED allows an earlier answer, and is not used: so no error is ever deferred. */
  #synchronizeCache(task: Task): void {
    const core = this.#core
    if (blockLba(task.cdb) > core.blocks - blockCount(task.cdb)) {
      task.answer(core.outOfRange(blockLbaExact(task.cdb)))
    } else {
      core.flushed(task, (same) => same.good())
    }
  }

  // One function a disk, not one a command.

  readonly #hasRead: TransferDone = (task, errno) => {
    if (errno !== 0) {
      task.answer(this.#core.failed(errno, 'read', this.#core.rangeOf(task.cdb)))
      return
    }
    const length = blockCount(task.cdb) * this.blockLength
    this.#core.counts.readBytes += Math.min(length, task.dataInLength)
    task.moved(length)
  }

  readonly #hasWritten: TransferDone = (task, errno) => {
    if (errno !== 0) {
      task.answer(this.#core.failed(errno, 'write', this.#core.rangeOf(task.cdb)))
      return
    }
    const length = blockCount(task.cdb) * this.blockLength
    this.#core.counts.writtenBytes += length
    task.moved(length)
  }

  /** READ with FUA: what the cache holds is on the medium first, so what is read is what the medium has (SBC-3 4.15). */
  readonly #flushedToRead: TransferDone = (task, errno) => {
    if (errno === 0) this.#startRead(task)
    else task.answer(this.#core.failed(errno, 'write'))
  }

  #inquiryPages(): InquiryPages {
    this.#pages ??= diskPages(this.#core, {
      vendor: this.#vendor,
      product: this.#product,
      revision: this.#revision,
      serial: this.serial,
    })
    return this.#pages
  }
}

/** @throws as the constructor */
function traitsOf(options: DiskOptions): DiskTraits {
  const { backing, blockLength = DEFAULT_BLOCK_LENGTH, thin = false, removable = false } = options
  const { maxTransferBytes = MAX_TRANSFER_BYTES } = options
  if (blockLength !== 512 && blockLength !== 4096) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'blockLength must be 512 or 4096')
  }
  const maxTransferBlocks = Math.floor(maxTransferBytes / blockLength)
  if (!(maxTransferBlocks >= 1 && maxTransferBlocks <= 0xffff_ffff)) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `maxTransferBytes must hold 1 to ${0xffff_ffff} blocks, not ${maxTransferBytes} bytes`,
    )
  }
  if (backing.lengthBytes < blockLength) {
    throw new SgringError(
      'ERR_SGRING_BACKING',
      `${backing.lengthBytes} bytes are too few for one block of ${blockLength}`,
    )
  }
  const { volatileCache } = backing
  return { backing, blockLength, maxTransferBlocks, volatileCache, thin, removable }
}
