/** One command on the target's side, as a port brings it in: the same whatever carried it. */

import type { Answer } from './answer.ts'
import type { FunctionResult } from './function.ts'

/** Where a unit's bytes live; Rust moves them. `ts/target/backing.ts` opens one. */
export interface Backing {
  readonly kind: 'memory' | 'file'
  /**
   * Whether what is written stands in a cache that the system's end empties, and is on a medium once it is flushed. So it is with a file that
   * may be written; memory is its own medium.
   */
  readonly volatileCache: boolean
  /** Size in bytes. */
  readonly lengthBytes: number
  readonly readOnly: boolean
  /** What tasks have under way here. Whoever carries tasks out, a port, counts them. */
  readonly traffic: Traffic
  /** The native handle, which only a port knows how to use. */
  readonly native: unknown
  /** The room that it takes, where somebody knows. Rejects with an error of the system. */
  readonly usage?: () => Promise<BackingUsage>
}

/** The room that a backing takes. */
export interface BackingUsage {
  /** Bytes that it takes now. */
  readonly usedBytes: number
  /** Bytes that there are beside them, for it and for others. */
  readonly availableBytes: number
}

/**
 * The transfers and operations of tasks that a backing has under way: also those of tasks that were aborted meanwhile, whose bytes still
 * move. What goes on behind a task's answer (`Background`) is not among them.
 */
export class Traffic {
  #underWay = 0
  #waiting: (() => void)[] | undefined

  /** One is asked for. */
  begin(): void {
    this.#underWay++
  }

  /** One is over, and its task has been told: a command of several steps has begun its next by then. */
  end(): void {
    if (--this.#underWay > 0 || this.#waiting === undefined) return
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const then of waiting) then()
  }

  /** Calls `then` when none is left: at once, or at the end of the last one. It must not throw. */
  drained(then: () => void): void {
    if (this.#underWay === 0) then()
    else {
      this.#waiting ??= []
      this.#waiting.push(then)
    }
  }
}

/** How a transfer ended: 0, or the `errno` that the backing gave. */
export type TransferDone = (task: Task, errno: number) => void

/**
 * What a backing does besides reading and writing, for a range of its bytes.
 *
 *     verify           reads them from the medium, to nowhere
 *     load             reads them into the system's cache
 *     compare          with data-out, repeated where there is less of it; finds out how many bytes from the start are the same
 *     compareAndWrite  compares with the first half of data-out, which is twice as long, and writes the second half if all are the same, with
 *                      nothing between; finds out what `compare` does
 *     orWrite          sets the bits that are set in data-out
 *     fill             writes data-out as often as it takes, or zeros without any
 *     fillOrRelease    as `fill`; zeros take no room any more
 *     release          makes them zeros, which take no room any more where that can be
 *     extent           finds out how far the backing goes on as it begins at the offset: bytes times two, plus one where they take room
 */
export type BackingOperation =
  | 'verify'
  | 'load'
  | 'compare'
  | 'compareAndWrite'
  | 'orWrite'
  | 'fill'
  | 'fillOrRelease'
  | 'release'
  | 'extent'

/** A range of a backing, and what becomes of it. */
export interface BackingRange {
  /** Bytes. */
  readonly offset: number
  /** Bytes, less than 2^32. */
  readonly length: number
  /** Bytes of data-out, from its start, that it takes. Default: none. */
  readonly data?: number
  /** What is written is on the medium in the end. Default: false. */
  readonly fua?: boolean
}

/** How an operation ended: 0 and what it found out, or the `errno` that the backing gave. */
export type OperationDone = (task: Task, errno: number, value: number) => void

/** Operations that belong to no task: of a command that was answered before they are over. */
export interface Background {
  /** As `Task.operate`; what is filled with is copied. `done` is called later, and must not throw. */
  begin(
    backing: Backing,
    operation: 'verify' | 'fill' | 'fillOrRelease' | 'release' | 'flush',
    range: { readonly offset: number; readonly length: number; readonly data: Uint8Array },
    done: (errno: number) => void,
  ): void
}

/**
 * A task from when its port accepts it until it is over: a command, or a request for a task management function. The object is reused for
 * later tasks: nothing may be kept of it after the answer, nor after `onAbort`. A command is answered once, by exactly one of `good`,
 * `answer` and `moved`; before that its unit may make transfers, one after the other, each begun in the `done` of the one before. A
 * function is answered by `respond`.
 */
export interface Task {
  /** The I_T nexus it came on; what a target keeps for it. */
  readonly nexus: TargetNexus
  /** The logical unit number as the first four of its eight bytes, big-endian (SAM-5 4.7); 0xffff_ffff, which no unit has, if the other four are not 0. */
  readonly lun: number
  /** A command with a tag of its pair's own, attribute SIMPLE and no priority: with most commands this is all there is to ask. */
  readonly plain: boolean
  /** 0 for a command, else the task management function (`TaskFunction`, or a number that is none). */
  readonly function: number
  /** The CDB in a private copy of 260 bytes; what lies beyond `cdbLength` is stale. */
  readonly cdb: Uint8Array
  readonly cdbLength: number
  /** Task attribute (SAM-5 8.7). */
  readonly attribute: number
  /** Command priority (SAM-5 8.8): 1 is the highest, 15 the lowest, 0 none. */
  readonly priority: number
  /** The task tag. */
  readonly tag: bigint
  /** Whether it is one that the initiator's pair chose: those never meet those of another pair. */
  readonly ownTag: boolean
  /** Of a function: the tag of the command that it is about. */
  readonly managedTag: bigint
  /** Of a function: when it was sent, as its initiator says, in nanoseconds of the machine's monotonic clock. It orders those of a nexus. */
  readonly sentAt: number
  /** Bytes that the initiator sends, and bytes that it has room for. */
  readonly dataOutLength: number
  readonly dataInLength: number
  /** @internal What its target keeps of it beyond its own death; undefined where it keeps nothing. */
  readonly kept: KeptTask | undefined
  /** Who is told when the task is over: the target sets it, when it takes a command into a task set. */
  owner: TaskOwner | undefined
  /** Told that a command is aborted, before it is over; who keeps a command beyond `Unit.execute` sets it, and lets go of it here. */
  onAbort: (() => void) | undefined

