/**
 * The initiator's end of one queue pair: `execute()` writes a command into a slot, the native side publishes slots and takes
 * completions, a batch a call.
 */

import { CODES, SgringError, TransportError } from '../errors.ts'
import { type InitiatorPair, native } from '../native.ts'
import type { Command, Response } from '../task/command.ts'
import { Arena } from './arena.ts'
import { Bell } from './bell.ts'
import {
  FLAG_RESIDUAL,
  FLAG_SENSE,
  FLAG_SERVICE_RESPONSE,
  INLINE_CDB,
  MAX_SEGMENTS,
  MAX_SENSE_LEN,
  SLOT_BYTES,
  SLOT_CDB,
  SLOT_CDB_LEN,
  SLOT_CDB_TAIL,
  SLOT_IN,
  SLOT_IN_LEN,
  SLOT_IN_RESIDUAL,
  SLOT_LUN,
  SLOT_OUT,
  SLOT_OUT_LEN,
  SLOT_OUT_RESIDUAL,
  SLOT_OUT_SEGMENTS,
  SLOT_SENSE,
  SLOT_SENSE_LEN,
  SLOT_TAG,
  VIOLATIONS,
} from './layout.gen.ts'
import { Outstanding, RingResponse } from './outstanding.ts'
import { Pump } from './pump.ts'
import { Slab } from './slab.ts'

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
  /** Native calls that published a batch. */
  batches: number
  /** Times the bell woke this side. */
  wakes: number
  /** Commands under way now, the quarantined among them. */
  outstanding: number
  /** Commands that wait for a slot or arena space now. */
  waiting: number
  /** Settled commands whose completion has not come: their slots and bytes are not reused before. */
  quarantined: number
  /** Arena bytes that commands and leases hold now. */
  arenaUsedBytes: number
  /** Arena bytes that may occupy memory now. */
  arenaResidentBytes: number
}

/** Who takes the completions of slots that the batch form owns. */
export interface SlotOwner {
  completed(slot: number, status: number, flags: number): void
  lost(reason: TransportError): void
}

/** Coarse time: one timer a pair, and it runs only while something is outstanding. */
const TICK_MS = 100
/** Commands after which a batch is published without waiting for its end. */
const PART = 16
const TRIM_DELAY_MS = 1000
/** The upper half of all tags is the pairs' own, so that they never meet a caller's. */
const OWN_TAGS = 0x8000_0000
const NO_SENSE = new Uint8Array(0)
const NO_SPACE = -1

export class RingPair {
  readonly #native: InitiatorPair
  readonly #bell: Bell
  readonly #pump: Pump
  readonly #options: PairOptions
  readonly #onEnd: (reason: TransportError | undefined) => void

  // Shared memory and the desk, seen through views that are made once.
  readonly #slotsBuffer: ArrayBuffer
  readonly #arenaBuffer: ArrayBuffer
  readonly #words: Uint32Array
  readonly #bytes: Uint8Array
  readonly #arenaBytes: Uint8Array
  readonly #submissions: Uint32Array
  readonly #completions: Uint32Array

  readonly #arena: Arena
  readonly #slab = new Slab()
  readonly #free: number[] = []
  readonly #tasks: (Outstanding | SlotOwner | undefined)[]
  readonly #waiting: Outstanding[] = []
  /** The first of `#waiting` that still waits; those before it are holes, cut off now and then. */
  #waitingHead = 0
  readonly #tags = new Set<bigint>()
  /** The high half of the tags that this side chooses. */
  readonly tagHigh: number
  #tagLow = 0

