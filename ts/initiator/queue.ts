/** The batch form: the caller's own slots, its own bytes in place, and completions by the batch. */

/** How a queue is made. */
export interface QueueOptions {
  /** How many commands may be under way; each takes a slot of the nexus for as long as the queue is open. */
  readonly depth: number
  /** Bytes of data that each of them can move, in one direction. Default: 0. */
  readonly dataBytes?: number
  /** Overwrites a command's data when it is released, so that a view kept too long shows itself. Default: false. */
  readonly poison?: boolean
}

/**
 * A queue of commands to one unit. Slots are numbers from 0 to depth-1. It never waits by itself: `reserve()` says -1 when all are in use.
 *
 * @example
 * const queue = unit.queue({ depth: 64, dataBytes: 4096 })
 * for (let slot = queue.reserve(); slot >= 0; slot = queue.reserve()) {
 *   queue.cdb(slot).set(read10({ lba: slot * 8, blocks: 8, blockLength: 512 }).cdb)
 *   queue.submit(slot, 10, 0, 4096)
 * }
 * for await (const done of queue.completions()) {
 *   console.log(done.slot, done.status, done.data.length)
 *   done.release()
 * }
 */
export interface Queue {
  readonly depth: number
  /** A free slot, or -1. It is the caller's until it is released or cancelled. */
  reserve(): number
  /** Gives a reserved slot back unsent. */
  cancel(slot: number): void
  /** The slot's 32 bytes for a CDB: private memory, kept from one command of this slot to the next. */
  cdb(slot: number): Uint8Array
  /** The slot's `dataBytes` bytes in the arena: data-out before `submit`, data-in after its completion, and not to be touched between. */
  data(slot: number): Uint8Array
  /**
   * Lists the command for the next flush, which comes by itself when the running code yields.
   *
   * @param cdbLength 6 to 32
   * @param dataOutLength bytes of `data(slot)` that are sent; with data-out there is no data-in
   * @param dataInLength bytes of `data(slot)` that may be filled
   */
  submit(slot: number, cdbLength: number, dataOutLength: number, dataInLength: number): void
  /**
   * The task tag of the slot's command, from `submit` until the slot is released: for `taskManagement({ function: ABORT_TASK, tag })`,
   * after which its completion says `aborted`.
   */
  tag(slot: number): bigint
  /** Publishes what is listed, in one native call. */
  flush(): void
  /**
   * Completions as they come; it ends when nothing is under way and all completions were taken. One loop at a time.
   * Each is the caller's until `release()`.
   */
  completions(): AsyncIterableIterator<Completion>
  /**
   * Waits until at least one completion is there, then calls `take` for each that is, and resolves with their number; 0 if nothing is
   * under way. Rejects once the nexus is lost: completions that were not taken before are lost with it. `take` may reserve and submit. Cheaper than `completions()`, which makes a promise a command.
   */
  drain(take: (done: Completion) => void): Promise<number>
  /** Commands that are submitted and not completed. */
  readonly outstanding: number
  /** Waits until nothing is under way and gives the slots back. Completions not taken are dropped. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** The end of a command of a queue. The object belongs to its slot: it is valid until `release()`. */
export interface Completion {
  readonly slot: number
  /**
   * Whether the target carried the command out, and there is a status. `false` is one of three: the command was `aborted`, its outcome is
   * `unknown`, or the service response is SERVICE DELIVERY OR TARGET FAILURE (SAM-5 5.1), which `execute()` rejects with
   * `ERR_SGRING_DELIVERY`. There is no data then.
   */
  readonly delivered: boolean
  /** Whether a task management function ended it without a status, which `execute()` rejects with `ERR_SGRING_ABORTED`. */
  readonly aborted: boolean
  /** Whether a target had begun it and died: nobody knows what of it was done, and `execute()` rejects with `ERR_SGRING_OUTCOME_UNKNOWN`. */
  readonly unknown: boolean
  /** SCSI status (SAM-5 5.3.1); -1, which is none of them, for a command that was not delivered. */
  readonly status: number
  /** Data-in bytes that were asked for and did not come. */
  readonly residual: number
  /** Data-out bytes that were given and not taken. */
  readonly residualOut: number
  /** Sense data, copied; empty when there is none. */
  readonly sense: Uint8Array
  /**
   * On a kernel node: what the host adapter (`DID_…`), the kernel's driver (`DRIVER_…`) and, where no command was sent, the system call
   * (`errno`) say; undefined where all of them have nothing to say.
   */
  readonly transport?:
    | { readonly hostStatus: number; readonly driverStatus: number; readonly errno: number }
    | undefined
  /** The data-in that came, in place in the arena. */
  readonly data: Uint8Array
  /** Gives the slot back to `reserve()`; nothing once the queue is closed or its nexus lost. */
  release(): void
}
