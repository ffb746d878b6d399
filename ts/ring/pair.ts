/**
 * The initiator's end of one queue pair: slots that have owners. The owner of a slot writes it and lists it, the native side publishes
 * what is listed and takes completions, a batch a call.
 */

import { CODES, SgringError, TransportError } from '../errors.ts'
import { type InitiatorCalls, type InitiatorPair, native } from '../native.ts'
import type { Watched } from './bell.ts'
import { FLAG_RESIDUAL, FLAG_SENSE, FLAG_SERVICE_RESPONSE, VIOLATIONS } from './layout.gen.ts'
import { Pump } from './pump.ts'
import { Slots } from './slots.ts'
import { soon } from './soon.ts'
import { ownTagHigh, ownTagLow } from './tags.ts'
import { ArenaBytes } from './task-data.ts'
import { type Timed, Wheel } from './wheel.ts'

/** How a pair is made; `ts/ring/connect.ts` has filled in the defaults. */
export interface PairOptions {
  /** For commands; there are `FUNCTION_SLOTS` more. */
  readonly slots: number
  readonly arenaBytes: number
  readonly arenaKeepBytes: number
  readonly maxWaiting: number
  readonly spinUs: number
  readonly abortTimeoutMs: number
  readonly resetUnanswered: boolean
}

/** Who has a slot under way. */
export interface SlotOwner {
  /** What has a deadline that the wheel may not have linked. */
  readonly noted?: Timed
  /** Its completion came: the slot's status, and the completion's flags (`FLAG_…`). */
  completed(slot: number, status: number, flags: number): void
  /** It is submitted to another target, which has as much time as the first one. */
  resumed?(): void
  /** None will come: the pair has ended. */
  lost(reason: TransportError): void
}

/** Who shares out slots and arena space. */
export interface PairUser {
  /** Slots or arena space have come back. */
  room(): void
  /** The pair has ended, and the owners of slots know it. */
  lost(reason: TransportError): void
}

/** What a target that lives on says last: that nobody follows it, or that its successor may have the segment at once. */
export type Farewell = 'for good' | 'released'

/** What a pair does about its bell. */
export interface PairBellEvents {
  ring(): void
  /** @param why in words; default: it was the target's doing */
  end(why?: string, farewell?: Farewell): void
}

/** A pair without a target. */
export interface Interruption {
  /** What stands for its bell. */
  readonly bell: Watched
  /** Called when the pair is ready for whatever may come of it. */
  begin(): void
}

/** What a target on a ring may say in a completion's flags. */
const RING_FLAGS = FLAG_SERVICE_RESPONSE | FLAG_SENSE | FLAG_RESIDUAL

/** To say so of all that comes would be a way to be asked for ever. */
const NOT_INHERITED =
  'the target broke the protocol: an outcome is unknown only of what an earlier target had, and once'

/** Slots beyond those for commands, so that a task management function finds one when all commands hang. */
export const FUNCTION_SLOTS = 32
/** Commands after which a batch is published without waiting for its end. */
const PART = 16

