/** Leaving work that may never end. */

import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'

/** The work's result, or the reason of the abort at once: whoever is at the other end of a pipe must not hold up Ctrl-C. Work that had ended before counts. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const end = signal.aborted ? turn() : once(signal, 'abort', { signal: done.signal })
  const aborted = end.then(() => {
    throw signal.reason
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    aborted.catch(() => {})
    work.catch(() => {})
    done.abort()
  }
}
