/** The package's own ring with a call for each submission, and a call for each completion: the batch form's rival. */

import { Bell } from '#dist/ring/bell.js'
import { Pump, SPIN_US } from '#dist/ring/pump.js'
import type { Load } from '../../cases/forms.ts'
import { addon, type PerCall } from './addon.ts'

export class PerCallRing {
  readonly #ring: ReturnType<PerCall['functions']>
  readonly #bell: Bell
  readonly #pump = new Pump((arm) => this.#look(arm), SPIN_US)
  readonly #depth: number
  #completed: (slot: number, status: number) => void = () => {}
  #tags = 0

  constructor(path: string, depth: number) {
    this.#depth = depth
    const ring = new (addon().PerCall)(path, depth)
    this.#ring = ring.functions()
    this.#bell = new Bell(ring.takeSocket(), { ring: () => this.#pump.wake(), end() {} })
    this.#bell.reference(true)
  }

  /** Sends `count` commands without data, as many at a time as there are slots; resolves with the milliseconds that took. */
  run(load: Load, count: number): Promise<number> {
    const prepared = new Float64Array(this.#depth)
    const cdb = load.cdb.slice()
    let unsent = count
    let left = count
    const send = (slot: number) => {
      prepared[slot] = load.prepare(cdb)
      this.#ring.submit(slot, ++this.#tags, cdb)
      unsent--
    }
    return new Promise((resolve) => {
      const started = performance.now()
      this.#completed = (slot, status) => {
        load.check(status, 0, NO_BYTES, prepared[slot]!)
        if (unsent > 0) send(slot)
        if (--left === 0) resolve(performance.now() - started)
      }
      for (let slot = 0; slot < this.#depth && unsent > 0; slot++) send(slot)
      this.#pump.wake()
    })
  }

  close(): void {
    this.#pump.stop()
    this.#bell.close()
  }

  #look(arm: boolean): number {
    let found = 0
    for (let word = this.#ring.reap(arm); word >= 0; word = this.#ring.reap(false)) {
      found++
      // Sense data and residuals are not carried: what has some is no success.
      if (word >= 2 ** 24) throw new Error(`completion ${word}`)
      this.#completed(word & 0xffff, word >>> 16)
    }
    return found
  }
}

const NO_BYTES = new Uint8Array(0)
