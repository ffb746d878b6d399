/** How a promise settles, told at once and each time, not when the loop comes round to it. */

/** What it resolved with, or the reason of its rejection. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/**
 * @param call makes one promise with `new Promise()`
 * @param settled told within each call of the functions that settle it
 */
export function observed<T>(call: () => Promise<T>, settled: (outcome: Outcome<T>) => void): void {
  const Real = globalThis.Promise
  globalThis.Promise = class extends Real<T> {
    static override get [Symbol.species]() {
      return Real
    }

    constructor(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void) {
      super((resolve, reject) => {
        const resolved = (value: T) => {
          settled({ value })
          resolve(value)
        }
        const rejected = (error: unknown) => {
          settled({ error })
          reject(error)
        }
        start(resolved, rejected)
      })
    }
  } as unknown as typeof Promise
  try {
    call().catch(() => {})
  } finally {
    globalThis.Promise = Real
  }
}
