/** How many promises a command takes. */

import { promiseHooks } from 'node:v8'
import type { Execute } from './cases/forms.ts'

/** As many as a nexus has slots by default, so that none waits for one. */
const COMMANDS = 256

/** Promises that `execute()` and what it leads to make for a command. */
export function promisesOf(execute: Execute, cdb: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    // Once the caller has begun to wait for it, which may make promises, too.
    setImmediate(() => {
      let made = 0
      let left = COMMANDS
      const stop = promiseHooks.onInit(() => {
        made++
      })
      const ended = () => {
        if (--left > 0) return
        stop()
        // `then` makes one each.
        resolve((made - COMMANDS) / COMMANDS)
      }
      for (let number = 0; number < COMMANDS; number++) execute({ cdb }).then(ended, reject)
    })
  })
}
