/** The slots of a segment as the initiator writes and reads them, in place. */

import type { Extent } from './arena.ts'
import type { Asked } from './function-call.ts'
import {
  INLINE_CDB,
  MAX_SENSE_LEN,
  SLOT_BYTES,
  SLOT_CDB,
  SLOT_CDB_LEN,
  SLOT_CDB_TAIL,
  SLOT_DRIVER_STATUS,
  SLOT_ERRNO,
  SLOT_HOST_STATUS,
  SLOT_IN,
  SLOT_IN_LEN,
  SLOT_IN_RESIDUAL,
  SLOT_LUN,
  SLOT_OUT,
  SLOT_OUT_LEN,
  SLOT_OUT_RESIDUAL,
  SLOT_OUT_SEGMENTS,
  SLOT_SENSE,
  SLOT_SENSE_LEN,
  SLOT_TAG,
} from './layout.gen.ts'

/** A transfer that no single block of the arena holds: several, and the block of their table. */
export interface Pieces {
  readonly table: number
  readonly extents: readonly Extent[]
}

/** Where a task's bytes are: one block, or pieces; length 0 is none. */
export interface Place {
  readonly offset: number
  readonly length: number
  readonly pieces: Pieces | undefined
}

/** What the kernel's layers say of a command: all 0 where the device's own answer is all there is. */
export interface TransportStatus {
  /** `DID_…`. */
  readonly hostStatus: number
  /** `DRIVER_…`. */
  readonly driverStatus: number
  /** Why the kernel took no such command. */
  readonly errno: number
}

const INLINE_SEGMENTS = 2
const FUNCTION_CDB_LEN = 16

/** Plain stores: the native call that publishes a slot orders them. */
export class Slots {
  readonly #words: Uint32Array
  readonly #bytes: Uint8Array
  readonly #arena: ArrayBuffer

  constructor(slots: ArrayBuffer, arena: ArrayBuffer) {
    this.#words = new Uint32Array(slots)
    this.#bytes = new Uint8Array(slots)
    this.#arena = arena
  }

  /** All slots as 32-bit words: for the batch form, which writes its own slots word by word. */
  get words(): Uint32Array {
    return this.#words
  }

  /**
   * @param lunBytes the LUN's first four bytes as a number of this machine's order
   * @param attribute the task attribute in the low, the priority in the high four bits
   */
  writeTask(
    slot: number,
    lunBytes: number,
    tagLow: number,
    tagHigh: number,
    attribute: number,
  ): void {
    const word = (slot * SLOT_BYTES) >>> 2
    this.#words[word + (SLOT_LUN >>> 2)] = lunBytes
    this.#words[word + (SLOT_LUN >>> 2) + 1] = 0
    this.#words[word + (SLOT_TAG >>> 2)] = tagLow
    this.#words[word + (SLOT_TAG >>> 2) + 1] = tagHigh
    this.#words[word + (SLOT_CDB_LEN >>> 2)] = attribute << 16
  }

  /**
   * A task management function: where commands have their CDB stand the tag that it is about, and when it is sent (CLOCK_MONOTONIC, the
   * nanoseconds and the seconds), which orders it among those of other pairs.
   */
  writeFunction(slot: number, tagLow: number, tagHigh: number, asked: Asked): void {
    this.writeTask(slot, asked.lunBytes, tagLow, tagHigh, 0)
    this.writeNoData(slot)
    const word = (slot * SLOT_BYTES) >>> 2
    this.#words[word + (SLOT_CDB_LEN >>> 2)] = FUNCTION_CDB_LEN | (asked.function << 24)
    this.#words[word + (SLOT_CDB >>> 2)] = asked.tagLow
    this.#words[word + (SLOT_CDB >>> 2) + 1] = asked.tagHigh
    const [seconds, nanoseconds] = process.hrtime()
    this.#words[word + (SLOT_CDB >>> 2) + 2] = nanoseconds
    this.#words[word + (SLOT_CDB >>> 2) + 3] = seconds
  }

  /** After `writeTask`. */
  writeCdb(slot: number, cdb: Uint8Array): void {
    const base = slot * SLOT_BYTES
    const { length } = cdb
    this.#words[(base + SLOT_CDB_LEN) >>> 2]! |= length
    const inline = Math.min(length, INLINE_CDB)
    // A loop: for so few bytes `set` costs more than all else together.
    for (let index = 0; index < inline; index++) this.#bytes[base + SLOT_CDB + index] = cdb[index]!
    if (length > INLINE_CDB) this.#bytes.set(cdb.subarray(INLINE_CDB), base + SLOT_CDB_TAIL)
  }

  writeData(slot: number, out: Place, into: Place): void {
    const base = slot * SLOT_BYTES
    const word = base >>> 2
    this.#words[word + (SLOT_OUT_LEN >>> 2)] = out.length
    this.#words[word + (SLOT_IN_LEN >>> 2)] = into.length
    const outCount = this.#writeSegments(base + SLOT_OUT, out)
    const inCount = this.#writeSegments(base + SLOT_IN, into)
    this.#words[word + (SLOT_OUT_SEGMENTS >>> 2)] = outCount | (inCount << 16)
  }

  /** A task without data, which most control commands are. */
  writeNoData(slot: number): void {
    const word = (slot * SLOT_BYTES) >>> 2
    this.#words[word + (SLOT_OUT_LEN >>> 2)] = 0
    this.#words[word + (SLOT_IN_LEN >>> 2)] = 0
    this.#words[word + (SLOT_OUT_SEGMENTS >>> 2)] = 0
  }

  /** Sense data of a completed slot, copied; its length is the target's word, cut to what there can be. */
  sense(slot: number): Uint8Array {
    const base = slot * SLOT_BYTES
    const length = Math.min(this.#words[(base + SLOT_SENSE_LEN) >>> 2]! & 0xffff, MAX_SENSE_LEN)
    return this.#bytes.slice(base + SLOT_SENSE, base + SLOT_SENSE + length)
  }

  inResidual(slot: number): number {
    return this.#words[(slot * SLOT_BYTES + SLOT_IN_RESIDUAL) >>> 2]! | 0
  }

  outResidual(slot: number): number {
    return this.#words[(slot * SLOT_BYTES + SLOT_OUT_RESIDUAL) >>> 2]! | 0
  }

  /** Of a slot that was completed with `FLAG_TRANSPORT`. */
  transportStatus(slot: number): TransportStatus {
    const at = slot * SLOT_BYTES
    const half = (place: number) => this.#bytes[at + place]! | (this.#bytes[at + place + 1]! << 8)
    return {
      hostStatus: half(SLOT_HOST_STATUS),
      driverStatus: half(SLOT_DRIVER_STATUS),
      errno: half(SLOT_ERRNO),
    }
  }

  #writeSegments(at: number, place: Place): number {
    if (place.length === 0) return 0
    const word = at >>> 2
    if (place.pieces === undefined) {
      this.#words[word] = place.offset
      this.#words[word + 1] = place.length
      return 1
    }
    const { table, extents } = place.pieces
    const inline = extents.length <= INLINE_SEGMENTS
    const list = inline ? this.#words : new Uint32Array(this.#arena, table, 2 * extents.length)
    let next = inline ? word : 0
    for (const { offset, length } of extents) {
      list[next++] = offset
      list[next++] = length
    }
    if (!inline) {
      this.#words[word] = table
      this.#words[word + 1] = 8 * extents.length
    }
    return extents.length
  }
}

/** The 32-bit number whose bytes stand in the other order. */
export function swap(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
}
