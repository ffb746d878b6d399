/**
 * Every byte of a segment that this process has mapped, as a peer that means harm has them: header, queues, slots and arena, past all
 * that the package itself lets anybody write. The kernel's own way to a process's memory (proc(5), mem) needs no native code for that.
 */

import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { until } from '../support/until.ts'

/** Where the submission queue begins, and behind it, of as many entries, the completion queue (`crates/task/src/geometry.rs`). */
const QUEUES = 4096
const EPOCH = 28

/** What an entry names. */
export interface Entry {
  readonly lap: number
  readonly slot: number
  readonly generation: number
  /** Of a submission. Default: that of the segment. */
  readonly epoch?: number
  /** Of a completion. Default: none. */
  readonly flags?: number
}

/** A mapping: its first byte's address, and its bytes. */
interface Mapped {
  readonly at: number
  readonly length: number
}

/** One mapping of each segment that is mapped now, by its inode. What was advised differently stands in parts there (proc(5), maps). */
export function mappedSegments(): Map<string, Mapped> {
  const parts = readFileSync('/proc/self/maps', 'utf8').matchAll(
    /^(\w+)-(\w+) rw-s (\w+) \S+ (\d+) +\/memfd:sgring/gm,
  )
  const segments = new Map<string, Mapped>()
  for (const [, start = '', end = '', offset = '', inode = ''] of parts) {
    const [from, to, place] = [start, end, offset].map((digits) => Number.parseInt(digits, 16))
    const known = segments.get(inode)
    if (place === 0) segments.set(inode, { at: from!, length: to! - from! })
    else if (known !== undefined && known.length === place && known.at + place === from) {
      segments.set(inode, { at: known.at, length: to! - known.at })
    }
  }
  return segments
}

export class SharedBytes implements Disposable {
  readonly at: number
  readonly length: number
  readonly #memory = openSync('/proc/self/mem', 'r+')

  /** @param before what was mapped before the segment was made */
  static since(before: ReadonlyMap<string, unknown>): SharedBytes {
    const [made] = [...mappedSegments()].filter(([inode]) => !before.has(inode))
    if (made === undefined) throw new Error('no new segment is mapped')
    return new SharedBytes(made[1])
  }

  private constructor({ at, length }: { at: number; length: number }) {
    this.at = at
    this.length = length
  }

  write(offset: number, bytes: Uint8Array): void {
    writeSync(this.#memory, bytes, 0, bytes.length, this.at + offset)
  }

  /** Stores an entry at an index of the submission queue. */
  submit(index: number, { lap, slot, generation, epoch = this.#epoch() }: Entry): void {
    this.#word(QUEUES + 8 * index, [slot, generation, epoch, lap])
  }

  /** Stores an entry at an index of the completion queue, which is as long as the other. */
  complete(entries: number, index: number, { lap, slot, generation, flags = 0 }: Entry): void {
    this.#word(QUEUES + 8 * (entries + index), [slot, generation, flags << 8, lap])
  }

  /**
   * Writes nonsense to all of it, over and over, on a thread of its own, until the function that it resolves with is called. The segment must
   * stay mapped as long; so the target is in another process, whose mapping is not taken for this one.
   */
  async scribble(seed: number): Promise<() => Promise<void>> {
    const url = new URL('./scribbler.js', import.meta.url)
    const state = new Int32Array(new SharedArrayBuffer(8))
    const { at, length } = this
    const worker = new Worker(url, { workerData: { at, length, seed, state } })
    const ended = new Promise<void>((resolve, reject) => {
      worker.once('exit', () => resolve())
      worker.once('error', reject)
    })
    await until('the first scribbles', () => Atomics.load(state, 1) > 0)
    return () => {
      Atomics.store(state, 0, 1)
      return ended
    }
  }

  #word(offset: number, parts: readonly number[]): void {
    this.write(offset, new Uint8Array(Uint16Array.from(parts).buffer))
  }

  #epoch(): number {
    const epoch = new Uint16Array(1)
    readSync(this.#memory, epoch, 0, 2, this.at + EPOCH)
    return epoch[0] ?? 0
  }

  [Symbol.dispose](): void {
    closeSync(this.#memory)
  }
}
