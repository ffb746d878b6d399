/** The ways through Node-API behind `execute()`: a plain call, a thread-safe function, and the pool. */

import type { Command, Response } from '#dist/index.js'
import { Outstanding, RivalResponse } from '../outstanding.ts'
import { type Answering, addon } from './addon.ts'

/** One call a command, which has been answered when it returns: there is no other thread, and so nothing to wait for. */
export class CallUnit {
  readonly #call = addon().caller()

  execute({ cdb }: Command): Promise<Response> {
    return Promise.resolve(new RivalResponse(this.#call(cdb)))
  }
}

/** One call a command, and one of a thread-safe function an answer. */
export class TsfnUnit {
  readonly #outstanding = new Outstanding()
  readonly #answering: Answering = new (addon().Answering)((word) =>
    this.#outstanding.end(word & 0xff_ffff, word >>> 24),
  )

  readonly #submit = this.#answering.submitter()

  execute({ cdb }: Command): Promise<Response> {
    return new Promise((resolve) => this.#submit(this.#outstanding.begin(resolve), cdb))
  }

  close(): void {
    this.#answering.close()
  }
}

/** One `napi_async_work` a command. */
export class WorkUnit {
  readonly #addon = addon()

  async execute({ cdb }: Command): Promise<Response> {
    return new RivalResponse(await this.#addon.work(cdb))
  }
}
