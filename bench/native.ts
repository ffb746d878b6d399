/** Contestants that a native program runs and times itself (`crates/bench`, `bench/rivals/native`). */

import { basename } from 'node:path'
import type { Contestant } from './contest.ts'
import { keepOn, LineChild, type Placement, start } from './place.ts'
import { sidesOf } from './profile.ts'

/** What a program may say of a sample behind its nanoseconds, in this order: of all sides together. */
const COUNTS = ['system calls', 'switches', 'CPU ns'] as const

export class NativeContestants {
  readonly #child: LineChild

  /** @param place where to keep it; a program that places its own threads has none */
  constructor(
    program: string,
    args: readonly string[],
    place?: { cpu: number; placement: Placement },
  ) {
    this.#child = new LineChild(basename(program), start(program, args))
    if (place !== undefined) keepOn(place.cpu, place.placement, this.#child.pid)
  }

  contestant(name: string): Contestant {
    const run = async (count: number) => (await this.#sample(name, count))[0]! / 1e6
    return { name, run, elsewhere: true, profile: this.#profile(name) }
  }

  /**
   * Everyone who takes part, of a program whose first line is how many threads run at once, and their names. Their system calls, context
   * switches and processor time are counted.
   */
  async everyone(): Promise<Contestant[]> {
    const [threads, ...names] = (await this.#child.next()).split(' ')
    return names.map((name) => this.#counted(name, Number(threads)))
  }

  close(): Promise<void> {
    return this.#child.close()
  }

  #counted(name: string, threads: number): Contestant {
    const sums = COUNTS.map(() => 0)
    const run = async (count: number) => {
      const [ns, ...counts] = await this.#sample(name, count)
      for (const index of COUNTS.keys()) sums[index]! += counts[index]!
      return ns! / 1e6
    }
    const counts = () => Object.fromEntries(COUNTS.map((count, index) => [count, sums[index]!]))
    return { name, run, counts, threads, elsewhere: true, profile: this.#profile(name) }
  }

  #profile(name: string) {
    return async (count: number) => sidesOf(await this.#child.ask(`profile ${name} ${count}`))
  }

  async #sample(name: string, count: number): Promise<number[]> {
    const line = await this.#child.ask(`${name} ${count}`)
    const numbers = line.split(' ').map(Number)
    if (!numbers.every(Number.isFinite)) throw new Error(`${name}: ${line}`)
    return numbers
  }
}
