/**
 * In which order commands have begun to change units, beyond the death of their target: whether one of them may be carried out again without
 * undoing a later one.
 *
 *     0           the last sequence number
 *     1 … 511     by LUN, that of the last change of the unit
 *     512 … 1022  by LUN, that of the last change of no known blocks
 *     1023 …      by LUN and stripe of its blocks, that of the last change there
 *
 * Several LUNs, and several stripes, share a word, and a stripe is several blocks: what is taken for a later change of the same blocks may be
 * one of others.
 */

import type { Extent } from './repetition.ts'

/** Words that outlive the process. */
export const ORDER_WORDS = 16_384

const LAST = 0
const LUNS = 511
const OF_UNIT = 1
const ANYWHERE = OF_UNIT + LUNS
const STRIPES = ANYWHERE + LUNS
const BLOCKS_A_STRIPE = 8
/** A change of more stripes counts as one of no known blocks. */
const MOST_STRIPES = 512
/** How far apart the stripes of neighbouring LUNs begin: a prime. */
const APART = 4999

export class WriteOrder {
  readonly #words: Float64Array
  readonly #ofUnit: number
  readonly #anywhere: number
  readonly #first: number

  /**
   * @param words `ORDER_WORDS` of them, zeros at first, for all units together
   * @param lun whose order it is
   */
  constructor(words: Float64Array, lun: number) {
    this.#words = words
    this.#ofUnit = OF_UNIT + (lun % LUNS)
    this.#anywhere = ANYWHERE + (lun % LUNS)
    this.#first = lun * APART
  }

  /** A command begins. Its number in the order. */
  begin(extent: Extent | undefined): number {
    const words = this.#words
    const sequence = words[LAST]! + 1
    words[LAST] = sequence
    words[this.#ofUnit] = sequence
    const count = stripesOf(extent)
    if (extent === undefined || count === 0) words[this.#anywhere] = sequence
    else {
      const first = stripeOf(extent.lba)
      for (let index = 0; index < count; index++) words[this.#wordOf(first + index)] = sequence
    }
    return sequence
  }

  /** Whether a later command than this one may have begun to change some of the same blocks. */
  overtaken(extent: Extent | undefined, sequence: number): boolean {
    const words = this.#words
    const count = stripesOf(extent)
    if (extent === undefined || count === 0) return words[this.#ofUnit]! > sequence
    if (words[this.#anywhere]! > sequence) return true
    const first = stripeOf(extent.lba)
    for (let index = 0; index < count; index++) {
      if (words[this.#wordOf(first + index)]! > sequence) return true
    }
    return false
  }

  #wordOf(stripe: number): number {
    return STRIPES + ((this.#first + stripe) % (ORDER_WORDS - STRIPES))
  }
}

function stripeOf(lba: number): number {
  return Math.floor(lba / BLOCKS_A_STRIPE)
}

/** How many stripes there are; 0 for too many, and for blocks that are not known. */
function stripesOf(extent: Extent | undefined): number {
  if (extent === undefined || extent.blocks === 0) return 0
  const { lba, blocks } = extent
  const count = stripeOf(lba + blocks - 1) - stripeOf(lba) + 1
  return count > MOST_STRIPES ? 0 : count
}
