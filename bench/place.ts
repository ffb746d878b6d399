/** Where processes run: each side on a CPU of its own. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** CPU numbers: that of the initiator, and that of the target. */
export interface Placement {
  readonly here: number
  readonly there: number
  /** Whether `taskset` (util-linux) is there to keep processes on them. */
  readonly pinned: boolean
}

export function placement(cpus: string): Placement {
  const [here, there, ...more] = cpus.split(',').map(Number)
  if (!isCpu(here) || !isCpu(there) || here === there || more.length > 0) {
    throw new Error(`--cpus takes two CPU numbers, such as 0,1, not ${cpus}`)
  }
  return { here, there, pinned: spawnSync('taskset', ['--version']).status === 0 }
}

function isCpu(cpu: number | undefined): cpu is number {
  return Number.isInteger(cpu) && cpu! >= 0
}

/** Starts a program on one CPU. Its errors go where ours go; it gets our pipe, and ends with it. */
export function startOn(
  cpu: number,
  { pinned }: Placement,
  program: string,
  args: readonly string[],
): ChildProcess {
  const stdio = ['pipe', 'pipe', 'inherit'] as const
  return pinned
    ? spawn('taskset', ['-c', String(cpu), program, ...args], { stdio: [...stdio] })
    : spawn(program, [...args], { stdio: [...stdio] })
}

/** A child that answers lines. */
export class LineChild {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #name: string

  constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  /** Its next line. Rejects when it ends instead. */
  async next(): Promise<string> {
    const { done, value } = await this.#lines.next()
    if (done === true) throw new Error(`${this.#name} ended early`)
    return value
  }

  ask(line: string): Promise<string> {
    this.#child.stdin!.write(`${line}\n`)
    return this.next()
  }

  /** Ends its input, and waits until it has ended, too. */
  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#child
    const ended = exitCode === null && signalCode === null ? once(this.#child, 'exit') : undefined
    this.#child.stdin!.end()
    await ended
  }
}
