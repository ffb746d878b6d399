/** What the kernel lets this process do (capabilities(7)). */

import { readFileSync, readlinkSync } from 'node:fs'

/** The capabilities that SCSI nodes ask for. */
export interface Capabilities {
  /** CAP_SYS_RAWIO: every operation code, and transport nodes. */
  readonly sysRawio: boolean
  /** CAP_SYS_ADMIN: with the other, resets. */
  readonly sysAdmin: boolean
}

const CAP_SYS_RAWIO = 17n
const CAP_SYS_ADMIN = 21n
/** The initial user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h): nodes ask for capabilities there. */
const INITIAL_NAMESPACE = 'user:[4026531837]'

/**
 * Those of this process now; undefined where /proc does not tell. In a user namespace of its own, as in most rootless containers, it has none that a node
 * honours, whatever it has there.
 */
export function processCapabilities(proc = '/proc'): Capabilities | undefined {
  try {
    const status = readFileSync(`${proc}/self/status`, 'utf8')
    return parseCapabilities(status, readlinkSync(`${proc}/self/ns/user`))
  } catch {
    return undefined
  }
}

/**
 * @param status of proc(5), with the line CapEff
 * @param namespace what /proc/self/ns/user links to
 */
export function parseCapabilities(status: string, namespace: string): Capabilities | undefined {
  const mask = /^CapEff:\s*([0-9a-f]{1,16})$/im.exec(status)?.[1]
  if (mask === undefined) return undefined
  const has = (capability: bigint) =>
    namespace === INITIAL_NAMESPACE && ((BigInt(`0x${mask}`) >> capability) & 1n) === 1n
  return { sysRawio: has(CAP_SYS_RAWIO), sysAdmin: has(CAP_SYS_ADMIN) }
}
