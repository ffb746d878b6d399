/** The batch form on a ring: each of its slots has a block of the arena for good, and its line is written in place. */

import { SgringError, type TransportError } from '../errors.ts'
import type { Completion, Queue, QueueOptions } from '../initiator/queue.ts'
import { BatchSlot, COMPLETED, FREE, RESERVED, STATES, SUBMITTED } from './batch-slot.ts'
import {
  INLINE_CDB,
  MIN_CDB_LEN,
  SLOT_BYTES,
  SLOT_CDB,
  SLOT_CDB_LEN,
  SLOT_IN,
  SLOT_IN_LEN,
  SLOT_LUN,
  SLOT_OUT,
  SLOT_OUT_LEN,
  SLOT_OUT_SEGMENTS,
  SLOT_TAG,
} from './layout.gen.ts'
import { inRange } from './options.ts'
import type { RingPair } from './pair.ts'
import { swap } from './slots.ts'

const POISON = 0xdb
const NO_BYTES = new Uint8Array(0)

/** What is against a CDB of this length, if anything is. */
export type Admit = (cdb: Uint8Array, length: number) => SgringError | undefined

export class RingQueue implements Queue {
  readonly depth: number
  readonly reruns: boolean
  readonly #ring: RingPair
  readonly #words: Uint32Array
  readonly #poison: boolean
  readonly #admit: Admit | undefined
  readonly #dataBytes: number
  readonly #commands: BatchSlot[] = []
  readonly #free: number[] = []
  readonly #ready: BatchSlot[] = []
  #taken = 0
  #outstanding = 0
  #waiter: { resolve(): void; reject(reason: Error): void } | undefined
  #lost: TransportError | undefined
  #closing: Promise<void> | undefined
  /** Set while `close()` waits for the last command. */
  #idle: (() => void) | undefined

  /**
   * @param admit looks at each command before it is listed
   * @param reruns what a target had begun when it died is carried out again
   */
  constructor(
    ring: RingPair,
    lunWord: number,
    options: QueueOptions,
    admit?: Admit,
    reruns = false,
  ) {
    const { depth, dataBytes = 0, poison = false } = options
    inRange('depth', depth, 1, Number.MAX_SAFE_INTEGER)
    inRange('dataBytes', dataBytes, 0, Number.MAX_SAFE_INTEGER)
    const refusal = ring.refusal
    if (refusal !== undefined) throw refusal
    if (dataBytes > ring.arena.lengthBytes) throw new SgringError('ERR_SGRING_ARENA_TOO_SMALL')
    this.depth = depth
    this.#ring = ring
    this.#words = ring.slots.words
    this.#poison = poison
    this.#admit = admit
    this.reruns = reruns
    this.#dataBytes = dataBytes
    for (let number = 0; number < depth; number++) {
      const slot = ring.takeSlot()
      const offset = dataBytes > 0 && slot >= 0 ? ring.arena.allocate(dataBytes) : -1
      if (slot < 0 || (dataBytes > 0 && offset < 0)) {
        if (slot >= 0) ring.returnSlot(slot)
        this.#giveBack()
        throw new SgringError(
          'ERR_SGRING_BUSY',
          'the nexus has not that many slots and arena bytes free; raise slots or arenaBytes',
        )
      }
      const data = dataBytes > 0 ? new Uint8Array(ring.lease(offset, dataBytes)) : NO_BYTES
      const command = new BatchSlot(this, ring, number, slot, offset, data)
      ring.setOwner(slot, command)
      this.#commands.push(command)
      const word = (slot * SLOT_BYTES) >>> 2
      this.#words[word + (SLOT_LUN >>> 2)] = swap(lunWord)
      this.#words[word + (SLOT_LUN >>> 2) + 1] = 0
      this.#words[word + (SLOT_OUT >>> 2)] = offset
      this.#words[word + (SLOT_IN >>> 2)] = offset
    }
    for (let number = depth - 1; number >= 0; number--) this.#free.push(number)
  }

  get outstanding(): number {
    return this.#outstanding
  }

  reserve(): number {
    this.#check()
    const number = this.#free.pop()
    if (number === undefined) return -1
    this.#commands[number]!.state = RESERVED
    return number
  }

  cancel(number: number): void {
    this.#in(number, RESERVED).state = FREE
    this.#free.push(number)
  }

  cdb(number: number): Uint8Array {
    return this.#in(number, RESERVED).cdb
  }

  data(number: number): Uint8Array {
    const command = this.#command(number)
    if (command.state === SUBMITTED) throw wrong(`slot ${number} is under way`)
    return command.whole
  }

