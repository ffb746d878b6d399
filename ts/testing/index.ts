/** `sgring/testing`: a unit to test against. A real target and a real ring, inside the caller's process. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SgringError } from '../errors.ts'
import type { LogicalUnit } from '../initiator/unit.ts'
import type { ConnectOptions } from '../ring/connect.ts'
import { connect, type Nexus } from '../ring/nexus.ts'
import { type Server, serve } from '../serve.ts'
import type { Handler } from '../target/handler.ts'
import type { ServedUnit } from '../target/served-unit.ts'
import type { TaskSetOptions } from '../target/unit.ts'
import { type Fault, Faults } from './faults.ts'

export type { Fault, FaultKind, FaultSelection, Faults, ScriptedFault } from './faults.ts'

/** What is tested against, all optional. */
export interface TestUnitOptions extends TaskSetOptions {
  /** Blocks of the disk, which is memory. Default: 2048. */
  readonly blocks?: number
  /** Bytes in one of them. Default: 512. */
  readonly blockLength?: 512 | 4096
  /** What goes wrong; more can be added later, by `faults.add()`. */
  readonly faults?: readonly Fault[]
  /** Stands between the faults and the disk. */
  readonly handler?: Handler
  /** Further units, from LUN 1. */
  readonly units?: readonly ServedUnit[]
  /** How the nexus is made. */
  readonly connect?: ConnectOptions
}

/** A served disk, and a nexus to it. */
export interface TestUnit {
  /** The disk, LUN 0. */
  readonly unit: LogicalUnit
  readonly nexus: Nexus
  readonly server: Server
  readonly faults: Faults
  /** A nexus of its own, as another initiator has it. It is closed with the rest. */
  connect(options?: ConnectOptions): Promise<Nexus>
  /** Ends all of it, and leaves nothing behind. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves a disk in memory to this very process, with faults as they are scripted. Everything else is as it always is: a new nexus is
 * told of POWER ON by its first command, which helpers retry and `execute()` does not.
 *
 * @throws what `serve()` and `connect()` throw
 * @example
 * const test = await testUnit({ faults: [{ opcode: 0x28, answer: checkCondition(SenseKey.MEDIUM_ERROR, 0x1100) }] })
 * try {
 *   const first = read10({ lba: 0, blocks: 1, blockLength: 512 })
 *   await test.unit.run(first).catch((error) => console.log(error.message))
 *   console.log((await test.unit.run(first)).length)
 * } finally {
 *   await test.close()
 * }
 */
export async function testUnit(options: TestUnitOptions = {}): Promise<TestUnit> {
  const { blocks = 2048, blockLength = 512, handler, units = [] } = options
  const { maxTasks, maxRunning, taskAbortedStatus } = options
  if (handler !== undefined && typeof handler !== 'function') {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'handler is a function')
  }
  const faults = new Faults(options.faults)
  const limits = { maxTasks, maxRunning, taskAbortedStatus }
  const disk = { memory: blocks * blockLength, blockLength, ...limits }
  const folder = await mkdtemp(join(tmpdir(), 'sgring-test-'))
  const closing: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= inTurn(closing.reverse())
    return closed
  }
  try {
    const listen = join(folder, 'unit.sock')
    const server = await serve({
      listen,
      units: [{ ...disk, handler: over(faults.handler, handler) }, ...units],
    })
    closing.push(() => server.close())
    const open = async (more?: ConnectOptions) => {
      const nexus = await connect(listen, more)
      closing.push(() => nexus.close())
      return nexus
    }
    const nexus = await open(options.connect)
    const unit = nexus.unit(0)
    return { unit, nexus, server, faults, connect: open, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The handler whose `next()` is the other. */
function over(first: Handler, second: Handler | undefined): Handler {
  if (second === undefined) return first
  return (task, next) => first(task, async () => second(task, next))
}

/** Takes every step, whatever the others do. */
async function inTurn([step, ...further]: readonly (() => Promise<void>)[]): Promise<void> {
  if (step === undefined) return
  try {
    await step()
  } finally {
    await inTurn(further)
  }
}
