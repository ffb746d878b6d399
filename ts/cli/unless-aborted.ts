/** Leaving work that may never end. */

import { once } from 'node:events'

/** The work's result, or the reason of the abort at once: whoever is at the other end of a pipe must not hold up Ctrl-C. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const aborted = once(signal, 'abort', { signal: done.signal }).then(() => {
    throw signal.reason
  })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted])
  } finally {
    aborted.catch(() => {})
    work.catch(() => {})
    done.abort()
  }
}
