/**
 * The initiator's end of one queue pair: `execute()` writes a command into a slot, the native side publishes slots and takes
 * completions, a batch a call.
 */

import { CODES, SgringError, TransportError } from '../errors.ts'
import { type InitiatorPair, native } from '../native.ts'
import type { Command, Response } from '../task/command.ts'
import type { Bell } from './bell.ts'
import { FLAG_RESIDUAL, FLAG_SENSE, FLAG_SERVICE_RESPONSE, VIOLATIONS } from './layout.gen.ts'
import { Outstanding, RingResponse } from './outstanding.ts'
import { Pump } from './pump.ts'
import { Slots } from './slots.ts'
import { ArenaBytes } from './task-data.ts'
import { Waiting } from './waiting.ts'

/** How a pair is made; `ts/ring/connect.ts` has filled in the defaults. */
export interface PairOptions {
  readonly slots: number
  readonly arenaBytes: number
  readonly arenaKeepBytes: number
  readonly maxWaiting: number
  readonly spinUs: number
}

/** Live numbers of a pair. */
export interface PairStats {
  /** Commands that ended, with any status. */
  commands: number
  /** Native calls that published commands. */
  batches: number
  /** Times the bell woke this side. */
  wakes: number
  /** Commands under way now, the quarantined among them. */
  outstanding: number
  /** Commands that wait for a slot or arena space now. */
  waiting: number
  /** Settled commands whose completion has not come: their slots and bytes are not used again before. */
  quarantined: number
  /** Arena bytes that commands and leases hold now. */
  arenaUsedBytes: number
  /** Arena bytes that may occupy memory now. */
  arenaResidentBytes: number
}

/** Who has a slot for longer than one command: the batch form. */
export interface SlotOwner {
  completed(slot: number, status: number, flags: number): void
  lost(reason: TransportError): void
}

/** Commands after which a batch is published without waiting for its end. */
const PART = 16
/** Coarse time: one timer a pair, and it runs only while something is outstanding. */
const TICK_MS = 100
const DEFAULT_TIMEOUT_MS = 60_000
/** The upper half of all tags is the pairs' own, so that they never meet a caller's. */
const OWN_TAGS = 0x8000_0000
const NO_SENSE = new Uint8Array(0)

export class RingPair {
  /** The high half of the tags that this side chooses. */
  readonly tagHigh: number
  /** The slots in shared memory. */
  readonly slots: Slots
  /** The arena, and who has which of its bytes. */
  readonly arena: ArenaBytes
  readonly #native: InitiatorPair
  readonly #bell: Bell
  readonly #pump: Pump
  readonly #options: PairOptions
  readonly #onEnd: (reason: TransportError | undefined) => void
  readonly #shared: readonly ArrayBuffer[]
  readonly #submissions: Uint32Array
  readonly #completions: Uint32Array

