/**
 * Two rings of `ringbuf.js` over a SharedArrayBuffer, and the words by which a side that sleeps is woken, which that package leaves to
 * who uses it.
 *
 * ```text
 * request    0 tag | 1 bytes of the CDB | 2 cdb[8 words]
 * answer     0 tag | 1 status
 * ```
 */

import { createRequire } from 'node:module'

/** What is used of `ringbuf.js` 0.4, whose own types do not parse. */
export interface Ring {
  push(elements: Uint32Array, length?: number): number
  pop(elements: Uint32Array, length?: number): number
  available_read(): number
}

type Words = typeof Uint32Array

const { RingBuffer } = createRequire(import.meta.url)('ringbuf.js') as {
  RingBuffer: {
    new (storage: SharedArrayBuffer, type: Words): Ring
    getStorageForCapacity(capacity: number, type: Words): SharedArrayBuffer
  }
}

export const REQUEST_WORDS = 10
export const ANSWER_WORDS = 2
export const MOST = 1024

/** What both threads have. */
export interface Shared {
  readonly requests: SharedArrayBuffer
  readonly answers: SharedArrayBuffer
  /** Two words: whether the peer sleeps, and whether the client does. */
  readonly sleeping: SharedArrayBuffer
}

export const PEER = 0
export const CLIENT = 1

export function share(): Shared {
  return {
    requests: RingBuffer.getStorageForCapacity(MOST * REQUEST_WORDS, Uint32Array),
    answers: RingBuffer.getStorageForCapacity(MOST * ANSWER_WORDS, Uint32Array),
    sleeping: new SharedArrayBuffer(8),
  }
}

export function ring(storage: SharedArrayBuffer): Ring {
  return new RingBuffer(storage, Uint32Array)
}

/** Wakes a side, if it sleeps: behind what it is to find. */
export function wake(sleeping: Int32Array, side: number): void {
  if (Atomics.load(sleeping, side) === 0) return
  Atomics.store(sleeping, side, 0)
  Atomics.notify(sleeping, side)
}
