/** What of the package's own code was reached, block by block, as V8 tells it. */

import { readFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { fileURLToPath } from 'node:url'

/** Watches from its making on, until it is closed. */
export class Coverage implements Disposable {
  readonly #session = new Session()
  readonly #scripts = new Map<string, Script>()
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
    return this.#look((script, ranges) => script.isNew(ranges))
  }

  /** What ran since the last look is known from now on. */
  note(): void {
    this.#look((script, ranges) => script.note(ranges))
  }

  /** Functions and blocks that ran, and all that V8 has told of: it knows none of a function that never ran. */
  get branches(): { readonly reached: number; readonly known: number } {
    let [reached, known] = [0, 0]
    for (const script of this.#scripts.values()) {
      const branches = script.branches()
      reached += branches.filter(Boolean).length
      known += branches.length
    }
    return { reached, known }
  }

  [Symbol.dispose](): void {
    this.#session.disconnect()
  }

  #look(see: (script: Script, ranges: readonly Profiler.CoverageRange[]) => boolean): boolean {
    const { result } = this.#post('Profiler.takePreciseCoverage')
    let any = false
    for (const { url, functions } of result) {
      if (!url.startsWith(this.#folder)) continue
      const script = this.#scripts.get(url) ?? new Script(fileURLToPath(url))
      this.#scripts.set(url, script)
      for (const { ranges } of functions) any = see(script, ranges) || any
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

/** The bytes of one module. */
class Script {
  readonly #ran: Uint8Array
  /** Where functions and blocks start and end. */
  readonly #ranges = new Map<string, Profiler.CoverageRange>()

  constructor(path: string) {
    this.#ran = new Uint8Array(readFileSync(path).length)
  }

  /** @param ranges of one function: itself, and then blocks in it, of which those within override those around them */
  isNew(ranges: readonly Profiler.CoverageRange[]): boolean {
    return this.#overlaid(ranges).some(
      (ran, at) => ran > (this.#ran[ranges[0]!.startOffset + at] ?? 0),
    )
  }

  note(ranges: readonly Profiler.CoverageRange[]): boolean {
    const [whole] = ranges
    if (whole === undefined) return false
    for (const range of ranges) this.#ranges.set(`${range.startOffset}-${range.endOffset}`, range)
    for (const [at, ran] of this.#overlaid(ranges).entries()) {
      this.#ran[whole.startOffset + at]! |= ran
    }
    return true
  }

  /** Which bytes of a function ran just now. */
  #overlaid([whole, ...blocks]: readonly Profiler.CoverageRange[]): Uint8Array {
    if (whole === undefined) return new Uint8Array(0)
    const now = new Uint8Array(whole.endOffset - whole.startOffset)
    for (const { startOffset, endOffset, count } of [whole, ...blocks]) {
      now.fill(Math.min(count, 1), startOffset - whole.startOffset, endOffset - whole.startOffset)
    }
    return now
  }

  /** One for each function and block: whether it ran. */
  branches(): boolean[] {
    return Array.from(this.#ranges.values(), ({ startOffset }) => this.#ran[startOffset] === 1)
  }
}
