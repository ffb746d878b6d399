/** A table of commands, by which they are found, and which REPORT SUPPORTED OPERATION CODES tells (SPC-4 6.35). */

import { getUint16, getUint32 } from '../scsi/bytes.ts'
import {
  encodeCommandSupport,
  encodeSupportedCommands,
  Support,
} from '../scsi/supported-opcodes.ts'
import { type Answer, good } from '../task/answer.ts'
import type { Task } from '../task/task.ts'
import type { DiskCore } from './disk-core.ts'
import type { Access } from './disk-state.ts'
import { invalidField, unknownOpcode } from './refusal.ts'

/** A command. */
export interface DiskCommand {
  readonly opcode: number
  /** Of an operation code that is several commands. */
  readonly action: number | undefined
  /** CDB USAGE DATA: ones for what of the CDB counts, besides operation code and service action. */
  readonly usage: Uint8Array
  readonly access: Access
  /** Changes blocks: not on a medium that is protected. */
  readonly writes: boolean
  readonly run: (core: DiskCore, task: Task) => void
}

/** Bits 4 to 0 of byte 1. */
const SERVICE_ACTION = 0x1f
const Reporting = { ALL: 0, OPCODE: 1, SERVICE_ACTION: 2, EITHER: 3 } as const
const RCTD = 0x80
const TRAITS = { durationLimitPage: 0, multipleUnits: 0 }
/** Nobody knows how long a backing takes: 0 is not reported. */
const UNKNOWN_TIMEOUTS = { commandSpecific: 0, nominal: 0, recommended: 0 }

export class CommandTable {
  readonly #commands: readonly DiskCommand[]
  /** An operation code without service actions is one command. */
  readonly #byOpcode = new Map<number, DiskCommand | ReadonlyMap<number, DiskCommand>>()

  constructor(commands: readonly DiskCommand[]) {
    this.#commands = commands
    for (const one of commands) {
      const { opcode, action } = one
      if (action === undefined) this.#byOpcode.set(opcode, one)
      else this.#byOpcode.set(opcode, new Map(this.#actions(opcode)).set(action, one))
    }
  }

  /** The command that a CDB asks for, or why there is none. */
  find(cdb: Uint8Array): DiskCommand | Answer {
    const found = this.#byOpcode.get(cdb[0]!)
    if (found === undefined) return unknownOpcode()
    if ('run' in found) return found
    return found.get(cdb[1]! & SERVICE_ACTION) ?? invalidField(1, 4)
  }

  /** REPORT SUPPORTED OPERATION CODES. */
  report(cdb: Uint8Array): Answer {
    const timeouts = (cdb[2]! & RCTD) !== 0 ? UNKNOWN_TIMEOUTS : undefined
    const reporting = cdb[2]! & 7
    if (reporting > Reporting.EITHER) return invalidField(2, 2)
    if (reporting !== Reporting.ALL) return this.#reportOne(cdb, reporting, timeouts)
    const all = this.#commands.map(({ opcode, action, usage }) => ({
      opcode,
      serviceAction: action,
      cdbLength: usage.length,
      ...TRAITS,
      timeouts,
    }))
    return cut(cdb, encodeSupportedCommands(all))
  }

  #reportOne(
    cdb: Uint8Array,
    reporting: number,
    timeouts: typeof UNKNOWN_TIMEOUTS | undefined,
  ): Answer {
    const found = this.#byOpcode.get(cdb[3]!)
    const hasActions = found !== undefined && !('run' in found)
    // Whether it has service actions is for the asker to know, except in the form that takes either.
    if (reporting === Reporting.OPCODE && hasActions) return invalidField(2, 2)
    if (reporting === Reporting.SERVICE_ACTION && found !== undefined && !hasActions) {
      return invalidField(2, 2)
    }
    const command = hasActions ? found.get(getUint16(cdb, 4)) : found
    const none = { ...TRAITS, support: Support.NONE, usage: new Uint8Array(0), timeouts: undefined }
    if (command === undefined || !('run' in command)) return cut(cdb, encodeCommandSupport(none))
    const { usage } = command
    return cut(cdb, encodeCommandSupport({ ...TRAITS, support: Support.STANDARD, usage, timeouts }))
  }

  #actions(opcode: number): Iterable<readonly [number, DiskCommand]> {
    const found = this.#byOpcode.get(opcode)
    return found === undefined || 'run' in found ? [] : found
  }
}

function cut(cdb: Uint8Array, data: Uint8Array): Answer {
  return good(data.subarray(0, getUint32(cdb, 6)))
}
