/** How far a run is, and how long it may take yet, on stderr. */

interface Stream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** What a run does one after the other; told before each, and never while something is measured. */
export class Progress {
  readonly #steps: number
  readonly #stream: Stream
  readonly #now: () => number
  readonly #started: number
  #done = 0

  constructor(
    steps: number,
    stream: Stream = process.stderr,
    now = (): number => performance.now(),
  ) {
    this.#steps = steps
    this.#stream = stream
    this.#now = now
    this.#started = now()
  }

  /** Before the next step. On a terminal one line that changes, elsewhere a line each. */
  begin(what: string): void {
    const line = `bench: ${what} (${this.#done + 1} of ${this.#steps})`
    this.#stream.write(
      this.#stream.isTTY === true ? `\r\u001b[K${line}${this.#left()}` : `${line}\n`,
    )
    this.#done++
  }

  /** Something that is to stay. */
  tell(text: string): void {
    this.end()
    this.#stream.write(`bench: ${text}\n`)
  }

  /** So many steps are behind us, however many began. */
  skip(done: number): void {
    this.#done = done
  }

  /** After the last: leaves nothing on a terminal. */
  end(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\r\u001b[K')
  }

  /** By how long the steps so far took. */
  #left(): string {
    if (this.#done === 0) return ''
    const ms = ((this.#now() - this.#started) / this.#done) * (this.#steps - this.#done)
    return `, ${duration(ms)} left`
  }
}

function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
