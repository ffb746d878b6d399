/** `SG_SCSI_RESET` (include/scsi/sg.h), as what it is: the kernel's error recovery, begun by hand. */

import { getSystemErrorName } from 'node:util'
import { SgringError } from '../errors.ts'
import { type KernelEngine, translated } from '../native.ts'
import { Bell } from '../ring/bell.ts'

/** What is reset: the logical unit, its target, the bus, or the host adapter with all that it serves. */
export type ResetScope = 'device' | 'target' | 'bus' | 'host'

/** How. */
export interface ResetOptions {
  /** That reset and no greater one. Default: false. */
  readonly noEscalate?: boolean
}

const NUMBERS: Readonly<Record<ResetScope, number>> = { device: 1, bus: 2, host: 3, target: 4 }

/** Resolves when it is done. */
export async function resetNode(
  engine: KernelEngine,
  what: ResetScope,
  noEscalate: boolean,
): Promise<void> {
  if (!Object.hasOwn(NUMBERS, what)) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `what is reset is one of ${Object.keys(NUMBERS).join(', ')}, not ${String(what)}`,
    )
  }
  const reset = translated(() => engine.reset(NUMBERS[what], noEscalate))
  await new Promise<void>((resolve) => {
    new Bell(reset.takeBell(), { ring() {}, end: resolve }).reference(true)
  })
  if (reset.errno === 0) return
  const name = getSystemErrorName(-reset.errno)
  if (name === 'EACCES' || name === 'EPERM') {
    throw new SgringError(
      'ERR_SGRING_NOT_PERMITTED',
      `a reset needs CAP_SYS_ADMIN and CAP_SYS_RAWIO (${name})`,
    )
  }
  const why = name === 'EAGAIN' ? 'the host recovers already' : 'it failed, or the host has none'
  throw new SgringError('ERR_SGRING_SYSTEM', `reset of the ${what}: ${name}: ${why}`)
}
