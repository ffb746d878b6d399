/** The thread of `SharedBytes.scribble()`: half of what it writes goes to the header, the queues and the slots. */

import { closeSync, openSync, writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { generator, randomBytes } from '../scsi/random.ts'

const HEAD = 16 << 10
const { at, length, seed, state } = workerData as {
  at: number
  length: number
  seed: number
  /** The order to stop, and how often something was written. */
  state: Int32Array
}
const next = generator(seed)
const memory = openSync('/proc/self/mem', 'r+')
while (Atomics.load(state, 0) === 0) {
  const bytes = randomBytes(next, 1 + (next() % 512))
  const room = (next() & 1) === 0 ? Math.min(HEAD, length) : length
  writeSync(memory, bytes, 0, bytes.length, at + (next() % (room - bytes.length)))
  Atomics.add(state, 1, 1)
}
closeSync(memory)
