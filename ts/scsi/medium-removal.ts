/** PREVENT ALLOW MEDIUM REMOVAL, the same for disks, tapes, discs and changers (SBC-3 5.10, SSC-4 7.4, SMC-3 6.10, MMC-6 6.15). */

import { noData, type TypedCommand } from './command.ts'

export interface PreventAllowOptions {
  /** Whether the medium is to stay. */
  readonly prevent: boolean
  /** Persistent prevent (MMC-6): removal is asked for by an event, and the button does nothing by itself. Default: false. */
  readonly persistent?: boolean
}

/** PREVENT ALLOW MEDIUM REMOVAL, for this nexus. */
export function preventAllowMediumRemoval(options: PreventAllowOptions): TypedCommand<void> {
  const prevent = (options.persistent === true ? 2 : 0) | (options.prevent ? 1 : 0)
  return noData(Uint8Array.of(PREVENT_ALLOW_MEDIUM_REMOVAL, 0, 0, 0, prevent, 0))
}

const PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e
