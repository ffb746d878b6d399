/** A set of LUNs, one bit each: what a target keeps for each of thousands of units and each nexus. */

/** Grows with the largest LUN in it: 2 KiB for all of 16,384. */
export class LunSet {
  #words = new Uint32Array(1)

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0)
  }

  has(lun: number): boolean {
    return ((this.#words[lun >>> 5] ?? 0) & (1 << (lun & 31))) !== 0
  }

  add(lun: number): void {
    if (lun >>> 5 >= this.#words.length) this.#grow((lun >>> 5) + 1)
    this.#words[lun >>> 5]! |= 1 << (lun & 31)
  }

  /** Adds all that are in `others`. */
  addAll(others: LunSet): void {
    if (others.#words.length > this.#words.length) this.#grow(others.#words.length)
    for (const [index, word] of others.#words.entries()) this.#words[index]! |= word
  }

  delete(lun: number): void {
    if (lun >>> 5 < this.#words.length) this.#words[lun >>> 5]! &= ~(1 << (lun & 31))
  }

  /** Bytes that it holds. */
  get lengthBytes(): number {
    return this.#words.byteLength
  }

  #grow(words: number): void {
    const grown = new Uint32Array(Math.max(words, 2 * this.#words.length))
    grown.set(this.#words)
    this.#words = grown
  }
}
