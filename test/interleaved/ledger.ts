/** Keeps account of an initiator's slots and bytes: each goes out, and comes home once, and none while a transfer may still use it. */

import type { RingPair } from '#dist/ring/pair.js'
import type { TaskData } from '#dist/ring/task-data.js'
import type { Traffic } from './traffic.ts'

/** One use of a slot for a command. */
export interface Use {
  readonly slot: number
  home: boolean
}

export class Ledger {
  /** The last use of a slot by the command with this number, which stands in byte 2 of its CDB. */
  readonly uses: Map<number, Use> = new Map()
  readonly #traffic: Traffic
  readonly #wrongs: string[]
  readonly #slots = new Map<number, Use>()
  /** Blocks that are out, and the slot that they were written to. */
  readonly #blocks = new Map<TaskData, number>()
  readonly #tags = new Map<bigint, Use>()

  /** @param wrongs what should not have happened is added to them */
  constructor(pair: RingPair, traffic: Traffic, wrongs: string[]) {
    this.#wrongs = wrongs
    this.#traffic = traffic
    this.#keepSlots(pair)
    this.#keepBlocks(pair)
  }

  /** What is out. */
  get out(): number {
    return this.#slots.size + this.#blocks.size
  }

  /** The use that was written with this tag last. */
  tagged(low: number, high: number): Use | undefined {
    return this.#tags.get(named(low, high))
  }

  #keepSlots(pair: RingPair): void {
    const { takeSlot, returnSlot } = pair
    const { writeTask, writeCdb } = pair.slots
    pair.takeSlot = () => {
      const slot = takeSlot.call(pair)
      if (slot < 0) return slot
      if (this.#slots.has(slot)) this.#wrong(`slot ${slot} is given out twice`)
      this.#slots.set(slot, { slot, home: false })
      return slot
    }
    pair.returnSlot = (slot) => {
      const use = this.#slots.get(slot)
      if (use === undefined) this.#wrong(`slot ${slot} comes home twice`)
      else use.home = true
      this.#checkStill(slot, 'slot')
      this.#slots.delete(slot)
      returnSlot.call(pair, slot)
    }
    pair.slots.writeTask = (slot, lun, low, high, attribute) => {
      const use = this.#slots.get(slot)
      // A function's slots are no command's.
      if (use !== undefined) this.#tags.set(named(low, high), use)
      writeTask.call(pair.slots, slot, lun, low, high, attribute)
    }
    pair.slots.writeCdb = (slot, cdb) => {
      this.uses.set(cdb[2]!, this.#slots.get(slot)!)
      writeCdb.call(pair.slots, slot, cdb)
    }
  }

  #keepBlocks(pair: RingPair): void {
    const { reserve, release } = pair.arena
    const { writeData } = pair.slots
    pair.arena.reserve = (data, inOnePiece) => {
      const reserved = reserve.call(pair.arena, data, inOnePiece)
      if (reserved && data.offset >= 0) this.#blocks.set(data, -1)
      return reserved
    }
    pair.slots.writeData = (slot, out, into) => {
      for (const data of [out, into] as TaskData[]) {
        if (this.#blocks.has(data)) this.#blocks.set(data, slot)
      }
      writeData.call(pair.slots, slot, out, into)
    }
    pair.arena.release = (data) => {
      if (data.offset >= 0) {
        const slot = this.#blocks.get(data)
        if (slot === undefined) this.#wrong('bytes come home twice')
        else if (this.#slots.has(slot)) this.#wrong('bytes come home before the completion')
        else this.#checkStill(slot, 'bytes')
        this.#blocks.delete(data)
      }
      release.call(pair.arena, data)
    }
  }

  #checkStill(slot: number, what: string): void {
    if (this.#traffic.moving.has(slot)) this.#wrong(`${what} come home while a transfer runs`)
  }

  #wrong(what: string): void {
    this.#wrongs.push(what)
  }
}

function named(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
