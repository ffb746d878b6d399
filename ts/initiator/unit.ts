/** A logical unit, as its user sees it. */

import { SgringError } from '../errors.ts'
import { read16, synchronizeCache10, synchronizeCache16, write16 } from '../scsi/block.ts'
import { badResponse, checkUint, checkUint64 } from '../scsi/bytes.ts'
import { type Capacity16, readCapacity16 } from '../scsi/capacity.ts'
import type { TypedCommand } from '../scsi/command.ts'
import { type Inquiry, inquiry, testUnitReady } from '../scsi/inquiry.ts'
import { lunWord } from '../scsi/lun.ts'
import { type ReportedLuns, reportLuns } from '../scsi/report-luns.ts'
import { parseSense, type Sense, SenseKey } from '../scsi/sense.ts'
import { type Command, type Response, Status } from '../task/command.ts'
import type { FunctionRequest, FunctionResult } from '../task/function.ts'
import { checkCommand, checkFunction, tooLong } from './check.ts'
import { mayBeLost, tellsOfEarlierFailure, tellsOfLoss } from './loss.ts'
import { saysWriteCache } from './mode-sense.ts'
import type { Queue, QueueOptions } from './queue.ts'
import { isNoCommand } from './refused.ts'
import { CheckConditionError, senseText, statusError } from './status-error.ts'
import type { Transport } from './transport.ts'

/** How often a helper sends a command again that was not carried out, to tell a condition instead: they queue up, and each is told once. */
const MAX_AGAIN = 8
/** How much one READ or WRITE of `read()` and `write()` moves at most, and how many of them are under way. */
const PART_BYTES = 1 << 20
const PARTS_AT_ONCE = 4

/** How the typed helpers behave. */
export interface UnitOptions {
  /**
   * `'throw'`: a unit attention condition is an error like any other. A function is asked before the command is sent again: with what it throws, the helper
   * rejects. Default: `'retry'`, up to 8 times, each an event.
   */
  readonly unitAttention?: 'retry' | 'throw' | ((sense: Sense) => void)
}

/** What helpers hand on to `execute()`. */
export type HelperOptions = Pick<
  Command,
  'timeoutMs' | 'signal' | 'onAbort' | 'tag' | 'attribute' | 'priority'
>

/** A range of whole blocks to read. */
export interface ReadRange extends Omit<HelperOptions, 'tag'> {
  /** First block. */
  readonly lba: number | bigint
  /** How many blocks. */
  readonly blocks: number
  /** Where the bytes go: as many as the blocks have. Do not touch it until the promise settles. Default: memory of their own. */
  readonly into?: Uint8Array
  /** Past every cache, from the medium (SBC-3 5.11). Default: false. */
  readonly fua?: boolean
}

/** Whole blocks to write. */
export interface WriteRange extends Omit<HelperOptions, 'tag'> {
  /** First block. */
  readonly lba: number | bigint
  /** A whole number of blocks. Do not change it until the promise settles. */
  readonly data: Uint8Array
  /** On the medium before the promise settles (SBC-3 5.33). Default: false. */
  readonly fua?: boolean
}

/**
 * One logical unit of a target. It belongs to its nexus, which closes it.
 *
 * `execute()` sends any CDB and resolves with any status. The typed helpers throw `CheckConditionError` or `ScsiStatusError` for what is
 * not success, send a command again that met a unit attention condition or an earlier command's RECOVERED ERROR, and take its own
 * RECOVERED ERROR as success.
 */
export class LogicalUnit {
  readonly lun: number
  readonly #transport: Transport
  readonly #lunWord: number
  readonly #options: UnitOptions
  #blockLength: number | undefined

  /** @internal Made by a nexus. */
  constructor(transport: Transport, lun: number, options: UnitOptions = {}) {
    this.lun = lun
    this.#transport = transport
    this.#lunWord = lunWord(lun)
    this.#options = options
  }

