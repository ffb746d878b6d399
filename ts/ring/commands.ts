/** The promise form on a pair: commands find a slot and bytes or wait for them, are written, and settle. */

import { SgringError, TransportError } from '../errors.ts'
import type { Command, Response } from '../task/command.ts'
import { ENDED_WITHOUT_RESPONSE, OUTCOME_UNKNOWN, OVERTAKEN } from '../task/function.ts'
import { Abort } from './abort.ts'
import type { RecoveryOptions } from './connect.ts'
import type { Functions } from './functions.ts'
import { FLAG_RESIDUAL, FLAG_SENSE, FLAG_SERVICE_RESPONSE, FLAG_TRANSPORT } from './layout.gen.ts'
import { Outstanding } from './outstanding.ts'
import type { PairOptions, PairUser, RingPair } from './pair.ts'
import { RingResponse } from './response.ts'
import type { TransportStatus } from './slots.ts'
import { Waiting } from './waiting.ts'

const DEFAULT_TIMEOUT_MS = 60_000
const NO_SENSE = new Uint8Array(0)

/** Why a command has no status, by what a kernel's layers say of it: what it rejects with. */
export type Explain = (command: Command, status: TransportStatus, abortedFor: unknown) => unknown

/** What a pair's target does otherwise than most, and what is wanted of commands when it dies. */
export interface TargetTraits {
  /** Only where it says more than a ring's may. */
  readonly explain?: Explain
  /** Whether it ends each command by itself, in its time, where it refuses to abort it: a kernel does, and of a target on a ring nobody says so. */
  readonly endsByItself?: boolean
  /** About commands that a target had begun when it died. */
  readonly policy?: RecoveryOptions['policy']
}

let handedResolve: ((response: Response) => void) | undefined
let handedReject: ((reason: unknown) => void) | undefined
/** Hands over what settles the promise that is being made: a closure of each command's own would be so much more garbage. */
const handOver = (resolve: typeof handedResolve, reject: typeof handedReject) => {
  handedResolve = resolve
  handedReject = reject
}