  submit(number: number, cdbLength: number, dataOutLength: number, dataInLength: number): void {
    this.#check()
    const command = this.#in(number, RESERVED)
    if ((cdbLength | 0) !== cdbLength || cdbLength < MIN_CDB_LEN || cdbLength > INLINE_CDB) {
      throw new SgringError(
        'ERR_SGRING_CDB_LENGTH',
        `a CDB of a queue has 6 to 32 bytes, not ${cdbLength}`,
      )
    }
    if (
      (dataOutLength | 0) !== dataOutLength ||
      dataOutLength < 0 ||
      dataOutLength > this.#dataBytes ||
      (dataInLength | 0) !== dataInLength ||
      dataInLength < 0 ||
      dataInLength > this.#dataBytes ||
      (dataOutLength > 0 && dataInLength > 0)
    ) {
      throw wrong(`a command of this queue moves 0 to ${this.#dataBytes} bytes in one direction`)
    }
    const refused = this.#admit?.(command.cdb, cdbLength)
    if (refused !== undefined) throw refused
    const words = this.#words
    const word = command.word
    const tagLow = this.#ring.nextTag(command.ringSlot)
    command.tagLow = tagLow | 0
    words[word + (SLOT_TAG >>> 2)] = tagLow
    words[word + (SLOT_TAG >>> 2) + 1] = this.#ring.tagHigh
    words[word + (SLOT_CDB_LEN >>> 2)] = cdbLength
    words[word + (SLOT_OUT_LEN >>> 2)] = dataOutLength
    words[word + (SLOT_IN_LEN >>> 2)] = dataInLength
    words[word + (SLOT_OUT_SEGMENTS >>> 2)] = dataOutLength > 0 ? 1 : dataInLength > 0 ? 1 << 16 : 0
    words[word + (SLOT_OUT >>> 2) + 1] = dataOutLength
    words[word + (SLOT_IN >>> 2) + 1] = dataInLength
    const cdb = command.cdbWords
    for (let index = 0; index << 2 < cdbLength; index++) {
      words[word + (SLOT_CDB >>> 2) + index] = cdb[index]!
    }
    command.state = SUBMITTED
    command.dataInLength = dataInLength
    this.#outstanding++
    this.#ring.awaited()
    this.#ring.list(command.ringSlot)
  }

  tag(number: number): bigint {
    const command = this.#command(number)
    if (command.state !== SUBMITTED && command.state !== COMPLETED) {
      throw wrong(`slot ${number} is ${STATES[command.state]}: its next command has no tag yet`)
    }
    return (BigInt(this.#ring.tagHigh) << 32n) | BigInt(command.tagLow >>> 0)
  }

  flush(): void {
    this.#ring.flush()
  }

  async *completions(): AsyncIterableIterator<Completion> {
    for (;;) {
      await this.#coming()
      if (!this.#hasSome()) return
      while (this.#taken < this.#ready.length) yield this.#take()
    }
  }

  async drain(take: (done: Completion) => void): Promise<number> {
    await this.#coming()
    if (!this.#hasSome()) return 0
    const count = this.#ready.length - this.#taken
    let taken = 0
    // `take` may close the queue, or lose the nexus: then there are no more.
    for (; taken < count && this.#taken < this.#ready.length; taken++) take(this.#take())
    return taken
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ---- for the slots

  completed(command: BatchSlot): void {
    this.#ring.settled()
    this.#outstanding--
    this.#ready.push(command)
    this.#wake()
    if (this.#outstanding === 0) this.#idle?.()
  }

  /** Told by each slot. */
  lost(reason: TransportError): void {
    this.#lost = reason
    // Their data went with the segment.
    this.#ready.length = this.#taken = 0
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.reject(reason)
    this.#idle?.()
  }

  released(number: number): void {
    // Then there is nothing to give back.
    if (this.#closing !== undefined || this.#lost !== undefined) return
    const command = this.#in(number, COMPLETED)
    // A caller that has transferred the bytes has none here: `fill` would throw.
    if (this.#poison && command.whole.length > 0) command.whole.fill(POISON)
    command.state = FREE
    this.#free.push(number)
  }

  /** To be waited for before a completion can be taken, if there can be one; `undefined` where there is nothing to wait for. */
  #coming(): Promise<void> | undefined {
    // First: publishing takes the completions that are there.
    this.#ring.flush()
    if (this.#taken < this.#ready.length || this.#lost !== undefined || this.#outstanding === 0)
      return undefined
    if (this.#waiter !== undefined)
      throw wrong('another loop already takes the completions of this queue')
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  /** Whether there is a completion to take. */
  #hasSome(): boolean {
    if (this.#taken < this.#ready.length) return true
    if (this.#lost !== undefined) throw this.#lost
    return false
  }

  #wake(): void {
    const waiter = this.#waiter
    if (waiter === undefined) return
    this.#waiter = undefined
    waiter.resolve()
  }

  #take(): BatchSlot {
    const command = this.#ready[this.#taken++]!
    if (this.#taken === this.#ready.length) this.#ready.length = this.#taken = 0
    return command
  }

  async #close(): Promise<void> {
    this.#ring.flush()
    if (this.#outstanding > 0 && this.#lost === undefined) {
      await new Promise<void>((resolve) => {
        // At once: a loop that waits goes on before this does, and is to find none.
        this.#idle = () => {
          this.#ready.length = this.#taken = 0
          resolve()
        }
      })
    }
    this.#ready.length = this.#taken = 0
    // A loop may have been handed a completion, and be some microtasks from it: it finds the data there.
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#giveBack()
  }

  #giveBack(): void {
    // After a loss the segment is gone, and with it what there was to give back.
    if (this.#lost === undefined) {
      for (const command of this.#commands) {
        this.#ring.returnSlot(command.ringSlot)
        if (command.detach()) this.#ring.arena.free(command.offset, this.#dataBytes)
      }
      this.#ring.room()
    }
    this.#commands.length = 0
  }

  #check(): void {
    if (this.#closing !== undefined) throw new SgringError('ERR_SGRING_CLOSED')
    if (this.#lost !== undefined) throw this.#lost
  }

  #command(number: number): BatchSlot {
    const command = this.#commands[number]
    if (command === undefined)
      throw wrong(`the queue has slots 0 to ${this.depth - 1}, not ${number}`)
    return command
  }

  #in(number: number, state: number): BatchSlot {
    const command = this.#command(number)
    if (command.state !== state)
      throw wrong(`slot ${number} is ${STATES[command.state]}, not ${STATES[state]}`)
    return command
  }
}

function wrong(message: string): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', message)
}
