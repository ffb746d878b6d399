/** The target process of the main job: a disk in memory, and a unit whose handler hangs. */

import { once } from 'node:events'
import { serve } from '../../serve.ts'
import type { Handler } from '../../target/handler.ts'
import { runBody } from '../frame.ts'
import { HANG } from './aborts.ts'

const [listen = '', memory] = process.argv.slice(2)

/** What it is asked to hang on is never answered. */
const hangs: Handler = (task, next) =>
  task.cdb[0] === HANG ? new Promise<never>(() => {}) : next()

await runBody([], async (signal) => {
  const units = [{ memory: Number(memory) }, { handler: hangs, product: 'HANGS' }]
  const server = await serve({ listen, units })
  try {
    process.stdout.write('accepting\n')
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await server.close()
  }
})
