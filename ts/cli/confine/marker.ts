/** How a server that was started anew, confined, knows that it was. */

import { readFileSync } from 'node:fs'

/** What it is told. */
interface Marker {
  /** execve(2) keeps it: in whatever inherits the environment, it is another's. */
  readonly pid: number
  /** Numbers of users and groups, by `user NAME` and `group NAME`. */
  readonly names: Readonly<Record<string, number>>
  /** Locks that were made for it. */
  readonly locks: readonly string[]
}

const VARIABLE = 'SGRING_CONFINED'

/** The environment of the server to be. */
export function markedEnvironment(told: Omit<Marker, 'pid'>): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: JSON.stringify({ pid: process.pid, ...told }) }
}

/** Whether this process is one. What the environment says of it anybody can say: what no process gets rid of again is asked of the kernel. */
export function isConfined(): boolean {
  return marker() !== undefined && hasNoNewPrivs()
}

/** Whether this process can gain no privilege by execve(2). */
export function hasNoNewPrivs(): boolean {
  return /^NoNewPrivs:\s*1$/m.test(readFileSync('/proc/self/status', 'utf8'))
}

/** The names that were looked up for it. */
export function namesConfined(): Marker['names'] | undefined {
  return marker()?.names
}

/** The locks that were made for it. */
export function locksConfined(): readonly string[] {
  return marker()?.locks ?? []
}

function marker(): Marker | undefined {
  try {
    const told = JSON.parse(process.env[VARIABLE] ?? '')
    return told.pid === process.pid ? told : undefined
  } catch {
    return undefined
  }
}
