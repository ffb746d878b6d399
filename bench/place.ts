/** Where processes run: each side on a CPU of its own. */

import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
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

/** Starts a program. Its errors go where ours go; it gets our pipe, and ends with it; one of Node's has a channel for messages. */
export function start(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const channel = program === process.execPath ? ['ipc' as const] : []
  const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', ...channel]
  return spawn(program, [...args], { stdio, env: { ...process.env, ...env } })
}

/**
 * Keeps all threads of a process on one CPU from now on. Not from its start: a process that has but one CPU rightly does not spin
 * for its peer, and the peer has a CPU of its own here.
 */
export function keepOn(cpu: number, { pinned }: Placement, pid: number): void {
  if (pinned) taskset(['-a', '-c', '-p', String(cpu), String(pid)])
}

/** Keeps single threads on one CPU from now on. */
export function keepThreadsOn(
  cpu: number,
  { pinned }: Placement,
  threads: readonly number[],
): void {
  if (!pinned) return
  for (const thread of threads) taskset(['-c', '-p', String(cpu), String(thread)])
}

function taskset(args: readonly string[]): void {
  const { status, stderr } = spawnSync('taskset', args)
  if (status !== 0) throw new Error(`taskset ${args.join(' ')}: ${String(stderr).trim()}`)
}

/** What `start` starts, and the numbers of the threads that this process has more since. */
export async function threadsOf<T>(start: () => Promise<T>): Promise<[T, number[]]> {
  const before = new Set(threads())
  const started = await start()
  return [started, threads().filter((thread) => !before.has(thread))]
}

function threads(): number[] {
  return readdirSync('/proc/self/task').map(Number)
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

  get pid(): number {
    return this.#child.pid!
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
