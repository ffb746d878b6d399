/** Waiting for what another process, or the system, brings about. */

import { setTimeout as pause } from 'node:timers/promises'
import { deadlineScale } from '../harness/deadline.ts'

/**
 * Resolves with the first value of `look` that is neither undefined nor false, looking again and again.
 *
 * @param what names it, when it does not come within `ms`, scaled as tests' deadlines are
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false,
  ms = 15_000,
): Promise<T> {
  const deadline = performance.now() + ms * deadlineScale
  for (;;) {
    const seen = look()
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() > deadline)
      throw new Error(`${what}: not within ${ms * deadlineScale} ms`)
    await pause(5)
  }
}
