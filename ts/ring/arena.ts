/**
 * Who has which bytes of the arena: a buddy allocator over pages of 4096 bytes, private to the initiator.
 *
 * Blocks are powers of two pages. A freed block goes to its class's shelf first, uncut and unmerged, because the next command mostly
 * wants what the last one had; when nothing else is left, the shelves are merged back. Pages that are free and were used stay in
 * memory up to `keepBytes`; `trim` gives the rest back to the system.
 */

/** A run of the arena's bytes, in bytes from its start. */
export interface Extent {
  readonly offset: number
  readonly length: number
}

const PAGE = 4096
export const PAGE_SHIFT = 12
const NONE = -1
/** What the state of a page says when no free block starts there. */
const TAKEN = 0
/** Blocks kept uncut and unmerged, for each class. */
const SHELF = 64

export class Arena {
  readonly #pages: number
  readonly #keepPages: number
  readonly #giveBack: (offset: number, length: number) => void
  /** For the first page of a free block: its class + 1. */
  readonly #state: Uint8Array
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** The first free block of each class, by page. */
  readonly #heads: Int32Array
  readonly #shelves: number[][]
  /** Pages that were handed out since they were last given back. */
  readonly #touched: Uint8Array
  #touchedPages = 0
  #usedPages = 0

  /**
   * @param bytes whole pages
   * @param keepBytes how much free memory may stay resident
   * @param giveBack gives the memory under some whole pages back
   */
  constructor(
    bytes: number,
    keepBytes: number,
    giveBack: (offset: number, length: number) => void,
  ) {
    this.#pages = bytes / PAGE
    this.#keepPages = Math.ceil(keepBytes / PAGE)
    this.#giveBack = giveBack
    const classes = classOf(this.#pages) + 1
    this.#state = new Uint8Array(this.#pages)
    this.#next = new Int32Array(this.#pages)
    this.#previous = new Int32Array(this.#pages)
    this.#heads = new Int32Array(classes).fill(NONE)
    this.#shelves = Array.from({ length: classes }, () => [])
    this.#touched = new Uint8Array(this.#pages)
    // The largest aligned blocks that fit, one after the other.
    for (let page = 0; page < this.#pages; ) {
      let order = classes - 1
      while (page % 2 ** order !== 0 || page + 2 ** order > this.#pages) order--
      this.#insert(page, order)
      page += 2 ** order
    }
  }

  /** Bytes that there are. */
  get lengthBytes(): number {
    return this.#pages * PAGE
  }

  /** Bytes that commands and leases hold now. */
  get usedBytes(): number {
    return this.#usedPages * PAGE
  }

  /** Bytes of memory that the arena may occupy now. */
  get residentBytes(): number {
    return this.#touchedPages * PAGE
  }

  /** Whether `trim` has something to do. */
  get excess(): boolean {
    return this.#touchedPages - this.#usedPages > this.#keepPages
  }

  /** A block of at least `bytes` (1 or more) in one piece: its offset, or -1 if there is none now. */
  allocate(bytes: number): number {
    const order = classOf(pagesOf(bytes))
    const shelved = this.#shelves[order]?.pop()
    const page = shelved ?? this.#take(order)
    if (page === NONE) return NONE
    this.#usedPages += 2 ** order
    if (shelved === undefined) this.#touch(page, 2 ** order)
    return page * PAGE
  }

  /** Returns a block that `allocate(bytes)` gave. */
  free(offset: number, bytes: number): void {
    const order = classOf(pagesOf(bytes))
    this.#usedPages -= 2 ** order
    const shelf = this.#shelves[order]
    if (shelf !== undefined && shelf.length < SHELF) shelf.push(offset >>> PAGE_SHIFT)
    else this.#merge(offset >>> PAGE_SHIFT, order)
  }

  /**
   * At most `most` blocks of at least `bytes` together, the last one no longer than is needed, or `undefined` if there are none now.
   * Each is returned with `free(extent.offset, extent.length)`.
   */
  allocatePieces(bytes: number, most: number): Extent[] | undefined {
    const extents: Extent[] = []
    let left = bytes
    while (left > 0) {
      const piece = extents.length < most ? this.#largestPiece(left) : undefined
      if (piece === undefined) {
        for (const { offset, length } of extents) this.free(offset, length)
        return undefined
      }
      extents.push(piece)
      left -= piece.length
    }
    return extents
  }

  /** Gives free memory beyond `keepBytes` back, the largest blocks first. */
  trim(): void {
    this.#mergeShelves()
    for (let order = this.#heads.length - 1; order >= 0; order--) {
      for (let page = this.#heads[order]!; page !== NONE; page = this.#next[page]!) {
        if (!this.excess) return
        this.#forget(page, 2 ** order)
      }
    }
  }

  #largestPiece(bytes: number): Extent | undefined {
    const whole = this.allocate(bytes)
    if (whole !== NONE) return { offset: whole, length: bytes }
    for (let order = classOf(pagesOf(bytes)) - 1; order >= 0; order--) {
      const length = 2 ** order * PAGE
      const offset = this.allocate(length)
      if (offset !== NONE) return { offset, length }
    }
    return undefined
  }

  /** A free block of class `order`, cut from a larger one if need be. */
  #take(order: number): number {
    const page = this.#cut(order)
    if (page !== NONE) return page
    this.#mergeShelves()
    return this.#cut(order)
  }

