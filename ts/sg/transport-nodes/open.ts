/** Opening the bsg node of a host, a port or an expander. */

import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  statSync,
} from 'node:fs'
import { basename } from 'node:path'
import { SgringError } from '../../errors.ts'
import { native, translated } from '../../native.ts'
import { openError } from '../node-descriptor.ts'
import { type TransportKind, transportKind } from './kind.ts'
import { Node, type TransportNode } from './node.ts'

/**
 * Opens a transport node: `/dev/bsg/sas_host0`, `expander-0:1`, `end_device-0:0`, `ufs-bsg0`, `mpi3mrctl0`, `fc_host0`, `rport-0:0-1`,
 * `iscsi_host0`. What a node takes, and from whom, is its driver's: all of them want CAP_SYS_RAWIO.
 *
 * @throws `ERR_SGRING_ADDRESS` for a node of another kind, with what it is; `ERR_SGRING_NO_DEVICE`, `_NODE_DENIED`, `_NODE_BUSY` or `_SYSTEM`
 * where it cannot be opened
 */
export async function openTransport(path: string): Promise<TransportNode> {
  // Before it is opened, for to open and close another device may do something: a tape rewinds.
  const found = system(path, () => statSync(path, { bigint: true }))
  const kind = kindOf(path, found)
  // A FIFO in its place shall not hold the caller up.
  const fd = system(path, () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  try {
    if (fstatSync(fd, { bigint: true }).rdev !== found.rdev) throw wrongKind(path, 'another by now')
    return new Node(
      path,
      kind,
      translated(() => native().messenger(fd)),
    )
  } finally {
    closeSync(fd)
  }
}

function system<T>(path: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw openError(path, cause)
  }
}

/** By the name that the kernel has for a bsg node, whatever the path is called. */
function kindOf(path: string, found: BigIntStats): TransportKind {
  const place = found.isCharacterDevice() ? sysfsPlace(found.rdev) : undefined
  if (place?.subsystem !== 'bsg') {
    const what = place === undefined ? 'no character device' : `a node of ${place.subsystem}`
    throw wrongKind(path, what)
  }
  const kind = transportKind(place.name)
  if (kind === undefined) throw wrongKind(path, 'that of a logical unit, which open() opens')
  return kind
}

function sysfsPlace(rdev: bigint): { name: string; subsystem: string } {
  // As the C library takes a device number apart (makedev(3)).
  const major = ((rdev >> 32n) & 0xffff_f000n) | ((rdev >> 8n) & 0xfffn)
  const minor = ((rdev >> 12n) & 0xffff_ff00n) | (rdev & 0xffn)
  const place = `/sys/dev/char/${major}:${minor}`
  try {
    return {
      name: basename(readlinkSync(place)),
      subsystem: basename(readlinkSync(`${place}/subsystem`)),
    }
  } catch {
    return { name: '', subsystem: 'nothing that sysfs knows' }
  }
}

function wrongKind(path: string, what: string): SgringError {
  return new SgringError('ERR_SGRING_ADDRESS', `${path} is no transport node: it is ${what}`)
}
