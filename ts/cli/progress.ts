/** How far a transfer has come: one line on a terminal, drawn over and over. */

import { clock, rate, size } from './quantity.ts'

const DRAW_EVERY_MS = 100
const TO_LINE_START = '\r\x1b[K'

/** Where it is drawn: stderr, or a test's own. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** A line on a terminal that takes the place of the one before. On anything else it is never seen. */
export class StatusLine {
  readonly #screen: Screen | undefined
  #shown = false

  constructor({ silent = false, screen = process.stderr }: { silent?: boolean; screen?: Screen }) {
    this.#screen = silent || screen.isTTY !== true ? undefined : screen
  }

  show(text: string): void {
    if (this.#screen === undefined) return
    this.#shown = true
    // A terminal that has not been told its width says 0.
    this.#screen.write(TO_LINE_START + text.slice(0, (this.#screen.columns || 80) - 1))
  }

  /** Takes the line away. Idempotent. */
  end(): void {
    if (this.#shown) this.#screen?.write(TO_LINE_START)
    this.#shown = false
  }
}

export interface ProgressOptions {
  /** Before the numbers. */
  readonly label: string
  /** Bytes there will be; without it there is no ETA. */
  readonly total?: number | undefined
  /** Nothing is drawn. */
  readonly silent?: boolean
  readonly screen?: Screen
  /** Milliseconds. */
  readonly now?: () => number
}

/** From its construction to `end()`, a transfer's bytes and seconds. */
export class Progress {
  bytes = 0
  readonly #label: string
  readonly #total: number | undefined
  readonly #line: StatusLine
  readonly #now: () => number
  readonly #started: number
  #drawn: number

  constructor({ label, total, now, ...line }: ProgressOptions) {
    this.#label = label
    this.#total = total
    this.#line = new StatusLine(line)
    this.#now = now ?? (() => performance.now())
    this.#started = this.#drawn = this.#now()
  }

  /** Since the start. */
  get seconds(): number {
    return (this.#now() - this.#started) / 1000
  }

  moved(bytes: number): void {
    this.bytes += bytes
    const now = this.#now()
    if (now - this.#drawn < DRAW_EVERY_MS) return
    this.#drawn = now
    this.#line.show(this.#text())
  }

  /** Takes the line away. Idempotent. */
  end(): void {
    this.#line.end()
  }

  #text(): string {
    const seconds = this.seconds
    const speed = rate(this.bytes, seconds)
    if (this.#total === undefined) return `${this.#label}  ${size(this.bytes)}  ${speed}`
    const share = Math.min(1, this.bytes / this.#total)
    const left = clock((seconds / share) * (1 - share))
    return `${this.#label}  ${size(this.bytes)} of ${size(this.#total)}  ${Math.floor(share * 100)}%  ${speed}  ETA ${left}`
  }
}
