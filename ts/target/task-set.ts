/**
 * The task set of a logical unit (SAM-5 8): which commands run, and which wait. One for all nexuses (TST 000b).
 *
 *     HEAD OF QUEUE   runs at once, and nothing else starts before it is over
 *     ORDERED         runs when everything older is over
 *     SIMPLE          runs when every older ORDERED one is over, and the unit takes one more
 *
 * Commands that arrive while none of that keeps anybody waiting are counted and no more. The others are noted, in waves: an ORDERED command
 * is one of its own, and the first wave runs (`waves.ts`).
 */

import { checkUint } from '../scsi/bytes.ts'
import { Opcode } from '../scsi/opcode.ts'
import { inDescriptorFormat } from '../scsi/sense-format.ts'
import type { Answer } from '../task/answer.ts'
import { Status, TaskAttribute } from '../task/command.ts'
import type { Task, TaskOwner } from '../task/task.ts'
import { asNexus } from './nexus.ts'
import { QueueError, type Unit, type UnitChanges } from './unit.ts'
import { Entry, Waves } from './waves.ts'
import { ORDER_WORDS, WriteOrder } from './write-order.ts'

/** As many as nobody has; still a small integer to the engine. */
const NO_LIMIT = 2 ** 30 - 1

/** What thousands of units at rest share. */
const NOBODY = new Map<Task, Entry>()

export class TaskSet implements TaskOwner {
  readonly lun: number
  readonly unit: Unit
  /** When the unit came to be what it is. */
  changes: UnitChanges = { device: 0, medium: 0 }
  /** Commands in the set. */
  count = 0
  /** Commands that were aborted in it, ever. */
  aborted = 0
  /** While `count` is below it, a SIMPLE command may start without being noted; 0 while any command waits, or makes others wait. */
  quietLimit: number
  #order: WriteOrder | undefined
  readonly #limit: number
  readonly #maxTasks: number
  readonly #maxRunning: number
  readonly #execute: (task: Task, set: TaskSet) => void
  readonly #failed: ((task: Task, set: TaskSet) => void) | undefined
  /** The commands that are noted. All others are in the first wave, and run. */
  #entries = NOBODY
  readonly #waves = new Waves()
  #dormant = 0
  #heads = 0
  /** Nothing starts while it is not 0. */
  #held = 0
  #starting = false

  /**
   * @param execute carries a command out once it may run
   * @param failed ends other commands, because this one has ended in CHECK CONDITION
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for limits of the unit outside their range
   */
  constructor(
    lun: number,
    unit: Unit,
    execute: (task: Task, set: TaskSet) => void,
    failed?: (task: Task, set: TaskSet) => void,
  ) {
    this.lun = lun
    this.unit = unit
    this.#execute = execute
    this.#failed = failed
    this.#maxTasks = checkUint('maxTasks', unit.maxTasks ?? NO_LIMIT, NO_LIMIT, 1)
    this.#maxRunning = checkUint('maxRunning', unit.maxRunning ?? NO_LIMIT, NO_LIMIT, 1)
    this.#limit = Math.min(this.#maxTasks, this.#maxRunning)
    this.quietLimit = this.#limit
  }

  /** What a command says is told in the format of D_SENSE; when it ends in CHECK CONDITION, others may end by QERR (SPC-4 7.5.8). */
  reported(task: Task, { status, sense }: Answer): Uint8Array | undefined {
    if (status === Status.CHECK_CONDITION && (this.unit.queueError ?? 0) !== QueueError.NONE) {
      // None of those that end starts instead of it.
      this.hold()
      this.watch(task, this.#failing)
    }
    return sense !== undefined && this.unit.descriptorSense === true
      ? inDescriptorFormat(sense)
      : sense
  }

  readonly #failing: TaskOwner = {
    ended: (task) => {
      this.#failed?.(task, this)
      this.release()
    },
  }

  /** The order in which commands have begun to change the unit. */
  get order(): WriteOrder {
    this.#order ??= new WriteOrder(new Float64Array(ORDER_WORDS), this.lun)
    return this.#order
  }

  /** Where it is kept beyond the death of the target. */
  set order(order: WriteOrder) {
    this.#order = order
  }

  /** Whether the unit, or what it stands on, was another as of this change. */
  wasAnother(asOf: number): boolean {
    return this.changes.device > asOf || this.changes.medium > asOf
  }

  /** Whether there is no room for this command, which is not in the set yet. */
  isFull(task: Task): boolean {
    return this.count >= this.#maxTasks && !runsAtOnce(task)
  }

