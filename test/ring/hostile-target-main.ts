/**
 * A target that keeps no rule, in a process of its own: `node hostile-target-main.js DEED SOCKET`. It lets one client after the other in, and
 * says so in a line; a line on stdin ends it.
 */

import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { native } from '#dist/native.js'
import { listenOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { generator, randomBytes } from '../scsi/random.ts'
import { CarelessTarget } from './careless-target.ts'
import { SharedBytes } from './shared-bytes.ts'

const [deed = '', path = ''] = process.argv.slice(2)
const MANY = 64 << 10

const deeds: Record<
  string,
  (client: CarelessTarget, bytes: SharedBytes, round: number) => Promise<void>
> = {
  /** Serves for a while, and then writes to every byte while it goes on serving. */
  async scribbles(client, bytes, round) {
    for (let served = 0; served < 200 && !client.gone; await turn()) served += client.serve()
    const stop = await bytes.scribble(round)
    while (!client.gone) {
      client.serve()
      client.socket.write(new Uint8Array(1))
      await turn()
    }
    await stop()
  },

  /** Serves, and sends what no bell would: bytes of any value, as many as the client takes. */
  async floods(client, _bytes, round) {
    const flood = randomBytes(generator(round), MANY)
    while (!client.gone) {
      client.serve()
      // Else what is not taken would be kept here.
      if (client.socket.writableLength < 2 * MANY) client.socket.write(flood)
      await turn()
    }
  },
}

const listener = native().listen({ path, ...listenOptions(resolvePortOptions({})) })
process.stdout.write('listening\n')
let over = false
createInterface(process.stdin).once('line', () => {
  over = true
})
for (let round = 1; !over; await turn()) {
  const pair = listener.accept()
  if (pair === null) continue
  const client = new CarelessTarget(pair)
  const bytes = SharedBytes.since(new Map())
  await deeds[deed]!(client, bytes, round++)
  bytes[Symbol.dispose]()
  client.leave()
}
listener.close()
process.stdin.destroy()
