/** A task as the device server has it: its record on the pair's desk, and the answer on its way there. */

import { SgringError } from '../errors.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import { Status } from '../task/command.ts'
import {
  ENDED_WITHOUT_RESPONSE,
  type FunctionResult,
  OUTCOME_UNKNOWN,
  OVERTAKEN,
} from '../task/function.ts'
import type {
  Background,
  Backing,
  BackingOperation,
  BackingRange,
  KeptTask,
  OperationDone,
  TargetNexus,
  Task,
  TaskOwner,
  Traffic,
  TransferDone,
} from '../task/task.ts'
import {
  FLAG_RESIDUAL,
  FLAG_SENSE,
  FLAG_STARTED,
  LEDGER_RECORD_BYTES,
  LEDGER_RECORDS,
  LEDGER_STARTED,
  MAX_CDB_LEN,
  MAX_SENSE_LEN,
  RECORD_ATTRIBUTE,
  RECORD_BYTES,
  RECORD_CDB,
  RECORD_CDB_LEN,
  RECORD_FUNCTION,
  RECORD_GENERATION,
  RECORD_IN_LEN,
  RECORD_IN_RESIDUAL,
  RECORD_LUN,
  RECORD_OUT_LEN,
  RECORD_OUT_RESIDUAL,
  RECORD_SENSE,
  RECORD_SENSE_LEN,
  RECORD_TAG,
  RESUBMITTED_RERUN,
  RESUBMITTED_STARTED,
  TRANSFER_FLUSH,
  TRANSFER_READ,
  TRANSFER_WRITE,
  TRANSFER_WRITE_FUA,
} from './layout.gen.ts'
import { operationCode } from './operations.ts'
import type { PortPair } from './port-pair.ts'
import { swap } from './slots.ts'

/** Over: the slot waits for another task. */
const OVER = 0
/** Accepted, and its unit's to answer. */
const OPEN = 1
/** Aborted; over when its transfer is. */
const ABORTED = 2

/** CDB_LEN, ATTRIBUTE and FUNCTION stand in one word: what is left of it without the first is 0 for a SIMPLE command without priority. */
const KIND_SHIFT = 16

function answerFailure(task: Task): void {
  task.answer(checkCondition(SenseKey.HARDWARE_ERROR, SenseCode.INTERNAL_TARGET_FAILURE))
}

/** See `Task`. One for each slot, used again for each task in it. */
export class RingTask implements Task, KeptTask {
  readonly cdb: Uint8Array
  readonly nexus: TargetNexus
  owner: TaskOwner | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  readonly #pair: PortPair
  readonly #words: Uint32Array
  readonly #bytes: Uint8Array
  readonly #slot: number
  readonly #byte: number
  readonly #word: number
  readonly #ownTagHigh: number
  #state = OVER
  /** What the task waits for: the end of its transfer. */
  #done: OperationDone | undefined
  /** What that transfer is counted in. */
  #traffic: Traffic | undefined
  /** Whether the last transfer was one of data-out. */
  #wrote = false
  /** What an aborted task ends with. */
  #abortStatus: number | undefined
  /** What an earlier target had to do with it: `RESUBMITTED…`. */
  #before = 0
  /** What its completion's flags say beside the rest: `FLAG_STARTED` once the ledger has it. */
  #marked = 0