  /** Takes a command in, and starts it if it may. Nobody else answers it before that. */
  enter(task: Task): void {
    task.owner = this
    const { attribute, ownTag } = task
    const atOnce = runsAtOnce(task)
    const simple = atOnce || attribute === TaskAttribute.SIMPLE
    if (simple && ownTag && this.count < this.quietLimit) {
      this.count += 1
      this.#begin(task)
      return
    }
    this.count += 1
    const head = !simple && attribute === TaskAttribute.HEAD_OF_QUEUE
    const dormant = !atOnce && !head
    this.#note(new Entry(task, this.#waves.joined(!simple && !head), dormant, head))
    if (!ownTag) asNexus(task.nexus).remember(this.lun, task)
    if (head) this.#heads += 1
    if (dormant) {
      this.#dormant += 1
      this.#start()
    } else {
      this.#settle()
      this.#begin(task)
    }
  }

  ended(task: Task): void {
    this.count -= 1
    if (this.#entries.size !== 0) this.#ended(task)
  }

  /** Has `watcher` told when a command that is in the set is over. */
  watch(task: Task, watcher: TaskOwner): void {
    const entry = this.#entry(task)
    entry.watchers ??= []
    entry.watchers.push(watcher)
  }

  /** Aborts a command that is in the set. False: it is aborted already. */
  abort(task: Task, status: number | undefined): boolean {
    const entry = this.#entry(task)
    if (entry.aborted) return false
    entry.aborted = true
    this.aborted += 1
    task.abort(status)
    return true
  }

  /** Starts nothing before `release`: what is aborted makes room for what is about to be. */
  hold(): void {
    this.#held += 1
  }

  release(): void {
    this.#held -= 1
    this.#start()
  }

  #ended(task: Task): void {
    const entry = this.#entries.get(task)
    if (entry !== undefined) {
      this.#entries.delete(task)
      const { wave } = entry
      wave.open -= 1
      if (!task.ownTag) asNexus(task.nexus).release(this.lun, task)
      if (entry.head) this.#heads -= 1
      if (entry.dormant) {
        this.#dormant -= 1
        wave.leave(entry)
      }
      if (wave.ordered) this.#waves.remove(wave)
    }
    this.#start()
    if (entry?.watchers !== undefined) for (const watcher of entry.watchers) watcher.ended(task)
  }

  /** What is noted of a command; one that was only counted runs in the first wave. */
  #entry(task: Task): Entry {
    const found = this.#entries.get(task)
    if (found !== undefined) return found
    const entry = new Entry(task, this.#waves.first, false, false)
    this.#note(entry)
    return entry
  }

  #note(entry: Entry): void {
    if (this.#entries === NOBODY) this.#entries = new Map()
    this.#entries.set(entry.task, entry)
  }

  /** Starts what may start. What a unit answers at once makes room for more, which the outermost call starts: the stack stays flat. */
  #start(): void {
    if (this.#starting) return
    this.#starting = true
    try {
      for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
        entry.wave.leave(entry)
        entry.dormant = false
        this.#dormant -= 1
        this.#beginLater(entry.task)
      }
    } finally {
      this.#starting = false
      this.#settle()
    }
  }

  #begin(task: Task): void {
    this.#execute(task, this)
  }

  /** Begins a command while another one ends, whose port must not hear what this one's unit throws. */
  #beginLater(task: Task): void {
    try {
      this.#execute(task, this)
    } catch (error) {
      asNexus(task.nexus).source.failed(task, error)
    }
  }

  /** The dormant command that may start now. */
  #next(): Entry | undefined {
    if (this.#held > 0 || this.#heads > 0 || this.count - this.#dormant >= this.#maxRunning) {
      return undefined
    }
    this.#advance()
    return this.#waves.first.first()
  }

  /** Lets waves go that are over; the last one stays, unless it is an ORDERED command's. */
  #advance(): void {
    const waves = this.#waves
    while (waves.first.open === 0 && this.count === this.#entries.size && !waves.quiet) {
      waves.advance()
    }
  }

  #settle(): void {
    this.#advance()
    const quiet = this.#dormant === 0 && this.#heads === 0 && this.#waves.quiet
    this.quietLimit = quiet ? this.#limit : 0
  }
}

/** INQUIRY and REQUEST SENSE run as if with HEAD OF QUEUE, whatever they ask for (SPC-4 6.6, 6.39), and nothing waits for them. */
function runsAtOnce(task: Task): boolean {
  return task.cdb[0] === Opcode.INQUIRY || task.cdb[0] === Opcode.REQUEST_SENSE
}
