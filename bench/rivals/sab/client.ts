/**
 * A ring over a SharedArrayBuffer to a worker thread. What one would do for speed is done: the commands of one turn of the code are
 * pushed at once, both sides look for a while before they sleep, and who does not sleep is not woken.
 */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Command, Response } from '#dist/index.js'
import { Pump, SPIN_US } from '#dist/ring/pump.js'
import { soon } from '#dist/ring/soon.js'
import { Outstanding } from '../outstanding.ts'
import { ANSWER_WORDS, CLIENT, MOST, PEER, REQUEST_WORDS, ring, share, wake } from './queue.ts'

/** Of ES2024, which is newer than the types of the oldest Node. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { readonly async: boolean; readonly value: Promise<string> | string }

const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync }

export class SabUnit {
  readonly #worker: Worker
  readonly #outstanding = new Outstanding()
  readonly #shared = share()
  readonly #requests = ring(this.#shared.requests)
  readonly #answers = ring(this.#shared.answers)
  readonly #sleeping = new Int32Array(this.#shared.sleeping)
  readonly #sent = new Uint32Array(MOST * REQUEST_WORDS)
  readonly #sentBytes = new Uint8Array(this.#sent.buffer)
  #sentWords = 0
  #underWay = 0
  /** What begins when something has ended: more than the rings hold are under way. */
  readonly #waiting: (() => void)[] = []
  readonly #came = new Uint32Array(MOST * ANSWER_WORDS)
  readonly #pump = new Pump((arm) => this.#look(arm), SPIN_US)
  readonly #flushSoon = soon(() => this.#push())

  private constructor() {
    this.#worker = new Worker(new URL('peer.js', import.meta.url), { workerData: this.#shared })
  }

  static async start(): Promise<SabUnit> {
    const unit = new SabUnit()
    await once(unit.#worker, 'online')
    return unit
  }

  execute({ cdb }: Command): Promise<Response> {
    return new Promise((resolve) => {
      if (this.#underWay < MOST) this.#begin(cdb, resolve)
      else this.#waiting.push(() => this.#begin(cdb, resolve))
    })
  }

  async close(): Promise<void> {
    this.#pump.stop()
    await this.#worker.terminate()
  }

  #begin(cdb: Uint8Array, resolve: (response: Response) => void): void {
    this.#underWay++
    const at = this.#sentWords
    if (at === 0) this.#flushSoon()
    this.#sent[at] = this.#outstanding.begin(resolve)
    this.#sent[at + 1] = cdb.length
    const first = 4 * (at + 2)
    for (let index = 0; index < cdb.length; index++) this.#sentBytes[first + index] = cdb[index]!
    this.#sentWords += REQUEST_WORDS
  }

  #push(): void {
    const words = this.#sentWords
    this.#sentWords = 0
    if (this.#requests.push(this.#sent, words) < words) throw new Error('the ring is full')
    wake(this.#sleeping, PEER)
    this.#pump.wake()
  }

  #look(arm: boolean): number {
    const words = this.#answers.pop(this.#came)
    if (words === 0 && arm) return this.#sleep()
    for (let at = 0; at < words; at += ANSWER_WORDS)
      this.#outstanding.end(this.#came[at]!, this.#came[at + 1]!)
    const ended = words / ANSWER_WORDS
    this.#underWay -= ended
    if (this.#waiting.length > 0)
      for (const begin of this.#waiting.splice(0, MOST - this.#underWay)) begin()
    return ended
  }

  /** Says that it sleeps, and looks once more. */
  #sleep(): number {
    Atomics.store(this.#sleeping, CLIENT, 1)
    if (this.#answers.available_read() > 0) {
      Atomics.store(this.#sleeping, CLIENT, 0)
      return this.#look(false)
    }
    const { async, value } = waitAsync(this.#sleeping, CLIENT, 1)
    const woken = async ? (value as Promise<string>) : Promise.resolve()
    woken.then(() => this.#pump.wake())
    return 0
  }
}
