/** A deadline that names what it ended. */

/** A test, or what it waited for, did not end in time. */
export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} did not end within ${ms} ms`)
    this.name = 'DeadlineError'
  }
}

/**
 * Settles as `body` does, or rejects with a `DeadlineError` after `ms` milliseconds. The timer keeps the process alive: a promise
 * that nobody will ever settle is told at its deadline instead of ending the process in silence.
 */
export async function within<T>(ms: number, what: string, body: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms)
  })
  try {
    return await Promise.race([body(), deadline])
  } finally {
    clearTimeout(timer)
  }
}
