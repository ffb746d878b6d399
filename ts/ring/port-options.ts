/** How rings are served: who may connect, and how much of this side each may have. */

import { SgringError } from '../errors.ts'
import type { ListenOptions } from '../native.ts'
import { inRange } from './options.ts'
import { SPIN_US } from './pump.ts'

/**
 * How rings are served, all optional.
 *
 * Who may connect is asked of the kernel (`SO_PEERCRED`, `SO_PEERGROUPS`, unix(7)), before a byte is read. A user's own entry counts more than
 * those of his groups, and one for reading more than one for everything: `readOnlyUids`, `allowedUids`, `readOnlyGids`, `allowedGids`.
 */
export interface PortOptions {
  /** Users that may connect. Default: this process's own. */
  readonly allowedUids?: readonly number[]
  /** Groups whose members may connect, whichever of theirs it is. Default: none. */
  readonly allowedGids?: readonly number[]
  /** Users that may connect, and change nothing: every unit is write protected for them. Default: none. */
  readonly readOnlyUids?: readonly number[]
  /** Groups whose members may, and change nothing. Default: none. */
  readonly readOnlyGids?: readonly number[]
  /** Permission bits of the socket. Default: 0o600, and 0o666 where somebody else than this process's user may connect: they decide nothing then. */
  readonly mode?: number
  /** Owner of the socket, for CAP_CHOWN to set (chown(2)). Default: this process's user. */
  readonly owner?: number
  /** Group of the socket. Default: this process's. */
  readonly group?: number
  /** Nexuses at a time. Default: 64. */
  readonly maxNexuses?: number
  /** Pairs at a time, of all nexuses. Default: 256. */
  readonly maxPairs?: number
  /** Nexuses of one user at a time. Default: half of `maxNexuses` where several users may connect, else all of them. */
  readonly maxUserNexuses?: number
  /** Pairs of one user at a time. Default: half of `maxPairs` where several users may connect, else all of them. */
  readonly maxUserPairs?: number
  /**
   * Connections a second of one user, and as many at once after a second without any; further ones are refused, for next to nothing.
   * 0 is no limit. Default: 1000.
   */
  readonly maxUserConnects?: number
  /** Pairs of one nexus. Default: as many as one user may have. */
  readonly maxNexusPairs?: number
  /** Slots of all pairs of one nexus: tasks that it can have outstanding. Each pair may have 32 more, for functions. Default: no limit but 4096 a pair. */
  readonly maxNexusSlots?: number
  /** Bytes of all arenas of one nexus. Default: no limit but that of each pair. */
  readonly maxNexusArenaBytes?: number
  /**
   * Commands and functions a second of one nexus, and a tenth of that, or a batch, at once. Beyond them its pairs are not looked at: what it
   * has published, functions too, waits there, in its own slots, and costs this side nothing. A function that is fetched brings in what it is
   * about, at once. Default: no limit.
   */
  readonly maxNexusCommandRate?: number
  /** Bytes of a pair's arena at most: pages of it that this side touches are memory of this side's. Default: 1 GiB. */
  readonly maxArenaBytes?: number
  /** How long an empty queue is watched before this side sleeps, in microseconds; 0 is off. Default: 100, and 0 where the process has one CPU. */
  readonly spinUs?: number
  /**
   * A folder of this user's alone, made if it is not there, in which the target keeps what outlives its death: clients then wait for the next
   * target at this socket, with the same folder, and go on with their commands. The bytes of disks in memory are there, too. Default: none, and
   * a nexus is lost with its target.
   */
  readonly state?: string
  /**
   * Milliseconds that a target waits, at most, for the pairs of the one before it, when that has died: nobody's commands are carried out
   * before they are all back. Only with `state`. Default: 5000.
   */
  readonly graceMs?: number
  /** Native threads that move bytes of files, devices, and of large transfers in memory: 1 to 256. Default: 4. */
  readonly ioThreads?: number
}

/** As they are served: what was left out has its default, except for what changes nothing then. */
export type ResolvedPortOptions = Required<Omit<PortOptions, Unset>> &
  Pick<PortOptions, Unset> & {
    /** Several users may connect, and none of them has all. */
    readonly several: boolean
  }

