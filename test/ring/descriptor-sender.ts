/** Sends descriptors over the channel that it was started with, and ends. */

import { createServer } from 'node:net'

const listener = createServer().listen(0, '127.0.0.1', () => {
  process.send?.('x'.repeat(64), listener, {}, (error) => {
    listener.close()
    process.disconnect()
    if (error !== null) throw error
  })
})
