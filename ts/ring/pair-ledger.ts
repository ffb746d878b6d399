/** The ledger of a pair in place (`crates/task/src/ledger.rs`): its records, which the pair's tasks mark, and what its header has of the port. */

import { native } from '../native.ts'
import { LEDGER_PAIRS, LEDGER_UNITS } from './layout.gen.ts'

const PAIRS = LEDGER_PAIRS >>> 2
const UNITS = LEDGER_UNITS >>> 2

export class PairLedger {
  /** By words. */
  readonly marks: Uint32Array<ArrayBuffer>
  /** By sequence numbers. */
  readonly sequences: Float64Array<ArrayBuffer>
  /** What its header has of them: asked at each look. */
  #units: number

  constructor(bytes: ArrayBuffer) {
    this.marks = new Uint32Array(bytes)
    this.sequences = new Float64Array(bytes)
    this.#units = this.marks[UNITS]!
  }

  /** As of which change of the target's units the pair's tasks are. */
  get units(): number {
    return this.#units
  }

  set units(change: number) {
    this.#units = change
    this.marks[UNITS] = change
  }

  /** The nexus has had so many pairs by now. */
  countPairs(count: number): void {
    this.marks[PAIRS] = count
  }

  /** The file is the next target's. */
  close(): void {
    native().detach(this.marks.buffer)
  }
}
