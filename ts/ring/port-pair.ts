/** One pair on the target's side: fetches a batch of tasks, routes each, and publishes what they were answered, a batch a call. */

import type { TargetCalls, TargetPair } from '../native.ts'
import type { Background, Backing, TargetNexus, Task, TaskRouter } from '../task/task.ts'
import { type Watch, type Watched, watchBell } from './bell.ts'
import type { CommandRate } from './command-rate.ts'
import {
  RECORD_BYTES,
  TRANSFER_BACKING,
  TRANSFER_DATA,
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
import { PairLedger } from './pair-ledger.ts'
import { RingTask } from './port-task.ts'
import { MOST_A_TURN, Pump } from './pump.ts'
import { soon } from './soon.ts'
import { ownTagHigh, slotOfTag } from './tags.ts'
import type { TransferOwner, Transfers } from './transfers.ts'

/** Bytes after which transfers are started without waiting for the batch's end. */
const PART_BYTES = 512 << 10
/** Tasks after which answers are published without waiting for the batch's end. */
const PART = 16
/** Bytes after which the rest of the loop, and with it every other pair, has its turn: memory is copied where its command is found. */
const TURN_BYTES = 1 << 20

/** Counts of a pair, from its start. */
export interface PortPairCounts {
  /** Commands and functions that were fetched. */
  commands: number
  /** Native calls that fetched some. */
  fetches: number
  /** Times the bell woke this side. */
  wakes: number
}

/** Who is told what happens at a pair. */
export interface PortPairEvents {
  /** A unit threw this, while others' tasks are routed: the listener must not throw. */
  unitFailed(error: unknown): void
  /** The nexus knows the units of now. */
  caughtUp(): void
  /** The pair has ended, with what the peer did wrong if it did. Told once. */
  closed(reason: string | undefined): void
  /** No task of the closed pair is left, and no transfer of theirs runs. Told once, after `closed`. */
  over(): void
}

export class PortPair implements TransferOwner {
  readonly nexus: TargetNexus
  readonly #native: TargetPair
  readonly #calls: TargetCalls
  readonly #router: TaskRouter
  readonly #transfers: Transfers
  readonly #number: number
  readonly #inNexus: number
  readonly #events: PortPairEvents
  /** The high half of its initiator's own tags. */
  readonly ownTagHigh: number
  readonly #bell: Watched
  readonly #pump: Pump
  readonly #rate: CommandRate | undefined
  /** Looks again when the nexus may have commands fetched again. */
  #later: NodeJS.Timeout | undefined

  readonly words: Uint32Array
  readonly bytes: Uint8Array
  readonly desk: ArrayBuffer
  /** If its target keeps one. */
  readonly ledger: PairLedger | undefined
  readonly #fetched: Uint32Array
  readonly #completions: Uint32Array
  readonly #transferWords: Uint32Array
  /** Made when their slot is used first. */
  readonly #tasks: (RingTask | undefined)[]

  readonly counts: PortPairCounts = { commands: 0, fetches: 0, wakes: 0 }
  /** Slot and `errno` of each transfer that was over when it was started. */
  readonly #atOnce: Int32Array
  /** Set while their tasks are told. */
  #telling = false
  #completed = 0
  #started = 0
  #startedBytes = 0
  /** Of transfers, since the loop was last given back for them. */
  #turnBytes = 0
  /** Set while tasks are routed: what they are answered is published behind the last of them. */
  #routing = false
  /** How many tasks the last fetch listed, and how many of them are routed. */
  #count = 0
  #next = 0
  /** A function waits for its turn: what came behind it stays in the list. */
  #held = false
  #flushScheduled = false
  readonly #flushSoon = soon(() => {
    this.#flushScheduled = false
    this.flush()
  })
  #closed = false
  #handsOver = false
  #over = false

  /**
   * @param number the pair's number in its nexus: it stands in the tags that its initiator chooses
   * @param held nothing is fetched before `release`
   */
  constructor(
    pair: TargetPair,
    number: number,
    slots: number,
    router: TaskRouter,
    nexus: TargetNexus,
    transfers: Transfers,
    spinUs: number,
    rate: CommandRate | undefined,
    events: PortPairEvents,
    watch: Watch = watchBell,
    held = false,
  ) {
    this.#held = held
    this.#native = pair
    this.#calls = pair.calls()
    this.#router = router
    this.nexus = nexus
    this.#transfers = transfers
    this.#events = events
    this.#inNexus = number
    this.ownTagHigh = ownTagHigh(number)
    this.desk = pair.desk()
    this.words = new Uint32Array(this.desk)
    this.bytes = new Uint8Array(this.desk)
    const ledger = pair.ledger()
    this.ledger = ledger === null ? undefined : new PairLedger(ledger)
    const lists = slots * RECORD_BYTES
    this.#fetched = new Uint32Array(this.desk, lists, slots)
    this.#completions = new Uint32Array(this.desk, lists + 4 * slots, slots)
    this.#transferWords = new Uint32Array(pair.transfers())
    this.#tasks = new Array(slots).fill(undefined)
    this.#atOnce = new Int32Array(2 * slots)
    this.#number = transfers.join(this)
    pair.usePool(transfers.pool, this.#number)
    this.#rate = rate
    this.#pump = new Pump((arm) => this.#look(arm), spinUs)
    this.#bell = watch(pair.takeSocket(), {
      ring: () => {
        this.counts.wakes++
        this.#pump.wake()
      },
      end: () => this.close(undefined),
    })
    // The first look arms the bell, or finds what came before it could ring.
    this.#pump.wake()
  }

  /**
   * Ends the pair for this target. Its initiator may go on with another one as soon as nothing works on the segment any more, and hears
   * of the end then.
   */
  handOver(): void {
    this.#handsOver = this.ledger !== undefined
    this.close(undefined)
  }

  /** Ends the pair. Its tasks are aborted; one whose transfer runs is over when that is. Idempotent. */
  close(reason: string | undefined): void {
    if (this.#closed) return
    // Who waits for an answer that there is has it.
    this.#publish()
    this.#closed = true
    this.#pump.stop()
    clearTimeout(this.#later)
    this.#router.abandon(this.tasks())
    this.#dropTransfers()
    this.#bell.close()
    // Nobody need wait for another target: this one lives, whatever has ended the pair.
    if (!this.#handsOver) this.#native.sayGoodbye()
    this.ledger?.close()
    if (!this.#handsOver) this.#native.close()
    this.#events.closed(reason)
    this.#leave()
  }

  /** The tasks that are not over. */
  tasks(): Task[] {
    const present: Task[] = []
    // A loop: every function looks at them all.
    for (const task of this.#tasks) if (task?.present === true) present.push(task)
    return present
  }

  /** The first of them that is one of these. */
  find(isOne: (task: Task) => boolean): Task | undefined {
    return this.#tasks.find((task) => task?.present === true && isOne(task))
  }

  /** The one whose tag, of this pair's own, has this low half. */
  named(tagLow: number): Task | undefined {
    const task = this.#tasks[slotOfTag(tagLow)]
    return task?.present === true && task.ownTag && task.tagLow === tagLow ? task : undefined
  }

  /**
   * Fetches and routes all that is published by now, up to a function that waits for its turn. It may be called while this very pair is
   * routed, by a function's turn: then the rest of the list is routed here. A peer that goes on publishing meanwhile is not waited for.
   */
  fetchPublished(): void {
    let left = this.#tasks.length
    let count = 1
    while (count > 0 && left > 0) {
      // Armed as it was found, or for a pump that is awake and looks again in any case.
      count = this.#fetch(true, false)
      left -= count
    }
    if (count > 0) this.#pump.wake()
  }

  /** Routes nothing more before `release`. */
  hold(): void {
    this.#held = true
  }

  /** Goes on: at once, or when whoever routes this pair now does. */
  release(): void {
    this.#held = false
    // It may have looked meanwhile, and sleep.
    this.#pump.wake()
  }

  /** Its nexus has been told, on another pair, what has changed: looks whether anything from before is left on this one, which may sleep. */
  catchUpSoon(): void {
    if (this.units !== this.#router.units) queueMicrotask(() => this.#pump.wake())
  }

  /** Starts the listed transfers, then publishes the listed completions, those of transfers that were over at once among them. */
  flush(): void {
    if (this.#closed) return
    // From within the telling, what is listed is started when that is through.
    while (this.#started > 0 && !this.#telling) this.#startTransfers()
    this.#publish()
  }

  #publish(): void {
    if (this.#completed === 0) return
    const count = this.#completed
    this.#completed = 0
    this.#calls.complete(count)
  }

  /** Whether its nexus has had as many commands fetched as it may by now: then this pair is looked at later. */
  #mustWait(): boolean {
    const delayMs = this.#rate?.delayMs(performance.now()) ?? 0
    if (delayMs === 0) return false
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      this.#pump.wake()
    }, delayMs)
    return true
  }

  /** For the pump. */
  #look(arm: boolean): number {
    const found = this.#fetch(arm, true)
    if (this.#turnBytes < TURN_BYTES) return found
    this.#turnBytes = 0
    return found < 0 ? found : MOST_A_TURN
  }

  /** @param paced as fast as the nexus may */
  #fetch(arm: boolean, paced: boolean): number {
    if (this.#closed) return -1
    if (this.#held) return 0
    if (this.#next === this.#count) {
      if (paced && this.#mustWait()) return 0
      const count = this.#calls.fetch(arm)
      if (count < 0) {
        this.close(VIOLATIONS[-count]?.reason ?? 'an unknown violation')
        return -1
      }
      if (count === 0) {
        this.#catchUp()
        return 0
      }
      this.counts.fetches++
      this.counts.commands += count
      this.#rate?.take(count)
      this.#next = 0
      this.#count = count
    }
    return this.#routeFetched()
  }

  /**
   * Nothing is published that was not fetched: once what an earlier target had is over, and the nexus has been told of what has changed, all that
   * will be published is about the units of now. Whoever has yet to be told may send what is meant for those before.
   */
  #catchUp(): void {
    const { units } = this.#router
    if (this.ledger === undefined || this.units === units) return
    const isEarlier = (task?: RingTask) => task?.present === true && task.resubmitted
    if (this.#tasks.some(isEarlier) || !this.#router.knowsUnits(this.nexus, this.units)) return
    if (this.#completed > 0) return
    this.ledger.units = units
    this.#events.caughtUp()
  }

  /** Routes what is listed, and says how many that were. */
  #routeFetched(): number {
    const first = this.#next
    const routing = this.#routing
    this.#routing = true
    // A function may hold its pair, have the rest routed from within, or end the pair, by what a peer did wrong on another one.
    while (this.#next < this.#count && !this.#held && !this.#closed) {
      const slot = this.#fetched[this.#next++]!
      this.#route(this.#tasks[slot] ?? this.#newTask(slot))
      // A part of a large batch goes ahead, so that the initiator works on it while the rest is routed.
      if (this.#next % PART === 0 || this.#startedBytes >= PART_BYTES) this.flush()
    }
    this.#routing = routing
    this.flush()
    return this.#closed ? -1 : Math.max(1, this.#next - first)
  }

  /** A unit may be anybody's: what it throws fails its own task, and no other. */
  #route(task: RingTask): void {
    task.begin()
    try {
      this.#router.execute(task)
    } catch (error) {
      task.unitFailed()
      this.#events.unitFailed(error)
    }
  }

  /** Tells a task the end of its transfer; what its unit throws then is as above. */
  #tell(slot: number, errno: number, value: number): void {
    const task = this.#tasks[slot]
    try {
      task?.transferred(errno, value)
    } catch (error) {
      task?.unitFailed()
      this.#events.unitFailed(error)
    }
  }

  #newTask(slot: number): RingTask {
    const task = new RingTask(this, slot, this.ownTagHigh)
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
    this.#turnBytes += length
    this.#schedule()
  }

  /** Lists a transfer that is neither READ, WRITE nor flush: it takes `data` bytes of data-out, and may find something out. */
  operation(
    slot: number,
    op: number,
    backing: Backing,
    offset: number,
    length: number,
    data: number,
  ): void {
    this.#transfers.expectValues()
    const word = this.#started * TRANSFER_WORDS
    this.transfer(slot, op, backing, offset, length)
    this.#transferWords[word + TRANSFER_DATA] = data
  }

  get background(): Background {
    return this.#transfers
  }

  /** Calls what a unit has left to be called. */
  guarded(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#events.unitFailed(error)
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Its initiator has closed the connection, or died, which may not have been heard of yet. */
  get peerHasLeft(): boolean {
    return this.#native.peerHasLeft()
  }

  /** The pair's number in its nexus. */
  get number(): number {
    return this.#inNexus
  }

  /** As of which change of the target's units its resubmitted tasks are. */
  get units(): number {
    return this.ledger?.units ?? 0
  }

  /** Its nexus has had so many pairs by now. */
  countPairs(count: number): void {
    this.ledger?.countPairs(count)
  }

  readOut(slot: number, into: Uint8Array): number {
    return this.#native.readOut(slot, into)
  }

  writeIn(slot: number, from: Uint8Array): number {
    return this.#native.writeIn(slot, from)
  }

  /** A task that was carried out elsewhere is over there, perhaps long after the pair was closed. */
  overElsewhere(slot: number): void {
    this.transferred(slot, 0, 0)
    this.transfersTold()
  }

  // ---- for the threads

  transferred(slot: number, errno: number, value: number): void {
    const routing = this.#routing
    this.#routing = true
    this.#tell(slot, errno, value)
    this.#routing = routing
  }

  transfersTold(): void {
    this.flush()
    if (this.#closed) this.#leave()
  }

  #schedule(): void {
    if (this.#routing || this.#flushScheduled) return
    this.#flushScheduled = true
    this.#flushSoon()
  }

  /** The pair is closed: what is listed is never begun. */
  #dropTransfers(): void {
    const count = this.#started
    this.#started = 0
    for (let index = 0; index < count; index++) {
      this.#tasks[this.#transferWords[index * TRANSFER_WORDS + TRANSFER_SLOT]!]?.transferred(0, 0)
    }
  }

  /** The pair is closed: once nothing of it is left, the threads have nothing more to tell it. */
  #leave(): void {
    if (this.#over || this.#tasks.some((task) => task?.present)) return
    this.#over = true
    if (this.#handsOver) this.#native.release()
    this.#transfers.leave(this.#number)
    this.#events.over()
  }

  #startTransfers(): void {
    const count = this.#started
    this.#calls.transfer(count)
    this.#started = 0
    this.#startedBytes = 0
    const words = this.#transferWords
    const over = this.#atOnce
    // First: telling one may list any number from the list's start, those of commands that have waited for it.
    let overs = 0
    for (let index = 0; index < count; index++) {
      const word = index * TRANSFER_WORDS
      const errno = words[word + TRANSFER_ERRNO]! | 0
      if (errno === TRANSFER_UNDER_WAY) continue
      over[overs++] = words[word + TRANSFER_SLOT]!
      over[overs++] = errno
    }
    const routing = this.#routing
    this.#routing = true
    this.#telling = true
    for (let index = 0; index < overs; index += 2) this.#tell(over[index]!, over[index + 1]!, 0)
    this.#telling = false
    this.#routing = routing
    if (this.#closed) this.#leave()
  }
}
