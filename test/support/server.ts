/** A target in a process of its own. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { DiskUnitOptions, NexusInfo, ServeOptions } from '#dist/index.js'
import { temporaryFolder } from './folder.ts'
import { Program } from './program.ts'
import { until } from './until.ts'

/** What is served. */
export interface ServerConfig extends Omit<ServeOptions, 'units'> {
  readonly units: readonly (DiskUnitOptions | 'scripted' | 'narrow')[]
}

/** What a server says has happened. */
export interface ServerEvent {
  readonly event: 'ready' | 'nexusOpened' | 'nexusClosed'
  readonly nexus?: NexusInfo
  readonly reason?: string
}

/** A running server. */
export class ServerProcess {
  readonly socket: string
  readonly #program: Program

  private constructor(config: ServerConfig) {
    this.socket = config.listen
    this.#program = new Program(new URL('./server-main.js', import.meta.url), [
      JSON.stringify(config),
    ])
  }

  /** Starts it; when the promise resolves, clients can connect. */
  static async start(
    config: Omit<ServerConfig, 'listen'> & { listen?: string },
  ): Promise<ServerProcess> {
    const listen = config.listen ?? join(temporaryFolder(), 'target.sock')
    const server = new ServerProcess({ ...config, listen })
    await server.#program.line()
    assert.equal(server.events[0]?.event, 'ready')
    return server
  }

  /** All that has happened so far. */
  get events(): ServerEvent[] {
    return this.#program.lines.map((line) => JSON.parse(line) as ServerEvent)
  }

  get pid(): number {
    return this.#program.pid
  }

  /** Waits for an event that has come or comes. */
  event(
    kind: ServerEvent['event'],
    of: (event: ServerEvent) => boolean = () => true,
  ): Promise<ServerEvent> {
    return until(`${kind} at the server`, () =>
      this.events.find((event) => event.event === kind && of(event)),
    )
  }

  /** Waits until something holds of it. */
  async has(what: string, look: () => boolean): Promise<void> {
    await until(`the server: ${what}`, look)
  }

  /** What its descriptors are open on. */
  descriptors(): string[] {
    const folder = `/proc/${this.pid}/fd`
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(join(folder, fd))]
      } catch {
        // It was closed meanwhile.
        return []
      }
    })
  }

  /** The shared segments that it has mapped, by inode: advice about a part of one splits its line of proc_pid_maps(5). */
  mappings(): string[] {
    const lines = readFileSync(`/proc/${this.pid}/maps`, 'utf8').split('\n')
    const segments = lines.filter((line) => line.includes('memfd:sgring'))
    return [...new Set(segments.map((line) => line.split(/ +/)[4] ?? ''))]
  }

  /** Its state as proc_pid_stat(5) has it: `T` is stopped. */
  state(): string | undefined {
    return /\) (\w)/.exec(readFileSync(`/proc/${this.pid}/stat`, 'utf8'))?.[1]
  }

  kill(signal: NodeJS.Signals): void {
    this.#program.kill(signal)
  }

  /** Waits for an end by a signal. */
  async killed(): Promise<void> {
    this.kill('SIGKILL')
    assert.equal((await this.#program.ended).signal, 'SIGKILL')
  }

  /** Waits until it has ended of itself. */
  async ended(): Promise<void> {
    await this.#program.ended
  }

  /** Nothing of it is left, also where a test has failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL')
    await this.#program.ended
  }

  /** Closes it: it ends by itself, with nothing to complain about. */
  async close(): Promise<void> {
    this.#program.write('close')
    const { code, signal, stderr } = await this.#program.ended
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  }
}
