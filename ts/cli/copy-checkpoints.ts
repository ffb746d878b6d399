/** What a copy that is stopped can go on after, kept up to date while it runs. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Writing } from './copy-end.ts'
import type { CopyState } from './copy-state.ts'

/** How long a copy that is to stop waits for the device, in milliseconds. */
export const LAST_MS = 5000

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
  #failure: { readonly error: unknown } | undefined
  #written: () => Promise<unknown> = async () => {}
  #hurry: () => void = () => {}
  readonly #hurries = new Promise<void>((resolve) => {
    this.#hurry = resolve
  })

  constructor(options: CheckpointOptions) {
    this.#options = options
    this.#state = options.state
    this.#saved = this.#frontier = options.begun
  }

  /** What must not be taken as copied, though it was written with success. It counts before whatever else has gone wrong. */
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
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#saving = undefined
        this.#last = performance.now()
      })
  }

  /** Of what was reached, something may be lost: nothing is saved any more. */
  lost(error: unknown): void {
    this.#failure ??= { error }
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

  /** Saves what there is, leaves it where a later run can go on after it, and says so. */
  async stop(): Promise<void> {
    this.#hurry()
    await this.#saving
    // What could not be brought to the medium is told once: to ask again may succeed, without those bytes (fsync(2), NOTES; SPC-4 4.5.7).
    if (this.#failure === undefined) await this.#save().catch(() => {})
    // What was saved before is still true.
    const kept = this.#saved
    await this.#options.to.stop({ keep: kept > 0 })
    if (kept > 0) this.#options.stopped(kept)
  }

  async #save(): Promise<void> {
    const frontier = this.#frontier
    const state = this.#state
    if (state === undefined || frontier === this.#saved) return
    await this.#options.to.sync()
    // A deferred error is told once: to a WRITE meanwhile, and then not to this. It may have ended before, and not be heard of yet.
    const ended = await this.#writesEnded()
    if (this.#failure !== undefined) throw this.#failure.error
    if (!ended) return
    try {
      await state.save(frontier)
      this.#saved = frontier
    } catch (error) {
      this.#state = undefined
      this.#options.say(`how far it is cannot be noted: ${(error as Error).message}\n`)
    }
  }
  /** Whether the WRITEs that were under way have ended. Who wants to stop waits no longer for them than for its own last command. */
  async #writesEnded(): Promise<boolean> {
    const over = new AbortController()
    const patience = this.#hurries.then(() => delay(LAST_MS, false, { signal: over.signal }))
    try {
      return await Promise.race([this.#written().then(() => true), patience])
    } finally {
      over.abort()
    }
  }
}
