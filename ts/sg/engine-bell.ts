/** The bell between a node's pair and its engine, which hangs up when it ends. */

import type { Watched } from '../ring/bell.ts'
import { Bell } from '../ring/bell.ts'
import type { PairBellEvents } from '../ring/pair.ts'

/** How long an engine has to say what it leaves behind. One that the kernel keeps waiting (for a free tag of the host, say) says nothing. */
const PATIENCE_MS = 1000

/** The pair stops listening when it is closed; the bell is watched on until the engine has hung up. */
export class EngineBell implements Watched {
  readonly #bell: Bell
  readonly #why: () => string
  #events: PairBellEvents | undefined
  #over = false
  #ended: () => void = () => {}

  /** @param why says why the engine has hung up, where nobody had asked it to */
  constructor(fd: number, why: () => string) {
    this.#why = why
    this.#bell = new Bell(fd, {
      ring: () => this.#events?.ring(),
      end: () => {
        this.#over = true
        this.#ended()
        this.#events?.end(this.#why())
      },
    })
  }

  listen(events: PairBellEvents): this {
    this.#events = events
    return this
  }

  reference(wanted: boolean): void {
    if (this.#events !== undefined) this.#bell.reference(wanted)
  }

  close(): void {
    this.#events = undefined
  }

  /** Resolves when the engine has hung up, with `true`, or has not in time; the bell is closed then. */
  async ended(): Promise<boolean> {
    if (!this.#over) {
      this.#bell.reference(true)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS)
        this.#ended = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#bell.close()
    return this.#over
  }
}
