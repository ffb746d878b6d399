/** The command line in this process: in a guest, Node takes seconds to start. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runVerb } from '#dist/cli/frame.js'
import { verbs } from '#dist/cli/verbs.js'
import { until } from '../support/until.ts'

/** One run of a verb, as `program.ts` has it of a process. */
export interface Ended {
  readonly code: number | string | undefined
  readonly stdout: Buffer
  readonly stderr: string
}

/** A folder that verbs run in, with what they take from the environment. */
export class Folder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'sgring-cli-'))
  #outputs: { stdout: Buffer[]; stderr: Buffer[] } | undefined

  /** Runs `sgring`, one at a time. */
  async sgring(...[name, ...args]: readonly string[]): Promise<Ended> {
    const verb = verbs.find((verb) => verb.name === `sgring ${name}`)
    if (verb === undefined || this.#outputs !== undefined) throw new Error(`cannot run ${name}`)
    const outputs = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    this.#outputs = outputs
    const restore = [
      captured(process.stdout, outputs.stdout),
      captured(process.stderr, outputs.stderr),
      inside(this.path),
    ]
    try {
      process.exitCode = undefined
      await runVerb(verb, args)
      const [stdout, stderr] = [outputs.stdout, outputs.stderr].map((all) => Buffer.concat(all))
      return { code: process.exitCode, stdout: stdout!, stderr: String(stderr) }
    } finally {
      process.exitCode = undefined
      for (const back of restore) back()
      this.#outputs = undefined
    }
  }

  /** Runs a verb that goes on until it is told to end, and tells it after `body`, which gets the line that it printed when it was ready. */
  async during(args: readonly string[], body: (line: string) => Promise<void>): Promise<Ended> {
    let over = false
    const run = this.sgring(...args).finally(() => {
      over = true
    })
    try {
      const said = () => String(Buffer.concat(this.#outputs?.stdout ?? []))
      await until('it says that it is ready', () => over || said().includes('\n'))
      if (!over) await body(said())
    } finally {
      if (!over) process.emit('SIGINT', 'SIGINT')
    }
    return run
  }

  remove(): void {
    rmSync(this.path, { recursive: true })
  }
}

/** Takes what is written to a stream, until the function that it returns is called. */
function captured(stream: NodeJS.WriteStream, into: Buffer[]): () => void {
  const { write } = stream
  // Each run adds a listener, as each process would.
  stream.setMaxListeners(0)
  stream.write = ((chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
    into.push(Buffer.from(chunk as Uint8Array))
    const done = rest.at(-1)
    if (typeof done === 'function') queueMicrotask(() => done())
    return true
  }) as typeof write
  return () => {
    stream.write = write
  }
}

function inside(folder: string): () => void {
  const before = process.cwd()
  const { XDG_RUNTIME_DIR, XDG_STATE_HOME } = process.env
  process.chdir(folder)
  Object.assign(process.env, { XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: join(folder, 'state') })
  return () => {
    process.chdir(before)
    for (const [name, value] of Object.entries({ XDG_RUNTIME_DIR, XDG_STATE_HOME })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
