/** A unit whose commands end when the test says so, or as their CDB says. */

import assert from 'node:assert/strict'
import { lunWord } from '#dist/scsi/lun.js'
import { Target } from '#dist/target/target.js'
import type { Unit, UnitContext } from '#dist/target/unit.js'
import type { Task } from '#dist/task/task.js'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus } from './plain-nexus.ts'
import type { PlainCommand, PlainTask } from './plain-task.ts'

/** What becomes of a command at the unit, in byte 3 of its CDB. */
export const Kind = {
  /** It waits for `finish`. */
  KEPT: 0,
  /** It is answered before `execute` returns. */
  INSTANT: 1,
  /** It reads, and `PlainTask.endTransfer` ends that and the command. */
  TRANSFER: 2,
  /** The unit throws. */
  THROWING: 3,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

export const VENDOR = 0xc0

export class KeptUnit implements Unit {
  readonly maxTasks: number | undefined
  readonly maxRunning: number | undefined
  readonly taskAbortedStatus: boolean | undefined
  /** Commands that the unit was given and that are not over. */
  readonly running = new Set<Task>()
  /** Every command that was ever begun, in that order. */
  readonly started: Task[] = []
  context: UnitContext | undefined
  resets = 0
  readonly #backing = new PlainBacking(8)

  constructor(limits: Pick<Unit, 'maxTasks' | 'maxRunning' | 'taskAbortedStatus'> = {}) {
    this.maxTasks = limits.maxTasks
    this.maxRunning = limits.maxRunning
    this.taskAbortedStatus = limits.taskAbortedStatus
    this.#backing.slow = true
  }

  attach(context: UnitContext): void {
    this.context = context
  }

  reset(): void {
    assert.equal([...this.running].filter((task) => !moves(task)).length, 0, 'all is aborted')
    this.resets += 1
  }

  execute(task: Task): void {
    this.started.push(task)
    const kind = task.cdb[3]
    if (kind === Kind.INSTANT) {
      task.good()
    } else if (kind === Kind.THROWING) {
      throw new Error('as it was told')
    } else {
      this.running.add(task)
      task.onAbort = () => {
        assert.ok(this.running.delete(task), 'it was running')
      }
      if (kind === Kind.TRANSFER) task.read(this.#backing, 0, 8, (moved) => this.finish(moved))
    }
  }

  /** Answers a command that runs. */
  finish(task: Task): void {
    assert.ok(this.running.delete(task), 'it is running')
    task.good()
  }
}

function moves(task: Task): boolean {
  return (task as PlainTask).transferring
}

/** A vendor specific command, or one with another operation code. */
export function command(
  options: Omit<PlainCommand, 'cdb' | 'lun'> & { kind?: Kind; opcode?: number; at?: number } = {},
): PlainCommand {
  const { kind = Kind.KEPT, opcode = VENDOR, at = 0, ...more } = options
  return {
    cdb: Uint8Array.of(opcode, 0, 0, kind, 18, 0),
    lun: lunWord(at),
    dataInLength: 18,
    ...more,
  }
}

/** A target of such units, and nexuses whose first unit attention is over. */
export function served(
  units: readonly KeptUnit[],
  count: number,
): { target: Target; nexuses: PlainNexus[] } {
  const target = new Target(units.entries())
  const nexuses = Array.from({ length: count }, () => new PlainNexus(target))
  for (const nexus of nexuses) {
    for (const at of units.keys()) {
      assert.equal(nexus.send(command({ at, kind: Kind.INSTANT })).end, '6/29/00')
    }
  }
  return { target, nexuses }
}
