/** A unit that does what its command says, by vendor specific operation codes; and the commands. */

import type { Command } from '#dist/index.js'
import type { Repetition } from '#dist/target/repetition.js'
import type { TaskSetOptions, Unit } from '#dist/target/unit.js'
import { type Answer, good } from '#dist/task/answer.js'
import type { Task } from '#dist/task/task.js'

const STATUS = 0xc0
const ECHO = 0xc1
const DESCRIBE = 0xc2
const HOLD = 0xc3
const RELEASE = 0xc4
const COUNT = 0xc5
const DIE = 0xc6

/** Blocks between those that two commands change: so many that the order of writes tells them apart. */
const FAR = 64

/** What DESCRIBE tells of itself. */
export interface Description {
  readonly cdb: readonly number[]
  readonly attribute: number
  readonly dataOutLength: number
  readonly dataInLength: number
}

/** What the task set of a narrow one takes. */
export const NARROW: TaskSetOptions = { maxTasks: 6, maxRunning: 1 }

/** See the commands. */
export class ScriptedUnit implements Unit {
  readonly maxTasks: number | undefined
  readonly maxRunning: number | undefined
  readonly #held = new Set<Task>()
  #seen = 0

  constructor(limits: TaskSetOptions = {}) {
    this.maxTasks = limits.maxTasks
    this.maxRunning = limits.maxRunning
  }

  repetition(cdb: Uint8Array): Repetition | undefined {
    if (cdb[0] === DIE) return cdb[1] === 0 ? 'free' : 'last'
    if (cdb[0] === HOLD && cdb[1] !== 0) return { lba: cdb[1]! * FAR, blocks: 1 }
    return cdb[0] === COUNT || cdb[0] === RELEASE ? 'free' : 'last'
  }

  execute(task: Task): void {
    const { cdb } = task
    if (cdb[0]! >= STATUS && cdb[0]! < RELEASE) this.#seen++
    if (cdb[0] === DIE) process.kill(process.pid, 'SIGKILL')
    else if (cdb[0] === HOLD) this.#hold(task)
    else task.answer(this.#answer(task))
  }

  #hold(task: Task): void {
    this.#held.add(task)
    task.onAbort = () => this.#held.delete(task)
  }

  #answer(task: Task): Answer {
    switch (task.cdb[0]) {
      case STATUS:
        return { status: task.cdb[1]!, sense: task.copyDataOut(252) }
      case ECHO:
        return good(task.copyDataOut(task.dataOutLength))
      case DESCRIBE:
        return good(Buffer.from(JSON.stringify(describe(task))))
      case RELEASE:
        for (const held of this.#held) {
          this.#held.delete(held)
          held.answer(good(new Uint8Array(held.dataInLength).fill(held.cdb[1]!)))
        }
        return good()
      case COUNT:
        return good(Uint8Array.of(this.#seen >> 8, this.#seen & 0xff))
      default:
        return good()
    }
  }
}

function describe(task: Task): Description {
  const { cdbLength, attribute, dataOutLength, dataInLength } = task
  return { cdb: [...task.cdb.subarray(0, cdbLength)], attribute, dataOutLength, dataInLength }
}

function cdb(opcode: number, byte = 0): Uint8Array {
  return Uint8Array.of(opcode, byte, 0, 0, 0, 0)
}

/** Ends with `status`, and with this sense data. */
export function withStatus(status: number, sense?: Uint8Array): Command {
  return { cdb: cdb(STATUS, status), ...(sense && { dataOut: sense }) }
}

/** Sends the data-out back as data-in. */
export function echo(dataOut: Uint8Array): Command {
  return { cdb: cdb(ECHO), dataOut, dataIn: dataOut.length }
}

/** Answers a `Description` in JSON. The CDB has `length` bytes, all but the first `fill`. */
export function describing(length: number, fill: number): Command {
  const long = new Uint8Array(length).fill(fill)
  long[0] = DESCRIBE
  return { cdb: long, dataIn: 4096 }
}

/** Is not answered before RELEASE; then with data-in of `fill` bytes. Each `fill` changes blocks of its own, and 0 may change anything. */
export function hold(fill = 0): Command {
  return { cdb: cdb(HOLD, fill) }
}

/** Answers all that are held, of any nexus. */
export function release(): Command {
  return { cdb: cdb(RELEASE) }
}

/** Two bytes, big-endian: how many STATUS, ECHO, DESCRIBE and HOLD came. */
export function count(): Command {
  return { cdb: cdb(COUNT), dataIn: 2 }
}

/** Ends the process of the target by SIGKILL; whether that may have changed something. */
export function die(changes: boolean): Command {
  return { cdb: cdb(DIE, changes ? 1 : 0) }
}
