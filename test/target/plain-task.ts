/** A port without a ring: tasks whose buffers are arrays and whose backing is one too, for tests of the target alone. */

import { parseSense, type Sense } from '#dist/scsi/sense.js'
import type { Target } from '#dist/target/target.js'
import type { Answer } from '#dist/task/answer.js'
import { Status } from '#dist/task/command.js'
import type { Backing, TargetNexus, Task, TransferDone } from '#dist/task/task.js'

/** A backing over bytes, which does as the store does and writes down what was asked of it. */
export class PlainBacking implements Backing {
  readonly kind: 'memory' | 'file'
  readonly readOnly: boolean
  readonly bytes: Uint8Array
  readonly native: unknown
  readonly log: string[] = []
  /** The errno of the next transfers; 0 is success. */
  errno = 0
  readonly #claimed: number | undefined

  constructor(
    lengthBytes: number,
    options: { kind?: 'memory' | 'file'; readOnly?: boolean; claimed?: number } = {},
  ) {
    this.bytes = new Uint8Array(lengthBytes)
    this.native = this.bytes
    this.kind = options.kind ?? 'memory'
    this.readOnly = options.readOnly ?? false
    this.#claimed = options.claimed
  }

  /** Its size, or a larger one that it claims, for a disk too large to have. */
  get lengthBytes(): number {
    return this.#claimed ?? this.bytes.length
  }
}

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
}

/** Runs one command to its end, which with these backings comes at once. */
export function run(target: Target, nexus: TargetNexus, command: PlainCommand): Outcome {
  const task = new PlainTask(nexus, command)
  target.execute(task)
  return task.outcome()
}

class PlainTask implements Task {
  readonly nexus: TargetNexus
  readonly lun: number
  readonly cdb: Uint8Array = new Uint8Array(260).fill(0xff)
  readonly cdbLength: number
  readonly attribute: number
  readonly dataOutLength: number
  readonly dataInLength: number
  readonly #dataOut: Uint8Array
  readonly #dataIn: Uint8Array
  #direction: 'in' | 'out' | 'none' = 'none'
  #outcome: Outcome | undefined

  constructor(nexus: TargetNexus, command: PlainCommand) {
    this.nexus = nexus
    this.lun = command.lun ?? 0
    this.cdb.set(command.cdb)
    this.cdbLength = command.cdb.length
    this.attribute = command.attribute ?? 0
    this.#dataOut = command.dataOut ?? new Uint8Array(0)
    this.dataOutLength = this.#dataOut.length
    this.dataInLength = command.dataInLength ?? 0
    this.#dataIn = new Uint8Array(this.dataInLength)
  }

  outcome(): Outcome {
    if (this.#outcome === undefined) throw new Error('the task was not answered')
    return this.#outcome
  }

  copyDataOut(length: number): Uint8Array {
    return this.#dataOut.slice(0, length)
  }

  good(): void {
    this.#end(Status.GOOD, 0, 0)
  }

  answer(answer: Answer): void {
    const data = answer.data ?? new Uint8Array(0)
    this.#dataIn.set(data.subarray(0, this.dataInLength))
    this.#end(answer.status, data.length, 0, answer.sense)
  }

  read(backing: Backing, offset: number, length: number, done: TransferDone): void {
    const plain = backing as PlainBacking
    this.#direction = 'in'
    plain.log.push(`read ${offset} ${length}`)
    if (length > this.dataInLength) throw new Error('read beyond the data-in room')
    if (plain.errno === 0) this.#dataIn.set(plain.bytes.subarray(offset, offset + length))
    done(this, plain.errno)
  }

  write(backing: Backing, offset: number, length: number, fua: boolean, done: TransferDone): void {
    const plain = backing as PlainBacking
    this.#direction = 'out'
    plain.log.push(`write ${offset} ${length}${fua ? ' fua' : ''}`)
    if (length > this.dataOutLength) throw new Error('write beyond the data-out')
    if (plain.errno === 0) plain.bytes.set(this.#dataOut.subarray(0, length), offset)
    done(this, plain.errno)
  }

  flush(backing: Backing, done: TransferDone): void {
    const plain = backing as PlainBacking
    plain.log.push('flush')
    done(this, plain.errno)
  }

  moved(length: number): void {
    if (this.#direction === 'none') throw new Error('moved() without a transfer')
    this.#end(
      Status.GOOD,
      this.#direction === 'in' ? length : 0,
      this.#direction === 'out' ? length : 0,
    )
  }

  #end(status: number, cameIn: number, wentOut: number, sense?: Uint8Array): void {
    if (this.#outcome !== undefined) throw new Error('the task was answered twice')
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
}

/** `5/24/00`, as the tables of the standards have it. */
export function senseText(sense: Sense): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  return `${sense.key.toString(16)}/${hex(sense.asc)}/${hex(sense.ascq)}`
}
