/** The command line as its users have it: real processes, in a folder of their own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../../../dist/', import.meta.url))
export const MAIN: string = join(dist, 'cli/main.js')
export const START: string = join(dist, 'cli/start.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** A folder with `sgring` on its PATH and a runtime folder in it. */
export class Place {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sgring-cli-'))
  readonly #children = new Set<ChildProcess>()

  constructor() {
    mkdirSync(this.path('bin'))
    const shim = this.path('bin/sgring')
    writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
    chmodSync(shim, 0o755)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  file(name: string, data: Uint8Array | string): string {
    writeFileSync(this.path(name), data)
    return this.path(name)
  }

  /** Starts a program; it does not outlive the place. */
  start(program: string, args: readonly string[]): Running {
    const env = {
      ...process.env,
      PATH: `${this.path('bin')}:${process.env.PATH}`,
      XDG_RUNTIME_DIR: this.folder,
      XDG_STATE_HOME: this.path('state'),
    }
    const child = spawn(program, args, { cwd: this.folder, env, stdio: 'pipe' })
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return new Running(child)
  }

  /** Runs `sgring` to its end. */
  sgring(args: readonly string[], input?: Uint8Array): Promise<Ended> {
    return this.start(process.execPath, [MAIN, ...args]).ended(input)
  }

  shell(line: string): Promise<Ended> {
    return this.start('/bin/bash', ['-c', line]).ended()
  }

  /** Starts `sgring serve` and waits until it accepts connections. */
  async serve(args: readonly string[]): Promise<Serving> {
    const running = this.start(process.execPath, [MAIN, 'serve', ...args])
    return { ...running, line: await running.line(), ended: () => running.ended() }
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    rmSync(this.folder, { recursive: true })
  }
}

export interface Serving {
  readonly child: ChildProcess
  /** What it printed when it was ready. */
  readonly line: string
  ended(): Promise<Ended>
}

/** A program that runs. What it prints and its end are noted from the start: Node drops at the exit what nobody has read, and tells an end once. */
export class Running {
  readonly child: ChildProcess
  readonly #stdout: Buffer[] = []
  readonly #stderr: Promise<string>
  readonly #closed: Promise<unknown[]>

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout!.on('data', (bytes: Buffer) => this.#stdout.push(bytes))
    this.#stderr = text(child.stderr!)
    this.#closed = once(child, 'close')
    // Who waits for the end is told.
    this.#closed.catch(() => {})
  }

  /** The first line of stdout. */
  async line(): Promise<string> {
    const ended = this.#closed.then(() => true)
    for (;;) {
      const printed = Buffer.concat(this.#stdout)
      const end = printed.indexOf('\n')
      if (end >= 0) return printed.toString('utf8', 0, end)
      const more = once(this.child.stdout!, 'data').then(() => false)
      if (await Promise.race([ended, more])) throw new Error(`it ended: ${await this.#stderr}`)
    }
  }

  /** Its end, after `input` and no more. */
  ended(input?: Uint8Array): Promise<Ended> {
    // What refuses its input closes it early.
    this.child.stdin!.on('error', () => {}).end(input)
    return this.over()
  }

  /** Its end, while its input stays open. */
  async over(): Promise<Ended> {
    const [code, signal] = (await this.#closed) as [number | null, NodeJS.Signals | null]
    return { code, signal, stdout: Buffer.concat(this.#stdout), stderr: await this.#stderr }
  }
}
