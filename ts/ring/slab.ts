/** Memory for small answers: cut from a larger piece, because a buffer of its own costs more than the command that fills it. */

import { markAsUntransferable } from 'node:worker_threads'

const SLAB_BYTES = 64 << 10
/** Larger answers get a buffer of their own, so that keeping one keeps no more than a slab's worth of others. */
const MOST_BYTES = 16 << 10

export class Slab {
  #slab: Uint8Array = new Uint8Array(0)
  #used = 0

  /** A private copy of `bytes`. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length > MOST_BYTES) return bytes.slice()
    if (this.#used + length > this.#slab.length) {
      // Without zeroing: each byte is written before anybody sees it.
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      markAsUntransferable(this.#slab.buffer)
      this.#used = 0
    }
    const copy = new Uint8Array(this.#slab.buffer, this.#used, length)
    copy.set(bytes)
    // Kept aligned for those who look at the bytes through wider views.
    this.#used += (length + 7) & ~7
    return copy
  }
}
