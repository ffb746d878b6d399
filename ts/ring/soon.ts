/** Calls behind the microtasks that are queued by now. */

const RESOLVED = Promise.resolve()

/** The microtasks' queue. A test that turns the loop by hand has another one. */
export const microtasks = {
  add(call: () => void): void {
    RESOLVED.then(call)
  },
}

/**
 * What has `call` called soon, each time: in the microtasks' own queue, behind those that are in it. `queueMicrotask` of Node makes a resource for
 * `async_hooks` each time and takes three times as long. What `call` throws is no promise's rejection: it is thrown from a microtask behind it.
 */
export function soon(call: () => void): () => void {
  const guarded = () => {
    try {
      call()
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
  return () => microtasks.add(guarded)
}
