/** Messages to a worker thread: one `postMessage` a command, and one an answer. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Command, Response } from '#dist/index.js'
import { Outstanding } from '../outstanding.ts'

export interface Request {
  readonly tag: number
  readonly cdb: Uint8Array
}

export interface Answer {
  readonly tag: number
  readonly status: number
}

export class WorkerUnit {
  readonly #worker: Worker
  readonly #outstanding = new Outstanding()

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', ({ tag, status }: Answer) => this.#outstanding.end(tag, status))
  }

  static async start(): Promise<WorkerUnit> {
    const worker = new Worker(new URL('peer.js', import.meta.url))
    await once(worker, 'online')
    return new WorkerUnit(worker)
  }

  execute({ cdb }: Command): Promise<Response> {
    return new Promise((resolve) => {
      this.#worker.postMessage({ tag: this.#outstanding.begin(resolve), cdb } satisfies Request)
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