export class Commands implements PairUser {
  readonly pair: RingPair
  readonly functions: Functions
  readonly options: PairOptions
  /** Whether a command whose ABORT TASK was refused is waited for, however long. */
  readonly endsByItself: boolean
  readonly #explain: Explain | undefined
  readonly #policy: RecoveryOptions['policy']
  readonly #waiting = new Waiting<Outstanding>()
  /** Tags of outstanding commands that their callers chose. */
  readonly #tags = new Set<bigint>()
  readonly #startLater = () => {
    this.#startScheduled = false
    if (this.pair.refusal === undefined) this.room()
  }
  #startScheduled = false
  #quarantined = 0

  constructor(
    pair: RingPair,
    functions: Functions,
    options: PairOptions,
    { explain, endsByItself = false, policy }: TargetTraits = {},
  ) {
    this.pair = pair
    this.endsByItself = endsByItself
    this.#explain = explain
    this.#policy = policy
    this.functions = functions
    this.options = options
    pair.addUser(this)
  }

  /** Whether all are carried out again that a target had begun when it died, as far as their callers still want them. */
  get reruns(): boolean {
    return this.#policy === 'rerun'
  }

  /** Commands that wait, and settled ones whose completion has not come. */
  get counts(): { waiting: number; quarantined: number } {
    return { waiting: this.#waiting.length, quarantined: this.#quarantined }
  }

  /**
   * Sends a command that was checked (`ts/initiator/check.ts`) to the unit whose LUN has these first four bytes, big-endian.
   * It waits its turn for a slot and arena space, first come first served.
   */
  execute(lunWord: number, command: Command): Promise<Response> {
    const promise = new Promise<Response>(handOver)
    const resolve = handedResolve!
    const reject = handedReject!
    handedResolve = undefined
    handedReject = undefined
    let begun: Outstanding | undefined
    try {
      // Properties may be functions of the caller's, which throw, give other commands, and close the nexus. Behind these none is read.
      const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = command
      const task = new Outstanding(this, lunWord, command, resolve, reject)
      const { refusal } = this.pair
      if (refusal !== undefined) throw refusal
      if (signal?.aborted) throw signal.reason
      if (task.tag !== undefined) {
        if (this.#tags.has(task.tag)) throw new SgringError('ERR_SGRING_TAG_IN_USE')
        this.#tags.add(task.tag)
      }
      this.pair.awaited()
      begun = task
      if (this.#waiting.length > 0 || !this.#place(task)) {
        this.#wait(task, timeoutMs)
      } else {
        // Its slot has it noted.
        this.pair.wheel.note(task, timeoutMs)
        this.#send(task)
      }
      if (signal !== undefined) task.heed(signal)
    } catch (cause) {
      if (begun === undefined) reject(cause)
      else this.#broken(begun, cause)
    }
    return promise
  }

  room(): void {
    // In their order, until one has to wait on.
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const intact = next.isIntact
      if (intact && !this.#place(next)) return
      // Out of the line first: sending may publish, take completions, come back here, or end the pair, which empties the line.
      this.#waiting.shift()
      if (intact) {
        this.#send(next)
      } else {
        this.forgetTag(next)
        next.fail(changed('dataOut'))
      }
    }
  }

  lost(reason: TransportError): void {
    this.#tags.clear()
    this.#quarantined = 0
    for (const task of this.#waiting.clear()) task.lost(reason)
  }

  // ---- for the commands

  timedOut(task: Outstanding): void {
    this.giveUp(task, new TransportError('ERR_SGRING_TIMEOUT'))
  }

  /** Its caller wants no more of it: it leaves unsent if it waits, else it is aborted. */
  giveUp(task: Outstanding, reason: unknown): void {
    if (task.settled || task.abort !== undefined) return
    if (task.slot < 0) {
      this.#leave(task, reason)
      this.#waiting.left()
      return
    }
    if (this.pair.unlist(task.slot)) {
      this.#giveBack(task)
      this.#leave(task, reason)
      return
    }
    this.pair.wheel.stop(task)
    task.abort = new Abort(this, task, reason)
    if (task.detach) this.quarantine(task, reason)
    task.abort.begin()
  }

  /** Settles a task that is under way: its slot and bytes are kept until its completion. */
  quarantine(task: Outstanding, reason: unknown): void {
    this.#quarantined++
    task.fail(reason)
  }

  /** The caller of a task has its answer. */
  settled(task: Outstanding): void {
    this.pair.wheel.stop(task)
    this.pair.settled()
  }

  forgetTag(task: Outstanding): void {
    if (task.tag !== undefined) this.#tags.delete(task.tag)
  }

  completed(task: Outstanding, slot: number, status: number, flags: number): void {
    if ((flags & FLAG_SERVICE_RESPONSE) === OUTCOME_UNKNOWN) {
      const again = this.#runsAgain(task)
      // The policy has ended the pair, and every command with it.
      if (this.pair.refusal !== undefined) return
      if (again) {
        this.pair.rerun(slot)
        return
      }
    }
    const { into, abort } = task
    task.slot = -1
    this.pair.returnSlot(slot)
    this.pair.arena.release(task.out)
    if (abort !== undefined) {
      this.pair.wheel.stop(task)
      abort.ended()
    }
    if (abort === undefined || !abort.keepsTag) this.forgetTag(task)
    const response = flags & FLAG_SERVICE_RESPONSE
    if (task.settled) {
      this.#quarantined--
      this.pair.arena.release(into)
    } else if (response === 0) {
      this.#answer(task, slot, status, flags)
    } else {
      this.pair.arena.release(into)
      const told =
        (flags & FLAG_TRANSPORT) !== 0 ? this.pair.slots.transportStatus(slot) : undefined
      const explained =
        told && this.#explain?.(task.command, told, abort === undefined ? undefined : abort.reason)
      task.fail(explained ?? withoutStatus(task, response))
    }
  }

  /** Whether a command that a target had begun when it died is to be carried out again: nobody waits for one that was given up. */
  #runsAgain(task: Outstanding): boolean {
    const policy = this.#policy
    if (task.settled || task.abort !== undefined) return false
    if (typeof policy !== 'function') return this.reruns
    try {
      // It may also have given the command up.
      return policy(task.command) === 'rerun' && task.abort === undefined
    } catch (error) {
      // The caller's own function has an end of its own, and the others of the batch go on.
      queueMicrotask(() => {
        throw error
      })
      return false
    }
  }

  // ---- the path of a command

  /** Gives the task a slot and its bytes. `false` if it has to wait for them: then nothing was taken. */
  #place(task: Outstanding): boolean {
    const { pair } = this
    const slot = pair.takeSlot()
    if (slot < 0) return false
    if (pair.arena.reserve(task.out, false) && pair.arena.reserve(task.into, task.lease)) {
      task.slot = slot
      pair.setOwner(slot, task)
      return true
    }
    pair.arena.release(task.out)
    pair.returnSlot(slot)
    if (pair.arena.usedBytes > 0) return false
    // All of the arena is free, and its blocks do not hold it: there is nothing to wait for.
    this.forgetTag(task)
    task.fail(new SgringError('ERR_SGRING_ARENA_TOO_SMALL'))
    return true
  }

  /** Writes a task that has its place, and lists it. */
  #send(task: Outstanding): void {
    if (task.settled) return
    const { slot, out, into, dataOut, tag } = task
    const { pair } = this
    const tagLow = tag === undefined ? pair.nextTag(slot) : Number(tag & 0xffff_ffffn)
    const tagHigh = tag === undefined ? pair.tagHigh : Number(tag >> 32n)
    task.tagLow = tagLow | 0
    pair.slots.writeTask(slot, task.lunBytes, tagLow, tagHigh, task.attribute)
    pair.slots.writeCdb(slot, task.cdb)
    if (out.length === 0 && into.length === 0) pair.slots.writeNoData(slot)
    else pair.slots.writeData(slot, out, into)
    if (out.length > 0) pair.arena.copyOut(out, dataOut!)
    pair.list(slot)
  }

  #answer(task: Outstanding, slot: number, status: number, flags: number): void {
    const { into } = task
    const { slots, arena } = this.pair
    const hasResidual = (flags & FLAG_RESIDUAL) !== 0
    const inResidual = hasResidual ? slots.inResidual(slot) : 0
    const outResidual = hasResidual ? slots.outResidual(slot) : 0
    const sense = (flags & FLAG_SENSE) !== 0 ? slots.sense(slot) : NO_SENSE
    const told = (flags & FLAG_TRANSPORT) !== 0 ? slots.transportStatus(slot) : undefined
    // The residual is the target's word: negative for what did not fit, and not to be believed beyond the buffer.
    const came = Math.max(0, Math.min(into.length, into.length - inResidual))
    try {
      if (task.lease && came > 0) {
        const buffer = this.pair.lease(into.offset, came)
        const data = new Uint8Array(buffer)
        const lease = { pair: this.pair, buffer, offset: into.offset, length: into.length }
        task.succeed(new RingResponse(status, sense, data, inResidual, outResidual, told, lease))
      } else {
        const data = arena.copyIn(into, came, task.buffer)
        arena.release(into)
        task.succeed(
          new RingResponse(status, sense, data, inResidual, outResidual, told, undefined),
        )
      }
    } catch (cause) {
      // The others of the batch go on.
      arena.release(into)
      task.fail(task.lease ? cause : changed('dataIn', cause))
    }
  }

  // ---- waiting

  #wait(task: Outstanding, timeoutMs: number): void {
    if (this.#waiting.length < this.options.maxWaiting) {
      task.keepCdb()
      this.#waiting.push(task)
      this.pair.wheel.start(task, timeoutMs)
      return
    }
    this.forgetTag(task)
    task.fail(new SgringError('ERR_SGRING_BUSY'))
  }

  /** What it was given for it cannot be done. What was sent of it keeps its slot and bytes until its completion. */
  #broken(task: Outstanding, cause: unknown): void {
    if (task.settled) return
    if (task.slot >= 0) {
      this.quarantine(task, cause)
    } else {
      this.forgetTag(task)
      task.fail(cause)
    }
  }

  /** What it has of the pair, unused. */
  #giveBack(task: Outstanding): void {
    this.pair.returnSlot(task.slot)
    task.slot = -1
    this.pair.arena.release(task.out)
    this.pair.arena.release(task.into)
  }

  /** It leaves unsent. Those behind it move up when all have left that leave now: one may make room for another. */
  #leave(task: Outstanding, reason: unknown): void {
    this.forgetTag(task)
    task.fail(reason)
    if (this.#startScheduled) return
    this.#startScheduled = true
    queueMicrotask(this.#startLater)
  }
}

/** Why a command that has no status has none. */
function withoutStatus(task: Outstanding, response: number): unknown {
  if (response === OUTCOME_UNKNOWN || response === OVERTAKEN)
    return new TransportError('ERR_SGRING_OUTCOME_UNKNOWN')
  if (response !== ENDED_WITHOUT_RESPONSE) return new TransportError('ERR_SGRING_DELIVERY')
  return task.abort === undefined ? new TransportError('ERR_SGRING_ABORTED') : task.abort.reason
}

/** A caller's buffer is not what it was when its command was given. */
function changed(name: string, cause?: unknown): SgringError {
  return new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `${name} was transferred or changed its length before its command ended`,
    { cause },
  )
}