  /** A private copy of the first `length` data-out bytes (fewer if there are fewer): the initiator cannot change it any more. */
  copyDataOut(length: number): Uint8Array
  /** GOOD without data-in: all that was offered stays as residual. */
  good(): void
  /** Any answer. Data beyond the initiator's room is cut, and the residual says so. */
  answer(answer: Answer): void
  /** Moves `length` bytes from `offset` of the backing into data-in, then calls `done` (possibly at once), which answers. */
  read(backing: Backing, offset: number, length: number, done: TransferDone): void
  /** Moves `length` bytes of data-out to `offset` of the backing; with `fua` they are on the medium when `done` is called. */
  write(backing: Backing, offset: number, length: number, fua: boolean, done: TransferDone): void
  /** Puts everything written so far on the medium. */
  flush(backing: Backing, done: TransferDone): void
  /** Has the backing do something else with a range, then calls `done`, which answers. */
  operate(
    backing: Backing,
    operation: BackingOperation,
    range: BackingRange,
    done: OperationDone,
  ): void
  /**
   * Says that the command is carried out elsewhere, as by a device: an abort then leaves the task in its task set until that is over, as during a transfer,
   * and no function is answered while the command may still act.
   *
   * @returns to be called once, when it is over: it calls `done`, which answers, unless the task was aborted meanwhile
   */
  elsewhere(done: () => void): () => void
  /** What goes on behind the answer: it may be kept beyond the task. */
  readonly background: Background
  /**
   * GOOD after a `read` or `write` for a command that asked for `length` bytes. More than the transfer moved leaves a negative residual
   * in its direction, less than the initiator offered a positive one; the other direction stays as residual whole.
   */
  moved(length: number): void

