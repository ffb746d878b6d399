/** One pair on the target's side: fetches a batch of tasks, routes each, and publishes what they were answered, a batch a call. */

import type { TargetPair } from '../native.ts'
import type { Backing, TargetNexus, TaskRouter } from '../task/task.ts'
import { Bell } from './bell.ts'
import {
  RECORD_BYTES,
  TRANSFER_BACKING,
  TRANSFER_ERRNO,
  TRANSFER_LEN,
  TRANSFER_OFFSET_HIGH,
  TRANSFER_OFFSET_LOW,
  TRANSFER_OP,
  TRANSFER_SLOT,
  TRANSFER_UNDER_WAY,
  TRANSFER_WORDS,
  VIOLATIONS,
} from './layout.gen.ts'
import { RingTask } from './port-task.ts'
import { Pump } from './pump.ts'
import type { TransferOwner, Transfers } from './transfers.ts'

/** Bytes after which transfers are started without waiting for the batch's end. */
const PART_BYTES = 512 << 10
/** Tasks after which answers are published without waiting for the batch's end. */
const PART = 16

export class PortPair implements TransferOwner {
  readonly nexus: TargetNexus
  readonly #native: TargetPair
  readonly #router: TaskRouter
  readonly #transfers: Transfers
  readonly #number: number
  readonly #onUnitFailed: (error: unknown) => void
  readonly #onClose: (reason: string | undefined) => void
  readonly #bell: Bell
  readonly #pump: Pump

  readonly words: Uint32Array
  readonly bytes: Uint8Array
  readonly desk: ArrayBuffer
  readonly #fetched: Uint32Array
  readonly #completions: Uint32Array
  readonly #transferWords: Uint32Array
  /** Made when their slot is used first. */
  readonly #tasks: (RingTask | undefined)[]