  readonly #free: number[] = []
  readonly #tasks: (Outstanding | SlotOwner | undefined)[]
  readonly #waiting = new Waiting<Outstanding>()
  /** Tags of outstanding commands that their callers chose. */
  readonly #tags = new Set<bigint>()
  readonly #flushLater = () => {
    this.#flushScheduled = false
    this.flush()
  }
  #flushScheduled = false
  #pending = 0
  #outstanding = 0
  #quarantined = 0
  /** Commands that somebody still waits for, sent or not: while there are some, the bell keeps the process alive. */
  #unsettled = 0
  #tagLow = 0
  #tick = 0
  #ticker: NodeJS.Timeout | undefined
  #ended: TransportError | undefined
  #closed = false
  #commands = 0
  #batches = 0
  #wakes = 0

  /**
   * @param bell hands over the bell, once
   * @param number the pair's number in its nexus: it stands in the tags that this side chooses
   * @param onEnd called once, with the reason if the target or the connection was it
   */
  constructor(
    pair: InitiatorPair,
    bell: (events: { ring(): void; end(): void }) => Bell,
    number: number,
    options: PairOptions,
    onEnd: (reason: TransportError | undefined) => void,
  ) {
    this.#native = pair
    this.#options = options
    this.#onEnd = onEnd
    this.tagHigh = (OWN_TAGS | number) >>> 0
    const slots = pair.slots()
    const arena = pair.arena()
    this.#shared = [slots, arena]
    this.slots = new Slots(slots, arena)
    this.arena = new ArenaBytes(arena, options.arenaKeepBytes, (offset, length) =>
      pair.giveBack(offset, length),
    )
    const desk = pair.desk()
    this.#submissions = new Uint32Array(desk, 0, options.slots)
    this.#completions = new Uint32Array(desk, 4 * options.slots, options.slots)
    this.#tasks = new Array(options.slots).fill(undefined)
    for (let slot = options.slots - 1; slot >= 0; slot--) this.#free.push(slot)
    this.#pump = new Pump((arm) => this.#reap(arm), options.spinUs)
    this.#bell = bell({
      ring: () => {
        this.#wakes++
        this.#pump.wake()
      },
      end: () => {
        // What it answered before its end is still there, and so is what it did wrong.
        while (this.#reap(false) > 0) {}
        this.#end('the target closed the connection or died')
      },
    })
  }

  get stats(): PairStats {
    return {
      commands: this.#commands,
      batches: this.#batches,
      wakes: this.#wakes,
      outstanding: this.#outstanding,
      waiting: this.#waiting.length,
      quarantined: this.#quarantined,
      arenaUsedBytes: this.arena.usedBytes,
      arenaResidentBytes: this.arena.residentBytes,
    }
  }

  /** Why nothing can be sent any more. */
  get refusal(): SgringError | undefined {
    return this.#closed ? new SgringError('ERR_SGRING_CLOSED') : this.#ended
  }

  /**
   * Sends a command that was checked (`ts/initiator/check.ts`) to the unit whose LUN has these first four bytes, big-endian.
   * It waits its turn for a slot and arena space, first come first served.
   */
  execute(lunWord: number, command: Command): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { refusal } = this
      if (refusal !== undefined) return reject(refusal)
      const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = command
      if (signal?.aborted) return reject(signal.reason)
      const task = new Outstanding(this, lunWord, command, resolve, reject)
      if (task.tag !== undefined) {
        if (this.#tags.has(task.tag)) return reject(new SgringError('ERR_SGRING_TAG_IN_USE'))
        this.#tags.add(task.tag)
      }
      this.#awaited()
      if (timeoutMs > 0) task.deadline = this.#tick + Math.ceil(timeoutMs / TICK_MS) + 1
      if (this.#waiting.length > 0 || !this.#place(task)) this.#wait(task)
      else this.#send(task)
      task.listen()
      // The bell keeps the process alive, and the loop with it: that is enough for a timer.
      if (this.#ended === undefined)
        this.#ticker ??= setInterval(() => this.#ticked(), TICK_MS).unref()
    })
  }

  /** Publishes what was written since the last call. Happens by itself once the running code yields. */
  flush(): void {
    if (this.#pending === 0 || this.#ended !== undefined) return
    const count = this.#pending
    this.#pending = 0
    this.#batches++
    const violation = this.#native.submit(count)
    if (violation !== 0) this.#end(`this side's own fault: ${VIOLATIONS[violation]?.reason}`)
    else this.#pump.wake()
  }

  /** Ends the pair: what is outstanding is lost. Idempotent. */
  close(): void {
    this.#closed = true
    this.#end(undefined)
  }

  // ---- for tasks

  /** The caller of a task has its answer, or one of a queue's commands has ended. */
  settled(): void {
    if (--this.#unsettled === 0) this.#bell.reference(false)
  }

  /** The caller gave up on a task: it leaves unsent if it waits, else its slot and bytes are kept until the target answers. */
  quarantine(task: Outstanding): void {
    if (task.slot >= 0) {
      this.#quarantined++
      return
    }
    this.#waiting.remove(task)
    this.#forgetTag(task)
    this.#startWaiting()
  }

  /** Leased bytes come back. */
  returnLease(offset: number, length: number): void {
    if (this.#ended !== undefined) return
    this.arena.free(offset, length)
    this.#startWaiting()
  }

  // ---- for the batch form

  /** A slot until it is returned, or -1. */
  takeSlot(): number {
    return this.#free.pop() ?? -1
  }

  /** Who is told of the completions of a slot that was taken. */
  setOwner(slot: number, owner: SlotOwner): void {
    this.#tasks[slot] = owner
  }

  /** Puts a slot, written by its owner, on the list of those to publish. */
  submit(slot: number): void {
    this.#awaited()
    this.#list(slot)
  }

  /** Takes back a slot that is not under way, and its block. */
  returnSlot(slot: number, offset: number, length: number): void {
    this.#tasks[slot] = undefined
    this.#free.push(slot)
    if (offset >= 0) this.arena.free(offset, length)
    this.#startWaiting()
  }

  /** Part of the arena in a buffer of its own, which can be detached. */
  lease(offset: number, length: number): ArrayBuffer {
    return this.#native.lease(offset, length)
  }

  /** The low half of a tag that no outstanding command of this pair has: 2^32 of them do not fit. */
  nextTag(): number {
    this.#tagLow = (this.#tagLow + 1) >>> 0
    return this.#tagLow
  }

  // ---- the path of a command

  #awaited(): void {
    if (this.#unsettled++ === 0) this.#bell.reference(true)
  }

  /** Lists a slot for the next flush. */
  #list(slot: number): void {
    this.#submissions[this.#pending++] = slot
    this.#outstanding++
    // A part of a large batch goes ahead, so that the target works on it while the rest is written.
    if (this.#pending === PART) {
      this.flush()
    } else if (!this.#flushScheduled) {
      this.#flushScheduled = true
      queueMicrotask(this.#flushLater)
    }
  }

  /** Gives the task a slot and its bytes. `false` if it has to wait for them: then nothing was taken. */
  #place(task: Outstanding): boolean {
    const slot = this.#free.pop()
    if (slot === undefined) return false
    if (this.arena.reserve(task.out, false) && this.arena.reserve(task.into, task.lease)) {
      task.slot = slot
      this.#tasks[slot] = task
      return true
    }
    this.arena.release(task.out)
    this.#free.push(slot)
    if (this.arena.usedBytes > 0) return false
    // All of the arena is free, and its blocks do not hold it: there is nothing to wait for.
    this.#forgetTag(task)
    task.fail(new SgringError('ERR_SGRING_ARENA_TOO_SMALL'))
    return true
  }

  /** Writes a task that has its place, and lists it. */
  #send(task: Outstanding): void {
    if (task.settled) return
    const { slot, command, out, into, tag } = task
    const tagLow = tag === undefined ? this.nextTag() : Number(tag & 0xffff_ffffn)
    const tagHigh = tag === undefined ? this.tagHigh : Number(tag >> 32n)
    this.slots.writeTask(slot, task.lunBytes, tagLow, tagHigh, command.attribute ?? 0)
    this.slots.writeCdb(slot, task.cdb)
    if (out.length === 0 && into.length === 0) this.slots.writeNoData(slot)
    else this.slots.writeData(slot, out, into)
    if (out.length > 0) this.arena.copyOut(out, command.dataOut!)
    this.#list(slot)
  }

  #reap(arm: boolean): number {
    if (this.#ended !== undefined) return -1
    const count = this.#native.reap(arm)
    if (count < 0) {
      this.#end(`the target broke the protocol: ${VIOLATIONS[-count]?.reason}`)
      return -1
    }
    for (let index = 0; index < count; index++) {
      const word = this.#completions[index]!
      this.#complete(word & 0xffff, (word >>> 16) & 0xff, word >>> 24)
    }
    if (count > 0) this.#startWaiting()
    return count
  }

  #complete(slot: number, status: number, flags: number): void {
    const task = this.#tasks[slot]!
    this.#commands++
    this.#outstanding--
    if (task instanceof Outstanding) {
      this.#answer(task, slot, status, flags)
    } else {
      this.settled()
      task.completed(slot, status, flags)
    }
  }

  #answer(task: Outstanding, slot: number, status: number, flags: number): void {
    const { into } = task
    this.#tasks[slot] = undefined
    this.#free.push(slot)
    this.#forgetTag(task)
    this.arena.release(task.out)
    if (task.settled) {
      this.#quarantined--
      this.arena.release(into)
      return
    }
    if ((flags & FLAG_SERVICE_RESPONSE) !== 0) {
      this.arena.release(into)
      task.fail(new TransportError('ERR_SGRING_DELIVERY'))
      return
    }
    const hasResidual = (flags & FLAG_RESIDUAL) !== 0
    const inResidual = hasResidual ? this.slots.inResidual(slot) : 0
    const outResidual = hasResidual ? this.slots.outResidual(slot) : 0
    const sense = (flags & FLAG_SENSE) !== 0 ? this.slots.sense(slot) : NO_SENSE
    // The residual is the target's word: negative for what did not fit, and not to be believed beyond the buffer.
    const came = Math.max(0, Math.min(into.length, into.length - inResidual))
    try {
      if (task.lease && came > 0) {
        const buffer = this.#native.lease(into.offset, came)
        const data = new Uint8Array(buffer)
        const lease = { pair: this, buffer, offset: into.offset, length: into.length }
        task.succeed(new RingResponse(status, sense, data, inResidual, outResidual, lease))
      } else {
        const data = this.arena.copyIn(into, came, task.buffer)
        this.arena.release(into)
        task.succeed(new RingResponse(status, sense, data, inResidual, outResidual, undefined))
      }
    } catch (cause) {
      // The others of the batch go on.
      this.arena.release(into)
      task.fail(task.lease ? cause : changed('dataIn', cause))
    }
  }

  // ---- waiting and time

  #wait(task: Outstanding): void {
    if (this.#waiting.length < this.#options.maxWaiting) {
      task.keepCdb()
      this.#waiting.push(task)
      return
    }
    this.#forgetTag(task)
    task.fail(new SgringError('ERR_SGRING_BUSY'))
  }

  /** Starts those that wait, in their order, until one has to wait on. */
  #startWaiting(): void {
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const intact = next.isIntact
      if (intact && !this.#place(next)) return
      // Out of the line first: sending may publish, take completions, come back here, or end the pair, which empties the line.
      this.#waiting.shift()
      if (intact) {
        this.#send(next)
      } else {
        this.#forgetTag(next)
        next.fail(changed('dataOut'))
      }
    }
  }

  #ticked(): void {
    this.#tick++
    if (this.#unsettled === 0) {
      clearInterval(this.#ticker)
      this.#ticker = undefined
      return
    }
    // The last in line first: one that leaves it must not let another one go that leaves it too.
    for (const task of [...this.#tasks, ...this.#waiting.all().reverse()]) {
      if (!(task instanceof Outstanding) || task.settled || task.deadline > this.#tick) continue
      task.giveUp(new TransportError('ERR_SGRING_TIMEOUT'))
    }
  }

  #forgetTag(task: Outstanding): void {
    if (task.tag !== undefined) this.#tags.delete(task.tag)
  }

  // ---- the end

  #end(reason: string | undefined): void {
    if (this.#ended !== undefined) return
    const why = reason === undefined ? 'this side closed the nexus' : reason
    const error = new TransportError(
      'ERR_SGRING_NEXUS_LOST',
      `${CODES.ERR_SGRING_NEXUS_LOST}: ${why}`,
    )
    this.#ended = error
    this.#pump.stop()
    clearInterval(this.#ticker)
    this.arena.close()
    const tasks = [...this.#tasks, ...this.#waiting.all()]
    this.#tasks.fill(undefined)
    this.#waiting.clear()
    this.#tags.clear()
    this.#outstanding = 0
    this.#quarantined = 0
    for (const task of tasks) {
      if (task instanceof Outstanding) task.fail(error)
      else task?.lost(error)
    }
    this.#bell.close()
    this.#native.close()
    // Views of the segment are empty from here on; it is unmapped when the last lease has come back.
    const { detach } = native()
    for (const buffer of this.#shared) detach(buffer)
    this.#onEnd(reason === undefined ? undefined : error)
  }
}

/** A caller's buffer is not what it was when its command was given. */
function changed(name: string, cause?: unknown): SgringError {
  return new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `${name} was transferred or changed its length before its command ended`,
    { cause },
  )
}