/** Options without a default. */
type Unset = 'owner' | 'group' | 'state'

const MAX_IO_THREADS = 256
const MOST = Number.MAX_SAFE_INTEGER
const UINT32 = 2 ** 32 - 1
const USER_CONNECTS = 1000

/** Connections that are being checked at a time. */
const MAX_PENDING = 64

/** @throws `ERR_SGRING_INVALID_ARGUMENT` with the option's name, for what is outside its range */
export function resolvePortOptions(options: PortOptions): ResolvedPortOptions {
  const allowedUids = numbers('allowedUids', options.allowedUids ?? [process.geteuid?.() ?? 0])
  const allowedGids = numbers('allowedGids', options.allowedGids)
  const readOnlyUids = numbers('readOnlyUids', options.readOnlyUids)
  const readOnlyGids = numbers('readOnlyGids', options.readOnlyGids)
  const uids = new Set([...allowedUids, ...readOnlyUids])
  const several = uids.size > 1 || allowedGids.length + readOnlyGids.length > 0
  const others = several || !uids.has(process.geteuid?.() ?? 0)
  const count = (name: keyof PortOptions, otherwise: number, least = 1, most = MOST) =>
    inRange(name, (options[name] as number | undefined) ?? otherwise, least, most)
  const share = (all: number) => (several ? Math.ceil(all / 2) : all)

  const maxNexuses = count('maxNexuses', 64)
  const maxPairs = count('maxPairs', 256)
  const maxUserPairs = count('maxUserPairs', share(maxPairs))
  const { owner, group, state } = options
  if (state !== undefined && (typeof state !== 'string' || state === '')) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'state is the path of a folder')
  }
  if (state === undefined && options.graceMs !== undefined) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'graceMs is for a server with state')
  }
  return {
    allowedUids,
    allowedGids,
    readOnlyUids,
    readOnlyGids,
    mode: count('mode', others ? 0o666 : 0o600, 0, 0o777),
    ...(owner !== undefined && { owner: inRange('owner', owner, 0, UINT32 - 1) }),
    ...(group !== undefined && { group: inRange('group', group, 0, UINT32 - 1) }),
    maxNexuses,
    maxPairs,
    maxUserNexuses: count('maxUserNexuses', share(maxNexuses)),
    maxUserPairs,
    maxUserConnects: count('maxUserConnects', USER_CONNECTS, 0, UINT32),
    maxNexusPairs: count('maxNexusPairs', maxUserPairs),
    maxNexusSlots: count('maxNexusSlots', MOST),
    maxNexusArenaBytes: count('maxNexusArenaBytes', MOST),
    maxNexusCommandRate: count('maxNexusCommandRate', MOST),
    maxArenaBytes: count('maxArenaBytes', 2 ** 30),
    spinUs: count('spinUs', SPIN_US, 0, 1_000_000),
    ...(state !== undefined && { state }),
    graceMs: count('graceMs', 5000, 0, 2 ** 31 - 1),
    ioThreads: count('ioThreads', 4, 1, MAX_IO_THREADS),
    several,
  }
}

/** What the listening thread knows of them. */
export function listenOptions(options: ResolvedPortOptions): Omit<ListenOptions, 'path'> {
  const { allowedUids, allowedGids, readOnlyUids, readOnlyGids } = options
  const { mode, owner, group, maxUserConnects, several } = options
  return {
    allowedUids: [...allowedUids],
    allowedGids: [...allowedGids],
    readOnlyUids: [...readOnlyUids],
    readOnlyGids: [...readOnlyGids],
    mode,
    ...(owner !== undefined && { owner }),
    ...(group !== undefined && { group }),
    maxPending: MAX_PENDING,
    maxPendingPerUid: several ? MAX_PENDING / 4 : MAX_PENDING,
    connectsPerSecond: maxUserConnects,
  }
}

function numbers(name: string, list: readonly number[] = []): number[] {
  if (!Array.isArray(list)) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `${name} is a list of numbers`)
  }
  return list.map((one) => inRange(`a number of ${name}`, one, 0, UINT32))
}
