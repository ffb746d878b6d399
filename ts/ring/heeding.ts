/**
 * Heeding a caller's AbortSignal with one listener, however many commands share it: an EventTarget looks through all its listeners for
 * each that comes or goes, and Node warns of more than ten.
 */

/** Whom a signal's abort concerns. */
export interface Heeding {
  aborted(reason: unknown): void
}

/** All that heed one signal. */
class Heeders {
  readonly #signal: AbortSignal
  readonly #heeders = new Set<Heeding>()
  readonly #listener = () => this.#abort()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#listener, { once: true })
  }

  add(one: Heeding): void {
    this.#heeders.add(one)
  }

  /** Says whether anybody is left. */
  delete(one: Heeding): boolean {
    this.#heeders.delete(one)
    if (this.#heeders.size > 0) return true
    this.#signal.removeEventListener('abort', this.#listener)
    return false
  }

  #abort(): void {
    heeded.delete(this.#signal)
    for (const one of this.#heeders) one.aborted(this.#signal.reason)
  }
}

const heeded = new WeakMap<AbortSignal, Heeders>()

/** `one` is told when the signal, which is not aborted, is, unless it ceases to heed it before. */
export function heed(signal: AbortSignal, one: Heeding): void {
  const heeders = heeded.get(signal) ?? new Heeders(signal)
  heeded.set(signal, heeders)
  heeders.add(one)
}

/** The last one takes the listener with it. Idempotent. */
export function ceaseToHeed(signal: AbortSignal, one: Heeding): void {
  if (heeded.get(signal)?.delete(one) === false) heeded.delete(signal)
}
