/**
 * Tasks without a ring: their buffers are arrays. They keep what `Task` promises, and throw when the target does what that forbids: a call
 * after the end, an end that is told twice, a field that is read when the task is over.
 */

import assert from 'node:assert/strict'
import { parseSense, type Sense } from '#dist/scsi/sense.js'
import type { Answer } from '#dist/task/answer.js'
import { Status } from '#dist/task/command.js'
import type { FunctionResult } from '#dist/task/function.js'
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
  TransferDone,
} from '#dist/task/task.js'
import type { PlainBacking } from './plain-backing.ts'
import type { PlainNexus } from './plain-nexus.ts'
import { operateOn } from './plain-operations.ts'

/** How a task ended. */
export interface Outcome {
  readonly status: number
  readonly data: Uint8Array
  readonly residual: number
  readonly residualOut: number
  /** Of CHECK CONDITION. */
  readonly sense: Sense | undefined
  /** `key/asc/ascq` in hexadecimal, or `''`. */
  readonly senseText: string
}

export interface PlainCommand {
  readonly cdb: Uint8Array
  /** The first four LUN bytes. Default: those of LUN 0. */
  readonly lun?: number
  readonly dataOut?: Uint8Array
  readonly dataInLength?: number
  readonly attribute?: number
  readonly priority?: number
  /** A tag of the caller's choice. Default: one of the pair's own. */
  readonly tag?: bigint
  /** What an earlier target, which kept a ledger, had to do with it. */
  readonly before?: Before
}

export interface Before {
  readonly started: boolean
  readonly rerun: boolean
  readonly sequence: number
  /** As of which change of the units. Default: 0. */
  readonly units?: number
}

export interface PlainFunction {
  readonly function: number
  readonly lun?: number
  /** Of the command that is meant. */
  readonly managedTag?: bigint
}

/** `ending`: its owner is being told. */
type State = 'open' | 'aborted' | 'ending' | 'over'

interface Transfer {
  readonly backing: PlainBacking
  /** Does it, and says what it found out. */
  move(): number
  readonly done: OperationDone
}

let lastId = 0

/** See `Task`. */
export class PlainTask implements Task, KeptTask {
  /** No two tasks have the same: so they compare as different, too. */
  readonly id: number = ++lastId
  owner: TaskOwner | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  readonly #nexus: PlainNexus
  readonly #what: PlainCommand & Partial<PlainFunction>
  readonly #tag: bigint
  readonly #cdb: Uint8Array = new Uint8Array(260).fill(0xff)
  readonly #dataOut: Uint8Array
  readonly #dataIn: Uint8Array
  #state: State = 'open'
  #direction: 'in' | 'out' | 'none' = 'none'
  #transfer: Transfer | undefined
  #elsewhere = false
  #abortStatus: number | undefined
  #outcome: Outcome | undefined
  #result: FunctionResult | undefined
  #unknown: 'unknown' | 'overtaken' | undefined

  constructor(nexus: PlainNexus, what: PlainCommand | PlainFunction, ownTag: bigint) {
    this.#nexus = nexus
    this.#what = { cdb: new Uint8Array(8), ...what }
    this.#tag = this.#what.tag ?? ownTag
    this.#cdb.set(this.#what.cdb)
    this.#dataOut = this.#what.dataOut ?? new Uint8Array(0)
    this.#dataIn = new Uint8Array(this.#what.dataInLength ?? 0)
  }

  // ---- for tests

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Its name for ABORT TASK, also when it is over. */
  get name(): bigint {
    return this.#tag
  }

