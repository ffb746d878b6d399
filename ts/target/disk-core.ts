/** What the commands of a disk share: the blocks, what stands between commands and them, and the answers that several give. */

import { SgringError } from '../errors.ts'
import { blockCount, blockLba, blockLbaExact, hasProtect } from '../scsi/block.ts'
import { lunOfWord } from '../scsi/lun.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import { Status } from '../task/command.ts'
import type { Backing, OperationDone, TargetNexus, Task } from '../task/task.ts'
import { answerBackingError, isMediumError, isVanished } from './backing-error.ts'
import { type DiskCounts, DiskLog, noCounts } from './disk-log.ts'
import { DiskMode, type DiskModeOptions } from './disk-mode.ts'
import { DiskState } from './disk-state.ts'
import { illegalRequest, invalidField } from './refusal.ts'
import type { TaskSetOptions, UnitContext } from './unit.ts'

/** What is known of a disk from its start. */
export interface DiskTraits {
  readonly backing: Backing
  /** Bytes in one logical block. */
  readonly blockLength: number
  /** Blocks that one command may move. */
  readonly maxTransferBlocks: number
  /** Writes rest in a volatile cache until they are flushed. */
  readonly volatileCache: boolean
  /** Blocks can be unmapped (SBC-3 4.7.3). */
  readonly thin: boolean
  /** The medium can be taken out. */
  readonly removable: boolean
}

/** The commands that the disk itself carries out. */
export interface OwnCommands {
  read(task: Task): void
  write(task: Task): void
  synchronizeCache(task: Task): void
  inquiry(task: Task): void
}

/** Bytes that one operation of a long command works on: a command that is aborted is over soon. */
const STEP_BYTES = 64 * 1024 * 1024
/** Blocks that COMPARE AND WRITE may name: as many as its field holds (MAXIMUM COMPARE AND WRITE LENGTH, SBC-3 6.6.4). */
export const MAX_COMPARE_AND_WRITE = 255

/** Data-out that is shorter than the command asks for: nothing is done, as by WRITE. */
export const SHORT_DATA_OUT: Answer = illegalRequest(
  SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT,
)
/** The medium is; or only SWP of the control mode page is what keeps it from being written. */
const WRITE_PROTECTED = checkCondition(SenseKey.DATA_PROTECT, SenseCode.WRITE_PROTECTED)
const SOFTWARE_WRITE_PROTECTED = checkCondition(
  SenseKey.DATA_PROTECT,
  SenseCode.LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED,
)

export class DiskCore implements DiskTraits {
  readonly backing: Backing
  readonly blockLength: number
  readonly maxTransferBlocks: number
  readonly volatileCache: boolean
  readonly thin: boolean
  readonly removable: boolean
  readonly own: OwnCommands
  readonly mode: DiskMode
  readonly state: DiskState = new DiskState()
  readonly counts: DiskCounts = noCounts()
  /** Logical blocks. */
  blocks: number
  readonly #contexts: UnitContext[] = []
  #log: DiskLog | undefined

  constructor(traits: DiskTraits, options: TaskSetOptions & DiskModeOptions, own: OwnCommands) {
    this.own = own
    this.backing = traits.backing
    this.blockLength = traits.blockLength
    this.maxTransferBlocks = traits.maxTransferBlocks
    this.volatileCache = traits.volatileCache
    this.thin = traits.thin
    this.removable = traits.removable
    this.blocks = Math.floor(traits.backing.lengthBytes / traits.blockLength)
    this.mode = new DiskMode(
      {
        backing: this.backing,
        medium: () => ({
          blocks: this.blocks,
          blockLength: this.blockLength,
          readOnly: this.backing.readOnly,
          volatileCache: this.volatileCache,
        }),
        taskAbortedStatus: options.taskAbortedStatus ?? false,
        failed: (errno) => this.failed(errno, 'write'),
        tellOthers: (task, code) => this.tellOthers(task, code),
      },
      options,
    )
  }

  /** Its log pages: most of thousands of disks are never asked. */
  get log(): DiskLog {
    this.#log ??= new DiskLog(this)
    return this.#log
  }

  /** See `Disk.resized`. */
  resized(): void {
    const blocks = Math.floor(this.backing.lengthBytes / this.blockLength)
    if (blocks < 1) {
      throw new SgringError(
        'ERR_SGRING_BACKING',
        `${this.backing.lengthBytes} bytes are too few for one block of ${this.blockLength}`,
      )
    }
    if (blocks === this.blocks) return
    this.blocks = blocks
    this.tell(SenseCode.CAPACITY_DATA_HAS_CHANGED)
  }

  attach(context: UnitContext): void {
    this.#contexts.push(context)
  }

