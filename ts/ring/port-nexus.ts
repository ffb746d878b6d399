/** A nexus as a port serves it: its pairs, and what the target asks about their tasks. */

import { randomBytes } from 'node:crypto'
import type { ArrivalRecord } from '../native.ts'
import type { TargetNexus, Task, TaskRouter, TaskSource } from '../task/task.ts'
import { CommandRate } from './command-rate.ts'
import type { PortPair } from './port-pair.ts'
import type { RingTask } from './port-task.ts'

/** A nexus that is served. */
export interface NexusInfo {
  readonly id: number
  readonly uid: number
  readonly pid: number
  readonly pairs: number
  /** It may change nothing. */
  readonly readOnly: boolean
}

const TOKEN_BYTES = 16

export class PortNexus implements TaskSource {
  readonly uid: number
  readonly pid: number
  readonly readOnly: boolean
  /** How fast its commands are fetched, where there is a limit. */
  readonly rate: CommandRate | undefined
  /** Who knows it may join. */
  readonly token: Buffer
  readonly pairs: Set<PortPair> = new Set()
  /** Closed pairs with transfers that still run. */
  readonly lingering: Set<PortPair> = new Set()
  /** What the target keeps of it. */
  readonly state: TargetNexus
  /** The number of its next pair: none is used twice in a nexus. */
  pairCount = 0
  /** A pair of it was let in. */
  opened = false
  /** Of its pairs, for commands. */
  slots = 0
  arenaBytes = 0
  /** What its initiator did wrong. */
  reason: string | undefined = undefined

  /**
   * @param commandRate commands a second
   * @param token of a nexus that an earlier target had
   */
  constructor(
    router: TaskRouter,
    { uid, pid, readOnly }: Pick<ArrivalRecord, 'uid' | 'pid' | 'readOnly'>,
    commandRate: number,
    token: Buffer = randomBytes(TOKEN_BYTES),
  ) {
    this.token = token
    this.uid = uid
    this.pid = pid
    this.readOnly = readOnly
    const limited = commandRate < Number.MAX_SAFE_INTEGER
    this.rate = limited ? new CommandRate(commandRate, performance.now()) : undefined
    this.state = router.openNexus(this)
  }

  get info(): NexusInfo {
    const { uid, pid, readOnly } = this
    return { id: this.state.id, uid, pid, pairs: this.pairs.size, readOnly }
  }

  /** As of which change of the target's units it knows them, by what it was told there; undefined before its first pair. */
  get unitsAsOf(): number | undefined {
    return this.pairs.size === 0
      ? undefined
      : Math.max(...[...this.pairs].map(({ units }) => units))
  }

  fetch(): void {
    for (const pair of [...this.pairs]) pair.fetchPublished()
  }

  hold(task: Task): void {
    asRingTask(task).hold()
  }

  release(task: Task): void {
    asRingTask(task).release()
  }

  tasks(): Task[] {
    const none: Task[] = []
    // flatMap() takes many times as long for thousands, and each function asks.
    return none.concat(...[...this.pairs, ...this.lingering].map((pair) => pair.tasks()))
  }

  find(isOne: (task: Task) => boolean): Task | undefined {
    for (const pairs of [this.pairs, this.lingering]) {
      for (const pair of pairs) {
        const found = pair.find(isOne)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  named(tag: bigint): Task | undefined {
    const high = Number(tag >> 32n)
    for (const pairs of [this.pairs, this.lingering]) {
      for (const pair of pairs) {
        if (pair.ownTagHigh === high) return pair.named(Number(tag & 0xffff_ffffn))
      }
    }
    return undefined
  }

  flush(): void {
    for (const pair of this.pairs) pair.flush()
  }

  failed(task: Task, error: unknown): void {
    asRingTask(task).failed(error)
  }
}

/** Targets pass only what ports have passed. */
function asRingTask(task: Task): RingTask {
  return task as RingTask
}
