/** Random numbers that a seed repeats: mulberry32. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** 0 to limit-1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit)
  }

  /** The items in a random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const order = [...items]
    for (let index = order.length - 1; index > 0; index--) {
      const other = this.below(index + 1)
      const item = order[index]!
      order[index] = order[other]!
      order[other] = item
    }
    return order
  }
}