  /** Bytes that one command can move. */
  get maxTransferBytes(): number {
    return this.#transport.maxTransferBytes
  }

  /**
   * Sends one command. Resolves with however it ended, whatever its status; never sends it again.
   * Commands wait their turn for a slot, first come first served, up to `maxWaiting`.
   *
   * Rejects with `signal.reason` or `ERR_SGRING_TIMEOUT` (it was aborted, and may have been carried out in part), with
   * `ERR_SGRING_ABORT_UNANSWERED` (nobody knows), with `ERR_SGRING_ABORTED` (a task management function of this nexus or another ended
   * it), with `ERR_SGRING_NEXUS_LOST` or `ERR_SGRING_DELIVERY`, with `ERR_SGRING_BUSY` (it was not sent), or for a wrong call, of which
   * nothing was sent.
   */
  execute(command: Command): Promise<Response> {
    try {
      const wrong = checkCommand(command, this.#transport)
      if (wrong !== undefined) return Promise.reject(wrong)
      return this.#transport.execute(this.#lunWord, command)
    } catch (cause) {
      // A property that throws when it is read.
      return Promise.reject(cause)
    }
  }

  /** Sends a typed command and resolves with what it parsed. */
  async run<T>(typed: TypedCommand<T>, options: HelperOptions = {}): Promise<T> {
    const { cdb, dataOut, dataInLength, parse, parseCheckCondition } = typed
    const command: Command = { ...options, cdb, dataIn: dataInLength, ...(dataOut && { dataOut }) }
    let told: T | undefined
    const isResult = (sense: Sense, data: Uint8Array): boolean => {
      told = parseCheckCondition?.(sense, data)
      return told !== undefined
    }
    const { data } = await this.#succeed(command, { isResult })
    return told === undefined ? parse(data) : told
  }

  /** TEST UNIT READY (SPC-4 6.47): resolves when the unit is ready. */
  testUnitReady(options?: HelperOptions): Promise<void> {
    return this.run(testUnitReady(), options)
  }

  /** INQUIRY, standard data (SPC-4 6.6). */
  inquiry(options?: HelperOptions): Promise<Inquiry> {
    return this.run(inquiry(), options)
  }

  /** READ CAPACITY(16) (SBC-3 5.16). */
  readCapacity(options?: HelperOptions): Promise<Capacity16> {
    return this.run(readCapacity16(), options)
  }

  /** REPORT LUNS (SPC-4 6.33): those of the whole target, as many as one command can move here. */
  async reportLuns(options?: HelperOptions): Promise<ReportedLuns> {
    const some = await this.run(reportLuns(), options)
    if (some.missing === 0) return some
    const all = 8 * (1 + some.luns.length + some.others.length + some.missing)
    const allocationLength = Math.min(all, this.#transport.maxTransferBytes)
    return this.run(reportLuns({ allocationLength }), options)
  }

  /**
   * SYNCHRONIZE CACHE(16) (SBC-3 5.27) of the whole unit: what was written is on the medium. Where that is no command of the unit, or one that the kernel's filter
   * refuses, SYNCHRONIZE CACHE(10) is, whose 0 blocks from LBA 0 are the whole unit, too (5.26). A unit that knows neither has no cache that could be lost, as the
   * kernel's disk driver takes it; where its Caching page says that it has (WCE), this rejects.
   */
  async synchronizeCache(options?: HelperOptions): Promise<void> {
    let isFiltered = false
    try {
      await this.run(synchronizeCache16(), options)
      return
    } catch (error) {
      isFiltered = error instanceof SgringError && error.code === 'ERR_SGRING_NOT_PERMITTED'
      if (!isFiltered && !isNoCommand(error)) throw error
    }
    try {
      await this.run(synchronizeCache10(), options)
    } catch (error) {
      // Of the long command nobody knows then.
      if (isFiltered || !isNoCommand(error)) throw error
      if (await saysWriteCache(this, options)) throw unflushed(error)
    }
  }

  /**
   * Reads whole blocks, by several READ(16) at a time when they are many, and resolves with their bytes: `into`, where that is given.
   * Rejects with `ERR_SGRING_RESPONSE` for fewer bytes than were asked for, and when the unit's block length changes meanwhile.
   */
  async read(range: ReadRange): Promise<Uint8Array> {
    const { blocks, fua = false, lba, into, ...options } = range
    const first = checkUint64('lba', lba)
    checkUint('blocks', blocks, 0xffff_ffff)
    const blockLength = await this.#lengthOfBlocks(options)
    const data = into ?? roomFor(blocks, blockLength)
    if (data.length !== blocks * blockLength) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        `into has as many bytes as ${blocks} blocks of ${blockLength}, not ${data.length}`,
      )
    }
    await this.#inParts(data.length, blockLength, async (start, length) => {
      const at = first + BigInt(start / blockLength)
      const { cdb } = read16({ lba: at, blocks: length / blockLength, blockLength, fua })
      const dataIn = data.subarray(start, start + length)
      const { residual } = await this.#movePart({ cdb, dataIn }, blockLength, options)
      if (residual !== 0) throw badResponse(`READ of ${length} bytes left ${residual} out`)
    })
    return data
  }

  /**
   * Writes whole blocks, by several WRITE(16) at a time when they are many. If it fails, some of them may be written.
   * Rejects with `ERR_SGRING_RESPONSE` for bytes that were not taken, and when the unit's block length changes meanwhile.
   */
  async write(range: WriteRange): Promise<void> {
    const { data, fua = false, lba, ...options } = range
    const first = checkUint64('lba', lba)
    const blockLength = await this.#lengthOfBlocks(options)
    if (data.length % blockLength !== 0) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        `data is a whole number of blocks of ${blockLength} bytes, not ${data.length} bytes`,
      )
    }
    await this.#inParts(data.length, blockLength, async (start, length) => {
      const at = first + BigInt(start / blockLength)
      const dataOut = data.subarray(start, start + length)
      const { cdb } = write16({ lba: at, data: dataOut, blockLength, fua })
      const { residualOut } = await this.#movePart({ cdb, dataOut }, blockLength, options)
      if (residualOut !== 0) throw badResponse(`WRITE of ${length} bytes left ${residualOut} out`)
    })
  }

  /**
   * Asks for a task management function (SAM-5 clause 7) on this unit, and resolves with its service response, whatever it is. Commands
   * that it ends without a status reject with `ERR_SGRING_ABORTED`, before it resolves if they are this pair's own.
   *
   * Rejects with `signal.reason`, `ERR_SGRING_ABORT_UNANSWERED`, `ERR_SGRING_NEXUS_LOST`, `ERR_SGRING_BUSY` or `ERR_SGRING_DELIVERY`, or for a
   * wrong call.
   *
   * @example
   * const { response } = await unit.taskManagement({ function: TaskFunction.ABORT_TASK, tag: 7 })
   * console.log(response === ServiceResponse.FUNCTION_COMPLETE)
   */
  taskManagement(request: FunctionRequest): Promise<FunctionResult> {
    const wrong = checkFunction(request)
    if (wrong !== undefined) return Promise.reject(wrong)
    return this.#transport.manage(this.#lunWord, request)
  }

  /** The batch form: slots and bytes of the caller's own. Throws `ERR_SGRING_BUSY` if the nexus has not that many free. */
  queue(options: QueueOptions): Queue {
    return this.#transport.queue(this.#lunWord, options)
  }

  /**
   * Sends a command until it was carried out, and resolves if it was with success.
   *
   * @param ways.before awaited before it is sent again
   * @param ways.isResult whether a CHECK CONDITION is success, too
   */
  async #succeed(
    command: Command,
    ways: {
      readonly before?: () => Promise<void>
      readonly isResult?: (sense: Sense, data: Uint8Array) => boolean
    } = {},
  ): Promise<Response> {
    for (let again = 0; ; again++) {
      const response = await this.execute(command)
      if (response.status === Status.GOOD || response.status === Status.CONDITION_MET)
        return response
      const sense = senseOf(response)
      if (sense !== undefined && ways.isResult?.(sense, response.data)) return response
      if (sense?.key === SenseKey.RECOVERED_ERROR) {
        this.#transport.emit('recovered', this.lun, response.sense)
        if (!sense.deferred) return response
        // It is an earlier command's, and this one was not carried out (SPC-4 4.5.7).
        if (again === MAX_AGAIN) throw statusError(response)
      } else {
        if (sense?.key !== SenseKey.UNIT_ATTENTION) throw statusError(response)
        this.#blockLength = undefined
        if (tellsOfEarlierFailure(sense)) throw statusError(response)
        const { unitAttention } = this.#options
        if (typeof unitAttention === 'function') unitAttention(sense)
        if (unitAttention === 'throw' || again === MAX_AGAIN) throw statusError(response)
        this.#transport.emit('unitAttention', this.lun, response.sense)
      }
      await ways.before?.()
    }
  }

  /** Sends a part of a range that was measured in blocks of `blockLength` bytes: never where that is no longer their length. */
  async #movePart(part: Command, blockLength: number, options: HelperOptions): Promise<Response> {
    const sameLength = async () => {
      const now = await this.#lengthOfBlocks(options)
      if (now === blockLength) return
      throw badResponse(`the unit's blocks had ${blockLength} bytes, and have ${now} now`)
    }
    await sameLength()
    return this.#succeed({ ...options, ...part }, { before: sameLength })
  }

  /** Kept until a unit attention says that something may have changed. Not shared before it came: each caller has its own patience. */
  async #lengthOfBlocks(options: HelperOptions): Promise<number> {
    if (this.#blockLength === undefined) {
      const { blockLength } = await this.readCapacity(options)
      // Before anybody makes room for so many of them.
      if (blockLength > this.maxTransferBytes) throw tooLong(blockLength, this.#transport)
      this.#blockLength = blockLength
    }
    return this.#blockLength
  }

  /** Runs `move` over all parts of `bytes`, a few at a time; after a failure no further part is started. */
  async #inParts(
    bytes: number,
    blockLength: number,
    move: (start: number, length: number) => Promise<void>,
  ): Promise<void> {
    const most = Math.min(PART_BYTES, this.#transport.maxTransferBytes)
    const part = Math.max(blockLength, most - (most % blockLength))
    if (bytes > 0 && bytes <= part) return move(0, bytes)
    let next = 0
    const lane = async () => {
      while (next < bytes) {
        const start = next
        next += part
        try {
          await move(start, Math.min(part, bytes - start))
        } catch (error) {
          next = bytes
          throw error
        }
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, lane))
    const reasons = lanes.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    if (reasons.length === 0) return
    throw reasons.find(tellsOfLoss) ?? reasons.find(mayBeLost) ?? reasons[0]
  }
}

function unflushed({ sense }: CheckConditionError): CheckConditionError {
  const what =
    'its Caching page says WCE, and it has no SYNCHRONIZE CACHE: what is in its cache only may be lost'
  return new CheckConditionError(sense, `${senseText(sense)}: ${what}`)
}

function roomFor(blocks: number, blockLength: number): Uint8Array {
  try {
    return new Uint8Array(blocks * blockLength)
  } catch (cause) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `no buffer holds ${blocks} blocks of ${blockLength} bytes; read them in parts`,
      { cause },
    )
  }
}

function senseOf({ status, sense }: Response): Sense | undefined {
  return status === Status.CHECK_CONDITION && sense.length > 0 ? parseSense(sense) : undefined
}
