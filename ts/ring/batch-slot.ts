/** One command of a queue: its slot on the ring, its bytes, and its completion. */

import type { TransportError } from '../errors.ts'
import type { Completion } from '../initiator/queue.ts'
import { native } from '../native.ts'
import { ENDED_WITHOUT_RESPONSE, OUTCOME_UNKNOWN, OVERTAKEN } from '../task/function.ts'
import type { RingQueue } from './batch.ts'
import {
  FLAG_RESIDUAL,
  FLAG_SENSE,
  FLAG_SERVICE_RESPONSE,
  FLAG_TRANSPORT,
  INLINE_CDB,
  SLOT_BYTES,
} from './layout.gen.ts'
import type { RingPair, SlotOwner } from './pair.ts'
import type { TransportStatus } from './slots.ts'

/** What a slot is. */
export const FREE = 0
export const RESERVED = 1
export const SUBMITTED = 2
export const COMPLETED = 3
/** In words. */
export const STATES: readonly string[] = ['free', 'reserved', 'under way', 'completed']
/** The status of a command that has none. */
const NO_STATUS = -1
const NO_BYTES = new Uint8Array(0)

/** See `Queue` and `Completion`. */
export class BatchSlot implements Completion, SlotOwner {
  readonly slot: number
  readonly ringSlot: number
  readonly word: number
  readonly offset: number
  readonly whole: Uint8Array
  readonly cdb: Uint8Array = new Uint8Array(INLINE_CDB)
  readonly cdbWords: Uint32Array = new Uint32Array(this.cdb.buffer)
  readonly #queue: RingQueue
  readonly #ring: RingPair
  state: number = FREE
  status: number = 0
  delivered: boolean = true
  aborted: boolean = false
  unknown: boolean = false
  residual: number = 0
  residualOut: number = 0
  sense: Uint8Array = NO_BYTES
  transport: TransportStatus | undefined = undefined
  dataInLength: number = 0
  /** The low half of its last command's tag, as a signed number. */
  tagLow: number = 0

  constructor(
    queue: RingQueue,
    ring: RingPair,
    number: number,
    ringSlot: number,
    offset: number,
    whole: Uint8Array,
  ) {
    this.#queue = queue
    this.#ring = ring
    this.slot = number
    this.ringSlot = ringSlot
    this.word = (ringSlot * SLOT_BYTES) >>> 2
    this.offset = offset
    this.whole = whole
  }

  get data(): Uint8Array {
    // Detached, or none at all.
    if (this.whole.length === 0) return NO_BYTES
    return this.whole.subarray(
      0,
      Math.max(0, Math.min(this.dataInLength, this.dataInLength - this.residual)),
    )
  }

  release(): void {
    this.#queue.released(this.slot)
  }

  completed(slot: number, status: number, flags: number): void {
    const { slots } = this.#ring
    const response = flags & FLAG_SERVICE_RESPONSE
    if (response === OUTCOME_UNKNOWN && this.#queue.reruns) {
      this.#ring.rerun(slot)
      return
    }
    this.state = COMPLETED
    this.delivered = response === 0
    this.aborted = response === ENDED_WITHOUT_RESPONSE
    this.unknown = response === OUTCOME_UNKNOWN || response === OVERTAKEN
    this.status = this.delivered ? status : NO_STATUS
    this.residual = flags & FLAG_RESIDUAL ? slots.inResidual(slot) : 0
    this.residualOut = flags & FLAG_RESIDUAL ? slots.outResidual(slot) : 0
    this.sense = flags & FLAG_SENSE ? slots.sense(slot) : NO_BYTES
    this.transport = flags & FLAG_TRANSPORT ? slots.transportStatus(slot) : undefined
    // Nothing is known of the data of a command that was not carried out.
    if (!this.delivered) this.residual = this.dataInLength
    this.#queue.completed(this)
  }

  lost(reason: TransportError): void {
    this.detach()
    this.#queue.lost(reason)
  }

  /** Takes the bytes from the caller. `false` if they are elsewhere: who transferred the buffer sees them as long as the nexus lasts. */
  detach(): boolean {
    if (this.whole.length === 0) return false
    native().detach(this.whole.buffer as ArrayBuffer)
    return true
  }
}
