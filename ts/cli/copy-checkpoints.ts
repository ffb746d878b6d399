/** What a copy that is stopped can go on after, kept up to date while it runs. */

import { TransportError } from '../errors.ts'
import { isUnheard } from '../initiator/loss.ts'
import type { Writing } from './copy-end.ts'
import type { CopyState } from './copy-state.ts'
import { unlessAborted } from './unless-aborted.ts'

/** How long a copy that was told to end waits for the device, in milliseconds. */
const LAST_MS = 5000

export interface CheckpointOptions {
  readonly to: Writing
  /** Undefined where the copy cannot go on later. */
  readonly state: CopyState | undefined
  /** The bytes that are there already. */
  readonly begun: number
  /** Milliseconds between two of them. */
  readonly everyMs: number
  say(text: string): void
  /** Says that a later run can go on after so many bytes. */
  stopped(kept: number): void
}

/**
 * The state, brought up to date now and then: never before what it tells of is on the medium, and never again after the medium has failed
 * to take something. Where no state can be written the copy goes on without.
 */
export class Checkpoints {
  /** Of a copy that cannot go on later. */
  static none(to: Writing): Checkpoints {
    const never = { begun: 0, everyMs: Number.POSITIVE_INFINITY, state: undefined }
    return new Checkpoints({ to, ...never, say: () => {}, stopped: () => {} })
  }

  readonly #options: CheckpointOptions
  #state: CopyState | undefined
  #frontier: number
  #saved: number
  #last: number = performance.now()
  #saving: Promise<void> | undefined
  /** When all was written. */
  #synced: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  /** A WRITE had no answer, or none that can be read. */
  #isUnheard = false
  #written: () => Promise<unknown> = async () => {}
  /** Over when the copy waits for nothing any more. */
  readonly #patience = new AbortController()

  constructor(options: CheckpointOptions) {
    this.#options = options
    this.#state = options.state
    this.#saved = this.#frontier = options.begun
  }

  /** What must not be taken as copied, though it was written with success, or what the last flush met. It is told whatever else has gone wrong. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** @throws what went wrong meanwhile: the rest need not be copied then */
  reached(frontier: number): void {
    if (this.#failure !== undefined) throw this.#failure.error
    this.#frontier = frontier
    // Parts end in any order: one that moves no frontier is no reason to wait for the next time.
    if (this.#state === undefined || this.#saving !== undefined || frontier === this.#saved) return
    if (performance.now() - this.#last < this.#options.everyMs) return
    this.#saving = this.#save()
      .catch((error) => {
        if (!this.#isGivenUp(error)) this.#failure ??= { error }
      })
      .finally(() => {
        this.#saving = undefined
        this.#last = performance.now()
      })
  }

  /** Of what was reached, something may be lost: nothing is saved any more. Without an answer that can be read nobody knows, and the copy has failed by that alone. */
  lost(error: unknown): void {
    if (isUnheard(error)) this.#isUnheard = true
    else this.#failure ??= { error }
  }

  /** Has `written` called, and waited for, before something is saved: it resolves when the WRITEs under way have ended, and `lost()` was called where one says so. */
  asks(written: () => Promise<unknown>): void {
    this.#written = written
  }

  /** @throws what went wrong meanwhile */
  async end(): Promise<void> {
    await this.#saving
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** All was written: brings it to the medium. */
  sync(): Promise<void> {
    this.#synced = this.#options.to.sync(this.#patience.signal)
    return this.#synced
  }

  /**
   * Saves what there is, leaves it where a later run can go on after it, and says so.
   *
   * @param signal whoever was told to end does not wait long for a device that hangs
   */
  async stop(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const hurry = () => {
      timer = setTimeout(() => this.#patience.abort(), LAST_MS)
    }
    if (signal.aborted) hurry()
    else signal.addEventListener('abort', hurry, { once: true })
    try {
      await this.#saving
      const isOver = this.#isUnheard || this.#patience.signal.aborted
      if (this.#failure === undefined && !isOver) await this.#save()
    } catch (error) {
      // No answer says nothing; one that cannot be read is told as it is.
      if (!this.#isGivenUp(error) && !(error instanceof TransportError)) this.#failure ??= { error }
    } finally {
      signal.removeEventListener('abort', hurry)
      clearTimeout(timer)
    }
    // What was saved before is still true.
    const kept = this.#saved
    await this.#options.to.stop({ keep: kept > 0 })
    if (kept > 0) this.#options.stopped(kept)
  }

  async #save(): Promise<void> {
    const frontier = this.#frontier
    const state = this.#state
    if (state === undefined || frontier === this.#saved) return
    const { signal } = this.#patience
    // What could not be brought to the medium is told once: to ask again may succeed, without those bytes (fsync(2), NOTES; SPC-4 4.5.7).
    await (this.#synced ?? this.#options.to.sync(signal))
    // A deferred error is told once: to a WRITE meanwhile, and then not to this. It may have ended before, and not be heard of yet.
    await unlessAborted(signal, this.#written())
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#isUnheard) return
    try {
      await state.save(frontier)
      this.#saved = frontier
    } catch (error) {
      this.#state = undefined
      this.#options.say(`how far it is cannot be noted: ${(error as Error).message}\n`)
    }
  }

  #isGivenUp(error: unknown): boolean {
    const { aborted, reason } = this.#patience.signal
    return aborted && error === reason
  }
}
