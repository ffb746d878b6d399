/** A target's end of a pair that answers GOOD to whatever comes, and goes on when what comes breaks a rule. */

import { Socket } from 'node:net'
import type { TargetCalls, TargetPair } from '#dist/native.js'
import { RECORD_BYTES } from '#dist/ring/layout.gen.js'

export class CarelessTarget {
  readonly socket: Socket
  /** Its client has left. */
  gone = false
  readonly #pair: TargetPair
  readonly #calls: TargetCalls
  readonly #fetched: Uint32Array
  readonly #completions: Uint32Array

  /** @param pair one that was accepted */
  constructor(pair: TargetPair) {
    const slots = pair.arrival()?.slots ?? 0
    if (!pair.welcome(1, 0, new Uint8Array(16).fill(1))) throw new Error('it was not let in')
    this.#pair = pair
    this.#calls = pair.calls()
    const desk = pair.desk()
    this.#fetched = new Uint32Array(desk, slots * RECORD_BYTES, slots)
    this.#completions = new Uint32Array(desk, slots * (RECORD_BYTES + 4), slots)
    this.socket = new Socket({ fd: pair.takeSocket() })
    this.socket.resume().on('error', () => {})
    this.socket.once('close', () => {
      this.gone = true
    })
  }

  /** Answers what is there. How much it was: less than 0 once that breaks a rule. */
  serve(): number {
    const count = this.#calls.fetch(false)
    for (let index = 0; index < count; index++) this.#completions[index] = this.#fetched[index]!
    if (count > 0) this.#calls.complete(count)
    return count
  }

  leave(): void {
    this.socket.destroy()
    this.#pair.close()
  }
}
