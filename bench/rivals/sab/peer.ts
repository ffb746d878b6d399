/** The thread that answers what comes through a ring: as many as there are at a time. */

import { workerData } from 'node:worker_threads'
import { answer } from '../answer.ts'
import {
  ANSWER_WORDS,
  CLIENT,
  MOST,
  PEER,
  REQUEST_WORDS,
  ring,
  type Shared,
  wake,
} from './queue.ts'

/** As long as the ring's sides do it. */
const SPIN_MS = 0.1

const shared = workerData as Shared
const requests = ring(shared.requests)
const answers = ring(shared.answers)
const sleeping = new Int32Array(shared.sleeping)
const came = new Uint32Array(MOST * REQUEST_WORDS)
const bytes = new Uint8Array(came.buffer)
const answered = new Uint32Array(MOST * ANSWER_WORDS)

let foundLast = performance.now()
for (;;) {
  const words = requests.pop(came)
  if (words > 0) {
    reply(words / REQUEST_WORDS)
    foundLast = performance.now()
  } else if (performance.now() - foundLast > SPIN_MS) {
    Atomics.store(sleeping, PEER, 1)
    if (requests.available_read() === 0) Atomics.wait(sleeping, PEER, 1)
    Atomics.store(sleeping, PEER, 0)
    foundLast = performance.now()
  }
}

function reply(count: number): void {
  for (let index = 0; index < count; index++) {
    const at = index * REQUEST_WORDS
    answered[index * ANSWER_WORDS] = came[at]!
    answered[index * ANSWER_WORDS + 1] = answer(bytes[4 * (at + 2)])
  }
  answers.push(answered, count * ANSWER_WORDS)
  wake(sleeping, CLIENT)
}