  /** How a command ended. */
  outcome(): Outcome {
    if (this.#outcome === undefined) throw new Error('the task was not answered')
    return this.#outcome
  }

  /** How a function was answered. */
  result(): FunctionResult | undefined {
    return this.#result
  }

  /** `GOOD`, `6/29/00`, `status 28`, `aborted`, `response 3`, `unknown`, `overtaken`, or `open`: how it ended, in short. */
  get end(): string {
    if (this.#unknown !== undefined) return this.#unknown
    if (this.#result !== undefined) return `response ${this.#result.response}`
    if (!this.isOver) return 'open'
    if (this.#outcome === undefined) return 'aborted'
    const { status, senseText: text } = this.#outcome
    if (text !== '') return text
    return status === Status.GOOD ? 'GOOD' : `status ${status.toString(16)}`
  }

  get transferring(): boolean {
    return this.#transfer !== undefined
  }

  /** The transfer that is under way ends now. */
  endTransfer(): void {
    const transfer = this.#transfer
    assert.ok(transfer !== undefined, 'no transfer is under way')
    this.#transfer = undefined
    const { errno } = transfer.backing
    const value = errno === 0 ? transfer.move() : 0
    if (this.#state === 'aborted') this.#endAborted()
    else transfer.done(this, errno, value)
    transfer.backing.traffic.end()
  }

  // ---- for the target, while there is a task

  get nexus(): TargetNexus {
    this.#needed()
    return this.#nexus.nexus
  }

  get lun(): number {
    this.#needed()
    return this.#what.lun ?? 0
  }

  get plain(): boolean {
    return this.function === 0 && this.ownTag && this.attribute === 0 && this.priority === 0
  }

  get function(): number {
    this.#needed()
    return this.#what.function ?? 0
  }

  get cdb(): Uint8Array {
    this.#needed()
    return this.#cdb
  }

  get cdbLength(): number {
    this.#needed()
    return this.#what.cdb.length
  }

  get attribute(): number {
    this.#needed()
    return this.#what.attribute ?? 0
  }

  get priority(): number {
    this.#needed()
    return this.#what.priority ?? 0
  }

  get tag(): bigint {
    this.#needed()
    return this.#tag
  }

  get ownTag(): boolean {
    this.#needed()
    return this.#what.tag === undefined
  }

  get sentAt(): number {
    return this.id
  }

  get managedTag(): bigint {
    this.#needed()
    return this.#what.managedTag ?? 0n
  }

  get kept(): KeptTask | undefined {
    return this.#what.before === undefined ? undefined : this
  }

  get resubmitted(): boolean {
    return this.#what.before !== undefined
  }

  get started(): boolean {
    return this.#what.before?.started ?? false
  }

  get rerun(): boolean {
    return this.#what.before?.rerun ?? false
  }

  get sequence(): number {
    return this.#what.before?.sequence ?? 0
  }

  get units(): number {
    return this.#what.before?.units ?? 0
  }

  start(): void {
    this.#check()
  }

  unknown(overtaken: boolean): void {
    this.#check()
    this.#unknown = overtaken ? 'overtaken' : 'unknown'
    this.#end()
  }

  get dataOutLength(): number {
    return this.#dataOut.length
  }

  get dataInLength(): number {
    return this.#dataIn.length
  }

  copyDataOut(length: number): Uint8Array {
    this.#check()
    return this.#dataOut.slice(0, length)
  }

  good(): void {
    this.#answer(Status.GOOD, 0, 0)
  }

  answer(answer: Answer): void {
    const data = answer.data ?? new Uint8Array(0)
    this.#dataIn.set(data.subarray(0, this.dataInLength))
    const { status, moved, taken, sense } = answer
    this.#check()
    const reported = sense && (this.owner?.reported?.(this, answer) ?? sense)
    this.#answer(status, moved ?? data.length, taken ?? 0, reported)
  }

  read(backing: Backing, offset: number, length: number, done: TransferDone): void {
    const plain = backing as PlainBacking
    this.#direction = 'in'
    plain.log.push(`read ${offset} ${length}`)
    assert.ok(length <= this.dataInLength, 'a read stays within the data-in room')
    const move = () => {
      this.#dataIn.set(plain.bytes.subarray(offset, offset + length))
      return 0
    }
    this.#begin({ backing: plain, move, done })
  }

  write(backing: Backing, offset: number, length: number, fua: boolean, done: TransferDone): void {
    const plain = backing as PlainBacking
    this.#direction = 'out'
    plain.log.push(`write ${offset} ${length}${fua ? ' fua' : ''}`)
    assert.ok(length <= this.dataOutLength, 'a write stays within the data-out')
    const move = () => {
      plain.put(offset, this.#dataOut.subarray(0, length))
      return 0
    }
    this.#begin({ backing: plain, move, done })
  }

  flush(backing: Backing, done: TransferDone): void {
    const plain = backing as PlainBacking
    plain.log.push('flush')
    this.#begin({ backing: plain, move: () => 0, done })
  }

  operate(
    backing: Backing,
    operation: BackingOperation,
    range: BackingRange,
    done: OperationDone,
  ): void {
    const plain = backing as PlainBacking
    const { offset, length, data = 0, fua = false } = range
    plain.log.push(`${operation} ${offset} ${length}${fua ? ' fua' : ''}`)
    assert.ok(data <= this.dataOutLength, 'an operation stays within the data-out')
    const dataOut = this.#dataOut.subarray(0, data)
    const move = () => operateOn(plain, operation, offset, length, dataOut)
    this.#begin({ backing: plain, move, done })
  }

  elsewhere(done: () => void): () => void {
    this.#check()
    assert.equal(this.#elsewhere, false, 'one thing at a time')
    this.#elsewhere = true
    return () => {
      assert.equal(this.#elsewhere, true, 'it is over once')
      this.#elsewhere = false
      if (this.#state === 'aborted') this.#endAborted()
      else done()
    }
  }

  get background(): Background {
    return this.#nexus.background
  }

  moved(length: number): void {
    assert.notEqual(this.#direction, 'none', 'moved() comes after a transfer')
    this.#answer(
      Status.GOOD,
      this.#direction === 'in' ? length : 0,
      this.#direction === 'out' ? length : 0,
    )
  }

  abort(status: number | undefined): void {
    if (this.#state !== 'open') return
    this.#state = 'aborted'
    this.#abortStatus = status
    const { onAbort } = this
    this.onAbort = undefined
    onAbort?.()
    if (this.#transfer === undefined && !this.#elsewhere) this.#endAborted()
  }

  respond(result: FunctionResult): void {
    this.#check()
    assert.notEqual(this.function, 0, 'only functions are responded to')
    this.#result = result
    this.#end()
  }

  #begin(transfer: Transfer): void {
    this.#check()
    this.#transfer = transfer
    transfer.backing.traffic.begin()
    if (!transfer.backing.slow) this.endTransfer()
  }

  #answer(status: number, cameIn: number, wentOut: number, sense?: Uint8Array): void {
    this.#check()
    assert.equal(this.function, 0, 'only commands are answered')
    this.#tell(status, cameIn, wentOut, sense)
    this.#end()
  }

  #tell(status: number, cameIn: number, wentOut: number, sense?: Uint8Array): void {
    const parsed = sense === undefined ? undefined : parseSense(sense)
    this.#outcome = {
      status,
      data: this.#dataIn.subarray(0, Math.min(cameIn, this.dataInLength)),
      residual: this.dataInLength - cameIn,
      residualOut: this.dataOutLength - wentOut,
      sense: parsed,
      senseText: parsed === undefined ? '' : senseText(parsed),
    }
  }

  #endAborted(): void {
    if (this.#abortStatus !== undefined) this.#tell(this.#abortStatus, 0, 0)
    this.#end()
  }

  /** The end is listed first; what the owner does then may be anything. */
  #end(): void {
    this.#state = 'ending'
    this.#nexus.over(this)
    const { owner } = this
    this.owner = undefined
    this.onAbort = undefined
    owner?.ended(this)
    this.#state = 'over'
    this.#nexus.toldOver()
  }

  /** Nothing is asked of a task that is over: it is another one by then. */
  #needed(): void {
    assert.notEqual(this.#state, 'over', 'the task is over')
  }

  /** Nothing is done to a task that is answered, aborted, or moving bytes. */
  #check(): void {
    assert.equal(this.#state, 'open', 'the task is answered or aborted')
    assert.equal(this.#transfer, undefined, 'a transfer is under way')
  }
}

/** `5/24/00`, as the tables of the standards have it. */
export function senseText(sense: Sense): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  return `${sense.key.toString(16)}/${hex(sense.asc)}/${hex(sense.ascq)}`
}
