/** What the caller of a command gets from a ring. */

import { native } from '../native.ts'
import type { Response } from '../task/command.ts'
import type { RingPair } from './pair.ts'
import type { TransportStatus } from './slots.ts'

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
  readonly transport: TransportStatus | undefined
  #lease: Lease | undefined

  constructor(
    status: number,
    sense: Uint8Array,
    data: Uint8Array,
    residual: number,
    residualOut: number,
    transport: TransportStatus | undefined,
    lease: Lease | undefined,
  ) {
    this.status = status
    this.sense = sense
    this.data = data
    this.residual = residual
    this.residualOut = residualOut
    this.transport = transport
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
