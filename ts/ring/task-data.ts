/** A task's bytes in the arena: where they are, how they get in and out, and when the memory goes back. */

import { Arena, PAGE_SHIFT } from './arena.ts'
import { MAX_SEGMENTS } from './layout.gen.ts'
import { Slab } from './slab.ts'
import type { Pieces, Place } from './slots.ts'

/** One direction of a task. */
export class TaskData implements Place {
  length: number
  /** -1 while there is no block. */
  offset: number = -1
  pieces: Pieces | undefined = undefined

  constructor(length: number) {
    this.length = length
  }
}

const TABLE_BYTES = 8 * MAX_SEGMENTS
const TRIM_DELAY_MS = 1000
/** Pages whose views are kept: those of large transfers, which have more, cost little beside their bytes. */
const VIEWED_PAGES = 1024
const NO_BYTES = new Uint8Array(0)

/** The arena of a pair, with the bytes in it. */
export class ArenaBytes {
  readonly #arena: Arena
  readonly #bytes: Uint8Array
  /** Of each of the first pages where a block began, the last view. */
  readonly #views: (Uint8Array | undefined)[] = []
  readonly #slab = new Slab()
  #trimmer: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param keepBytes free memory that may stay resident
   * @param giveBack gives the memory under some whole pages back to the system
   */
  constructor(
    buffer: ArrayBuffer,
    keepBytes: number,
    giveBack: (offset: number, length: number) => void,
  ) {
    this.#bytes = new Uint8Array(buffer)
    this.#arena = new Arena(buffer.byteLength, keepBytes, giveBack)
  }

  /** Bytes that there are. */
  get lengthBytes(): number {
    return this.#arena.lengthBytes
  }

  get usedBytes(): number {
    return this.#arena.usedBytes
  }

  get residentBytes(): number {
    return this.#arena.residentBytes
  }

  /** Space for `data`: mostly one block; where none is large enough several, unless it has to be one. `false`: nothing was taken. */
  reserve(data: TaskData, inOnePiece: boolean): boolean {
    if (data.length === 0) return true
    data.offset = this.#arena.allocate(data.length)
    return data.offset >= 0 || (!inOnePiece && this.#reservePieces(data))
  }

  /** Copies the caller's bytes to where the target finds them. */
  copyOut(data: TaskData, from: Uint8Array): void {
    if (data.pieces === undefined) {
      this.#bytes.set(from, data.offset)
      return
    }
    let at = 0
    for (const { offset, length } of data.pieces.extents) {
      this.#bytes.set(from.subarray(at, at + length), offset)
      at += length
    }
  }

  /** Copies the first `length` bytes out of the arena: to the caller's buffer, if there is one. */
  copyIn(data: TaskData, length: number, into: Uint8Array | undefined): Uint8Array {
    if (length === 0) return into?.subarray(0, 0) ?? NO_BYTES
    if (data.pieces === undefined) {
      const bytes = this.#view(data.offset, length)
      if (into === undefined) return this.#slab.copy(bytes)
      into.set(bytes)
      return length === into.length ? into : into.subarray(0, length)
    }
    const whole = into?.subarray(0, length) ?? new Uint8Array(length)
    let at = 0
    for (const extent of data.pieces.extents) {
      const part = Math.min(extent.length, length - at)
      whole.set(this.#bytes.subarray(extent.offset, extent.offset + part), at)
      at += part
    }
    return whole
  }

  /** Gives back what `reserve` took. Idempotent. */
  release(data: TaskData): void {
    if (data.offset >= 0) this.free(data.offset, data.length)
    if (data.pieces !== undefined) {
      this.free(data.pieces.table, TABLE_BYTES)
      for (const { offset, length } of data.pieces.extents) this.free(offset, length)
    }
    data.offset = -1
    data.pieces = undefined
  }

  /** A block in one piece: its offset, or -1. */
  allocate(length: number): number {
    return this.#arena.allocate(length)
  }

  /** Returns a block; free memory beyond the watermark goes back to the system soon. */
  free(offset: number, length: number): void {
    this.#arena.free(offset, length)
    if (this.#trimmer !== undefined || this.#closed || !this.#arena.excess) return
    this.#trimmer = setTimeout(() => {
      this.#trimmer = undefined
      try {
        this.#arena.trim()
      } catch {
        // The system does not take the memory back now: it stays, and is asked for again.
      }
    }, TRIM_DELAY_MS).unref()
  }

  /** The arena is going away. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#trimmer)
  }

  /** Part of a block. The next command in it mostly moves as much: to make a view costs as much as to copy some KiB. */
  #view(offset: number, length: number): Uint8Array {
    const page = offset >>> PAGE_SHIFT
    const last = this.#views[page]
    if (last?.length === length) return last
    const view = this.#bytes.subarray(offset, offset + length)
    if (page < VIEWED_PAGES) this.#views[page] = view
    return view
  }

  #reservePieces(data: TaskData): boolean {
    const table = this.#arena.allocate(TABLE_BYTES)
    if (table < 0) return false
    const extents = this.#arena.allocatePieces(data.length, MAX_SEGMENTS)
    if (extents === undefined) {
      this.#arena.free(table, TABLE_BYTES)
      return false
    }
    data.pieces = { table, extents }
    return true
  }
}
