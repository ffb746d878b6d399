/** The two ways to send commands, and what both check. */

import type { Command, Queue, Response } from '#dist/index.js'

export const DEPTH = 64

/** One kind of command, sent again and again. */
export interface Load {
  readonly cdb: Uint8Array
  /** Data-in bytes of each. */
  readonly dataBytes: number
  /** What each brings. */
  readonly dataOut?: Uint8Array
  /** Changes the CDB for the next command; what it returns is given to `check`. */
  prepare(cdb: Uint8Array): number
  /** Throws for what is not the right answer. */
  check(status: number, residual: number, data: Uint8Array, prepared: number): void
}

/** A unit's `execute()`, or a rival's. */
export type Execute = (command: Command) => Promise<Response>

/** Sends `count` commands, `depth` at a time, each awaited; resolves with the milliseconds that took. */
export async function promiseForm(
  execute: Execute,
  load: Load,
  count: number,
  depth = DEPTH,
): Promise<number> {
  let left = count
  let done = 0
  const lane = async (command: Command) => {
    while (left-- > 0) {
      const prepared = load.prepare(command.cdb)
      const { status, residual, data } = await execute(command)
      load.check(status, residual, data, prepared)
      done++
    }
  }
  const commands = Array.from({ length: depth }, () => commandOf(load))
  const started = performance.now()
  await Promise.all(commands.map(lane))
  const ms = performance.now() - started
  if (done !== count) throw new Error(`${done} of ${count} commands came back`)
  return ms
}

/** Each lane's own, with a buffer to read into, as who wants speed has it. */
function commandOf({ cdb, dataBytes, dataOut }: Load): Command {
  if (dataOut !== undefined) return { cdb: cdb.slice(), dataOut }
  return dataBytes > 0
    ? { cdb: cdb.slice(), dataIn: new Uint8Array(dataBytes) }
    : { cdb: cdb.slice() }
}

/** Sends `count` commands through a queue, as many at a time as it has slots; resolves with the milliseconds that took. */
export async function batchForm(queue: Queue, load: Load, count: number): Promise<number> {
  const { cdb, dataBytes } = load
  const { depth } = queue
  const prepared = new Float64Array(depth)
  for (let slot = 0; slot < depth; slot++) queue.cdb(queue.reserve()).set(cdb)
  for (let slot = 0; slot < depth; slot++) queue.cancel(slot)
  let unsent = count
  let under = 0
  let done = 0
  const send = () => {
    const slot = queue.reserve()
    prepared[slot] = load.prepare(queue.cdb(slot))
    queue.submit(slot, cdb.length, 0, dataBytes)
    unsent--
    under++
  }
  const started = performance.now()
  while (unsent > 0 && under < depth) send()
  while (under > 0) {
    await queue.drain((completion) => {
      const { slot } = completion
      load.check(completion.status, completion.residual, queue.data(slot), prepared[slot]!)
      completion.release()
      under--
      done++
      if (unsent > 0) send()
    })
  }
  const ms = performance.now() - started
  if (done !== count) throw new Error(`${done} of ${count} commands came back`)
  return ms
}
