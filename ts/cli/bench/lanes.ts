/** Both forms of the library behind one face, that of the batch form: lanes with a CDB and bytes of their own, and completions by the batch. */

import { TransportError } from '../../errors.ts'
import type { Completion, Queue } from '../../initiator/queue.ts'
import type { HelperOptions, LogicalUnit } from '../../initiator/unit.ts'
import type { Job } from './job.ts'

/** The end of a command, valid until it is released. */
export interface LaneCompletion extends Omit<Completion, 'delivered' | 'aborted'> {
  readonly delivered: boolean
  readonly aborted: boolean
  /** What `execute()` rejected with. */
  readonly error?: Error
}

/** See `Queue`. */
export interface Lanes extends Pick<Queue, 'reserve' | 'cdb' | 'data' | 'submit'> {
  drain(take: (done: LaneCompletion) => void): Promise<number>
}

/** As many lanes as the job has commands under way. Closing their unit closes them. */
export function lanesOf(
  { form, depth, sizeBytes }: Job,
  unit: LogicalUnit,
  options: HelperOptions,
): Lanes {
  return form === 'batch'
    ? unit.queue({ depth, dataBytes: sizeBytes })
    : new PromiseLanes(unit, options, depth, sizeBytes)
}

const CDB_BYTES = 32
const NO_STATUS = -1
const NO_SENSE = new Uint8Array(0)

interface Lane {
  readonly cdb: Uint8Array
  readonly data: Uint8Array
}

/** Commands by `execute()`: a promise each, and data of this process's own that are copied to the arena and back. */
class PromiseLanes implements Lanes {
  readonly #unit: LogicalUnit
  readonly #options: HelperOptions
  readonly #lanes: readonly Lane[]
  readonly #free: number[] = []
  #ready: LaneCompletion[] = []
  #outstanding = 0
  #lost: TransportError | undefined
  #wake: () => void = () => {}

  constructor(unit: LogicalUnit, options: HelperOptions, depth: number, sizeBytes: number) {
    this.#unit = unit
    this.#options = options
    this.#lanes = Array.from({ length: depth }, () => ({
      cdb: new Uint8Array(CDB_BYTES),
      data: new Uint8Array(sizeBytes),
    }))
    for (let lane = depth - 1; lane >= 0; lane--) this.#free.push(lane)
  }

  reserve(): number {
    return this.#free.pop() ?? -1
  }

  cdb(lane: number): Uint8Array {
    return this.#lanes[lane]!.cdb
  }

  data(lane: number): Uint8Array {
    return this.#lanes[lane]!.data
  }

  submit(lane: number, cdbLength: number, outLength: number, inLength: number): void {
    const { cdb, data } = this.#lanes[lane]!
    const command = {
      ...this.#options,
      cdb: cdb.subarray(0, cdbLength),
      ...(outLength > 0 && { dataOut: data }),
      ...(inLength > 0 && { dataIn: data }),
    }
    this.#outstanding++
    this.#unit.execute(command).then(
      (response) => {
        const { status, sense, residual, residualOut, data } = response
        this.#ended(lane, { status, sense, residual, residualOut, data })
      },
      (error) => {
        if (error instanceof TransportError && error.code === 'ERR_SGRING_NEXUS_LOST') {
          this.#lost = error
        }
        this.#ended(lane, { error })
      },
    )
  }

  async drain(take: (done: LaneCompletion) => void): Promise<number> {
    if (this.#ready.length === 0) {
      if (this.#outstanding === 0) return 0
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#lost !== undefined) throw this.#lost
    const ready = this.#ready
    this.#ready = []
    for (const done of ready) take(done)
    return ready.length
  }

  #ended(lane: number, end: Partial<LaneCompletion>): void {
    this.#outstanding--
    this.#ready.push({
      slot: lane,
      delivered: end.error === undefined,
      aborted: false,
      unknown: false,
      status: NO_STATUS,
      residual: 0,
      residualOut: 0,
      sense: NO_SENSE,
      data: NO_SENSE,
      release: () => this.#free.push(lane),
      ...end,
    })
    this.#wake()
  }
}
