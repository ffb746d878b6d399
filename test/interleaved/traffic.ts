/** Looks over the shoulder of native code: what is published and not seen yet, and whose bytes move. Nothing is changed on its way. */

import { type InitiatorPair, type IoPool, native, type TargetPair } from '#dist/native.js'
import {
  TRANSFER_ERRNO,
  TRANSFER_SLOT,
  TRANSFER_UNDER_WAY,
  TRANSFER_WORDS,
} from '#dist/ring/layout.gen.js'

/** Of each transfer that is reported, on the pool's desk: owner, slot, errno. */
const DONE_WORDS = 3

/** One pair's. */
export class Traffic {
  /** Tasks that the target has not fetched yet, and completions that the initiator has not taken yet. */
  unfetched = 0
  untaken = 0
  /** Slots whose transfer is under way, each with an object of its own. */
  readonly moving: Map<number, object> = new Map()
  /** The target has closed its end. */
  closed = false
  /** Answers that came when it had. */
  late = 0
  words: Uint32Array = new Uint32Array(0)

  /** The transfer of a slot begins. */
  takeOff(slot: number): void {
    const flight = {}
    flights.add(flight)
    this.moving.set(slot, flight)
  }

  /** Its end is about to be told. */
  land(slot: number): void {
    flights.delete(this.moving.get(slot)!)
    this.moving.delete(slot)
  }

  /** Counts what the initiator's end does. */
  countInitiator(pair: InitiatorPair): void {
    const { submit, reap } = pair.calls()
    pair.calls = () => ({
      submit: (count) => {
        this.unfetched += count
        return submit(count)
      },
      reap: (arm) => {
        const count = reap(arm)
        this.untaken -= Math.max(0, count)
        return count
      },
    })
  }
}

const pairs = new WeakMap<TargetPair, Traffic>()
const owners = new Map<number, Traffic>()
const flights = new Set<object>()
/** The end of a pair whose socket was taken last: it is about to be served. */
let newest = new Traffic()

/** The traffic of the pair that a target has just begun to serve. */
export function newestTraffic(): Traffic {
  return newest
}

/** Transfers that are under way, of all pairs. */
export function underWay(): number {
  return flights.size
}

type Classes = {
  readonly TargetPair: { prototype: TargetPair }
  readonly IoPool: { prototype: IoPool }
}

/** Whether a transfer runs still. */
export function isUnderWay(flight: object): boolean {
  return flights.has(flight)
}

/** From now on every pair that this process serves is looked at. */
export function watchTraffic(): void {
  const { TargetPair, IoPool } = native() as unknown as Classes
  watchPairs(TargetPair.prototype)
  const { reap } = IoPool.prototype
  const desks = new WeakMap<IoPool, Uint32Array>()
  IoPool.prototype.reap = function () {
    const count = reap.call(this)
    const done = desks.get(this) ?? new Uint32Array(this.desk())
    desks.set(this, done)
    for (let index = 0; index < count; index++) {
      owners.get(done[index * DONE_WORDS]!)?.land(done[index * DONE_WORDS + 1]!)
    }
    return count
  }
}

function watchPairs(prototype: TargetPair): void {
  const { takeSocket, usePool, calls, close } = prototype
  prototype.takeSocket = function () {
    newest = new Traffic()
    newest.words = new Uint32Array(this.transfers())
    pairs.set(this, newest)
    return takeSocket.call(this)
  }
  prototype.usePool = function (pool, number) {
    // The socket is taken right behind it.
    queueMicrotask(() => owners.set(number, pairs.get(this)!))
    usePool.call(this, pool, number)
  }
  prototype.calls = function () {
    const { fetch, complete, transfer } = calls.call(this)
    const traffic = () => pairs.get(this)!
    return {
      fetch: (arm) => {
        const count = fetch(arm)
        traffic().unfetched -= Math.max(0, count)
        return count
      },
      complete: (count) => {
        if (traffic().closed) traffic().late += count
        traffic().untaken += count
        return complete(count)
      },
      transfer: (count) => {
        transfer(count)
        const { words } = traffic()
        for (let at = 0; at < count * TRANSFER_WORDS; at += TRANSFER_WORDS) {
          if ((words[at + TRANSFER_ERRNO]! | 0) === TRANSFER_UNDER_WAY)
            traffic().takeOff(words[at + TRANSFER_SLOT]!)
        }
      },
    }
  }
  prototype.close = function () {
    const traffic = pairs.get(this)
    if (traffic !== undefined) traffic.closed = true
    close.call(this)
  }
}
