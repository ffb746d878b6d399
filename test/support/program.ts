/** Programs of the tests, each in a process of its own. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** How a process ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Those that have not ended. */
const running = new Set<ChildProcessWithoutNullStreams>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A running program that speaks in lines. It does not outlive the test. */
export class Program {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** The lines that it has written so far. */
  readonly lines: string[] = []
  readonly #child: ChildProcessWithoutNullStreams
  #read = 0
  #over: Ended | undefined
  #stdout = ''
  #stderr = ''

  /**
   * @param module the compiled module to run
   * @param args its arguments
   * @param nodeArgs Node's own
   * @param before a program that runs it, with arguments
   */
  constructor(
    module: URL,
    args: readonly string[] = [],
    nodeArgs: readonly string[] = [],
    before: readonly string[] = [],
  ) {
    const [program = '', ...all] = [...before, process.execPath, ...nodeArgs]
    const child = spawn(program, [...all, fileURLToPath(module), ...args])
    this.#child = child
    this.pid = child.pid ?? 0
    running.add(child)
    child.stdin.on('error', () => {})
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.lines.push(...lines)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child)
        this.#over = { code, signal, stdout: this.#stdout, stderr: this.#stderr }
        resolve(this.#over)
      })
    })
  }

  /** The next line that it writes; fails with what it said if it ends instead. */
  async line(): Promise<string> {
    const index = this.#read++
    return until('a line of the program', () => {
      const line = this.lines[index]
      if (line === undefined && this.#over !== undefined) {
        throw new Error(`the program ended: ${JSON.stringify(this.#over)}`)
      }
      return line
    })
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