export class RingPair {
  /** The high half of the tags that this side chooses. */
  readonly tagHigh: number
  /** The slots in shared memory. */
  readonly slots: Slots
  /** The arena, and who has which of its bytes. */
  readonly arena: ArenaBytes
  /** All deadlines of the pair. */
  readonly wheel: Wheel = new Wheel(() => this.#noted())
  readonly #native: InitiatorPair
  readonly #calls: InitiatorCalls
  #bell: Watched
  readonly #flags: number
  readonly #spinUs: number
  #pump: Pump
  readonly #onEnd: (reason: TransportError | undefined) => void
  readonly #shared: readonly ArrayBuffer[]
  readonly #submissions: Uint32Array
  readonly #completions: Uint32Array

  readonly #free: number[] = []
  readonly #owners: (SlotOwner | undefined)[]
  readonly #users: PairUser[] = []
  readonly #flushSoon = soon(() => {
    this.#flushScheduled = false
    this.flush()
  })
  #flushScheduled = false
  #pending = 0
  /** What somebody still waits for, sent or not: while there is some, the bell keeps the process alive. */
  #unsettled = 0
  #tagCount = 0
  #ended: TransportError | undefined
  #closed = false
  #interrupted = false
  /** What a target has left is taken: it is not looked at again from within, and nothing more is expected of it. */
  #draining = false
  #listed = 0
  #completed = 0
  #batches = 0
  #wakes = 0
  /**
   * Asked when the target has ended, and nothing of it is left to take, for what is to be until the pair goes on with another one (`resume`).
   * Without it the pair is given up. `dying`: it did not say that it is closed, so when it is gone it has died (`outlive`).
   */
  interrupted: ((why: string, dying: boolean) => Interruption) | undefined

  /**
   * @param bell hands over the bell, once
   * @param number the pair's number in its nexus: it stands in the tags that this side chooses
   * @param onEnd called once, with the reason unless this side closed the pair
   * @param flags those that count in a completion: with `FLAG_TRANSPORT` where the target is this process's own engine of a kernel node
   */
  constructor(
    pair: InitiatorPair,
    bell: (events: PairBellEvents) => Watched,
    number: number,
    options: PairOptions,
    onEnd: (reason: TransportError | undefined) => void,
    flags: number = RING_FLAGS,
  ) {
    this.#native = pair
    this.#calls = pair.calls()
    this.#flags = flags
    this.#onEnd = onEnd
    this.tagHigh = ownTagHigh(number)
    const slots = pair.slots()
    const arena = pair.arena()
    this.#shared = [slots, arena]
    this.slots = new Slots(slots, arena)
    this.arena = new ArenaBytes(arena, options.arenaKeepBytes, (offset, length) =>
      pair.giveBack(offset, length),
    )
    const desk = pair.desk()
    const count = options.slots + FUNCTION_SLOTS
    this.#submissions = new Uint32Array(desk, 0, count)
    this.#completions = new Uint32Array(desk, 4 * count, count)
    this.#owners = new Array(count).fill(undefined)
    for (let slot = options.slots - 1; slot >= 0; slot--) this.#free.push(slot)
    this.#spinUs = options.spinUs
    this.#pump = this.#newPump()
    this.#bell = this.#watch(bell)
  }

  /** The pair has another target, to which what is outstanding was submitted already: it goes on. */
  resume(bell: (events: PairBellEvents) => Watched): void {
    if (this.#ended !== undefined) return
    this.#interrupted = false
    this.#pump = this.#newPump()
    this.#bell = this.#watch(bell)
    this.#bell.reference(this.#unsettled > 0)
    for (const owner of this.#owners) owner?.resumed?.()
    this.flush()
    this.#pump.wake()
  }

  /** Whether it has no target now, and waits for one. */
  get isInterrupted(): boolean {
    return this.#interrupted
  }

  /**
   * The target has died, and nobody writes to the segment any more. What it answered to its end is taken, and what each of several targets
   * died of, or had when it died, is over.
   */
  outlive(): void {
    this.#drain()
    if (this.#ended === undefined && this.#native.outlive() > 0) this.#take(false)
  }

  /** Submits the command of a slot once more, whose completion has said that an earlier target may have carried it out. */
  rerun(slot: number): void {
    if (this.#ended !== undefined) return
    this.#listed++
    if (this.#native.rerun(slot) !== 0) this.giveUp(NOT_INHERITED)
    else this.#wake()
  }

  /** The target's process. */
  get targetPid(): number {
    return this.#native.peerPid
  }

  /** Completions that came, native calls that published something, rings of the bell, and what is published or listed and not completed. */
  get counts(): { completed: number; batches: number; wakes: number; outstanding: number } {
    const outstanding = this.#ended === undefined ? this.#listed - this.#completed : 0
    return {
      completed: this.#completed,
      batches: this.#batches,
      wakes: this.#wakes,
      outstanding,
    }
  }

  /** Why nothing can be sent any more. */
  get refusal(): SgringError | undefined {
    return this.#closed ? new SgringError('ERR_SGRING_CLOSED') : this.#ended
  }

  /** Who is told of room, and of the end. */
  addUser(user: PairUser): void {
    this.#users.push(user)
  }

  /** A slot for a command until it is returned, or -1. */
  takeSlot(): number {
    return this.#free.pop() ?? -1
  }

  /** Who is told of the completions of a slot. */
  setOwner(slot: number, owner: SlotOwner | undefined): void {
    this.#owners[slot] = owner
  }

  /** Takes back a slot for a command that is not under way. Whoever waits for it is told by `room()`. */
  returnSlot(slot: number): void {
    this.#owners[slot] = undefined
    this.#free.push(slot)
  }

  /** The low half of a tag for the task in a slot: no outstanding one of this pair has it. */
  nextTag(slot: number): number {
    this.#tagCount++
    return ownTagLow(slot, this.#tagCount)
  }

  /** Lists a slot that its owner has written for the next flush. This may publish it, and take completions. */
  list(slot: number): void {
    this.#submissions[this.#pending++] = slot
    this.#listed++
    // A part of a large batch goes ahead, so that the target works on it while the rest is written.
    if (this.#pending === PART) {
      this.flush()
    } else if (!this.#flushScheduled && !this.#pump.looksSoon) {
      this.#flushScheduled = true
      this.#flushSoon()
    }
  }

  /** Takes a slot that is listed off the list while there is no target. False: it was published, or is about to be. */
  unlist(slot: number): boolean {
    if (!this.#interrupted) return false
    const index = this.#submissions.subarray(0, this.#pending).indexOf(slot)
    if (index < 0) return false
    this.#submissions.copyWithin(index, index + 1, this.#pending)
    this.#pending--
    this.#listed--
    return true
  }

  /** Publishes what was listed since the last call. Happens by itself once the running code yields. */
  flush(): void {
    if (this.#pending === 0 || this.#interrupted || this.#ended !== undefined) return
    const count = this.#pending
    this.#pending = 0
    this.#batches++
    const violation = this.#calls.submit(count)
    if (violation !== 0) this.giveUp(`this side's own fault: ${VIOLATIONS[violation]?.reason}`)
    else this.#wake()
  }

  /** Somebody waits for one thing more. */
  awaited(): void {
    if (this.#unsettled++ === 0) this.#bell.reference(true)
  }

  /** And for one less. */
  settled(): void {
    if (--this.#unsettled === 0) this.#bell.reference(false)
  }

  /** Part of the arena in a buffer of its own, which can be detached. */
  lease(offset: number, length: number): ArrayBuffer {
    return this.#native.lease(offset, length)
  }

  /** Leased bytes come back. */
  returnLease(offset: number, length: number): void {
    if (this.#ended !== undefined) return
    this.arena.free(offset, length)
    this.room()
  }

  /** Tells those who wait that slots or arena space have come back. */
  room(): void {
    for (const user of this.#users) user.room()
  }

  /** Ends the pair: what is outstanding is lost. Idempotent. */
  close(): void {
    this.#closed = true
    this.#end(undefined)
  }

  /** Ends it for a reason. */
  giveUp(why: string): void {
    this.#end(why)
  }

  #newPump(): Pump {
    return new Pump((arm) => this.#reap(arm), this.#spinUs)
  }

  #watch(bell: (events: PairBellEvents) => Watched): Watched {
    return bell({
      ring: () => {
        this.#wakes++
        this.#pump.wake()
      },
      end: (why = 'the target closed the connection or died', farewell?: Farewell) => {
        // What it answered before its end is still there, and so is what it did wrong.
        this.#drain()
        if (this.#ended !== undefined) return
        if (farewell === 'released') this.#native.released()
        const interruption =
          farewell === 'for good' ? undefined : this.interrupted?.(why, farewell === undefined)
        if (interruption === undefined) {
          this.giveUp(why)
          return
        }
        this.#interrupted = true
        this.#pump.stop()
        this.#bell = interruption.bell
        this.#bell.reference(this.#unsettled > 0)
        interruption.begin()
      },
    })
  }

  /** No more than one completion a slot: one that lives may go on publishing. */
  #drain(): void {
    this.#draining = true
    let left = this.#owners.length
    for (let count = 1; count > 0 && left > 0; left -= count) count = this.#take(false)
    this.#draining = false
  }

  #wake(): void {
    if (!this.#draining) this.#pump.wake()
  }

  #reap(arm: boolean): number {
    // What was listed since the last look leaves before this one, and not behind it.
    this.flush()
    if (this.#ended !== undefined || this.#interrupted) return -1
    return this.#take(arm)
  }

  #take(arm: boolean): number {
    const count = this.#calls.reap(arm)
    if (count < 0) {
      this.giveUp(`the target broke the protocol: ${VIOLATIONS[-count]?.reason}`)
      return -1
    }
    for (let index = 0; index < count; index++) {
      const word = this.#completions[index]!
      const slot = word & 0xffff
      this.#completed++
      this.#owners[slot]!.completed(slot, (word >>> 16) & 0xff, (word >>> 24) & this.#flags)
      // Its owner's policy may have ended the pair, and then has every other one its answer.
      if (this.#ended !== undefined) return -1
    }
    if (count > 0) this.room()
    return count
  }

  #noted(): Timed[] {
    return this.#owners.flatMap((owner) => owner?.noted ?? [])
  }

  #end(why: string | undefined): void {
    if (this.#ended !== undefined) return
    const error = new TransportError(
      'ERR_SGRING_NEXUS_LOST',
      `${CODES.ERR_SGRING_NEXUS_LOST}: ${why ?? 'this side closed the nexus'}`,
    )
    this.#ended = error
    this.#pump.stop()
    this.wheel.close()
    this.arena.close()
    for (const owner of this.#owners.splice(0)) owner?.lost(error)
    for (const user of this.#users) user.lost(error)
    this.#bell.close()
    this.#native.close()
    // Views of the segment are empty from here on; it is unmapped when the last lease has come back.
    const { detach } = native()
    for (const buffer of this.#shared) detach(buffer)
    this.#onEnd(why === undefined ? undefined : error)
  }
}
