/** What an initiator sends and what comes back: the same on every transport. */

/** Task attributes (SAM-5 8.7), by the values that SAM-5's service request carries. */
export const TaskAttribute = { SIMPLE: 0, ORDERED: 1, HEAD_OF_QUEUE: 2, ACA: 4 } as const
export type TaskAttribute = (typeof TaskAttribute)[keyof typeof TaskAttribute]

/** SCSI statuses (SAM-5 5.3.1). */
export const Status = {
  GOOD: 0x00,
  CHECK_CONDITION: 0x02,
  CONDITION_MET: 0x04,
  BUSY: 0x08,
  RESERVATION_CONFLICT: 0x18,
  TASK_SET_FULL: 0x28,
  ACA_ACTIVE: 0x30,
  TASK_ABORTED: 0x40,
} as const
export type Status = (typeof Status)[keyof typeof Status]

/** One SCSI command. The buffers are read or written only until the promise of `execute()` settles. */
export interface Command {
  /** The command descriptor block, 6 to 260 bytes (SPC-5 4.2). Copied before `execute()` returns. */
  readonly cdb: Uint8Array
  /** Bytes for the device. Copied before the command leaves; do not change them until the promise settles. */
  readonly dataOut?: Uint8Array
  /** Bytes wanted from the device: how many at most, or a buffer of the caller's that they are copied into. */
  readonly dataIn?: number | Uint8Array
  /** Hand the data-in over in place instead of copying it: worth it from about 16 KiB. See `Response.release`. */
  readonly lease?: boolean
  /** The task tag: 0 to 2^63-1 (the upper half is the pairs' own), unique among the outstanding commands of this pair. Default: the pair chooses. */
  readonly tag?: number | bigint
  /** Default: SIMPLE. */
  readonly attribute?: TaskAttribute
  /** Command priority of a SIMPLE command (SAM-5 8.8): 1 is the highest, 15 the lowest; 0, the default, is none. */
  readonly priority?: number
  /**
   * Milliseconds until the command is aborted, as by `signal`, with `ERR_SGRING_TIMEOUT` for a reason; 0 is never. Default: 60,000.
   */
  readonly timeoutMs?: number
  /**
   * Aborts the command. Aborted before the call, or while the command waits for a slot: nothing is sent, and it rejects with
   * `signal.reason`. Later an ABORT TASK is sent: when the target confirms it, the command rejects with `signal.reason`; when the command was
   * faster, it resolves with its result; when neither comes within the nexus's `abortTimeoutMs`, it rejects with
   * `ERR_SGRING_ABORT_UNANSWERED`, and its slot and bytes stay quarantined.
   */
  readonly signal?: AbortSignal
  /** `'detach'` rejects at once with the reason of the abort, and lets the library see to the rest. Default: `'wait'`. */
  readonly onAbort?: 'wait' | 'detach'
}

/** How a command ended. `execute()` resolves with any status; the typed helpers throw on what is not success. */
export interface Response {
  /** SCSI status byte (SAM-5 5.3.1). */
  readonly status: number
  /** Sense data as it came, at most 252 bytes; empty when there is none. */
  readonly sense: Uint8Array
  /** Data-in, cut to the bytes that came. The caller's own buffer if the command named one. */
  readonly data: Uint8Array
  /** Data-in bytes asked for and not come; negative when the device had more (`sg_io_v4.din_resid`). */
  readonly residual: number
  /** Data-out bytes given and not taken (`sg_io_v4.dout_resid`). */
  readonly residualOut: number
  /**
   * On a kernel node: what the host adapter (`DID_…`) and the kernel's driver (`DRIVER_…`) say beside the device's status; undefined where both have
   * nothing to say.
   */
  readonly transport?: { readonly hostStatus: number; readonly driverStatus: number } | undefined
  /**
   * Gives leased data back: `data` then has length 0. Idempotent. Without a lease it does nothing.
   * A lease that is never released keeps its arena space until the nexus closes.
   */
  release(): void
  [Symbol.dispose](): void
}
