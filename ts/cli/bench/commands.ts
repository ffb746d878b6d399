/** The commands of a job, written into lanes. */

import { read10, read16 } from '../../scsi/block.ts'
import { setUint32 } from '../../scsi/bytes.ts'
import { Opcode } from '../../scsi/opcode.ts'
import { Contents } from './contents.ts'
import { type Job, Kind, writes } from './job.ts'
import type { Lanes } from './lanes.ts'

const TUR_LENGTH = 6
const TWO_32 = 2 ** 32
const MOST_BLOCKS_10 = 0xffff

/** READ(10) and WRITE(10) where they reach all of the region, else READ(16) and WRITE(16). */
export class Commands {
  readonly #lanes: Lanes
  readonly #sizeBytes: number
  readonly #template: Uint8Array
  readonly #is10: boolean
  readonly #contents: Contents
  readonly #verify: boolean
  /** What is written; undefined where nothing is. */
  readonly #written: Uint8Array | undefined
  /** What one command of a lane has read, the next one would write. */
  readonly #renews: boolean
  /** By lane: its CDB and its data are as every command has them. */
  readonly #prepared: Uint8Array

  constructor({ mode, region, sizeBytes, seed, verify, depth, readPercent }: Job, lanes: Lanes) {
    this.#lanes = lanes
    this.#sizeBytes = sizeBytes
    const { lba = 0, blocks = 0, blocksEach = 0, blockLength = 1 } = region ?? {}
    this.#is10 = lba + blocks <= TWO_32 && blocksEach <= MOST_BLOCKS_10
    const read = this.#is10 ? read10 : read16
    this.#template = read({ lba: 0, blocks: blocksEach, blockLength }).cdb
    this.#contents = new Contents(seed, blockLength)
    this.#verify = verify
    this.#written = writes(mode) ? new Uint8Array(sizeBytes) : undefined
    if (this.#written !== undefined) this.#contents.fill(this.#written)
    this.#renews = readPercent !== undefined
    this.#prepared = new Uint8Array(depth)
  }

  /** Sends a command in a lane that is reserved. @param lba its first block */
  send(lane: number, kind: Kind, lba: number): void {
    const lanes = this.#lanes
    if (kind === Kind.TUR) {
      // Six zeros, as a lane's CDB is at first.
      lanes.submit(lane, TUR_LENGTH, 0, 0)
      return
    }
    const cdb = lanes.cdb(lane)
    const isFirst = this.#prepared[lane] === 0
    if (isFirst) {
      cdb.set(this.#template)
      this.#prepared[lane] = 1
    }
    this.#aim(cdb, kind, lba)
    if (kind === Kind.READ) {
      lanes.submit(lane, this.#template.length, 0, this.#sizeBytes)
      return
    }
    const data = lanes.data(lane)
    if (isFirst || this.#renews) data.set(this.#written!)
    if (this.#verify) this.#contents.mark(data, lba)
    lanes.submit(lane, this.#template.length, this.#sizeBytes, 0)
  }

  /** The first block without its mark of those that were read; undefined when all have theirs. */
  firstWrong(data: Uint8Array, lba: number): number | undefined {
    return this.#contents.firstWrong(data, lba)
  }

  #aim(cdb: Uint8Array, kind: Kind, lba: number): void {
    if (this.#is10) {
      cdb[0] = kind === Kind.READ ? Opcode.READ_10 : Opcode.WRITE_10
      setUint32(cdb, 2, lba)
    } else {
      cdb[0] = kind === Kind.READ ? Opcode.READ_16 : Opcode.WRITE_16
      setUint32(cdb, 2, Math.floor(lba / TWO_32))
      setUint32(cdb, 6, lba)
    }
  }
}
