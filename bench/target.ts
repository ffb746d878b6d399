/**
 * The target's program: a disk in memory and a unit that answers nothing behind a ring, as shipped, and, where the case has rivals, a disk in memory
 * behind records on a socket and behind messages from the parent process. `node target.js JSON`; it says `ready` on a line, and ends with its input.
 * Two lines come in pairs: `profile` begins a profile, and `profiled` ends it, whose answer is its spots as JSON.
 */

import type { Server } from 'node:net'
import { createInterface } from 'node:readline'
import { type Handler, serve } from '#dist/index.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { BLOCK_BYTES, blocks } from './image.ts'
import { itself, type Spent } from './profile.ts'
import { serveIpc } from './rivals/ipc/port.ts'
import { serveNet } from './rivals/net/port.ts'
import { HeapBacking } from './rivals/task.ts'

export interface TargetOptions {
  /** The ring's socket. */
  readonly ring: string
  /** The socket of the rivals that have a target. */
  readonly net?: string
  readonly imageBytes: number
  /** Disks, of which those but the first hold little; 1 if it does not say. */
  readonly disks?: number
  /** The folder of what outlives it, if anything does. */
  readonly state?: string
}

const SMALL_BYTES = 64 << 10

/** Whose commands end by being aborted: at `HUNG_LUN`. */
const hang: Handler = () => new Promise(() => {})

const options = JSON.parse(process.argv[2] ?? '{}') as TargetOptions
const server = await serve({
  listen: options.ring,
  ...(options.state !== undefined && { state: options.state }),
  units: [
    { memory: options.imageBytes },
    { handler: hang },
    ...Array.from({ length: (options.disks ?? 1) - 1 }, () => ({ memory: SMALL_BYTES })),
  ],
})
const net = options.net === undefined ? undefined : await serveRivals(options.net)
let profiled: (() => Promise<Spent>) | undefined
const input = createInterface({ input: process.stdin })
input.on('line', async (line) => {
  if (line === 'profile') {
    profiled = await itself.profile()
    process.stdout.write('profiling\n')
  } else if (line === 'profiled' && profiled !== undefined) {
    process.stdout.write(`${JSON.stringify(await profiled())}\n`)
  }
})
input.once('close', async () => {
  await server.close()
  net?.close()
  process.exit()
})
process.stdout.write('ready\n')

/** With their image in place; the ring's is written by its initiator. */
function serveRivals(path: string): Promise<Server> {
  const image = blocks(0, options.imageBytes / BLOCK_BYTES)
  const target = new Target([[0, new Disk({ backing: new HeapBacking(image) })]])
  serveIpc(target)
  return serveNet(path, target)
}
