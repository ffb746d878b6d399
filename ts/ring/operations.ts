/** What the operations of a backing are called in the list of transfers (`crates/task/src/transfer.rs`). */

import type { BackingOperation } from '../task/task.ts'
import {
  TRANSFER_COMPARE,
  TRANSFER_COMPARE_AND_WRITE,
  TRANSFER_COMPARE_AND_WRITE_FUA,
  TRANSFER_EXTENT,
  TRANSFER_FILL,
  TRANSFER_FILL_OR_RELEASE,
  TRANSFER_FLUSH,
  TRANSFER_LOAD,
  TRANSFER_OR_WRITE,
  TRANSFER_OR_WRITE_FUA,
  TRANSFER_RELEASE,
  TRANSFER_VERIFY,
} from './layout.gen.ts'

const CODES: Readonly<Record<BackingOperation | 'flush', number>> = {
  verify: TRANSFER_VERIFY,
  load: TRANSFER_LOAD,
  compare: TRANSFER_COMPARE,
  compareAndWrite: TRANSFER_COMPARE_AND_WRITE,
  orWrite: TRANSFER_OR_WRITE,
  fill: TRANSFER_FILL,
  fillOrRelease: TRANSFER_FILL_OR_RELEASE,
  release: TRANSFER_RELEASE,
  extent: TRANSFER_EXTENT,
  flush: TRANSFER_FLUSH,
}

/** The number of an operation. */
export function operationCode(operation: BackingOperation | 'flush', fua: boolean): number {
  if (fua && operation === 'compareAndWrite') return TRANSFER_COMPARE_AND_WRITE_FUA
  if (fua && operation === 'orWrite') return TRANSFER_OR_WRITE_FUA
  return CODES[operation]
}
