/** How a server that was started anew, confined, knows that it was. */

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

/** Whether this process is one. */
export function isConfined(): boolean {
  return marker() !== undefined
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
