/** `npm start`: makes the checkout ready, then runs the main job. Only the job writes to stdout. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { main } from './lib/stop.js'
import { root, setup } from './setup.js'

main(async () => {
  await setup(['packages', 'native', 'dist'])
  const job = join(root, 'dist/cli/start.js')
  const child = spawn(process.execPath, [job, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // A terminal sends its Ctrl-C to both of us.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }

  const [code, signal] = await once(child, 'exit')
  if (signal === null) return code
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
