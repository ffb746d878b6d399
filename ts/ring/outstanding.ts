/** A command on its way through a pair, and what its caller gets. */

import { native } from '../native.ts'
import type { Command, Response } from '../task/command.ts'
import type { Extent } from './arena.ts'
import type { RingPair } from './pair.ts'

/** A transfer that no single block holds: several, and the place of their table. */
interface Pieces {
  readonly table: number
  readonly extents: readonly Extent[]
}

/** What the pair needs to know of a task, from `execute()` to its completion. All fields are set here: one shape for all. */
export class Outstanding {
  readonly command: Command
  readonly tag: bigint | undefined
  /** The LUN's first four bytes, as the slot's first word has them on this (little-endian) machine. */
  readonly lunBytes: number
  readonly into: Uint8Array | undefined
  readonly lease: boolean
  readonly outLength: number
  inLength: number
  /** -1 while it waits. */
  slot: number = -1
  outOffset: number = -1
  inOffset: number = -1
  outPieces: Pieces | undefined = undefined
  inPieces: Pieces | undefined = undefined
  /** The tick at which the caller's patience ends. */
  deadline: number = Number.POSITIVE_INFINITY
  /** The caller has its answer, whatever the target still does. */
  settled = false
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
    this.lunBytes = swap(lunWord)
    this.tag = command.tag === undefined ? undefined : BigInt(command.tag)
    const { dataIn } = command
    this.into = typeof dataIn === 'object' ? dataIn : undefined
    this.inLength = typeof dataIn === 'object' ? dataIn.length : (dataIn ?? 0)
    this.outLength = command.dataOut?.length ?? 0
    this.lease = command.lease ?? false
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
    const sent = !this.#pair.withdraw(this)
    this.fail(reason)
    if (sent) this.#pair.quarantine()
  }

  #aborted(signal: AbortSignal): void {
    const sent = this.slot >= 0
    if (!sent || this.command.onAbort === 'detach') this.giveUp(signal.reason)
  }

  #settle(): void {
    this.settled = true
    if (this.#listener === undefined) return
    this.command.signal?.removeEventListener('abort', this.#listener)
    this.#listener = undefined
  }
}

/** Where leased bytes go back to. */
interface Lease {
  readonly pair: RingPair
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
    native().detach(this.data.buffer as ArrayBuffer)
    lease.pair.returnLease(lease.offset, lease.length)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** The 32-bit number whose bytes stand in the other order. */
export function swap(word: number): number {
  return (
    ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
  )
}
