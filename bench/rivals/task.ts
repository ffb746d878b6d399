/** What the rivals that have the shipped device server behind them give it: a task whose data is copied by their carrier. */

import { constants } from 'node:os'
import type { Answer } from '#dist/task/answer.js'
import {
  type Background,
  type Backing,
  type BackingOperation,
  type BackingRange,
  type OperationDone,
  type TargetNexus,
  type Task,
  type TaskOwner,
  type TaskSource,
  Traffic,
  type TransferDone,
} from '#dist/task/task.js'

/** A disk's bytes on this thread's own heap: the fastest there is for a port that is all JavaScript. */
export class HeapBacking implements Backing {
  readonly kind = 'memory'
  readonly readOnly = false
  readonly volatileCache = false
  /** Nothing here outlasts its call. */
  readonly traffic: Traffic = new Traffic()
  readonly native: Buffer

  constructor(image: Uint8Array) {
    this.native = Buffer.from(image.buffer, image.byteOffset, image.length)
  }

  get lengthBytes(): number {
    return this.native.length
  }
}

/** What brings responses home. */
export interface Carrier {
  readonly nexus: TargetNexus
  /** Copies `length` bytes to where the data of the next response goes. */
  gather(from: Buffer, offset: number, length: number): void
  respond(
    tag: number,
    status: number,
    residual: number,
    dataLength: number,
    sense: Uint8Array | undefined,
  ): void
}

/** A rival's tasks are commands only, and each is over when `execute` returns. */
export const NO_TASKS: TaskSource = {
  fetch() {},
  hold() {},
  release() {},
  tasks: () => [],
  find: () => undefined,
  named: () => undefined,
  flush() {},
  failed() {},
}

const { EOPNOTSUPP } = constants.errno

/** See `Task`. One a connection: a task is answered before the next begins. */
export class RivalTask implements Task {
  readonly cdb = new Uint8Array(260)
  readonly background: Background = {
    begin: (_backing, _operation, _range, done) => done(EOPNOTSUPP),
  }
  readonly plain = true
  readonly kept = undefined
  readonly function = 0
  readonly attribute = 0
  readonly priority = 0
  readonly ownTag = true
  readonly managedTag = 0n
  readonly sentAt = 0
  readonly dataOutLength = 0
  owner: TaskOwner | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  lun = 0
  cdbLength = 0
  dataInLength = 0
  readonly #carrier: Carrier
  #tag = 0
  #moved = 0

  constructor(carrier: Carrier) {
    this.#carrier = carrier
  }

  get nexus(): TargetNexus {
    return this.#carrier.nexus
  }

  get tag(): bigint {
    return BigInt(this.#tag)
  }

  /** The next one: a CDB of `cdbLength` bytes of `bytes` from `at` on. */
  begin(
    tag: number,
    lun: number,
    dataInLength: number,
    bytes: ArrayLike<number>,
    at: number,
    cdbLength: number,
  ): void {
    this.#tag = tag
    this.lun = lun
    this.cdbLength = cdbLength
    this.dataInLength = dataInLength
    this.#moved = 0
    for (let index = 0; index < cdbLength; index++) this.cdb[index] = bytes[at + index]!
  }

  copyDataOut(): Uint8Array {
    return new Uint8Array(0)
  }

  good(): void {
    this.#end(0, this.dataInLength, 0, undefined)
  }

  answer({ status, data, sense }: Answer): void {
    const came = data?.length ?? 0
    const length = Math.min(came, this.dataInLength)
    if (data !== undefined)
      this.#carrier.gather(Buffer.from(data.buffer, data.byteOffset), 0, length)
    this.#end(status, this.dataInLength - came, length, sense)
  }

  read(backing: Backing, offset: number, length: number, done: TransferDone): void {
    this.#carrier.gather(backing.native as Buffer, offset, length)
    this.#moved = length
    done(this, 0)
  }

  write(
    _backing: Backing,
    _offset: number,
    _length: number,
    _fua: boolean,
    done: TransferDone,
  ): void {
    done(this, 0)
  }

  flush(_backing: Backing, done: TransferDone): void {
    done(this, 0)
  }

  /** It has READ and no more. */
  elsewhere(): () => void {
    throw new Error('every unit of this rival answers by itself')
  }

  operate(
    _backing: Backing,
    _operation: BackingOperation,
    _range: BackingRange,
    done: OperationDone,
  ): void {
    done(this, EOPNOTSUPP, 0)
  }

  moved(length: number): void {
    this.#end(0, this.dataInLength - length, this.#moved, undefined)
  }

  abort(): void {}

  respond(): void {}

  #end(status: number, residual: number, length: number, sense: Uint8Array | undefined): void {
    this.#carrier.respond(this.#tag, status, residual, length, sense)
    const { owner } = this
    this.owner = undefined
    owner?.ended(this)
  }
}
