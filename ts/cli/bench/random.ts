/** Random numbers that a seed repeats: sfc32 of PractRand, whose state has 128 bits. */

const TWO_21 = 2 ** 21
const TWO_32 = 2 ** 32
const TWO_53 = 2 ** 53
/** Rounds after which a seed of few bits has reached all of the state. */
const MIXING_ROUNDS = 12

export class Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  /** @param seed 32 bits */
  constructor(seed: number) {
    this.#a = 0
    this.#b = seed | 0
    this.#c = 0x9e37_79b9 | 0
    for (let round = 0; round < MIXING_ROUNDS; round++) this.bits()
  }

  /** 32 bits, as a number of 0 to 2^32-1. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 to limit-1, all as often. @param limit 1 to 2^53 */
  below(limit: number): number {
    if (limit <= TWO_32) return Math.floor((this.bits() / TWO_32) * limit)
    return Math.floor(((this.bits() * TWO_21 + (this.bits() >>> 11)) / TWO_53) * limit)
  }
}
