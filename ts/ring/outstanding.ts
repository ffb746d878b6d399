/** A command on its way through a pair, and what its caller gets. */

import { native } from '../native.ts'
import type { Command, Response } from '../task/command.ts'
import type { RingPair } from './pair.ts'
import { swap } from './slots.ts'
import { TaskData } from './task-data.ts'

/** What the pair needs to know of a task, from `execute()` to its completion. All fields are set here: one shape for all. */
export class Outstanding {
  readonly command: Command
  /** The caller's own until it is written to a slot; a copy while the task waits. */
  cdb: Uint8Array
  readonly tag: bigint | undefined
  /** The LUN's first four bytes, as the slot's first word has them on this (little-endian) machine. */
  readonly lunBytes: number
  readonly lease: boolean
  readonly out: TaskData
  readonly into: TaskData
  /** The caller's own, for data-in. */
  readonly buffer: Uint8Array | undefined
  /** -1 while it waits. */
  slot: number = -1
  /** The tick at which the caller's patience ends. */
  deadline: number = Number.POSITIVE_INFINITY
  /** The caller has its answer, whatever the target still does. */
  settled: boolean = false
  readonly #pair: RingPair
  readonly #resolve: (response: Response) => void
  readonly #reject: (reason: unknown) => void
  #listener: (() => void) | undefined = undefined

  constructor(
    pair: RingPair,
    lunWord: number,
    command: Command,
    resolve: (response: Response) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#pair = pair
    this.#resolve = resolve
    this.#reject = reject
    this.command = command
    this.cdb = command.cdb
    this.lunBytes = swap(lunWord)
    this.tag = command.tag === undefined ? undefined : BigInt(command.tag)
    this.lease = command.lease ?? false
    const { dataOut, dataIn } = command
    this.buffer = typeof dataIn === 'object' ? dataIn : undefined
    this.out = dataOf(dataOut === undefined ? 0 : dataOut.length)
    this.into = dataOf(typeof dataIn === 'object' ? dataIn.length : (dataIn ?? 0))
  }

  /** It has to wait, and the caller's CDB is the caller's again when `execute()` returns. */
  keepCdb(): void {
    this.cdb = this.cdb.slice()
  }

  /** Whether the data-out is as long as it was: while a task waits, its caller may transfer or resize it. */
  get isIntact(): boolean {
    const { dataOut } = this.command
    return dataOut === undefined || dataOut.length === this.out.length
  }

  /** Heeds the command's signal until the task is settled. */
  listen(): void {
    const { signal } = this.command
    if (signal === undefined || this.settled) return
    this.#listener = () => this.#aborted(signal)
    signal.addEventListener('abort', this.#listener, { once: true })
  }

  succeed(response: Response): void {
    this.#settle()
    this.#resolve(response)
  }

  fail(reason: unknown): void {
    if (this.settled) return
    this.#settle()
    this.#reject(reason)
  }

  /** The caller wants no more of it: unsent if it still waits, else its slot and bytes are kept until the target answers. */
  giveUp(reason: unknown): void {
    if (this.settled) return
    this.#settle()
    this.#pair.quarantine(this)
    this.#reject(reason)
  }

  #aborted(signal: AbortSignal): void {
    const sent = this.slot >= 0
    if (!sent || this.command.onAbort === 'detach') this.giveUp(signal.reason)
  }

  #settle(): void {
    this.settled = true
    this.#pair.settled()
    if (this.#listener === undefined) return
    this.command.signal?.removeEventListener('abort', this.#listener)
    this.#listener = undefined
  }
}

/** What most tasks share: it never gets a place, so that it never changes. */
const NO_DATA = new TaskData(0)

function dataOf(length: number): TaskData {
  return length === 0 ? NO_DATA : new TaskData(length)
}

/** Where leased bytes go back to. */
interface Lease {
  readonly pair: RingPair
  /** What shows them. */
  readonly buffer: ArrayBuffer
  readonly offset: number
  readonly length: number
}

/** See `Response`. */
export class RingResponse implements Response {
  readonly status: number
  readonly sense: Uint8Array
  readonly data: Uint8Array
  readonly residual: number
  readonly residualOut: number
  #lease: Lease | undefined

  constructor(
    status: number,
    sense: Uint8Array,
    data: Uint8Array,
    residual: number,
    residualOut: number,
    lease: Lease | undefined,
  ) {
    this.status = status
    this.sense = sense
    this.data = data
    this.residual = residual
    this.residualOut = residualOut
    this.#lease = lease
  }

  release(): void {
    const lease = this.#lease
    if (lease === undefined) return
    this.#lease = undefined
    // Who has transferred the buffer still sees the bytes: they are no other command's before the nexus ends.
    if (lease.buffer.byteLength === 0) return
    native().detach(lease.buffer)
    lease.pair.returnLease(lease.offset, lease.length)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
