/** The commands that are sent. */

import { read10, testUnitReady } from '#dist/index.js'
import { BLOCK_BYTES, checkEnds, checkWhole } from '../image.ts'
import type { Random } from '../random.ts'
import type { Load } from './forms.ts'

/** A load that is first checked as well as can be, and after `trust()` as well as a measured loop can bear. */
export interface CheckedLoad extends Load {
  trust(): void
}

/** TEST UNIT READY. */
export class ReadyLoad implements CheckedLoad {
  readonly cdb: Uint8Array = testUnitReady().cdb
  readonly dataBytes = 0

  prepare(): number {
    return 0
  }

  check(status: number, residual: number): void {
    checkGood(status, residual)
  }

  /** A status is all there is. */
  trust(): void {}
}

/** READ(10) of `dataBytes` at random blocks of an image: every byte is looked at, and later both ends. */
export class ReadLoad implements CheckedLoad {
  readonly cdb: Uint8Array
  readonly dataBytes: number
  readonly #random: Random
  readonly #places: number
  #check = checkWhole

  constructor(imageBytes: number, dataBytes: number, random: Random) {
    const blocks = dataBytes / BLOCK_BYTES
    this.cdb = read10({ lba: 0, blocks, blockLength: BLOCK_BYTES }).cdb
    this.dataBytes = dataBytes
    this.#random = random
    this.#places = imageBytes / BLOCK_BYTES - blocks + 1
  }

  prepare(cdb: Uint8Array): number {
    const lba = this.#random.below(this.#places)
    cdb[2] = lba >>> 24
    cdb[3] = lba >>> 16
    cdb[4] = lba >>> 8
    cdb[5] = lba
    return lba
  }

  check(status: number, residual: number, data: Uint8Array, lba: number): void {
    checkGood(status, residual)
    if (data.length !== this.dataBytes) throw new Error(`${data.length} bytes came`)
    this.#check(data, lba)
  }

  trust(): void {
    this.#check = checkEnds
  }
}

/** @throws for what is not GOOD, or not whole */
export function checkGood(status: number, residual: number): void {
  if (status !== 0 || residual !== 0) throw new Error(`status ${status}, residual ${residual}`)
}
