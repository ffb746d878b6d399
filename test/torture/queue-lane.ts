/** Commands of the batch form: each slot of a queue has some blocks of a disk alone, which it writes and reads in turns. */

import type { Completion, LogicalUnit, Queue } from '#dist/index.js'
import { read10, write10 } from '#dist/scsi/block.js'
import { Status } from '#dist/task/command.js'
import { BLOCK_BYTES, fillBlock, foundIn } from './block.ts'
import type { CommandName } from './client-config.ts'
import type { End } from './event.ts'
import { type Journal, outcomeOf } from './operations.ts'

const BLOCKS = 2
const CDB_BYTES = 10

/** What a slot does now. */
interface Under {
  readonly name: CommandName
  readonly reads: boolean
}

export class QueueLane {
  readonly #journal: Journal
  readonly #unit: LogicalUnit
  readonly #queue: Queue
  readonly #lba: number
  readonly #under: (Under | undefined)[]
  #turn = 0

  /** @param lba the first of `depth * 2` blocks */
  constructor(unit: LogicalUnit, journal: Journal, lba: number, depth: number) {
    this.#journal = journal
    this.#unit = unit
    this.#lba = lba
    this.#queue = unit.queue({ depth, dataBytes: BLOCKS * BLOCK_BYTES })
    this.#under = new Array(depth).fill(undefined)
  }

  /** One command in each slot, and the ends of all of them. Rejects when the nexus is lost, with what that had. */
  async round(): Promise<void> {
    const queue = this.#queue
    const reads = this.#turn++ % 2 === 1
    for (let slot = queue.reserve(); slot >= 0; slot = queue.reserve()) this.#submit(slot, reads)
    try {
      while (this.#under.some((under) => under !== undefined)) {
        const count = await queue.drain((done) => this.#done(done))
        if (count === 0) break
      }
    } catch (error) {
      for (const [slot, under] of this.#under.entries()) {
        if (under === undefined) continue
        this.#under[slot] = undefined
        this.#journal.end(under.name, { outcome: 'lost' })
      }
      throw error
    }
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  #submit(slot: number, reads: boolean): void {
    const queue = this.#queue
    const { lun } = this.#unit
    const lba = this.#lba + slot * BLOCKS
    const length = BLOCKS * BLOCK_BYTES
    const data = queue.data(slot)
    const about = { unit: lun, lba, blocks: BLOCKS }
    if (reads) {
      queue.cdb(slot).set(read10({ lba, blocks: BLOCKS, blockLength: BLOCK_BYTES }).cdb)
      this.#under[slot] = { name: this.#journal.begin('read', about), reads }
      queue.submit(slot, CDB_BYTES, 0, length)
      return
    }
    const version = this.#journal.nextVersion
    for (let block = 0; block < BLOCKS; block++) {
      const bytes = data.subarray(block * BLOCK_BYTES)
      fillBlock(bytes, { unit: lun, lba: lba + block, version })
    }
    queue.cdb(slot).set(write10({ lba, data, blockLength: BLOCK_BYTES }).cdb)
    this.#under[slot] = { name: this.#journal.begin('write', { ...about, version }), reads }
    queue.submit(slot, CDB_BYTES, length, 0)
  }

  #done(done: Completion): void {
    const under = this.#under[done.slot]
    this.#under[done.slot] = undefined
    if (under !== undefined) this.#journal.end(under.name, this.#endOf(done, under.reads))
    else this.#journal.stray(`a completion of slot ${done.slot}, which has no command`)
    done.release()
  }

  #endOf(done: Completion, reads: boolean): Omit<End, 'at' | 'id'> {
    if (done.unknown) return { outcome: 'unknown' }
    if (done.aborted) return { outcome: 'partly' }
    if (!done.delivered) return { outcome: 'odd', why: 'it was not delivered' }
    const end = outcomeOf(done.status, done.sense)
    if (!reads || done.status !== Status.GOOD) return end
    const lba = this.#lba + done.slot * BLOCKS
    const found = Array.from({ length: Math.floor(done.data.length / BLOCK_BYTES) }, (_, block) =>
      foundIn(done.data.subarray(block * BLOCK_BYTES), this.#unit.lun, lba + block),
    )
    return { ...end, found }
  }
}
