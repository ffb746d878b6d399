/**
 * Confines `sgring serve` to what it needs.
 *
 * Landlock and capabilities belong to threads, and Node has some before its first line runs. So the process, as soon as it knows what it is to
 * serve, gives up all else and starts itself anew (execve(2)): the same process, whose every thread was born confined.
 */

import { realpathSync, rmSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { native, translated } from '../../native.ts'
import { asked } from '../config/accounts.ts'
import type { Config, DeviceConfig } from '../config/config.ts'
import { isConfined, locksConfined, markedEnvironment } from './marker.ts'
import { makeLocks, planOf, programPaths } from './plan.ts'

/** Whether this process is there for its verb: what runs in another program is that program's to confine. */
function isProgram(): boolean {
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  return realpathSync(process.argv[1] ?? '.') === realpathSync(main)
}

/** Whom it is done for. */
export interface Confining {
  readonly config: Config | DeviceConfig
  /** Where the target listens. */
  readonly socket: string
  /** The file that the configuration was read from, if there is one. */
  readonly file: string | undefined
  readonly signal: AbortSignal
}

/**
 * Starts this process anew, confined, and does not return then; returns in the process that it has become, and where nobody wants it.
 *
 * @throws `ERR_SGRING_SYSTEM` if the kernel refuses
 */
export async function confine({ config, socket, file, signal }: Confining): Promise<void> {
  if (config.confine === false || isConfined() || !isProgram()) return
  const plan = await planOf(config, socket)
  // A signal that came by now ends the verb as always; a later one ends the process.
  await turn()
  signal.throwIfAborted()
  const locks = makeLocks(plan)
  try {
    const paths = [...programPaths(file), ...plan.sockets, ...plan.served]
    const told = markedEnvironment({ names: asked, locks })
    translated(() =>
      native().execConfined({
        paths,
        keep: [...plan.keep],
        program: process.execPath,
        args: [...process.execArgv, ...process.argv.slice(1)],
        env: Object.entries(told).map(([name, value]) => `${name}=${value}`),
      }),
    )
  } catch (error) {
    remove(locks)
    throw error
  }
}

/** Takes away what was made for a server that did not come about; one that did takes it away itself. */
export function discard(): void {
  remove(locksConfined())
}

function remove(locks: readonly string[]): void {
  for (const path of locks) rmSync(path, { force: true })
}
