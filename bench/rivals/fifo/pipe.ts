/** Records on a named pipe. */

import { read, write } from 'node:fs'
import { soon } from '#dist/ring/soon.js'
import { RECORD_BYTES } from '../net/record.ts'

const BATCH_BYTES = 1 << 16

/** One write at a time, for the pool's threads keep no order; it takes all that was recorded meanwhile. */
export class Writer {
  readonly #descriptor: number
  readonly #writeSoon = soon(() => this.#write())
  #next = Buffer.alloc(BATCH_BYTES)
  #spare = Buffer.alloc(BATCH_BYTES)
  #bytes = 0
  #busy = false

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** A record to fill in this turn of the code. */
  record(): Buffer {
    if (!this.#busy) {
      this.#busy = true
      this.#writeSoon()
    }
    this.#bytes += RECORD_BYTES
    return this.#next.subarray(this.#bytes - RECORD_BYTES, this.#bytes)
  }

  #write(): void {
    const [batch, bytes] = [this.#next, this.#bytes]
    this.#next = this.#spare
    this.#spare = batch
    this.#bytes = 0
    this.#busy = bytes > 0
    if (bytes > 0) this.#rest(batch, 0, bytes)
  }

  #rest(batch: Buffer, from: number, to: number): void {
    write(this.#descriptor, batch, from, to - from, null, (error, written) => {
      if (error !== null) throw error
      if (from + written < to) this.#rest(batch, from + written, to)
      else this.#write()
    })
  }
}

/** Takes each record that comes, until the pipe's end; resolves then. */
export function readRecords(
  descriptor: number,
  take: (bytes: Buffer, at: number) => void,
): Promise<void> {
  const buffer = Buffer.alloc(BATCH_BYTES)
  let length = 0
  return new Promise((resolve, reject) => {
    const next = () =>
      read(descriptor, buffer, length, buffer.length - length, null, (error, count) => {
        if (error !== null) return reject(error)
        if (count === 0) return resolve()
        length += count
        let at = 0
        for (; length - at >= RECORD_BYTES; at += RECORD_BYTES) take(buffer, at)
        buffer.copyWithin(0, at, length)
        length -= at
        next()
      })
    next()
  })
}
