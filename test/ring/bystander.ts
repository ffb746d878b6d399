/** Who is no party to what a suite's tests do: a server, and a client of it, that go on with the data as they were. */

import assert from 'node:assert/strict'
import { connect, type Nexus, type Server } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import type { ServerProcess } from '../support/server.ts'

/** It is there from before the suite's first test until behind its last one. */
export class Bystander<S extends Server | ServerProcess> {
  #there: { readonly server: S; readonly nexus: Nexus } | undefined

  constructor(test: Suite, start: () => Promise<S>) {
    test.before(async () => {
      const server = await start()
      const nexus = await connect('socket' in server ? server.socket : server.listen)
      this.#there = { server, nexus }
    })
    test.after(async () => {
      await this.nexus.close()
      await this.server.close()
    })
  }

  get server(): S {
    return this.#began.server
  }

  get nexus(): Nexus {
    return this.#began.nexus
  }

  undisturbed(seed: number): Promise<void> {
    return undisturbed(this.nexus, seed)
  }

  get #began() {
    assert.ok(this.#there, 'its suite has begun')
    return this.#there
  }
}

/** A client's data are what they were, and it can go on. */
export async function undisturbed(nexus: Nexus, seed: number, blockLength = 512): Promise<void> {
  const data = pattern(64 << 10, seed)
  const blocks = data.length / blockLength
  await nexus.unit(0).write({ lba: 0, data })
  assert.ok(Buffer.from(await nexus.unit(0).read({ lba: 0, blocks })).equals(data))
}
