/** The threads that move bytes for all pairs of a port, and which transfer is whose. */

import { type IoPool, type NativeStore, native, translated } from '../native.ts'
import type { Background, Backing } from '../task/task.ts'
import { type Watch, type Watched, watchBell } from './bell.ts'
import { operationCode } from './operations.ts'

/** Who started a transfer. */
export interface TransferOwner {
  /** It is over: 0 and what it found out, or an errno. */
  transferred(slot: number, errno: number, value: number): void
  /** All that were over at once have been told. */
  transfersTold(): void
}

const WORDS = 3
const ECANCELED = 125
/** How often to look where nobody can ring. */
const POLL_MS = 10

export class Transfers implements Background {
  readonly pool: IoPool
  readonly #bell: Watched
  readonly #done: Uint32Array
  /** What those of the list found out; nobody asks of reads and writes. */
  #values: Uint32Array | undefined
  readonly #owners = new Map<number, TransferOwner>()
  readonly #backings = new Map<Backing, number>()
  #closing: Promise<void> | undefined
  /** Called when the last thread of a closing pool has ended. */
  #onEnd: (() => void) | undefined
  #ended = false
  #poll: NodeJS.Timeout | undefined
  #lastOwner = 0
  /** Who owns what no task does, and its number. */
  readonly #unowned = new Unowned()
  #background: number | undefined
  /** The one that was asked for last, and mostly is again. */
  #lastBacking: Backing | undefined
  #lastNumber = 0

  constructor(threads: number, watch: Watch = watchBell) {
    this.pool = translated(() => native().ioPool(threads))
    this.#done = new Uint32Array(this.pool.desk())
    this.#bell = watch(this.pool.takeBell(), {
      ring: () => this.#look(),
      // The threads hang up a bell that the kernel has no memory to ring.
      end: () => {
        if (!this.#ended) this.#poll = setInterval(() => this.#look(), POLL_MS)
      },
    })
  }

  /** A number for `owner`, never used twice, that its transfers carry. */
  join(owner: TransferOwner): number {
    this.#lastOwner++
    this.#owners.set(this.#lastOwner, owner)
    return this.#lastOwner
  }

  /** What is still under way for this owner is told to nobody. */
  leave(number: number): void {
    this.#owners.delete(number)
  }

  /** From now on there are operations that find something out. */
  expectValues(): void {
    this.#values ??= new Uint32Array(this.pool.values())
  }

  begin(
    backing: Backing,
    operation: Parameters<Background['begin']>[1],
    { offset, length, data }: Parameters<Background['begin']>[2],
    done: (errno: number) => void,
  ): void {
    this.#background ??= this.join(this.#unowned)
    const name = this.#unowned.expect(done)
    try {
      const number = this.backing(backing)
      const code = operationCode(operation, false)
      this.pool.begin(this.#background, name, number, code, offset, length, data)
    } catch {
      // The pool is closed, or the backing: as if it had been stopped before this began.
      setImmediate(() => this.#unowned.transferred(name, ECANCELED))
    }
  }

  /** The number of a backing in the pool. */
  backing(backing: Backing): number {
    if (backing === this.#lastBacking) return this.#lastNumber
    let number = this.#backings.get(backing)
    if (number === undefined) {
      number = translated(() => this.pool.add(backing.native as NativeStore))
      this.#backings.set(backing, number)
    }
    this.#lastBacking = backing
    this.#lastNumber = number
    return number
  }

  /** Lets go of a backing that no task uses any more. */
  forget(backing: Backing): void {
    const number = this.#backings.get(backing)
    if (number === undefined) return
    this.#backings.delete(backing)
    if (this.#lastBacking === backing) this.#lastBacking = undefined
    this.pool.remove(number)
  }

  /**
   * Begins nothing more; what was asked for and has not begun fails with ECANCELED. Resolves when the last transfer is over and told, and
   * the backings are let go of. A device that hangs delays that, and nothing else; the process is held until then. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#bell.reference(true)
    // Whoever closes a port closes its backings in the same turn: a thread is then the last to have them, and it may take its time.
    await undefined
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve
    })
    this.pool.stop()
    await ended
    clearInterval(this.#poll)
    this.#bell.close()
    this.pool.close()
  }

  #look(): void {
    // First: an end that is told between these two has to be reaped.
    const ended = this.#onEnd !== undefined && this.pool.ended()
    this.#reap()
    if (!ended) return
    this.#ended = true
    this.#onEnd?.()
  }

  #reap(): void {
    const told = new Set<TransferOwner>()
    for (let count = this.pool.reap(); count > 0; count = this.pool.reap()) {
      for (let index = 0; index < count; index++) {
        const owner = this.#owners.get(this.#done[index * WORDS]!)
        if (owner === undefined) continue
        told.add(owner)
        const errno = this.#done[index * WORDS + 2]! | 0
        owner.transferred(this.#done[index * WORDS + 1]!, errno, this.#value(index))
      }
    }
    for (const owner of told) owner.transfersTold()
  }

  #value(index: number): number {
    if (this.#values === undefined) return 0
    return this.#values[2 * index]! + this.#values[2 * index + 1]! * 0x1_0000_0000
  }
}

/** The owner of operations that outlive their commands. */
class Unowned implements TransferOwner {
  readonly #expected = new Map<number, (errno: number) => void>()
  #last = 0

  /** A name for what is about to begin. */
  expect(done: (errno: number) => void): number {
    this.#last = (this.#last + 1) >>> 0
    this.#expected.set(this.#last, done)
    return this.#last
  }

  transferred(name: number, errno: number): void {
    const done = this.#expected.get(name)
    this.#expected.delete(name)
    done?.(errno)
  }

  transfersTold(): void {}
}
