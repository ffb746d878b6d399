/** Decisions that a seed brings about again: PCG's output permutation (O'Neill 2014) over a 32-bit state. */

export class Dice {
  #state: number

  /** @param seeds what is decided, from the general to the special: each list has a sequence of its own */
  constructor(...seeds: readonly number[]) {
    this.#state = 0
    for (const seed of seeds) {
      this.#state = (this.#state + seed) >>> 0
      this.#next()
      this.#next()
    }
  }

  /** A whole number from 0 to below `count`. */
  below(count: number): number {
    return this.#next() % count
  }

  /** A whole number from `first` to `last`. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** One of them, by weight. */
  pick<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.below(choices.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, choice] of choices) {
      left -= weight
      if (left < 0) return choice
    }
    throw new RangeError('nothing to choose from')
  }

  #next(): number {
    const state = this.#state
    this.#state = (Math.imul(state, 747_796_405) + 2_891_336_453) >>> 0
    const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277_803_737)
    return ((word >>> 22) ^ word) >>> 0
  }
}