  /** @param ownTagHigh the high half of the tags that the initiator's pair chooses */
  constructor(pair: PortPair, slot: number, ownTagHigh: number) {
    this.#pair = pair
    this.nexus = pair.nexus
    this.#words = pair.words
    this.#bytes = pair.bytes
    this.#slot = slot
    this.#byte = slot * RECORD_BYTES
    this.#word = this.#byte >>> 2
    this.#ownTagHigh = ownTagHigh
    this.cdb = new Uint8Array(pair.desk, this.#byte + RECORD_CDB, MAX_CDB_LEN)
  }

  /** The slot was fetched anew. */
  begin(): void {
    this.#state = OPEN
    this.#done = undefined
    this.#before = this.#words[this.#word + (RECORD_GENERATION >>> 2)]! >>> 16
    this.#marked = 0
  }

  /** Whether there is a task in the slot: from `begin` to its end. */
  get present(): boolean {
    return this.#state !== OVER
  }

  get lun(): number {
    // Levels beyond the first make it a LUN that no unit has.
    const further = this.#words[this.#word + (RECORD_LUN >>> 2) + 1]!
    return further === 0 ? swap(this.#words[this.#word + (RECORD_LUN >>> 2)]!) : 0xffff_ffff
  }

  get plain(): boolean {
    const kind = this.#words[this.#word + (RECORD_CDB_LEN >>> 2)]! >>> KIND_SHIFT
    return kind === 0 && this.#before === 0 && this.ownTag
  }

  get kept(): KeptTask | undefined {
    return this.#pair.ledger === undefined ? undefined : this
  }

  get resubmitted(): boolean {
    return this.#before !== 0
  }

  get started(): boolean {
    return (this.#before & RESUBMITTED_STARTED) !== 0
  }

  get rerun(): boolean {
    return (this.#before & RESUBMITTED_RERUN) !== 0
  }

  get units(): number {
    return this.#pair.units
  }

  get sequence(): number {
    return this.started ? (this.#pair.ledger?.sequences[(this.#record >>> 1) + 1] ?? 0) : 0
  }

  start(sequence: number): void {
    const { ledger } = this.#pair
    if (ledger === undefined || this.#state !== OPEN) return
    const generation = this.#words[this.#word + (RECORD_GENERATION >>> 2)]! & 0xffff
    // Before the mark, which speaks of it.
    ledger.sequences[(this.#record >>> 1) + 1] = sequence
    ledger.marks[this.#record] = generation | (LEDGER_STARTED << 16)
    this.#marked = FLAG_STARTED
  }

  /** Where the record stands in the ledger's marks; its sequence number is the next eight bytes. */
  get #record(): number {
    return (LEDGER_RECORDS + this.#slot * LEDGER_RECORD_BYTES) >>> 2
  }

  unknown(overtaken: boolean): void {
    this.#checkIdle()
    // Not as an answer: the ledger goes on saying that it was begun.
    this.#marked = 0
    this.#complete(0, overtaken ? OVERTAKEN : OUTCOME_UNKNOWN)
  }

  get function(): number {
    return this.#bytes[this.#byte + RECORD_FUNCTION]!
  }

  get cdbLength(): number {
    return this.#words[this.#word + (RECORD_CDB_LEN >>> 2)]! & 0xffff
  }

  get attribute(): number {
    return this.#bytes[this.#byte + RECORD_ATTRIBUTE]! & 0x0f
  }

  get priority(): number {
    return this.#bytes[this.#byte + RECORD_ATTRIBUTE]! >>> 4
  }

  /** The low half of the tag. */
  get tagLow(): number {
    return this.#words[this.#word + (RECORD_TAG >>> 2)]!
  }

  get tag(): bigint {
    return this.#bigint(RECORD_TAG)
  }

  get ownTag(): boolean {
    return this.#words[this.#word + (RECORD_TAG >>> 2) + 1] === this.#ownTagHigh
  }

  get managedTag(): bigint {
    return this.#bigint(RECORD_CDB)
  }

  get sentAt(): number {
    const word = this.#word + (RECORD_CDB >>> 2)
    return this.#words[word + 3]! * 1e9 + this.#words[word + 2]!
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
    this.#end(Status.GOOD, 0, 0, 0)
  }

  moved(length: number): void {
    if (this.#wrote) this.#end(Status.GOOD, length, 0, 0)
    else this.#end(Status.GOOD, 0, length, 0)
  }

  answer(answer: Answer): void {
    this.#checkIdle()
    const { status, data, taken = 0, moved = 0 } = answer
    if (data !== undefined && !this.#pair.closed) this.#pair.writeIn(this.#slot, data)
    const flags = answer.sense === undefined ? 0 : this.#writeSense(this.#reported(answer))
    this.#end(status, taken, data?.length ?? moved, flags)
  }

  respond({ response, event }: FunctionResult): void {
    this.#check()
    this.#complete(
      0,
      response | this.#writeSense(event === undefined ? undefined : additional(event)),
    )
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

  /** Of a function: what came behind it on its pair waits. */
  hold(): void {
    this.#pair.hold()
  }

  /** It waits no longer. */
  release(): void {
    this.#pair.release()
  }

  operate(
    backing: Backing,
    operation: BackingOperation,
    { offset, length, data = 0, fua = false }: BackingRange,
    done: OperationDone,
  ): void {
    this.#check()
    const code = operationCode(operation, fua)
    this.#pair.operation(this.#slot, code, backing, offset, length, data)
    this.#begun(backing, done)
  }

  elsewhere(done: () => void): () => void {
    this.#checkIdle()
    this.#done = done
    this.#traffic = undefined
    return () => this.#pair.overElsewhere(this.#slot)
  }

  get background(): Background {
    return this.#pair.background
  }

  transferred(errno: number, value: number): void {
    const done = this.#done
    const traffic = this.#traffic
    this.#done = undefined
    try {
      if (this.#state === ABORTED) this.#endAborted()
      else done?.(this, errno, value)
    } finally {
      traffic?.end()
    }
  }

  abort(status: number | undefined): void {
    if (this.#state !== OPEN) return
    // First: whoever is told can do nothing to the task any more.
    this.#state = ABORTED
    this.#abortStatus = status
    const { onAbort } = this
    this.onAbort = undefined
    if (onAbort !== undefined) this.#pair.guarded(onAbort)
    if (this.#done === undefined) this.#endAborted()
  }

  /**
   * Its unit threw: HARDWARE ERROR, INTERNAL TARGET FAILURE, unless it is answered. A transfer that the unit has begun ends first,
   * because the slot is another task's after the answer.
   */
  unitFailed(): void {
    if (this.#state !== OPEN) return
    if (this.#done !== undefined) this.#done = answerFailure
    else answerFailure(this)
  }

  /** Its unit threw, when it was called behind the routing of the task. */
  failed(error: unknown): void {
    if (this.function === 0) this.unitFailed()
    this.#pair.guarded(() => {
      throw error
    })
  }

  #transfer(
    op: number,
    backing: Backing,
    offset: number,
    length: number,
    done: TransferDone,
  ): void {
    this.#checkIdle()
    this.#pair.transfer(this.#slot, op, backing, offset, length)
    this.#begun(backing, done)
  }

  /** A transfer is listed: it begins when the code that runs now is through. */
  #begun({ traffic }: Backing, done: OperationDone): void {
    traffic.begin()
    this.#traffic = traffic
    this.#done = done
  }

  #reported(answer: Answer): Uint8Array | undefined {
    const { owner } = this
    return owner?.reported === undefined ? answer.sense : owner.reported(this, answer)
  }

  /** Sense, or the additional response information of a function, goes where the slot has room for it. */
  #writeSense(sense: Uint8Array | undefined): number {
    if (sense === undefined || sense.length === 0) return 0
    const length = Math.min(sense.length, MAX_SENSE_LEN)
    this.#words[this.#word + (RECORD_SENSE_LEN >>> 2)] = length
    this.#bytes.set(sense.subarray(0, length), this.#byte + RECORD_SENSE)
    return FLAG_SENSE
  }

  /** Ends the task with a status; residuals are told only where there are some. */
  #end(status: number, taken: number, came: number, flags: number): void {
    this.#checkIdle()
    const outResidual = this.dataOutLength - taken
    const inResidual = this.dataInLength - came
    if (outResidual !== 0 || inResidual !== 0 || flags !== 0) {
      this.#words[this.#word + (RECORD_OUT_RESIDUAL >>> 2)] = outResidual
      this.#words[this.#word + (RECORD_IN_RESIDUAL >>> 2)] = inResidual
      this.#complete(status, flags | FLAG_RESIDUAL)
    } else {
      this.#complete(status, 0)
    }
  }

  #endAborted(): void {
    const status = this.#abortStatus
    this.#state = OPEN
    if (status === undefined) this.#complete(0, ENDED_WITHOUT_RESPONSE)
    else this.#end(status, 0, 0, 0)
  }

  /** Lists the completion. Nothing may come after it here: what the owner does may be anything. */
  #complete(status: number, flags: number): void {
    this.#state = OVER
    this.#pair.complete(this.#slot, status, flags | this.#marked)
    this.onAbort = undefined
    const { owner } = this
    if (owner === undefined) return
    this.owner = undefined
    owner.ended(this)
  }

  #check(): void {
    if (this.#state === OPEN) return
    throw new SgringError('ERR_SGRING_CLOSED', 'the task was answered before, or aborted')
  }

  /** While a transfer runs its bytes move: the slot is nobody else's before that ends. */
  #checkIdle(): void {
    this.#check()
    if (this.#done === undefined) return
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'a transfer of the task still runs')
  }

  #bigint(at: number): bigint {
    const word = this.#word + (at >>> 2)
    return (BigInt(this.#words[word + 1]!) << 32n) | BigInt(this.#words[word]!)
  }
}

/** The Additional Response Information of QUERY ASYNCHRONOUS EVENT: UADE and sense key, ASC, ASCQ (SAM-5 7.10). */
function additional({
  senseKey,
  asc,
  ascq,
  more,
}: NonNullable<FunctionResult['event']>): Uint8Array {
  return Uint8Array.of((more ? 0x20 : 0x10) | (senseKey & 0x0f), asc, ascq)
}
