/** The target of the main job, in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { CliError, ExitCode } from '../exit-code.ts'

const PROGRAM = fileURLToPath(new URL('./served.js', import.meta.url))
const KILL_AFTER_MS = 2000

export interface TargetOptions {
  readonly socket: string
  /** Bytes of its disk. */
  readonly memory: number
  readonly signal: AbortSignal
}

/** Serves the socket for as long as `body` runs. */
export async function withTarget<T>(
  { socket, memory, signal }: TargetOptions,
  body: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const child = spawn(process.execPath, [PROGRAM, socket, String(memory)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    await accepting(child)
    return await body()
  } finally {
    await stopped(child)
  }
}

/** Waits for its line. */
async function accepting(child: ChildProcess): Promise<void> {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const lines = createInterface({ input: child.stdout! })
  const line = once(lines, 'line')
  const ended = once(child, 'close').then(([code, signal]) => {
    const message = said.trimEnd() || `it ended with ${signal ?? `exit code ${code}`}`
    throw new CliError(ExitCode.OTHER, `the target could not be started: ${message}`)
  })
  try {
    await Promise.race([line, ended])
  } finally {
    ended.catch(() => {})
    line.catch(() => {})
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  await exit
  clearTimeout(timer)
}
