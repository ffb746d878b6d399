/** What a target keeps of an I_T nexus (SAM-5 4.7). */

import type { TargetNexus, Task, TaskSource } from '../task/task.ts'
import { Attentions } from './attention.ts'
import type { FunctionRun } from './function-run.ts'
import type { TaskSet } from './task-set.ts'

/** One nexus. What it keeps for a unit is made when the unit is first addressed: thousands of units cost nothing until then. */
export class Nexus implements TargetNexus {
  readonly id: number
  readonly readOnly: boolean
  readonly source: TaskSource
  /** Changed by `establish` and the like, so that no quiet command passes a unit attention by. */
  readonly attentions: Attentions = new Attentions()
  /** The unit that was addressed last, if no unit attention stands between it and its next command: the one that needs no look-up. */
  quietSet: TaskSet | undefined = undefined
  /** The first four LUN bytes that named it. */
  quietWord = 0
  /** The LUN at which there was something to tell when that was last asked of all. */
  untoldLun = 0
  /** Functions that wait for their turn, the first of which may be having it. */
  readonly functions: FunctionRun[] = []
  /** Whether somebody sees to it that they have it. */
  managing = false
  closed = false
  /** Commands in task sets whose tags the caller chose: only those can meet one another. By LUN and tag. */
  readonly #named = new Map<bigint, Task>()

  constructor(id: number, source: TaskSource) {
    this.id = id
    this.source = source
    this.readOnly = source.readOnly ?? false
  }

  /** A unit attention condition comes up at one unit. */
  establish(lun: number, code: number): void {
    this.attentions.establish(lun, code)
    this.quietSet = undefined
  }

  /** One is told of a unit that the nexus had with an earlier target. */
  establishBehind(lun: number, code: number): void {
    this.attentions.establishBehind(lun, code)
    this.quietSet = undefined
  }

  /** A unit attention condition comes up at every unit. */
  establishEverywhere(code: number): void {
    this.attentions.establishEverywhere(code)
    this.quietSet = undefined
  }

  /** There is no unit at this LUN any more. */
  forget(lun: number): void {
    this.attentions.forget(lun)
    this.quietSet = undefined
  }

  /** The command with this tag of a caller's choice at this LUN. */
  named(lun: number, tag: bigint): Task | undefined {
    return this.#named.size === 0 ? undefined : this.#named.get(name(lun, tag))
  }

  /** A command with a tag of a caller's choice enters a task set. */
  remember(lun: number, task: Task): void {
    this.#named.set(name(lun, task.tag), task)
  }

  /** It is over. */
  release(lun: number, task: Task): void {
    this.#named.delete(name(lun, task.tag))
  }

  close(): void {
    this.closed = true
    this.quietSet = undefined
    this.functions.length = 0
  }
}

function name(lun: number, tag: bigint): bigint {
  return (BigInt(lun) << 64n) | tag
}

/** Ports pass only what `openNexus` made. */
export function asNexus(nexus: TargetNexus): Nexus {
  return nexus as Nexus
}
