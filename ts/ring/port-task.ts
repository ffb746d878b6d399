/** A task as the device server has it: its record on the pair's desk, and the answer on its way there. */

import { SgringError } from '../errors.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import type { Backing, TargetNexus, Task, TransferDone } from '../task/task.ts'
import {
  FLAG_RESIDUAL,
  FLAG_SENSE,
  MAX_CDB_LEN,
  MAX_SENSE_LEN,
  RECORD_ATTRIBUTE,
  RECORD_BYTES,
  RECORD_CDB,
  RECORD_CDB_LEN,
  RECORD_IN_LEN,
  RECORD_IN_RESIDUAL,
  RECORD_LUN,
  RECORD_OUT_LEN,
  RECORD_OUT_RESIDUAL,
  RECORD_SENSE,
  RECORD_SENSE_LEN,
  TRANSFER_FLUSH,
  TRANSFER_READ,
  TRANSFER_WRITE,
  TRANSFER_WRITE_FUA,
} from './layout.gen.ts'
import type { PortPair } from './port-pair.ts'
import { swap } from './slots.ts'

function answerFailure(task: Task): void {
  task.answer(checkCondition(SenseKey.HARDWARE_ERROR, SenseCode.INTERNAL_TARGET_FAILURE))
}

/** See `Task`. One for each slot, used again for each task in it. */
export class RingTask implements Task {
  readonly cdb: Uint8Array
  readonly nexus: TargetNexus
  readonly #pair: PortPair
  readonly #words: Uint32Array
  readonly #bytes: Uint8Array
  readonly #slot: number
  readonly #byte: number
  readonly #word: number
  /** Between acceptance and answer. */
  #open = false
  #done: TransferDone | undefined
  /** Whether the last transfer was one of data-out. */
  #wrote = false

  constructor(pair: PortPair, slot: number) {
    this.#pair = pair
    this.nexus = pair.nexus
    this.#words = pair.words
    this.#bytes = pair.bytes
    this.#slot = slot
    this.#byte = slot * RECORD_BYTES
    this.#word = this.#byte >>> 2
    this.cdb = new Uint8Array(pair.desk, this.#byte + RECORD_CDB, MAX_CDB_LEN)
  }

  /** The slot was fetched anew. */
  begin(): void {
    this.#open = true
    this.#done = undefined
  }

  get lun(): number {
    // Levels beyond the first make it a LUN that no unit has.
    const further = this.#words[this.#word + (RECORD_LUN >>> 2) + 1]!
    return further === 0 ? swap(this.#words[this.#word + (RECORD_LUN >>> 2)]!) : 0xffff_ffff
  }

  get cdbLength(): number {
    return this.#words[this.#word + (RECORD_CDB_LEN >>> 2)]! & 0xffff
  }

  get attribute(): number {
    return this.#bytes[this.#byte + RECORD_ATTRIBUTE]!
  }

  get dataOutLength(): number {
    return this.#words[this.#word + (RECORD_OUT_LEN >>> 2)]!
  }

  get dataInLength(): number {
    return this.#words[this.#word + (RECORD_IN_LEN >>> 2)]!
  }

  copyDataOut(length: number): Uint8Array {
    this.#check()
    const data = new Uint8Array(Math.min(length, this.dataOutLength))
    return data.subarray(0, this.#pair.closed ? 0 : this.#pair.readOut(this.#slot, data))
  }

  good(): void {
    this.#end(0, 0, 0, 0)
  }

  moved(length: number): void {
    if (this.#wrote) this.#end(0, length, 0, 0)
    else this.#end(0, 0, length, 0)
  }

  answer(answer: Answer): void {
    this.#check()
    if (this.#pair.closed) return
    const { status, data, sense } = answer
    if (data !== undefined) this.#pair.writeIn(this.#slot, data)
    let flags = 0
    if (sense !== undefined && sense.length > 0) {
      const length = Math.min(sense.length, MAX_SENSE_LEN)
      this.#words[this.#word + (RECORD_SENSE_LEN >>> 2)] = length
      this.#bytes.set(sense.subarray(0, length), this.#byte + RECORD_SENSE)
      flags = FLAG_SENSE
    }
    this.#end(status, 0, data?.length ?? 0, flags)
  }

  read(backing: Backing, offset: number, length: number, done: TransferDone): void {
    this.#wrote = false
    this.#transfer(TRANSFER_READ, backing, offset, length, done)
  }

  write(backing: Backing, offset: number, length: number, fua: boolean, done: TransferDone): void {
    this.#wrote = true
    this.#transfer(fua ? TRANSFER_WRITE_FUA : TRANSFER_WRITE, backing, offset, length, done)
  }

  flush(backing: Backing, done: TransferDone): void {
    this.#transfer(TRANSFER_FLUSH, backing, 0, 0, done)
  }

  transferred(errno: number): void {
    const done = this.#done
    this.#done = undefined
    done?.(this, errno)
  }

  /**
   * Its unit threw: HARDWARE ERROR, INTERNAL TARGET FAILURE, unless it is answered. A transfer that the unit has begun ends first,
   * because the slot is another task's after the answer.
   */
  unitFailed(): void {
    if (!this.#open) return
    if (this.#done !== undefined) this.#done = answerFailure
    else answerFailure(this)
  }

  #transfer(
    op: number,
    backing: Backing,
    offset: number,
    length: number,
    done: TransferDone,
  ): void {
    this.#check()
    this.#pair.transfer(this.#slot, op, backing, offset, length)
    // It begins when the code that runs now is through.
    this.#done = done
  }

  /** Lists the completion; residuals only where there are some. */
  #end(status: number, taken: number, came: number, flags: number): void {
    this.#check()
    this.#open = false
    const outResidual = this.dataOutLength - taken
    const inResidual = this.dataInLength - came
    if (outResidual !== 0 || inResidual !== 0 || flags !== 0) {
      this.#words[this.#word + (RECORD_OUT_RESIDUAL >>> 2)] = outResidual
      this.#words[this.#word + (RECORD_IN_RESIDUAL >>> 2)] = inResidual
      this.#pair.complete(this.#slot, status, flags | FLAG_RESIDUAL)
    } else {
      this.#pair.complete(this.#slot, status, 0)
    }
  }

  #check(): void {
    if (this.#open) return
    throw new SgringError('ERR_SGRING_CLOSED', 'the task was answered before')
  }
}
