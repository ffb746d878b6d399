/** Leaving work that may never end. */

import { once } from 'node:events'

/** The work's result, or the reason of the abort at once: a reader of a pipe that has stopped reading must not hold up Ctrl-C. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const done = new AbortController()
  const aborted = once(signal, 'abort', { signal: done.signal }).then(() => {
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
