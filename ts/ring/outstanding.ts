/** A command on its way through a pair. */

import type { TransportError } from '../errors.ts'
import { type Command, TaskAttribute } from '../task/command.ts'
import type { Abort } from './abort.ts'
import type { Commands } from './commands.ts'
import { ceaseToHeed, type Heeding, heed } from './heeding.ts'
import type { SlotOwner } from './pair.ts'
import type { RingResponse } from './response.ts'
import { swap } from './slots.ts'
import { TaskData } from './task-data.ts'
import type { Timed } from './wheel.ts'

/** What is known of a command from `execute()` to its completion. All fields are set here: one shape for all. */
export class Outstanding implements SlotOwner, Timed, Heeding {
  readonly command: Command
  /** The caller's own until it is written to a slot; a copy while the task waits. */
  cdb: Uint8Array
  /** As the caller chose it. */
  readonly tag: bigint | undefined
  /** Of the pair's own tag: its low half, as a signed number. */
  tagLow: number = 0
  /** The LUN's first four bytes, as the slot's first word has them on this (little-endian) machine. */
  readonly lunBytes: number
  /** Task attribute in the low, priority in the high four bits. */
  readonly attribute: number
  readonly detach: boolean
  readonly lease: boolean
  readonly out: TaskData
  readonly into: TaskData
  /** The caller's own, for data-out: read once, because to read it may run code of the caller's. */
  readonly dataOut: Uint8Array | undefined
  /** The caller's own, for data-in. */
  readonly buffer: Uint8Array | undefined
  /** -1 while it waits, and when it is over. */
  slot: number = -1
  /** The caller has its answer, whatever the target still does. */
  settled: boolean = false
  /** Set once its caller gave up on it after it was sent. */
  abort: Abort | undefined = undefined
  deadline: number = 0
  earlier: Timed | undefined = undefined
  later: Timed | undefined = undefined
  readonly #commands: Commands
  readonly #resolve: (response: RingResponse) => void
  readonly #reject: (reason: unknown) => void
  #signal: AbortSignal | undefined = undefined

  constructor(
    commands: Commands,
    lunWord: number,
    command: Command,
    resolve: (response: RingResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#commands = commands
    this.#resolve = resolve
    this.#reject = reject
    this.command = command
    this.cdb = command.cdb
    this.lunBytes = swap(lunWord)
    const { tag } = command
    this.tag = tag === undefined ? undefined : BigInt(tag)
    this.attribute = (command.attribute ?? TaskAttribute.SIMPLE) | ((command.priority ?? 0) << 4)
    this.detach = command.onAbort === 'detach'
    this.lease = command.lease ?? false
    const { dataOut, dataIn } = command
    this.dataOut = dataOut
    this.buffer = typeof dataIn === 'object' ? dataIn : undefined
    this.out = dataOf(dataOut === undefined ? 0 : dataOut.length)
    this.into = dataOf(typeof dataIn === 'object' ? dataIn.length : (dataIn ?? 0))
  }

  get noted(): Timed {
    return this
  }

  /** It has to wait, and the caller's CDB is the caller's again when `execute()` returns. */
  keepCdb(): void {
    // Not by `slice`: that of a Buffer copies nothing.
    this.cdb = new Uint8Array(this.cdb)
  }

  /** Whether the data-out is as long as it was: while a task waits, its caller may transfer or resize it. */
  get isIntact(): boolean {
    const { dataOut } = this
    return dataOut === undefined || dataOut.length === this.out.length
  }

  /** Heeds the caller's signal until the task is settled. */
  heed(signal: AbortSignal): void {
    if (this.settled) return
    this.#signal = signal
    heed(signal, this)
  }

  succeed(response: RingResponse): void {
    if (this.abort?.keepsTag) this.abort.hold(() => this.#succeed(response))
    else this.#succeed(response)
  }

  fail(reason: unknown): void {
    if (this.abort?.keepsTag) this.abort.hold(() => this.#fail(reason))
    else this.#fail(reason)
  }

  completed(slot: number, status: number, flags: number): void {
    this.#commands.completed(this, slot, status, flags)
  }

  resumed(): void {
    this.abort?.resumed()
  }

  lost(reason: TransportError): void {
    if (!this.settled) this.#fail(reason)
  }

  aborted(reason: unknown): void {
    this.#commands.giveUp(this, reason)
  }

  expired(): void {
    if (this.abort === undefined) this.#commands.timedOut(this)
    else this.abort.expired()
  }

  #succeed(response: RingResponse): void {
    this.#settle()
    this.#resolve(response)
  }

  #fail(reason: unknown): void {
    this.#settle()
    this.#reject(reason)
  }

  #settle(): void {
    this.settled = true
    this.#commands.settled(this)
    if (this.#signal === undefined) return
    ceaseToHeed(this.#signal, this)
    this.#signal = undefined
  }
}

/** What most tasks share: it never gets a place, so that it never changes. */
const NO_DATA = new TaskData(0)

function dataOf(length: number): TaskData {
  return length === 0 ? NO_DATA : new TaskData(length)
}