  /**
   * Ends a command without its unit: with `status`, or without a response if that is undefined. `onAbort` is called at once. The task is
   * over at once, too, unless a transfer is under way: then when that is, because until then its bytes move. Nothing for a task that is
   * answered, or aborted, already.
   */
  abort(status: number | undefined): void
  /** Answers a function. */
  respond(result: FunctionResult): void
}

/** A task of a target that keeps a ledger: what is to be known of it if the target dies. */
export interface KeptTask {
  /** An earlier target had the task; `started`: and may have carried it out, or some of it. */
  readonly resubmitted: boolean
  readonly started: boolean
  /** Its initiator wants it carried out again even so. */
  readonly rerun: boolean
  /** As of which change of the target's units it was sent, if it is resubmitted (`TaskRouter.units`). */
  readonly units: number
  /** Which change of its unit it was, by its earlier target; 0 if that had not begun it. */
  readonly sequence: number
  /**
   * It is about to change something: what is not marked before is carried out again after a death, as if nothing had happened.
   *
   * @param sequence which change of its unit it is
   */
  start(sequence: number): void
  /** Ends it unanswered: nobody knows what of it was done. `overtaken`: and it must not be done again. */
  unknown(overtaken: boolean): void
}

/** Who is told of a task's end. */
export interface TaskOwner {
  /** A command is answered with sense data: those that are reported. Called right before its end, which follows for certain. */
  reported?(task: Task, answer: Answer): Uint8Array | undefined
  /** The task is over: it was answered, aborted, or lost with its nexus. Called once a task, while its fields still stand. */
  ended(task: Task): void
}

/** What a target keeps of one I_T nexus (SAM-5 4.7). The target makes it, the port holds it. */
export interface TargetNexus {
  /** A number of this target's, never used twice. */
  readonly id: number
  /** Its initiator may change nothing: the target refuses what would, or may, at every unit. */
  readonly readOnly: boolean
}

/** What a target asks of the port about the tasks of one nexus. */
export interface TaskSource {
  /** Its initiator may change nothing. Default: false. */
  readonly readOnly?: boolean
  /** Brings in, and has executed, what the initiator has published so far on any pair of this nexus that nothing holds. */
  fetch(): void
  /** What came behind this function on its pair is not executed before `release`. */
  hold(task: Task): void
  /** What came behind it is executed, now or soon. */
  release(task: Task): void
  /** The commands that are accepted and not over, those that were aborted and whose transfer still runs among them. */
  tasks(): Task[]
  /** The first of them that is one of these. */
  find(isOne: (task: Task) => boolean): Task | undefined
  /** The one with this tag, if that is a pair's own. */
  named(tag: bigint): Task | undefined
  /** Publishes the ends of tasks that are over. */
  flush(): void
  /**
   * A unit threw this when it was called behind `execute`: to begin a command that had waited, which is answered as when `execute` throws, or
   * to carry out a function, which is left to the target. Never throws.
   */
  failed(task: Task, error: unknown): void
}

/** What a port needs of a target. */
export interface TaskRouter {
  /** A new nexus: it starts with a POWER ON unit attention on every unit. */
  openNexus(source: TaskSource): TargetNexus
  /** The number of the last change of its units, those of earlier targets among them: which unit stands where, and on what. */
  readonly units: number
  /** The nexus is one of an earlier target, whose tasks are as of this change: it is told of units that were others then. */
  returned(nexus: TargetNexus, asOf: number): void
  /** Whether the nexus, which knew the units as of this change, has been told of all that changed since: that is published then. */
  knowsUnits(nexus: TargetNexus, asOf: number): boolean
  /** The nexus is gone, with everything kept for it. Its tasks were abandoned, and are over. */
  closeNexus(nexus: TargetNexus): void
  /** The port is being closed: no command that waits is begun any more. */
  stop(): void
  /** The pair that these came on is gone: aborts each. None of them is begun any more. */
  abandon(tasks: readonly Task[]): void
  /** Takes the task and answers it, now or later. What it throws is answered HARDWARE ERROR, INTERNAL TARGET FAILURE. */
  execute(task: Task): void
}
