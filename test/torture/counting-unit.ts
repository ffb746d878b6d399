/** A unit that tells of each command that it carries out, before it answers: by vendor specific operation codes. */

import type { Repetition } from '#dist/target/repetition.js'
import type { Unit } from '#dist/target/unit.js'
import { good } from '#dist/task/answer.js'
import type { Task } from '#dist/task/task.js'
import { type CommandName, idOf } from './client-config.ts'

const COUNT = 0xc0
const HOLD = 0xc1
/** Every so many commands are answered so much later than they are carried out: what dies between is known to have begun. */
const SLOW = 3
const SLOW_MS = 10
/** Places of a client's commands, as far apart as what the order of changes tells apart (`ts/target/write-order.ts`). */
const PLACES = 512
const PLACE_BLOCKS = 8
/** Of its answers. */
export const ANSWER_BYTES = 256

/** A command that is counted under this name. One to hold is not answered until it is aborted. */
export function countedCdb(name: CommandName, hold: boolean): Uint8Array {
  const cdb = new Uint8Array(16)
  const view = new DataView(cdb.buffer)
  view.setUint8(0, hold ? HOLD : COUNT)
  view.setUint8(1, name.client)
  view.setUint16(2, name.worker)
  view.setUint32(4, name.life)
  view.setUint32(8, name.command)
  return cdb
}

/** What it is answered: its name, again and again. */
export function answerOf(cdb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: ANSWER_BYTES }, (_, index) => cdb[index % 12]! ^ (index & 0xf0))
}

function nameIn(cdb: Uint8Array): CommandName {
  const view = new DataView(cdb.buffer, cdb.byteOffset)
  const [client, worker] = [view.getUint8(1), view.getUint16(2)]
  const [life, command] = [view.getUint32(4), view.getUint32(8)]
  return { client, life, worker, command }
}

export class CountingUnit implements Unit {
  readonly #executed: (id: string) => void

  /** @param executed told of each command, before it has an effect that anybody sees */
  constructor(executed: (id: string) => void) {
    this.#executed = executed
  }

  /** Each counts in a place of its own, so that no other one is in the way of its second time. */
  repetition(cdb: Uint8Array): Repetition | undefined {
    if (cdb[0] !== COUNT && cdb[0] !== HOLD) return undefined
    const { client, command } = nameIn(cdb)
    return { lba: (client * PLACES + (command % PLACES)) * PLACE_BLOCKS, blocks: 1 }
  }

  execute(task: Task): void {
    const cdb = task.cdb.slice(0, 16)
    const operation = cdb[0]
    if (operation !== COUNT && operation !== HOLD) {
      task.good()
      return
    }
    const name = nameIn(cdb)
    this.#executed(idOf(name))
    if (operation === HOLD) {
      task.onAbort = () => {}
    } else if (name.command % SLOW === 0) {
      const timer = setTimeout(() => task.answer(good(answerOf(cdb))), SLOW_MS)
      task.onAbort = () => clearTimeout(timer)
    } else {
      task.answer(good(answerOf(cdb)))
    }
  }
}
