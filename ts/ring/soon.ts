/** Calls behind the microtasks that are queued by now. */

const RESOLVED = Promise.resolve()

/**
 * What has `call` called soon, each time: in the microtasks' own queue, behind those that are in it. `queueMicrotask` of Node makes a resource for
 * `async_hooks` each time and takes three times as long. What `call` throws is thrown as from there: a promise's rejection it is not.
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
  return () => {
    void RESOLVED.then(guarded)
  }
}
