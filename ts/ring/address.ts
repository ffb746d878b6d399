/** Addresses of units on rings. */

import { isAbsolute, join } from 'node:path'
import { CODES, SgringError } from '../errors.ts'
import { MAX_LUN } from '../scsi/lun.ts'

/** Where a unit is. */
export interface RingAddress {
  /** The target's socket. */
  readonly socket: string
  readonly lun: number
}

/**
 * Reads `ring:NAME`, `ring:NAME/LUN`, `ring:/path.sock` and `ring:/path.sock?lun=N`; the LUN is 0 where none is named.
 *
 * @throws `ERR_SGRING_ADDRESS` for anything else
 */
export function parseAddress(address: string): RingAddress {
  const path = /^ring:(?<path>\/[^?]+)(?:\?lun=(?<lun>\d{1,5}))?$/.exec(address)?.groups
  const name = /^ring:(?<name>[\w.-]+)(?:\/(?<lun>\d{1,5}))?$/.exec(address)?.groups
  const lun = Number(path?.lun ?? name?.lun ?? 0)
  if ((path === undefined && name === undefined) || lun > MAX_LUN) {
    throw new SgringError('ERR_SGRING_ADDRESS', `${address}: ${CODES.ERR_SGRING_ADDRESS}`)
  }
  return { socket: path?.path ?? socketOf(name?.name ?? ''), lun }
}

/**
 * The socket of a target that is known by name: it stands in the user's runtime folder. As the XDG Base Directory Specification has it,
 * a relative XDG_RUNTIME_DIR counts as none.
 */
export function socketOf(name: string): string {
  const { XDG_RUNTIME_DIR: named = '' } = process.env
  const folder = isAbsolute(named) ? named : `/run/user/${process.geteuid?.() ?? 0}`
  return join(folder, 'sgring', `${name}.sock`)
}