  #pending = 0
  #flushScheduled = false
  readonly #flushLater = () => {
    this.#flushScheduled = false
    this.flush()
  }
  #outstanding = 0
  #quarantined = 0
  #leases = 0
  #tick = 0
  #ticker: NodeJS.Timeout | undefined
  #trimmer: NodeJS.Timeout | undefined
  #ended: TransportError | undefined
  #closed = false
  #commands = 0
  #batches = 0
  #wakes = 0

  /**
   * @param pairNumber the pair's number in its nexus: it stands in the tags that this side chooses
   * @param onEnd called once, with the reason if the target or the connection was it
   */
  constructor(
    pair: InitiatorPair,
    bell: (events: { ring(): void; end(): void }) => Bell,
    pairNumber: number,
    options: PairOptions,
    onEnd: (reason: TransportError | undefined) => void,
  ) {
    this.#native = pair
    this.#options = options
    this.#onEnd = onEnd
    this.#slotsBuffer = pair.slots()
    this.#arenaBuffer = pair.arena()
    this.#words = new Uint32Array(this.#slotsBuffer)
    this.#bytes = new Uint8Array(this.#slotsBuffer)
    this.#arenaBytes = new Uint8Array(this.#arenaBuffer)
    const desk = pair.desk()
    this.#submissions = new Uint32Array(desk, 0, options.slots)
    this.#completions = new Uint32Array(desk, 4 * options.slots, options.slots)
    this.#arena = new Arena(options.arenaBytes, options.arenaKeepBytes, (offset, length) =>
      pair.giveBack(offset, length),
    )
    this.#tasks = new Array(options.slots).fill(undefined)
    for (let slot = options.slots - 1; slot >= 0; slot--) this.#free.push(slot)
    this.tagHigh = (OWN_TAGS | pairNumber) >>> 0
    this.#pump = new Pump((arm) => this.#reap(arm), options.spinUs)
    this.#bell = bell({
      ring: () => {
        this.#wakes++
        this.#pump.wake()
      },
      end: () => this.#end('the target closed the connection or died'),
    })
  }

  get stats(): PairStats {
    return {
      commands: this.#commands,
      batches: this.#batches,
      wakes: this.#wakes,
      outstanding: this.#outstanding,
      waiting: this.#waiting.length - this.#waitingHead,
      quarantined: this.#quarantined,
      arenaUsedBytes: this.#arena.usedBytes,
      arenaResidentBytes: this.#arena.residentBytes,
    }
  }

  /**
   * Sends a command that was checked (`ts/ring/check.ts`) to the unit whose LUN has these first four bytes.
   * Waits its turn for a slot and arena space, first come first served.
   */
  execute(lunWord: number, command: Command): Promise<Response> {
    return new Promise((resolve, reject) => {
      const ended = this.#refusal()
      if (ended !== undefined) return reject(ended)
      if (command.signal?.aborted) return reject(command.signal.reason)
      const task = new Outstanding(this, lunWord, command, resolve, reject)
      if (task.tag !== undefined) {
        if (this.#tags.has(task.tag)) return reject(new SgringError('ERR_SGRING_TAG_IN_USE'))
        this.#tags.add(task.tag)
      }
      const timeoutMs = command.timeoutMs ?? 60_000
      if (timeoutMs > 0) task.deadline = this.#tick + Math.ceil(timeoutMs / TICK_MS) + 1
      if (this.#waitingHead < this.#waiting.length || !this.#start(task)) this.#wait(task)
      task.listen()
      this.#keepTime()
    })
  }

  /** Publishes what was written since the last call. Called by itself once the running code yields. */
  flush(): void {
    if (this.#pending === 0 || this.#ended !== undefined) return
    const count = this.#pending
    this.#pending = 0
    this.#batches++
    const violation = this.#native.submit(count)
    if (violation !== 0) return this.#end(`this side's own fault: ${VIOLATIONS[violation]?.reason}`)
    this.#pump.wake()
  }

  /** Ends the pair: what is outstanding is lost. Idempotent. */
  close(): void {
    this.#closed = true
    this.#end(undefined)
  }

  // ---- for `Outstanding`

  /** The caller gave up on a task that waits: it leaves unsent. `false` if it is under way. */
  withdraw(task: Outstanding): boolean {
    if (task.slot !== NO_SPACE) return false
    const index = this.#waiting.indexOf(task, this.#waitingHead)
    if (index >= 0) this.#waiting.splice(index, 1)
    this.#forgetTag(task)
    this.#startWaiting()
    return true
  }

  /** A task that was settled before its completion: its slot and bytes stay untouched until that comes. */
  quarantine(): void {
    this.#quarantined++
  }

  /** A leased block comes back. */
  returnLease(offset: number, length: number): void {
    this.#leases--
    if (this.#ended !== undefined) return
    this.#freeBlock(offset, length)
    this.#startWaiting()
  }

  // ---- for the batch form

  /** A slot for as long as the owner wants it, or -1. */
  takeSlot(owner: SlotOwner): number {
    const slot = this.#free.pop()
    if (slot === undefined) return NO_SPACE
    this.#tasks[slot] = owner
    return slot
  }

  returnSlot(slot: number): void {
    this.#tasks[slot] = undefined
    this.#free.push(slot)
    this.#startWaiting()
  }

  /** A block of the arena, or -1. */
  takeBlock(length: number): number {
    return this.#ended === undefined ? this.#arena.allocate(length) : NO_SPACE
  }

  returnBlock(offset: number, length: number): void {
    this.#freeBlock(offset, length)
    this.#startWaiting()
  }

  /** Part of the arena in a buffer of its own, which `detach` takes away again. */
  lease(offset: number, length: number): ArrayBuffer {
    return this.#native.lease(offset, length)
  }

  /** The slots' shared words: the batch form writes its own slots itself. */
  get slotWords(): Uint32Array {
    return this.#words
  }

  /** The low half of a tag that no outstanding command of this nexus has, given that 2^32 are not outstanding. */
  nextTag(): number {
    this.#tagLow = (this.#tagLow + 1) >>> 0
    return this.#tagLow
  }

  /** Puts a slot, written by its owner, on the list of those to publish. */
  submitSlot(slot: number): void {
    this.#submit(slot)
  }

  /** Sense data of a completed slot; its length is the target's word, cut to what there can be. */
  sense(slot: number): Uint8Array {
    const base = slot * SLOT_BYTES
    const length = Math.min(this.#words[(base + SLOT_SENSE_LEN) >>> 2]! & 0xffff, MAX_SENSE_LEN)
    return this.#bytes.slice(base + SLOT_SENSE, base + SLOT_SENSE + length)
  }

  inResidual(slot: number): number {
    return this.#words[(slot * SLOT_BYTES + SLOT_IN_RESIDUAL) >>> 2]! | 0
  }

  outResidual(slot: number): number {
    return this.#words[(slot * SLOT_BYTES + SLOT_OUT_RESIDUAL) >>> 2]! | 0
  }

  /** Why nothing can be sent any more. */
  refusal(): SgringError | undefined {
    return this.#refusal()
  }

  get arenaTotalBytes(): number {
    return this.#options.arenaBytes
  }

  // ---- the path of a command

  /** Gives the task a slot and its bytes, writes it, and lists it. `false` if something is missing: nothing was taken then. */
  #start(task: Outstanding): boolean {
    const slot = this.#free.pop()
    if (slot === undefined) return false
    if (!this.#reserve(task)) {
      this.#free.push(slot)
      return false
    }
    task.slot = slot
    this.#tasks[slot] = task
    this.#write(slot, task)
    this.#submit(slot)
    return true
  }

  #submit(slot: number): void {
    this.#submissions[this.#pending++] = slot
    if (this.#outstanding++ === 0) this.#bell.reference(true)
    // A part of a large batch goes ahead, so that the target works on it while the rest is written.
    if (this.#pending === PART) return this.flush()
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    queueMicrotask(this.#flushLater)
  }

  /** Arena space for both directions: mostly a block each; where none is large enough, several, and a block for their table. */
  #reserve(task: Outstanding): boolean {
    if (task.outLength > 0) {
      task.outOffset = this.#arena.allocate(task.outLength)
      if (task.outOffset === NO_SPACE && !this.#reservePieces(task, 'out')) return false
    }
    if (task.inLength > 0) {
      task.inOffset = this.#arena.allocate(task.inLength)
      if (task.inOffset === NO_SPACE && (task.lease || !this.#reservePieces(task, 'in'))) {
        this.#releaseData(task)
        return false
      }
    }
    return true
  }

  #reservePieces(task: Outstanding, direction: 'out' | 'in'): boolean {
    const table = this.#arena.allocate(8 * MAX_SEGMENTS)
    if (table === NO_SPACE) return false
    const length = direction === 'out' ? task.outLength : task.inLength
    const extents = this.#arena.allocatePieces(length, MAX_SEGMENTS)
    if (extents === undefined) {
      this.#arena.free(table, 8 * MAX_SEGMENTS)
      return false
    }
    const pieces = { table, extents }
    if (direction === 'out') task.outPieces = pieces
    else task.inPieces = pieces
    return true
  }

  #write(slot: number, task: Outstanding): void {
    const words = this.#words
    const bytes = this.#bytes
    const base = slot * SLOT_BYTES
    const word = base >>> 2
    const { cdb } = task.command
    words[word + (SLOT_LUN >>> 2)] = task.lunBytes
    words[word + (SLOT_LUN >>> 2) + 1] = 0
    if (task.tag === undefined) {
      words[word + (SLOT_TAG >>> 2)] = this.nextTag()
      words[word + (SLOT_TAG >>> 2) + 1] = this.tagHigh
    } else {
      words[word + (SLOT_TAG >>> 2)] = Number(task.tag & 0xffff_ffffn)
      words[word + (SLOT_TAG >>> 2) + 1] = Number(task.tag >> 32n)
    }
    words[word + (SLOT_CDB_LEN >>> 2)] = cdb.length | ((task.command.attribute ?? 0) << 16)
    words[word + (SLOT_OUT_LEN >>> 2)] = task.outLength
    words[word + (SLOT_IN_LEN >>> 2)] = task.inLength
    const outCount = this.#writeSegments(base + SLOT_OUT, task.outOffset, task.outLength, task.outPieces)
    const inCount = this.#writeSegments(base + SLOT_IN, task.inOffset, task.inLength, task.inPieces)
    words[word + (SLOT_OUT_SEGMENTS >>> 2)] = outCount | (inCount << 16)
    const inline = Math.min(cdb.length, INLINE_CDB)
    for (let index = 0; index < inline; index++) bytes[base + SLOT_CDB + index] = cdb[index]!
    if (cdb.length > INLINE_CDB) bytes.set(cdb.subarray(INLINE_CDB), base + SLOT_CDB_TAIL)
    const { dataOut } = task.command
    if (dataOut === undefined || task.outLength === 0) return
    if (task.outPieces === undefined) this.#arenaBytes.set(dataOut, task.outOffset)
    else {
      let at = 0
      for (const { offset, length } of task.outPieces.extents) {
        this.#arenaBytes.set(dataOut.subarray(at, at + length), offset)
        at += length
      }
    }
  }

  #writeSegments(
    at: number,
    offset: number,
    length: number,
    pieces: Outstanding['outPieces'],
  ): number {
    if (length === 0) return 0
    const words = this.#words
    const word = at >>> 2
    if (pieces === undefined) {
      words[word] = offset
      words[word + 1] = length
      return 1
    }
    const { table, extents } = pieces
    const inline = extents.length <= 2
    const list = inline ? words : new Uint32Array(this.#arenaBuffer, table, 2 * MAX_SEGMENTS)
    const first = inline ? word : 0
    for (const [index, extent] of extents.entries()) {
      list[first + 2 * index] = extent.offset
      list[first + 2 * index + 1] = extent.length
    }
    if (!inline) {
      words[word] = table
      words[word + 1] = 8 * extents.length
    }
    return extents.length
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
    if (--this.#outstanding === 0) this.#bell.reference(false)
    if (!(task instanceof Outstanding)) return task.completed(slot, status, flags)
    const inResidual = flags & FLAG_RESIDUAL ? this.inResidual(slot) : 0
    const outResidual = flags & FLAG_RESIDUAL ? this.outResidual(slot) : 0
    const sense = flags & FLAG_SENSE ? this.sense(slot) : NO_SENSE
    this.#tasks[slot] = undefined
    this.#free.push(slot)
    this.#forgetTag(task)
    if (task.settled) {
      this.#quarantined--
      this.#releaseData(task)
      return
    }
    if ((flags & FLAG_SERVICE_RESPONSE) !== 0) {
      this.#releaseData(task)
      return task.fail(
        new TransportError('ERR_SGRING_NEXUS_LOST', 'service delivery or target failure'),
      )
    }
    const came = Math.max(0, Math.min(task.inLength, task.inLength - inResidual))
    if (task.lease && came > 0) {
      const buffer = this.#native.lease(task.inOffset, came)
      this.#leases++
      const lease = { pair: this, offset: task.inOffset, length: task.inLength }
      task.inLength = 0
      this.#releaseData(task)
      const data = new Uint8Array(buffer)
      return task.succeed(new RingResponse(status, sense, data, inResidual, outResidual, lease))
    }
    const data = this.#copyIn(task, came)
    this.#releaseData(task)
    task.succeed(new RingResponse(status, sense, data, inResidual, outResidual, undefined))
  }

  #copyIn(task: Outstanding, came: number): Uint8Array {
    const { into } = task
    if (task.inPieces === undefined) {
      const { inOffset } = task
      if (into === undefined) {
        if (came === 0) return NO_SENSE
        return this.#slab.copy(this.#arenaBytes.subarray(inOffset, inOffset + came))
      }
      into.set(this.#arenaBytes.subarray(inOffset, inOffset + came))
      return into.subarray(0, came)
    }
    const data = into?.subarray(0, came) ?? new Uint8Array(came)
    let at = 0
    for (const { offset, length } of task.inPieces.extents) {
      const part = Math.min(length, came - at)
      data.set(this.#arenaBytes.subarray(offset, offset + part), at)
      at += part
    }
    return data
  }

  #releaseData(task: Outstanding): void {
    if (task.outOffset !== NO_SPACE) this.#freeBlock(task.outOffset, task.outLength)
    if (task.inOffset !== NO_SPACE && task.inLength > 0) this.#freeBlock(task.inOffset, task.inLength)
    for (const pieces of [task.outPieces, task.inPieces]) {
      if (pieces === undefined) continue
      this.#freeBlock(pieces.table, 8 * MAX_SEGMENTS)
      for (const { offset, length } of pieces.extents) this.#freeBlock(offset, length)
    }
    task.outOffset = NO_SPACE
    task.inOffset = NO_SPACE
    task.outPieces = undefined
    task.inPieces = undefined
  }

  #freeBlock(offset: number, length: number): void {
    this.#arena.free(offset, length)
    if (this.#trimmer !== undefined || !this.#arena.excess) return
    this.#trimmer = setTimeout(() => {
      this.#trimmer = undefined
      if (this.#ended === undefined) this.#arena.trim()
    }, TRIM_DELAY_MS).unref()
  }

  // ---- waiting and time

  #wait(task: Outstanding): void {
    if (this.#waiting.length - this.#waitingHead < this.#options.maxWaiting) {
      this.#waiting.push(task)
      return
    }
    this.#forgetTag(task)
    task.fail(new SgringError('ERR_SGRING_BUSY'))
  }

  /** Starts those that wait, in their order, until one has to wait on. */
  #startWaiting(): void {
    while (this.#waitingHead < this.#waiting.length) {
      if (!this.#start(this.#waiting[this.#waitingHead]!)) return
      this.#waitingHead++
      if (this.#waitingHead * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#waitingHead)
        this.#waitingHead = 0
      }
    }
  }

  #keepTime(): void {
    this.#ticker ??= setInterval(() => this.#ticked(), TICK_MS).unref()
  }

  #ticked(): void {
    this.#tick++
    if (this.#outstanding === 0 && this.#waitingHead === this.#waiting.length) {
      clearInterval(this.#ticker)
      this.#ticker = undefined
      return
    }
    const late: Outstanding[] = []
    const look = (task: Outstanding | SlotOwner | undefined) => {
      if (task instanceof Outstanding && !task.settled && task.deadline <= this.#tick) late.push(task)
    }
    this.#tasks.forEach(look)
    this.#waiting.slice(this.#waitingHead).forEach(look)
    for (const task of late) task.giveUp(new TransportError('ERR_SGRING_TIMEOUT'))
  }

  #forgetTag(task: Outstanding): void {
    if (task.tag !== undefined) this.#tags.delete(task.tag)
  }

  // ---- the end

  #refusal(): SgringError | undefined {
    if (this.#closed) return new SgringError('ERR_SGRING_CLOSED')
    return this.#ended
  }

  #end(reason: string | undefined): void {
    if (this.#ended !== undefined) return
    const error = new TransportError(
      'ERR_SGRING_NEXUS_LOST',
      reason === undefined ? 'this side closed the nexus' : `${CODES.ERR_SGRING_NEXUS_LOST}: ${reason}`,
    )
    this.#ended = error
    this.#pump.stop()
    this.#bell.close()
    clearInterval(this.#ticker)
    clearTimeout(this.#trimmer)
    const owners = new Set<SlotOwner>()
    for (const task of this.#tasks) {
      if (task instanceof Outstanding) task.fail(error)
      else if (task !== undefined) owners.add(task)
    }
    for (const task of this.#waiting.slice(this.#waitingHead)) task.fail(error)
    for (const owner of owners) owner.lost(error)
    this.#tasks.fill(undefined)
    this.#waiting.length = 0
    this.#native.close()
    // Views of the segment are empty from here on, and the segment goes when the last lease does.
    const { detach } = native()
    detach(this.#slotsBuffer)
    detach(this.#arenaBuffer)
    this.#onEnd(reason === undefined ? undefined : error)
  }
}
