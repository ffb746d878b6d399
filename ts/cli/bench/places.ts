/** Which command comes next, and where: the same ones for the same seed. */

import { isRandom, type Job, Kind } from './job.ts'
import { Random } from './random.ts'

/**
 * The commands of a job in their order. At random places are whole multiples of `sizeBytes` from the region's start, any of them at any time;
 * one after the other they go through the region and begin again, reads and writes of a mix together.
 */
export class Places {
  /** Of the command that `next()` chose. */
  kind: Kind
  /** Its first block; 0 for TEST UNIT READY. */
  lba = 0
  readonly #random: Random
  readonly #scatters: boolean
  readonly #readPercent: number | undefined
  readonly #first: number
  readonly #blocks: number
  readonly #steps: number
  #step = 0

  constructor({ mode, seed, readPercent, region }: Job) {
    this.#random = new Random(seed)
    this.#scatters = isRandom(mode)
    this.#readPercent = readPercent
    this.kind = mode === 'tur' ? Kind.TUR : mode.endsWith('write') ? Kind.WRITE : Kind.READ
    this.#first = region?.lba ?? 0
    this.#blocks = region?.blocksEach ?? 0
    this.#steps = region === undefined ? 1 : Math.floor(region.blocks / region.blocksEach)
  }

  /** Chooses the next command. */
  next(): this {
    if (this.#readPercent !== undefined) {
      this.kind = this.#random.below(100) < this.#readPercent ? Kind.READ : Kind.WRITE
    }
    if (this.#scatters) this.#step = this.#random.below(this.#steps)
    this.lba = this.#first + this.#step * this.#blocks
    if (!this.#scatters) this.#step = this.#step + 1 === this.#steps ? 0 : this.#step + 1
    return this
  }
}
