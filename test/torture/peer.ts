/** Processes of a run: what they say, what they tell of commands, and what they have of the system. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../support/until.ts'
import type { RunEvent } from './event.ts'
import { MEMORY_ENV, MEMORY_FLAGS } from './memory.ts'

/** Those that have not ended. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** How one ended. */
export interface PeerEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** A line of one's stdout. */
export type Said = Readonly<Record<string, unknown>>

export interface PeerOptions {
  /** Compiled module, beside this one. */
  readonly module: string
  readonly config: object
  /** Told of each thing that it tells on descriptor 3, in order. */
  readonly onEvent: (event: RunEvent) => void
  /** Told of each line of its stdout. */
  readonly onSaid?: (said: Said) => void
  /** The kill point that it dies at, where they are built in. */
  readonly killAt?: number | undefined
  /** Where the modules are. Default: here. */
  readonly from?: string
}

/** One process. */
export class Peer {
  readonly pid: number
  /** All that it told is heard by then. */
  readonly ended: Promise<PeerEnd>
  readonly said: Said[] = []
  readonly #child: ChildProcess
  #end: PeerEnd | undefined

  constructor({ module, config, onEvent, onSaid, killAt, from = import.meta.url }: PeerOptions) {
    const path = fileURLToPath(new URL(module, from))
    const child = spawn(process.execPath, [...MEMORY_FLAGS, path, JSON.stringify(config)], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...MEMORY_ENV,
        ...(killAt !== undefined && { SGRING_KILL_AT: `${killAt}` }),
      },
    })
    this.#child = child
    this.pid = child.pid ?? 0
    running.add(child)
    child.stdin?.on('error', () => {})
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    inLines(child.stdout, (line) => {
      const said = JSON.parse(line) as Said
      this.said.push(said)
      onSaid?.(said)
    })
    inLines(child.stdio[3] as NodeJS.ReadableStream, (line) => onEvent(JSON.parse(line)))
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child)
        this.#end = { code, signal, stderr }
        resolve(this.#end)
      })
    })
  }

  /** How it ended, if it has. */
  get end(): PeerEnd | undefined {
    return this.#end
  }

  /** Waits until it has said something of this name, as often as `count`; or undefined once it has ended. */
  async saying(name: string, count = 1): Promise<Said | undefined> {
    return until(
      `"${name}" of process ${this.pid}`,
      () => {
        const found = this.said.filter((said) => name in said)[count - 1]
        if (found === undefined && this.#end !== undefined) return { end: undefined }
        return found === undefined ? false : { end: found }
      },
      PATIENCE_MS,
    ).then(({ end }) => end)
  }

  order(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Kills it, and waits for its end. */
  async kill(): Promise<PeerEnd> {
    this.#child.kill('SIGKILL')
    return this.ended
  }
}

/** How long anything may take that a process is waited for: a fault is one that never comes. */
export const PATIENCE_MS = 60_000

function inLines(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}

/** What a process has of the system, apart from what every process of Node has: counted before clients come, and when all have gone. */
export interface Holdings {
  readonly sockets: number
  readonly segments: number
  readonly processes: number
  readonly files: number
  readonly mappings: number
  readonly threads: number
}

/** What `pid` holds now. */
export function holdings(pid: number | 'self'): Holdings {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
  const count = (pattern: RegExp) => links.filter((link) => pattern.test(link)).length
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  const segments = maps.filter((line) => /memfd:sgring|\/ledgers\//.test(line))
  return {
    sockets: count(/^socket:/),
    segments: count(/memfd:sgring/),
    processes: count(/pidfd/),
    files: count(/\/(ledgers\/|lun-\d|orders|lock|disk)/),
    mappings: new Set(segments.map((line) => line.split(/ +/)[4])).size,
    threads: readdirSync(`/proc/${pid}/task`).length,
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // It was closed meanwhile.
    return ''
  }
}

/** What is in the shared memory of the whole system by a name of ours. */
export function sharedNames(): string[] {
  // Folders there are tests'.
  const found = readdirSync('/dev/shm', { withFileTypes: true })
  return found
    .filter((entry) => entry.isFile())
    .flatMap(({ name }) => (name.includes('sgring') ? [name] : []))
}

/** The files that a run of targets has left, relative to its folder. */
export function filesIn(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
