/** Backings of the tests' own. */

import { type Backing, type BackingUsage, Traffic } from '#dist/task/task.js'

/** A backing over bytes, which does as the store does and writes down what was asked of it. */
export class PlainBacking implements Backing {
  readonly kind: 'memory' | 'file'
  readonly readOnly: boolean
  readonly volatileCache: boolean
  bytes: Uint8Array
  readonly native: unknown
  readonly traffic: Traffic = new Traffic()
  readonly log: string[] = []
  /** The errno of the next transfers; 0 is success. */
  errno = 0
  /** Whether transfers end only when `PlainTask.endTransfer` says so. */
  slow = false
  /** Bytes of the backing that take room, in pages of 512: those that were written. */
  readonly allocated: Set<number> = new Set()
  declare readonly usage?: () => Promise<BackingUsage>
  readonly #claimed: number | undefined

  constructor(
    lengthBytes: number,
    options: {
      kind?: 'memory' | 'file'
      readOnly?: boolean
      claimed?: number
      usage?: (() => Promise<BackingUsage>) | undefined
    } = {},
  ) {
    this.bytes = new Uint8Array(lengthBytes)
    this.native = this.bytes
    this.kind = options.kind ?? 'memory'
    this.readOnly = options.readOnly ?? false
    this.volatileCache = this.kind === 'file' && !this.readOnly
    this.#claimed = options.claimed
    if (options.usage !== undefined) this.usage = options.usage
  }

  /** Writes, and notes what takes room by then. */
  put(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset)
    for (let page = offset >> 9; page << 9 < offset + data.length; page++) this.allocated.add(page)
  }

  /** Cuts it. Its disk has to be told. */
  cut(lengthBytes: number): void {
    this.bytes = this.bytes.slice(0, lengthBytes)
  }

  /** Makes zeros that take no room. */
  release(offset: number, length: number): void {
    this.bytes.fill(0, offset, offset + length)
    for (let page = offset >> 9; page << 9 < offset + length; page++) this.allocated.delete(page)
  }

  /** Its size, or a larger one that it claims, for a disk too large to have. */
  get lengthBytes(): number {
    return this.#claimed ?? this.bytes.length
  }
}
