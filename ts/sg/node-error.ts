/** Commands that ended without the device's answer, by what the kernel's layers said. */

import { getSystemErrorName } from 'node:util'
import { CODES, type SgringError, type SgringErrorCode, TransportError } from '../errors.ts'
import type { TransportStatus } from '../ring/slots.ts'
import type { Command } from '../task/command.ts'
import { HostStatus, hostStatusName } from './host-status.ts'
import { type FilteredNode, refusedByKernel } from './opcodes.ts'

/** errno(3) of the architectures that sgring runs on. */
const EPERM = 1
const ENXIO = 6
const ENODEV = 19

/** No answer of the device. The three layers stand apart: what the system call, the host adapter and the kernel's driver said. */
export class NodeError extends TransportError {
  override readonly name: string = 'NodeError'
  /** `DID_…` as a number; 0 if the host adapter had nothing to say. */
  readonly hostStatus: number
  /** As `'DID_TIME_OUT'`. */
  readonly hostStatusName: string
  /** `DRIVER_…` as a number. */
  readonly driverStatus: number
  /** As `'EINVAL'`: the kernel took no command. Undefined if it took one. */
  readonly errno: string | undefined

  /** @internal Made by a node. */
  constructor(
    code: SgringErrorCode,
    message: string,
    { hostStatus, driverStatus, errno }: TransportStatus,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    this.hostStatus = hostStatus
    this.hostStatusName = hostStatusName(hostStatus)
    this.driverStatus = driverStatus
    this.errno = errno === 0 ? undefined : getSystemErrorName(-errno)
  }
}

/**
 * What a command rejects with.
 *
 * @param abortedFor why its caller had given up on it, if so
 */
export function nodeError(
  command: Command,
  status: TransportStatus,
  abortedFor: unknown,
  node: FilteredNode,
): SgringError {
  if (status.errno === EPERM) return refusedByKernel(command.cdb, command.cdb.length, node)
  return endedByKernel(status, abortedFor === undefined ? undefined : { cause: abortedFor })
}

/** As `nodeError`, where nothing is known but the status. */
export function endedByKernel(status: TransportStatus, options?: ErrorOptions): NodeError {
  const { hostStatus, errno } = status
  if (errno !== 0) {
    const code =
      errno === ENODEV || errno === ENXIO ? 'ERR_SGRING_NO_DEVICE' : 'ERR_SGRING_DELIVERY'
    const said = `the kernel took no such command: ${getSystemErrorName(-errno)}`
    return new NodeError(code, said, status, options)
  }
  const code = codeOf(hostStatus)
  return new NodeError(code, `${hostStatusName(hostStatus)}: ${CODES[code]}`, status, options)
}

function codeOf(hostStatus: number): SgringErrorCode {
  switch (hostStatus) {
    case HostStatus.TIME_OUT:
      return 'ERR_SGRING_TIMEOUT'
    case HostStatus.NO_CONNECT:
    case HostStatus.BAD_TARGET:
      return 'ERR_SGRING_NO_DEVICE'
    default:
      return 'ERR_SGRING_HOST_STATUS'
  }
}
