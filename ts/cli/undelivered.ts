/** Commands of the batch form that have no status. */

import { type SgringError, TransportError } from '../errors.ts'
import type { Completion } from '../initiator/queue.ts'
import { endedByKernel } from '../sg/node-error.ts'

/** What `execute()` rejects such a command with; undefined for one that has a status. */
export function undelivered({
  delivered,
  aborted,
  unknown,
  transport,
}: Pick<Completion, 'delivered' | 'aborted' | 'unknown' | 'transport'>): SgringError | undefined {
  if (delivered) return undefined
  if (aborted) return new TransportError('ERR_SGRING_ABORTED')
  if (unknown) return new TransportError('ERR_SGRING_OUTCOME_UNKNOWN')
  if (transport === undefined) return new TransportError('ERR_SGRING_DELIVERY')
  return endedByKernel(transport)
}
