/** The thread that answers messages. */

import { parentPort } from 'node:worker_threads'
import { answer } from '../answer.ts'
import type { Answer, Request } from './client.ts'

const port = parentPort!
port.on('message', ({ tag, cdb }: Request) =>
  port.postMessage({ tag, status: answer(cdb[0]) } satisfies Answer),
)