  #completed = 0
  #started = 0
  #startedBytes = 0
  /** Set while tasks are routed: what they are answered is published behind the last of them. */
  #routing = false
  #flushScheduled = false
  readonly #flushLater = () => {
    this.#flushScheduled = false
    this.#flush()
  }
  #closed = false

  /**
   * @param onUnitFailed called with what a unit has thrown, while others' tasks are routed: it must not throw
   * @param onClose called once, with what the peer did wrong if it did
   */
  constructor(
    pair: TargetPair,
    slots: number,
    router: TaskRouter,
    nexus: TargetNexus,
    transfers: Transfers,
    spinUs: number,
    onUnitFailed: (error: unknown) => void,
    onClose: (reason: string | undefined) => void,
  ) {
    this.#native = pair
    this.#router = router
    this.nexus = nexus
    this.#transfers = transfers
    this.#onUnitFailed = onUnitFailed
    this.#onClose = onClose
    this.desk = pair.desk()
    this.words = new Uint32Array(this.desk)
    this.bytes = new Uint8Array(this.desk)
    const lists = slots * RECORD_BYTES
    this.#fetched = new Uint32Array(this.desk, lists, slots)
    this.#completions = new Uint32Array(this.desk, lists + 4 * slots, slots)
    this.#transferWords = new Uint32Array(pair.transfers())
    this.#tasks = new Array(slots).fill(undefined)
    this.#number = transfers.join(this)
    pair.usePool(transfers.pool, this.#number)
    this.#pump = new Pump((arm) => this.#fetch(arm), spinUs)
    this.#bell = new Bell(pair.takeSocket(), {
      ring: () => this.#pump.wake(),
      end: () => this.close(undefined),
    })
    // The first look arms the bell, or finds what came before it could ring.
    this.#pump.wake()
  }

  /** Ends the pair. Tasks that are not answered never will be. Idempotent. */
  close(reason: string | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#pump.stop()
    this.#transfers.leave(this.#number)
    this.#bell.close()
    this.#native.close()
    this.#onClose(reason)
  }

  #fetch(arm: boolean): number {
    if (this.#closed) return -1
    const count = this.#native.fetch(arm)
    if (count < 0) {
      this.close(VIOLATIONS[-count]?.reason ?? 'an unknown violation')
      return -1
    }
    if (count === 0) return 0
    this.#routing = true
    try {
      for (let index = 0; index < count; index++) {
        const slot = this.#fetched[index]!
        this.#route(this.#tasks[slot] ?? this.#newTask(slot))
        // A part of a large batch goes ahead, so that the initiator works on it while the rest is routed.
        if (index % PART === PART - 1 || this.#startedBytes >= PART_BYTES) this.#flush()
      }
    } finally {
      this.#routing = false
    }
    this.#flush()
    return count
  }

  /** A unit may be anybody's: what it throws fails its own task, and no other. */
  #route(task: RingTask): void {
    task.begin()
    try {
      this.#router.execute(task)
    } catch (error) {
      task.unitFailed()
      this.#onUnitFailed(error)
    }
  }

  /** Tells a task the end of its transfer; what its unit throws then is as above. */
  #tell(slot: number, errno: number): void {
    const task = this.#tasks[slot]
    try {
      task?.transferred(errno)
    } catch (error) {
      task?.unitFailed()
      this.#onUnitFailed(error)
    }
  }

  #newTask(slot: number): RingTask {
    const task = new RingTask(this, slot)
    this.#tasks[slot] = task
    return task
  }

  // ---- for the tasks

  /** Lists a completion. */
  complete(slot: number, status: number, flags: number): void {
    this.#completions[this.#completed++] = slot | ((status & 0xff) << 16) | (flags << 24)
    this.#schedule()
  }

  /** Lists a transfer. */
  transfer(slot: number, op: number, backing: Backing, offset: number, length: number): void {
    // First: it throws for a backing that is none, and then nothing is listed.
    const number = this.#transfers.backing(backing)
    const words = this.#transferWords
    const word = this.#started++ * TRANSFER_WORDS
    words[word + TRANSFER_SLOT] = slot
    words[word + TRANSFER_OP] = op
    words[word + TRANSFER_BACKING] = number
    words[word + TRANSFER_OFFSET_LOW] = offset >>> 0
    words[word + TRANSFER_OFFSET_HIGH] = offset / 0x1_0000_0000
    words[word + TRANSFER_LEN] = length
    this.#startedBytes += length
    this.#schedule()
  }

  get closed(): boolean {
    return this.#closed
  }

  readOut(slot: number, into: Uint8Array): number {
    return this.#native.readOut(slot, into)
  }

  writeIn(slot: number, from: Uint8Array): number {
    return this.#native.writeIn(slot, from)
  }

  // ---- for the threads

  transferred(slot: number, errno: number): void {
    this.#routing = true
    this.#tell(slot, errno)
    this.#routing = false
  }

  transfersTold(): void {
    this.#flush()
  }

  #schedule(): void {
    if (this.#routing || this.#flushScheduled) return
    this.#flushScheduled = true
    queueMicrotask(this.#flushLater)
  }

  /** Starts the listed transfers, then publishes the listed completions, those of transfers that were over at once among them. */
  #flush(): void {
    if (this.#closed) return
    while (this.#started > 0) this.#startTransfers()
    if (this.#completed === 0) return
    const count = this.#completed
    this.#completed = 0
    this.#native.complete(count)
  }

  #startTransfers(): void {
    const count = this.#started
    this.#native.transfer(count)
    this.#started = 0
    this.#startedBytes = 0
    const words = this.#transferWords
    const routing = this.#routing
    this.#routing = true
    // What is over is told; telling may list further transfers from the list's start, which have been read by then.
    for (let index = 0; index < count; index++) {
      const word = index * TRANSFER_WORDS
      const errno = words[word + TRANSFER_ERRNO]! | 0
      if (errno !== TRANSFER_UNDER_WAY) this.#tell(words[word + TRANSFER_SLOT]!, errno)
    }
    this.#routing = routing
  }
}
