/** An I_T nexus over rings (SAM-5 4.7), as the initiator has it: this thread's pair of it. */

import { EventEmitter } from 'node:events'
import type { Transport, TransportEvents } from '../initiator/transport.ts'
import { LogicalUnit, type UnitOptions } from '../initiator/unit.ts'
import type { ReportedLuns } from '../scsi/report-luns.ts'
import { RingQueue } from './batch.ts'
import { type ConnectOptions, connectPair, type ForgedHello } from './connect.ts'
import { type PairStats, RingPair } from './pair.ts'

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
  const { pair, welcome, options: resolved, bell } = await connectPair(socket, options, forged)
  let events: EventEmitter<TransportEvents> | undefined
  const ring = new RingPair(pair, bell, welcome.pair, resolved, (reason) =>
    events?.emit('end', reason),
  )
  const token = Buffer.from(welcome.token).toString('base64url')
  const nexus = new Nexus(
    ring,
    welcome.nexus,
    welcome.pair,
    pair.peerPid,
    token,
    resolved.arenaBytes,
  )
  events = nexus.events
  return nexus
}

/** A nexus, seen from one thread. Each worker that wants to use it joins it with a pair of its own: `connect(socket, { join })`. */
export class Nexus {
  /** The target's number of it. */
  readonly id: number
  /** This pair's number in it. */
  readonly pair: number
  /** The process that serves it. */
  readonly targetPid: number
  /** What happens beside the results of commands. */
  readonly events: EventEmitter<TransportEvents> = new EventEmitter<TransportEvents>()
  /** Bytes that one command can move, both directions together. */
  readonly maxTransferBytes: number
  readonly #ring: RingPair
  readonly #transport: Transport
  readonly #token: string

  /** @internal Made by `connect`. */
  constructor(
    ring: RingPair,
    id: number,
    pair: number,
    targetPid: number,
    token: string,
    arenaBytes: number,
  ) {
    this.#ring = ring
    this.id = id
    this.pair = pair
    this.targetPid = targetPid
    this.#token = token
    // A transfer in pieces needs a table for each direction beside it.
    this.maxTransferBytes = Math.max(4096, arenaBytes - 2 * 4096)
    // Apart from this class, because what it takes is taken as checked.
    this.#transport = {
      maxTransferBytes: this.maxTransferBytes,
      execute: (lunWord, command) => ring.execute(lunWord, command),
      queue: (lunWord, options) => new RingQueue(ring, lunWord, options),
      emit: (event, ...args) => (this.events as EventEmitter).emit(event, ...args),
    }
  }

  /** The unit with this LUN, 0 to 16,383. Nothing is sent: a unit that is not there says so when it is asked. */
  unit(lun: number, options?: UnitOptions): LogicalUnit {
    return new LogicalUnit(this.#transport, lun, options)
  }

  /** REPORT LUNS (SPC-4 6.33). */
  reportLuns(): Promise<ReportedLuns> {
    return this.unit(0).reportLuns()
  }

  /** A token with which another thread of this user joins the nexus. It is a secret, and a string that can be posted to workers. */
  share(): string {
    return this.#token
  }

  /** Live numbers of this thread's pair. */
  get stats(): PairStats {
    return this.#ring.stats
  }

  /** Ends this thread's part of the nexus. What is under way rejects with `ERR_SGRING_NEXUS_LOST`. Idempotent. */
  async close(): Promise<void> {
    this.#ring.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
