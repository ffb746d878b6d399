/** The port of messages to a child process: to the same device server as the ring's, in the same process. */

import type { TargetNexus, TaskRouter } from '#dist/task/task.js'
import { type Carrier, NO_TASKS, RivalTask } from '../task.ts'
import type { Answer, Request } from './client.ts'

/** Serves this process's channel. */
export function serveIpc(router: TaskRouter): void {
  const channel = new Channel(router)
  process.on('message', (request) => channel.execute(request as Request))
}

class Channel implements Carrier {
  readonly nexus: TargetNexus
  readonly #router: TaskRouter
  readonly #task: RivalTask

  constructor(router: TaskRouter) {
    this.nexus = router.openNexus(NO_TASKS)
    this.#router = router
    this.#task = new RivalTask(this)
  }

  execute({ tag, cdb }: Request): void {
    this.#task.begin(tag, 0, 0, cdb, 0, cdb.length)
    this.#router.execute(this.#task)
  }

  gather(): void {
    throw new Error('this rival carries no data')
  }

  respond(tag: number, status: number): void {
    process.send!({ tag, status } satisfies Answer)
  }
}
