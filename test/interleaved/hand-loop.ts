/** An event loop that a test turns: microtasks, turns, timers, the clock and bells of both sides happen when it says so. */

import { closeSync, readSync } from 'node:fs'
import type { BellEvents, Watched } from '#dist/ring/bell.js'
import { microtasks } from '#dist/ring/soon.js'

type Call = () => void

const real = { queueMicrotask, setImmediate, setInterval, clearInterval }
const { add } = microtasks
/** More than one turn causes, if it is not endless. */
const MOST_MICROTASKS = 10_000

/** One for all sides, which it knows by name. While it is not in use the process has its own. */
export class HandLoop {
  /** Milliseconds that `performance.now` tells. */
  #now = 0
  #side = ''
  readonly #microtasks: Call[] = []
  readonly #turns: { readonly side: string; readonly call: Call }[] = []
  readonly #timers = new Map<object, { readonly side: string; readonly call: Call }>()

  /** Has everything that asks for a later call ask here. */
  use(): void {
    Object.assign(globalThis, {
      queueMicrotask: (call: Call) => this.#microtasks.push(call),
      setImmediate: (call: Call) => this.#turns.push({ side: this.#side, call }),
      setInterval: (call: Call) => {
        const timer = { unref: () => timer }
        this.#timers.set(timer, { side: this.#side, call })
        return timer
      },
      clearInterval: (timer: object) => this.#timers.delete(timer),
    })
    Object.assign(microtasks, { add: (call: Call) => this.#microtasks.push(call) })
    Object.assign(performance, { now: () => this.#now })
  }

  /** Those who asked for turns and timers are gone. */
  forget(): void {
    for (const list of [this.#microtasks, this.#turns]) list.length = 0
    this.#timers.clear()
  }

  /** The process has its own again. */
  leave(): void {
    Object.assign(globalThis, real)
    Object.assign(microtasks, { add })
    Reflect.deleteProperty(performance, 'now')
  }

  /** One turn of a side's loop: a call, and the microtasks that it causes. Within a turn: a part of it. */
  as(side: string, call: Call): void {
    const outermost = this.#side === ''
    this.#side = side
    try {
      call()
      if (outermost) this.#drain()
    } finally {
      if (outermost) this.#side = ''
    }
  }

  #drain(): void {
    for (let count = 0; this.#microtasks.length > 0; count++) {
      if (count === MOST_MICROTASKS) throw new Error(`${this.#side} goes on for ever in microtasks`)
      this.#microtasks.shift()!()
    }
  }

  /** Whether a side has asked for a turn. */
  awaitsTurn(side: string): boolean {
    return this.#turns.some((turn) => turn.side === side)
  }

  /** The turn that a side asked for first. */
  turn(side: string): void {
    const at = this.#turns.findIndex((turn) => turn.side === side)
    const [turn] = this.#turns.splice(at, 1)
    this.as(side, turn!.call)
  }

  /** Whether a side has a timer. */
  hasTimer(side: string): boolean {
    return [...this.#timers.values()].some((timer) => timer.side === side)
  }

  /** Time goes by; a side's timers see it. */
  pass(side: string, ms: number): void {
    this.#now += ms
    for (const timer of [...this.#timers.values()])
      if (timer.side === side) this.as(side, timer.call)
  }

  /** Watches a bell that is looked at by `HandBell.look` alone. */
  watch(fd: number, events: BellEvents): HandBell {
    return new HandBell(fd, events)
  }
}

/** A descriptor that nobody but the test reads. */
export class HandBell implements Watched {
  /** Whether it would keep its process alive. */
  referenced = false
  readonly #fd: number
  readonly #events: BellEvents
  readonly #bytes = new Uint8Array(256)
  #closed = false
  #ended = false

  constructor(fd: number, events: BellEvents) {
    this.#fd = fd
    this.#events = events
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Tells what has come, if something has, and says so. */
  look(): boolean {
    if (this.#closed) return false
    const length = this.#read()
    if (length < 0) return false
    if (length === 0) this.end()
    else this.#events.ring(this.#bytes.subarray(0, length))
    return true
  }

  /** The socket breaks here; the other end sees it when this one is closed. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.close()
    this.#events.end()
  }

  reference(wanted: boolean): void {
    this.referenced = wanted
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#fd)
    queueMicrotask(() => this.end())
  }

  /** Bytes that came; 0 is the end, -1 is nothing. */
  #read(): number {
    try {
      return readSync(this.#fd, this.#bytes)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return -1
      if (code === 'ECONNRESET') return 0
      throw error
    }
  }
}
