/** Messages to a child process: one `send()` a command, and one an answer, in Node's default serialization, which is JSON. */

import type { ChildProcess } from 'node:child_process'
import type { Command, Response } from '#dist/index.js'
import { Outstanding } from '../outstanding.ts'

export interface Request {
  readonly tag: number
  readonly cdb: readonly number[]
}

export interface Answer {
  readonly tag: number
  readonly status: number
}

/** LUN 0 of a target behind the channel of its process, for commands without data. */
export class IpcUnit {
  readonly #child: ChildProcess
  readonly #outstanding = new Outstanding()

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message) => {
      const { tag, status } = message as Answer
      this.#outstanding.end(tag, status)
    })
  }

  execute({ cdb }: Command): Promise<Response> {
    return new Promise((resolve) => {
      const tag = this.#outstanding.begin(resolve)
      this.#child.send({ tag, cdb: Array.from(cdb) } satisfies Request)
    })
  }

  close(): void {
    this.#child.disconnect()
  }
}
