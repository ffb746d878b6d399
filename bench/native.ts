/** Contestants that the native program runs and times itself (`crates/bench`). */

import type { Contestant } from './contest.ts'
import { LineChild, type Placement, startOn } from './place.ts'

export class NativeContestants {
  readonly #child: LineChild

  constructor(program: string, args: readonly string[], cpu: number, placement: Placement) {
    this.#child = new LineChild(program, startOn(cpu, placement, program, args))
  }

  contestant(name: string): Contestant {
    return { name, run: async (count) => Number(await this.#child.ask(`${name} ${count}`)) / 1e6 }
  }

  close(): Promise<void> {
    return this.#child.close()
  }
}
