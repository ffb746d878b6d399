/** What carries commands to logical units: a ring, or a node of the kernel's. */

import type { SgringError } from '../errors.ts'
import type { Command, Response } from '../task/command.ts'
import type { FunctionRequest, FunctionResult } from '../task/function.ts'
import type { Queue, QueueOptions } from './queue.ts'

/** Something that happened to a command and that its caller does not see in its result. */
export interface TransportEvents {
  /** The nexus is gone. `reason` is undefined when this side closed it. */
  end: [reason: Error | undefined]
  /** The target has ended, in these words. What is under way waits for the next one, as long as `recovery` allows. */
  interrupted: [why: string]
  /** Another target has followed it, and what was under way is submitted to that one. */
  resumed: [resumed: { readonly stalledMs: number; readonly resubmitted: number }]
  /** A kernel node was closed with this many commands in the kernel's hands: they go on, and nobody hears of their end. */
  leftBehind: [commands: number]
  /** A helper met a unit attention condition and sent its command again (SAM-5 5.14). */
  unitAttention: [lun: number, sense: Uint8Array]
  /** A helper met RECOVERED ERROR: current, it is success; deferred, the command was sent again. */
  recovered: [lun: number, sense: Uint8Array]
}

/** One way to a target's logical units. */
export interface Transport {
  /** Bytes that one command can move, both directions together. */
  readonly maxTransferBytes: number
  /** What a longer transfer is refused with. Default: `ERR_SGRING_ARENA_TOO_SMALL`. */
  tooLong?(bytes: number): SgringError
  /**
   * Sends one command, checked by `checkCommand`, and resolves with however it ended.
   *
   * @param lunWord the first four of the LUN's eight bytes, big-endian
   */
  execute(lunWord: number, command: Command): Promise<Response>
  /** Asks for a task management function, checked by `checkFunction`, and resolves with however it is answered. */
  manage(lunWord: number, request: FunctionRequest): Promise<FunctionResult>
  /** The batch form. */
  queue(lunWord: number, options: QueueOptions): Queue
  /** Tells what happened. */
  emit<K extends keyof TransportEvents>(event: K, ...args: TransportEvents[K]): boolean
}