  /** Establishes a unit attention condition for every nexus but `except`, wherever the disk stands. */
  tell(code: number, except?: TargetNexus): void {
    for (const one of this.#contexts) one.attention(code, except === undefined ? {} : { except })
  }

  /** As `tell`, except for the nexus that has sent the task, and so knows, at the LUN where it does (SPC-4 5.11). */
  tellOthers(task: Task, code: number): void {
    const lun = lunOfWord(task.lun)
    for (const context of this.#contexts) {
      context.attention(code, context.lun === lun ? { except: task.nexus } : {})
    }
  }

  /**
   * Whether all of these blocks are there, and no more than one command may move, and no protection information is asked for. An LBA beyond
   * 2^53-1 is rounded and still larger than any `blocks`; more blocks than there are leave a negative number.
   */
  isInRange(cdb: Uint8Array, blocks: number): boolean {
    return (
      blockLba(cdb) <= this.blocks - blocks && blocks <= this.maxTransferBlocks && !hasProtect(cdb)
    )
  }

  /** The bytes of the blocks that a command names: an LBA, and so many. */
  rangeOf(cdb: Uint8Array): { readonly offset: number; readonly length: number } {
    const { blockLength } = this
    return { offset: blockLba(cdb) * blockLength, length: blockCount(cdb) * blockLength }
  }

  /**
   * Why a command with these blocks gets no further, if so: protection information, more than `most` blocks, or blocks that are not there.
   */
  refusal(
    cdb: Uint8Array,
    blocks: number,
    most: number = this.maxTransferBlocks,
  ): Answer | undefined {
    if (hasProtect(cdb)) return invalidField(1, 7)
    if (blocks > most) return invalidField(lengthField(cdb[0]!), 7)
    return blockLba(cdb) > this.blocks - blocks ? this.outOfRange(blockLbaExact(cdb)) : undefined
  }

  /** The answer to what would write, where nothing may. */
  get writeProtected(): Answer {
    return this.backing.readOnly ? WRITE_PROTECTED : SOFTWARE_WRITE_PROTECTED
  }

  /** INFORMATION has the first LBA that is not there (SBC-3 4.18.1). */
  outOfRange(lba: bigint): Answer {
    const end = BigInt(this.blocks)
    return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE, {
      information: lba > end ? lba : end,
      // Fixed format has no room for an address of 64 bits.
      descriptor: this.mode.descriptorSense,
    })
  }

  /**
   * The answer for an errno of the backing, which is counted where it is an error of the medium.
   *
   * @param range the bytes that it was about: if some of them are cut off meanwhile, that is what is wrong
   */
  failed(
    errno: number,
    doing: 'read' | 'write' | 'verify',
    range?: { readonly offset: number; readonly length: number },
  ): Answer {
    if (isVanished(errno)) this.state.vanish()
    if (range !== undefined && range.offset + range.length > this.blocks * this.blockLength) {
      return this.outOfRange(BigInt(Math.floor(range.offset / this.blockLength)))
    }
    const answer = answerBackingError(errno, doing === 'write' ? 'write' : 'read')
    if (isMediumError(answer)) this.counts[ERRORS[doing]] += 1
    return answer
  }

  /** Goes on when what the cache holds is on the medium: what is read then is what the medium has. */
  flushed(task: Task, then: (task: Task) => void): void {
    if (!this.volatileCache) {
      then(task)
      return
    }
    task.flush(this.backing, (same, errno) => {
      if (errno === 0) then(same)
      else same.answer(this.failed(errno, 'write'))
    })
  }

  /**
   * Has the backing do something with a range of any length, in steps: `done` is called with the first errno, or with the sum of what the
   * steps found out, up to the first comparison that did not come out.
   */
  operate(
    task: Task,
    operation: 'verify' | 'load' | 'compare' | 'fill' | 'fillOrRelease' | 'release',
    range: { readonly offset: number; readonly length: number; readonly data?: number },
    done: OperationDone,
    found = 0,
  ): void {
    const { offset, length, data = 0 } = range
    const step = Math.min(length, STEP_BYTES)
    task.operate(this.backing, operation, { offset, length: step, data }, (same, errno, value) => {
      const over = step === length || (operation === 'compare' && value < step)
      if (errno !== 0 || over) done(same, errno, found + value)
      else {
        const rest = { offset: offset + step, length: length - step, data }
        this.operate(same, operation, rest, done, found + value)
      }
    })
  }
}

const ERRORS = { read: 'readErrors', write: 'writeErrors', verify: 'verifyErrors' } as const

/** GOOD for a command that took `taken` bytes of data-out. */
export function took(taken: number): Answer {
  return { status: Status.GOOD, taken }
}

/** The first byte of TRANSFER LENGTH, or whatever the command calls its number of blocks. */
export function lengthField(opcode: number): number {
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
