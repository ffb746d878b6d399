/** Contestants that the native program runs and times itself (`crates/bench`). */

import type { Contestant } from './contest.ts'
import { keepOn, LineChild, type Placement, start } from './place.ts'

export class NativeContestants {
  readonly #child: LineChild

  /** @param place where to keep it; a program that places its own threads has none */
  constructor(
    program: string,
    args: readonly string[],
    place?: { cpu: number; placement: Placement },
  ) {
    this.#child = new LineChild(program, start(program, args))
    if (place !== undefined) keepOn(place.cpu, place.placement, this.#child.pid)
  }

  contestant(name: string): Contestant {
    const run = async (count: number) => Number(await this.#child.ask(`${name} ${count}`)) / 1e6
    return { name, run, elsewhere: true }
  }

  close(): Promise<void> {
    return this.#child.close()
  }
}
