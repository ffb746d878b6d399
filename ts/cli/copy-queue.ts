/**
 * A unit's parts in the batch form: they are read in place, in the arena, and a part costs a promise instead of a helper's several. What was only
 * not carried out, or in part, is done once more by a helper; what failed rejects as a helper's does.
 */

import { tellsOfEarlierFailure } from '../initiator/loss.ts'
import type { Completion, Queue } from '../initiator/queue.ts'
import { statusError } from '../initiator/status-error.ts'
import { read16, write16 } from '../scsi/block.ts'
import { badResponse } from '../scsi/bytes.ts'
import { parseSense, SenseKey } from '../scsi/sense.ts'
import type { CommandEnd } from '../sg/node-copy.ts'
import { Status } from '../task/command.ts'
import type { LentParts } from './copy-end.ts'
import type { Pace } from './copy-pace.ts'
import type { Blocks } from './copy-unit.ts'
import type { From, To } from './copying.ts'
import { undelivered } from './undelivered.ts'

/** Statuses after which a helper moves the part. */
const AGAIN: ReadonlySet<number> = new Set([Status.GOOD, Status.BUSY, Status.TASK_SET_FULL])

/** What moves a part alone, and tells why where it cannot. */
type Helper = Pick<From, 'read'> & Pick<To, 'write'>

/** Who waits for the end of a slot's command. */
interface Waiter {
  resolve(done: Completion): void
  reject(reason: unknown): void
}

/** As many commands of a unit as parts are under way, each with a part's bytes of the arena. */
export class PartQueue implements LentParts, Pick<To, 'write'> {
  readonly #blocks: Blocks
  readonly #queue: Queue
  readonly #partBytes: number
  readonly #helper: Helper
  /** By slot. */
  readonly #waiters: (Waiter | undefined)[] = []
  /** Whose bytes are lent. */
  readonly #lent = new Map<Uint8Array, Completion>()
  readonly #over = (done: Completion) => this.#completed(done)
  #taking = false

  private constructor(blocks: Blocks, helper: Helper, queue: Queue, partBytes: number) {
    this.#blocks = blocks
    this.#queue = queue
    this.#partBytes = partBytes
    this.#helper = helper
  }

  /** Undefined where there is no room for it, and for a helper's part beside it. It ends with the unit's node. */
  static of(blocks: Blocks, helper: Helper, { depth, partBytes }: Pace): PartQueue | undefined {
    const { unit } = blocks
    let queue: Queue | undefined
    try {
      queue = unit.queue({ depth, dataBytes: partBytes })
      void unit.queue({ depth: 1, dataBytes: partBytes }).close()
      return new PartQueue(blocks, helper, queue, partBytes)
    } catch {
      void queue?.close()
      return undefined
    }
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    const slot = this.#reserve(length)
    if (slot >= 0) {
      const { blockLength } = this.#blocks
      const { cdb } = read16({ lba: this.#lba(at), blocks: length / blockLength, blockLength })
      const done = await this.#sent(slot, cdb, 0, length)
      if (moved(done, this.#blocks)) {
        const { data } = done
        this.#lent.set(data, done)
        return data
      }
      await checkBlockLength(this.#blocks)
    }
    return this.#helper.read(at, length)
  }

  giveBack(data: Uint8Array): void {
    this.#lent.get(data)?.release()
    this.#lent.delete(data)
  }

  async write(at: number, data: Uint8Array): Promise<void> {
    const slot = this.#reserve(data.length)
    if (slot >= 0) {
      const { blockLength } = this.#blocks
      const { cdb } = write16({ lba: this.#lba(at), data, blockLength })
      this.#queue.data(slot).set(data)
      const done = await this.#sent(slot, cdb, data.length, 0)
      if (moved(done, this.#blocks)) return done.release()
      await checkBlockLength(this.#blocks)
    }
    return this.#helper.write(at, data)
  }

  #lba(at: number): bigint {
    const { lba, blockLength } = this.#blocks
    return lba + BigInt(at / blockLength)
  }

  /** A slot for a part; -1 where a helper has to move it. */
  #reserve(length: number): number {
    return length > 0 && length <= this.#partBytes ? this.#queue.reserve() : -1
  }

  #sent(slot: number, cdb: Uint8Array, outLength: number, inLength: number): Promise<Completion> {
    return new Promise((resolve, reject) => {
      this.#queue.cdb(slot).set(cdb)
      this.#queue.submit(slot, cdb.length, outLength, inLength)
      this.#waiters[slot] = { resolve, reject }
      if (!this.#taking) void this.#take()
    })
  }

  async #take(): Promise<void> {
    this.#taking = true
    try {
      // It says 0 when nothing was under way, and something may be by the time that this is heard.
      while ((await this.#queue.drain(this.#over)) > 0 || this.#queue.outstanding > 0);
    } catch (reason) {
      // It has ended, with all that was under way.
      for (const waiter of this.#waiters.splice(0)) waiter?.reject(reason)
    }
    this.#taking = false
  }

  #completed(done: Completion): void {
    const waiter = this.#waiters[done.slot]
    this.#waiters[done.slot] = undefined
    waiter?.resolve(done)
  }
}

/** Who sends a command has been told that the unit's parameters have changed, and a helper will not be. */
export async function checkBlockLength({ unit, options, blockLength }: Blocks): Promise<void> {
  const now = await unit.readCapacity(options)
  if (now.blockLength === blockLength) return
  throw badResponse(`the unit's blocks had ${blockLength} bytes, and have ${now.blockLength} now`)
}

/**
 * Whether all of a part was moved. Where it was not, its slot is given back.
 *
 * @throws what a helper rejects with, where none may move the part again
 */
function moved(done: Completion, { attention }: Pick<Blocks, 'attention'>): boolean {
  const { status, residual, residualOut, sense } = done
  if (status === Status.GOOD && residual === 0 && residualOut === 0) return true
  try {
    checkMayMoveAgain(done)
    const told = status === Status.CHECK_CONDITION ? parseSense(sense) : undefined
    if (told?.key === SenseKey.UNIT_ATTENTION) attention?.(told)
  } finally {
    done.release()
  }
  return false
}

/** @throws what a helper rejects with, where none may move the part again */
export function checkMayMoveAgain(done: CommandEnd): void {
  const failure = undelivered(done)
  if (failure !== undefined) throw failure
  if (!mayMoveAgain(done)) throw statusError(done)
}

/** As a helper sends a command again. */
function mayMoveAgain({ status, sense }: CommandEnd): boolean {
  // GOOD is a part that was moved but in part.
  if (AGAIN.has(status)) return true
  if (status !== Status.CHECK_CONDITION || sense.length === 0) return false
  const told = parseSense(sense)
  if (tellsOfEarlierFailure(told)) return false
  return told.key === SenseKey.RECOVERED_ERROR || told.key === SenseKey.UNIT_ATTENTION
}
