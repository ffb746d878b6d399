/** What carries commands to logical units: a ring today, kernel nodes later. */

import type { Command, Response } from '../task/command.ts'
import type { FunctionRequest, FunctionResult } from '../task/function.ts'
import type { Queue, QueueOptions } from './queue.ts'

/** Something that happened to a command and that its caller does not see in its result. */
export interface TransportEvents {
  /** The nexus is gone. `reason` is undefined when this side closed it. */
  end: [reason: Error | undefined]
  /** A helper met a unit attention condition and sent its command again (SAM-5 5.14). */
  unitAttention: [lun: number, sense: Uint8Array]
  /** A helper met RECOVERED ERROR: current, it is success; deferred, the command was sent again. */
  recovered: [lun: number, sense: Uint8Array]
}

/** One way to a target's logical units. */
export interface Transport {
  /** Bytes that one command can move in one direction. */
  readonly maxTransferBytes: number
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
