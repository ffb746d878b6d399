/** What of the package's own code was reached, block by block, as V8 tells it. */

import { type Profiler, Session } from 'node:inspector'

/** Watches from its making on, until it is closed. */
export class Coverage implements Disposable {
  readonly #session = new Session()
  readonly #functions = new Map<string, Covered>()
  readonly #folder: string

  /** @param folder where the code lies that counts, as a URL that ends in a slash */
  constructor(folder: string) {
    this.#folder = folder
    this.#session.connect()
    this.#post('Profiler.enable')
    // Counts are set back by each look: what is told is what ran since the last.
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Whether code ran since the last look that had never run before. It counts as that until it is noted. */
  isNew(): boolean {
    return this.#look((covered, ranges) => covered.isNew(ranges))
  }

  /** What ran since the last look is known from now on. */
  note(): void {
    this.#look((covered, ranges) => covered.note(ranges))
  }

  /** Functions and blocks that ran, and all that V8 has told of: of functions inside one that never ran it tells nothing. */
  get branches(): { readonly reached: number; readonly known: number } {
    let [reached, known] = [0, 0]
    for (const covered of this.#functions.values()) {
      const branches = covered.branches()
      reached += branches.filter(Boolean).length
      known += branches.length
    }
    return { reached, known }
  }

  [Symbol.dispose](): void {
    this.#session.disconnect()
  }

  #look(see: (covered: Covered, ranges: Ranges) => boolean): boolean {
    const { result } = this.#post('Profiler.takePreciseCoverage')
    let any = false
    for (const { url, functions } of result) {
      if (!url.startsWith(this.#folder)) continue
      for (const { functionName, ranges } of functions) {
        const [whole] = ranges
        if (whole === undefined) continue
        const key = `${url} ${functionName} ${whole.startOffset}-${whole.endOffset}`
        const covered = this.#functions.get(key) ?? new Covered(whole)
        this.#functions.set(key, covered)
        any = see(covered, [whole, ...ranges.slice(1)]) || any
      }
    }
    return any
  }

  /** The profiler answers before `post` returns. */
  #post(method: 'Profiler.enable'): void
  #post(
    method: 'Profiler.startPreciseCoverage',
    options: Profiler.StartPreciseCoverageParameterType,
  ): void
  #post(method: 'Profiler.takePreciseCoverage'): Profiler.TakePreciseCoverageReturnType
  #post(method: string, options?: object): unknown {
    let answer: unknown
    this.#session.post(method, options, (error, result) => {
      if (error !== null) throw error
      answer = result
    })
    return answer
  }
}

/** A function itself, and then blocks in it, of which those within override those around them. */
type Ranges = readonly [Profiler.CoverageRange, ...Profiler.CoverageRange[]]

/** The bytes of one function. What stands inside it and is a function of its own counts there, and means nothing here. */
class Covered {
  readonly #start: number
  readonly #ran: Uint8Array
  /** Where it and its blocks start and end. */
  readonly #ranges = new Map<string, Profiler.CoverageRange>()

  constructor({ startOffset, endOffset }: Profiler.CoverageRange) {
    this.#start = startOffset
    this.#ran = new Uint8Array(endOffset - startOffset)
  }

  isNew(ranges: Ranges): boolean {
    return this.#overlaid(ranges).some((ran, at) => ran > this.#ran[at]!)
  }

  note(ranges: Ranges): boolean {
    for (const range of ranges) this.#ranges.set(`${range.startOffset}-${range.endOffset}`, range)
    for (const [at, ran] of this.#overlaid(ranges).entries()) this.#ran[at]! |= ran
    return true
  }

  /** One for itself and for each block: whether it ran. */
  branches(): boolean[] {
    return Array.from(
      this.#ranges.values(),
      ({ startOffset }) => this.#ran[startOffset - this.#start] === 1,
    )
  }

  /** Which bytes ran just now. */
  #overlaid(ranges: Ranges): Uint8Array {
    const now = new Uint8Array(this.#ran.length)
    for (const { startOffset, endOffset, count } of ranges) {
      now.fill(Math.min(count, 1), startOffset - this.#start, endOffset - this.#start)
    }
    return now
  }
}
