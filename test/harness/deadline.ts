/** A deadline that names what it ended. */

/**
 * How much longer than on ordinary hardware that is idle everything may take, as whoever runs the tests says: `npm test` runs two files
 * at a time, and an emulated machine is an order of magnitude slower.
 */
export const deadlineScale: number = Number(process.env.SGRING_DEADLINE_SCALE ?? 1)

/**
 * Settles as `body` does, or rejects after `ms` milliseconds, scaled. The timer keeps the process alive: a promise
 * that nobody will ever settle is told at its deadline instead of ending the process in silence.
 */
export async function within<T>(ms: number, what: string, body: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    const scaled = ms * deadlineScale
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${scaled} ms`)), scaled)
  })
  try {
    return await Promise.race([body(), deadline])
  } finally {
    clearTimeout(timer)
  }
}
