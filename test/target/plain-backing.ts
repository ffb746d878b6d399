/** Backings of the tests' own. */

import type { Backing } from '#dist/task/task.js'

/** A backing over bytes, which does as the store does and writes down what was asked of it. */
export class PlainBacking implements Backing {
  readonly kind: 'memory' | 'file'
  readonly readOnly: boolean
  readonly bytes: Uint8Array
  readonly native: unknown
  readonly log: string[] = []
  /** The errno of the next transfers; 0 is success. */
  errno = 0
  /** Whether transfers end only when `PlainTask.endTransfer` says so. */
  slow = false
  readonly #claimed: number | undefined

  constructor(
    lengthBytes: number,
    options: { kind?: 'memory' | 'file'; readOnly?: boolean; claimed?: number } = {},
  ) {
    this.bytes = new Uint8Array(lengthBytes)
    this.native = this.bytes
    this.kind = options.kind ?? 'memory'
    this.readOnly = options.readOnly ?? false
    this.#claimed = options.claimed
  }

  /** Its size, or a larger one that it claims, for a disk too large to have. */
  get lengthBytes(): number {
    return this.#claimed ?? this.bytes.length
  }
}
