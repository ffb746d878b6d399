/** An I_T nexus over rings (SAM-5 4.7), as the initiator has it: this thread's pair of it. */

import { EventEmitter } from 'node:events'
import type { Transport, TransportEvents } from '../initiator/transport.ts'
import { LogicalUnit, type UnitOptions } from '../initiator/unit.ts'
import type { ReportedLuns } from '../scsi/report-luns.ts'
import type { FunctionRequest, FunctionResult } from '../task/function.ts'
import { RingQueue } from './batch.ts'
import { Commands } from './commands.ts'
import { type ConnectOptions, connectPair, type ForgedHello } from './connect.ts'
import { Functions } from './functions.ts'
import { RingPair } from './pair.ts'
import { recover, recovers, recoveryOptions } from './recovery.ts'
import { type PairStats, pairStats } from './stats.ts'

/**
 * Connects to the target that serves `socket`.
 *
 * @throws `ERR_SGRING_NO_TARGET`, `_NOT_A_SOCKET`, `_PATH_TOO_LONG`, `_PEER_NOT_ALLOWED`, `_VERSION`, `_FEATURE`, `_LIMIT`, `_JOIN`,
 * `_HANDSHAKE`, `_TIMEOUT`, or `_CONNECT` for what else the system says; `signal.reason` if that was first. Nothing is left behind then.
 * @example
 * const nexus = await connect('/run/user/1000/disk.sock')
 * try {
 *   console.log(await nexus.unit(0).inquiry())
 * } finally {
 *   await nexus.close()
 * }
 */
export async function connect(socket: string, options: ConnectOptions = {}): Promise<Nexus> {
  return open(socket, options, {})
}

/** @internal With a hello that no target should take. */
export async function open(
  socket: string,
  options: ConnectOptions,
  forged: ForgedHello,
): Promise<Nexus> {
  const recovery = recoveryOptions(options.recovery)
  const connected = await connectPair(socket, options, forged)
  const { pair, welcome, options: resolved, bell } = connected
  let events: EventEmitter<TransportEvents> | undefined
  const ring = new RingPair(pair, bell, welcome.pair, resolved, (reason) =>
    events?.emit('end', reason),
  )
  if (recovers(welcome.features, recovery)) {
    const { token, pair: number } = welcome
    recover(ring, pair, { ...connected.where, token, pair: number }, recovery, {
      interrupted: (why) => events?.emit('interrupted', why),
      resumed: (stalledMs, resubmitted) => events?.emit('resumed', { stalledMs, resubmitted }),
    })
  } else {
    pair.keepForNobody()
  }
  const functions = new Functions(ring, resolved)
  const commands = new Commands(ring, functions, resolved, {
    ...(recovery.policy && { policy: recovery.policy }),
  })
  const token = Buffer.from(welcome.token).toString('hex')
  const nexus = new Nexus(commands, welcome.nexus, welcome.pair, token, resolved.arenaBytes)
  events = nexus.events
  return nexus
}

/** A task management function, and the unit that it is about. */
export interface NexusFunctionRequest extends FunctionRequest {
  /** Default: 0. */
  readonly lun?: number
}

/** A nexus, seen from one thread. Each worker that wants to use it joins it with a pair of its own: `connect(socket, { join })`. */
export class Nexus {
  /** The target's number of it. */
  readonly id: number
  /** This pair's number in it. */
  readonly pair: number
  /** What happens beside the results of commands. */
  readonly events: EventEmitter<TransportEvents> = new EventEmitter<TransportEvents>()
  /** Bytes that one command can move, both directions together. */
  readonly maxTransferBytes: number
  readonly #commands: Commands
  readonly #transport: Transport
  readonly #token: string

  /** @internal Made by `connect`. */
  constructor(commands: Commands, id: number, pair: number, token: string, arenaBytes: number) {
    this.#commands = commands
    this.id = id
    this.pair = pair
    this.#token = token
    // A transfer in pieces needs a table for each direction beside it.
    this.maxTransferBytes = Math.max(4096, arenaBytes - 2 * 4096)
    // Apart from this class, because what it takes is taken as checked.
    this.#transport = {
      maxTransferBytes: this.maxTransferBytes,
      execute: (lunWord, command) => commands.execute(lunWord, command),
      manage: (lunWord, request) => commands.functions.manage(lunWord, request),
      queue: (lunWord, options) =>
        new RingQueue(commands.pair, lunWord, options, undefined, commands.reruns),
      emit: (event, ...args) => (this.events as EventEmitter).emit(event, ...args),
    }
  }

  /** The unit with this LUN, 0 to 16,383, or a `WellKnownLun`. Nothing is sent: a unit that is not there says so when it is asked. */
  unit(lun: number, options?: UnitOptions): LogicalUnit {
    return new LogicalUnit(this.#transport, lun, options)
  }

  /** REPORT LUNS (SPC-4 6.33). */
  reportLuns(): Promise<ReportedLuns> {
    return this.unit(0).reportLuns()
  }

  /**
   * Asks the target for a task management function (SAM-5 clause 7), and resolves with its service response, whatever it is. See
   * `LogicalUnit.taskManagement`.
   *
   * @param request `lun` is the unit that it is about, 0 by default; I_T NEXUS RESET is about all of them
   */
  async taskManagement(request: NexusFunctionRequest): Promise<FunctionResult> {
    // What is none at all is the unit's to refuse.
    const { lun = 0, ...about }: NexusFunctionRequest = Object(request)
    return this.unit(lun).taskManagement(about)
  }

  /** A token with which another thread of this user joins the nexus. It is a secret, and a string that can be posted to workers. */
  share(): string {
    return this.#token
  }

  /** The process that serves it, or served it last. */
  get targetPid(): number {
    return this.#commands.pair.targetPid
  }

  /** Live numbers of this thread's pair. */
  get stats(): PairStats {
    return pairStats(this.#commands)
  }

  /** Ends this thread's part of the nexus. What is under way rejects with `ERR_SGRING_NEXUS_LOST`. Idempotent. */
  async close(): Promise<void> {
    this.#commands.pair.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
