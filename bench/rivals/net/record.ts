/**
 * The rival's protocol: the same commands as records of 64 bytes on a Unix stream socket, little-endian.
 *
 * ```text
 * request    0 tag u32 | 4 lun u32 | 8 cdb_len u32 | 12 in_len u32 | 32 cdb[32]
 * response   0 tag u32 | 4 status u32 | 8 in_residual i32 | 12 data_len u32 | 16 sense_len u32 | 20 sense[44], then data_len bytes
 * ```
 *
 * It carries no data-out: no benchmark sends any to it.
 */

export const RECORD_BYTES = 64

export const TAG = 0
export const LUN = 4
export const CDB_LEN = 8
export const IN_LEN = 12
export const CDB = 32
export const MAX_CDB = 32

export const STATUS = 4
export const IN_RESIDUAL = 8
export const DATA_LEN = 12
export const SENSE_LEN = 16
export const SENSE = 20
export const MAX_SENSE = 44

/** Both sides gather what is written while their code runs, and send it by one write. */
export const BATCH_BYTES = 1 << 19

/** Buffers that wait for their next batch: one is taken for each write and comes back when the kernel has its bytes. */
export class Batches {
  readonly #idle: Buffer[] = []

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES)
  }

  giveBack(batch: Buffer): void {
    this.#idle.push(batch)
  }
}
