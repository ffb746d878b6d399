/**
 * What is written. Without verification it is random bytes, which nothing on the way can make shorter. With it, each block begins with
 *
 *     0..3 "sgrb"   4..7 seed   8..15 LBA
 *
 * so that a block that is read tells whether it is the one that was asked for, whatever was written to it how often, and by which job of the seed.
 */

import { getUint32, setUint32 } from '../../scsi/bytes.ts'
import { Random } from './random.ts'

const MARK = 0x7367_7262
const TWO_32 = 2 ** 32

export class Contents {
  readonly #seed: number
  readonly #blockLength: number

  /** @param seed 32 bits */
  constructor(seed: number, blockLength: number) {
    this.#seed = seed
    this.#blockLength = blockLength
  }

  /** Random bytes for all of `data`. */
  fill(data: Uint8Array): void {
    const random = new Random(this.#seed)
    for (let at = 0; at < data.length; at += 4) {
      const word = random.bits()
      for (let byte = 0; byte < 4 && at + byte < data.length; byte++) {
        data[at + byte] = word >>> (8 * byte)
      }
    }
  }

  /** Marks whole blocks, the first of which is block `lba`. */
  mark(data: Uint8Array, lba: number): void {
    for (let at = 0; at < data.length; at += this.#blockLength, lba++) {
      setUint32(data, at, MARK)
      setUint32(data, at + 4, this.#seed)
      setUint32(data, at + 8, Math.floor(lba / TWO_32))
      setUint32(data, at + 12, lba)
    }
  }

  /** The first block, counted from `lba`, that does not have its mark; undefined when all have. */
  firstWrong(data: Uint8Array, lba: number): number | undefined {
    for (let at = 0; at < data.length; at += this.#blockLength, lba++) {
      const right =
        getUint32(data, at) === MARK &&
        getUint32(data, at + 4) === this.#seed &&
        getUint32(data, at + 8) === Math.floor(lba / TWO_32) &&
        getUint32(data, at + 12) === lba % TWO_32
      if (!right) return lba
    }
    return undefined
  }
}
