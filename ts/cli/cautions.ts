/** What a server is not, though whoever starts it may think that it is. */

import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { native } from '../native.ts'
import type { Config, DeviceConfig } from './config/config.ts'
import { confinement } from './confine/confinement.ts'
import { jsonLine } from './output.ts'

const OTHERS_ENTER = 0o011

/** A line each, for stderr, of the server that this process is. */
export function cautions(config: Config | DeviceConfig, socket: string, json: boolean): string {
  const found: string[] = []
  if (config.confine !== false && confinement().landlock === 0) {
    const why =
      native().landlockAbi() === 0
        ? 'this kernel has no Landlock; "sgring doctor" says more'
        : 'it runs within another program'
    found.push(`files: all that its user may open, for ${why}`)
  }
  const folder = dirname(socket)
  if (letsOthersIn(config) && (statSync(folder).mode & OTHERS_ENTER) === 0) {
    found.push(
      `others may connect, and cannot enter ${folder}: --listen a path in a folder that they can`,
    )
  }
  return found.map((caution) => (json ? jsonLine({ caution }) : `${caution}\n`)).join('')
}

/** Whether users may connect whom the permissions of a folder hold off. */
function letsOthersIn(config: Config | DeviceConfig): boolean {
  const { allowedUids = [], readOnlyUids = [], allowedGids = [], readOnlyGids = [] } = config
  const own = [process.geteuid?.() ?? 0, 0]
  const users = [...allowedUids, ...readOnlyUids].filter((uid) => !own.includes(uid))
  return users.length + allowedGids.length + readOnlyGids.length > 0
}
