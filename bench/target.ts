/**
 * The target's program: a disk in memory and a unit that answers nothing behind a ring, as shipped, and, where the case has that rival, a disk in memory behind
 * records on a socket. `node target.js JSON`; it says `ready` on a line, and ends with its input.
 */

import { type Handler, serve } from '#dist/index.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { BLOCK_BYTES, blocks } from './image.ts'
import { HeapBacking, serveNet } from './rivals/net/port.ts'

export interface TargetOptions {
  /** The ring's socket. */
  readonly ring: string
  /** The rival's socket. */
  readonly net?: string
  readonly imageBytes: number
}

/** Whose commands end by being aborted: at `HUNG_LUN`. */
const hang: Handler = () => new Promise(() => {})

const options = JSON.parse(process.argv[2] ?? '{}') as TargetOptions
const server = await serve({
  listen: options.ring,
  units: [{ memory: options.imageBytes }, { handler: hang }],
})
const net = options.net === undefined ? undefined : await serveNet(options.net, netTarget())
process.stdin.resume().once('end', async () => {
  await server.close()
  net?.close()
  process.exit()
})
process.stdout.write('ready\n')

/** With its image in place; the ring's is written by its initiator. */
function netTarget(): Target {
  const image = blocks(0, options.imageBytes / BLOCK_BYTES)
  return new Target([[0, new Disk({ backing: new HeapBacking(image) })]])
}