  #cut(order: number): number {
    let found = order
    while (found < this.#heads.length && this.#heads[found] === NONE) found++
    if (found >= this.#heads.length) return NONE
    const page = this.#heads[found]!
    this.#remove(page, found)
    while (found > order) {
      found--
      this.#insert(page + 2 ** found, found)
    }
    return page
  }

  /** Puts a block among the free ones, together with its free neighbours. */
  #merge(page: number, order: number): void {
    let start = page
    let size = order
    while (size + 1 < this.#heads.length) {
      const buddy = start ^ (1 << size)
      if (buddy >= this.#pages || this.#state[buddy] !== size + 1) break
      this.#remove(buddy, size)
      start = Math.min(start, buddy)
      size++
    }
    this.#insert(start, size)
  }

  #mergeShelves(): void {
    for (const [order, shelf] of this.#shelves.entries()) {
      for (const page of shelf) this.#merge(page, order)
      shelf.length = 0
    }
  }

  #insert(page: number, order: number): void {
    const head = this.#heads[order]!
    this.#state[page] = order + 1
    this.#next[page] = head
    this.#previous[page] = NONE
    if (head !== NONE) this.#previous[head] = page
    this.#heads[order] = page
  }

  #remove(page: number, order: number): void {
    const next = this.#next[page]!
    const previous = this.#previous[page]!
    this.#state[page] = TAKEN
    if (next !== NONE) this.#previous[next] = previous
    if (previous !== NONE) this.#next[previous] = next
    else this.#heads[order] = next
  }

  #touch(page: number, count: number): void {
    for (let index = page; index < page + count; index++) {
      if (this.#touched[index] === 0) this.#touchedPages++
      this.#touched[index] = 1
    }
  }

  /** Gives the touched pages of a free block back, run by run. */
  #forget(page: number, count: number): void {
    const end = page + count
    for (let start = page; start < end; ) {
      if (this.#touched[start] === 0) {
        start++
        continue
      }
      let stop = start
      while (stop < end && this.#touched[stop] === 1) stop++
      // First, because it may throw: then the pages are still there.
      this.#giveBack(start * PAGE, (stop - start) * PAGE)
      this.#touched.fill(0, start, stop)
      this.#touchedPages -= stop - start
      start = stop
    }
  }
}

function pagesOf(bytes: number): number {
  // Not by `>>>`, which takes 2^32 bytes for none.
  return Math.ceil(bytes / PAGE)
}

/** The class whose blocks have at least `pages` pages: its logarithm, rounded up. */
function classOf(pages: number): number {
  return 32 - Math.clz32(pages - 1)
}
