/** What the rivals of `execute()` share: numbers for the commands under way, and the response that each ends with. */

import type { Response } from '#dist/index.js'

const NO_BYTES = new Uint8Array(0)

/** A response as `execute()` gives it; the memory is the caller's own, and nothing is to be released. */
export class RivalResponse implements Response {
  readonly status: number
  readonly sense: Uint8Array
  readonly data: Uint8Array
  readonly residual: number
  readonly residualOut: number

  constructor(
    status: number,
    sense: Uint8Array = NO_BYTES,
    data: Uint8Array = NO_BYTES,
    residual = 0,
  ) {
    this.status = status
    this.sense = sense
    this.data = data
    this.residual = residual
    this.residualOut = 0
  }

  release(): void {}
  [Symbol.dispose](): void {}
}

/** Commands under way, each with a small number that is used again. */
export class Outstanding {
  readonly #resolves: ((response: Response) => void)[] = []
  readonly #free: number[] = []

  /** Its number. */
  begin(resolve: (response: Response) => void): number {
    const tag = this.#free.pop() ?? this.#resolves.length
    this.#resolves[tag] = resolve
    return tag
  }

  end(tag: number, status: number): void {
    this.#free.push(tag)
    this.#resolves[tag]!(new RivalResponse(status))
  }
}
