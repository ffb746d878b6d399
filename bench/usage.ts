/** What this process spends while a contestant runs, beside time. */

import { existsSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Counts = Readonly<Record<string, number>>

/** System calls of the read and write families, counted by the kernel where it was built to (proc(5)). */
const IO = '/proc/self/io'
const COUNTS_IO = existsSync(IO)

/** Of all threads of the process: CPU time, context switches, and reads and writes, which are the system calls that the kernel counts. */
export class Usage {
  readonly #spent: Record<string, number> = {}

  async during<T>(work: () => Promise<T>): Promise<T> {
    const before = now()
    const result = await work()
    for (const [name, count] of Object.entries(now()))
      this.#spent[name] = (this.#spent[name] ?? 0) + count - before[name]!
    return result
  }

  /** An operation's share. */
  of(operations: number): Counts {
    const all = Object.entries(this.#spent)
    return Object.fromEntries(all.map(([name, count]) => [name, count / operations]))
  }
}

function now(): Counts {
  const usage = process.resourceUsage()
  return {
    'CPU ns': (usage.userCPUTime + usage.systemCPUTime) * 1000,
    switches: usage.voluntaryContextSwitches + usage.involuntaryContextSwitches,
    ...(COUNTS_IO && { 'reads and writes': readsAndWrites() }),
  }
}

function readsAndWrites(): number {
  const text = readFileSync(IO, 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  return of('syscr') + of('syscw')
}

/** So few that what they leave behind is not collected while they run. */
const FEW = 128
const MORE = 512

/**
 * Bytes that an operation takes from JavaScript's heap on this thread: by how much more is in use after many than after few of them. The
 * median of several tries.
 */
export async function heapBytes(
  run: (count: number) => Promise<unknown>,
  tries: number,
): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const grown = async (count: number) => {
    collect()
    const before = process.memoryUsage().heapUsed
    await run(count)
    return process.memoryUsage().heapUsed - before
  }
  const each: number[] = []
  for (let left = tries; left > 0; left--) {
    const few = await grown(FEW)
    each.push(((await grown(MORE)) - few) / (MORE - FEW))
  }
  return each.sort((a, b) => a - b)[tries >> 1]!
}
