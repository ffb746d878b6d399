/** Where a side's time goes: V8's sampling profiler, or a native program's own (`crates/profile`), and what is kept of what it says. */

import type { Profiler } from 'node:inspector'

/** A function's own time, without that of what it calls; what JavaScript calls in native code stands by itself, under the name of who calls it. */
export interface Spot {
  readonly name: string
  /**
   * File and line: of the function, such as `ring/pair.js:291`, or in a native one where most of its time goes, such as
   * `crates/task/src/queues.rs:105`. Empty for what V8, Node and system libraries do themselves.
   */
  readonly place: string
  /** Of the time that was not idle; 1 is all of it. */
  readonly share: number
}

/** What a side did with its time. */
export interface Spent {
  /** How often the profiler looked and it was not idle. */
  readonly samples: number
  /** Of all the time; 1 is all of it. */
  readonly idle: number
  /** The functions that take the most, the first the most of all. */
  readonly top: readonly Spot[]
}

/** Where the time goes of one side of a contestant. */
export interface SideProfile extends Spent {
  readonly side: 'initiator' | 'target'
}

/** A process that can be looked into. */
export interface Profiled {
  /** Begins, and resolves with what ends it. */
  profile(): Promise<() => Promise<Spent>>
}

/** Why a contestant cannot be looked into, as the report says it. */
export class Unprofilable extends Error {}

/** As the report says why there is no profile: an error that nobody foresaw is none of its sentences. */
export function whyNot(error: unknown): string {
  if (error instanceof Unprofilable) return error.message
  return `taking it failed (${error instanceof Error ? error.message : error})`
}

/** The checkout's, as modules name it. */
const ROOT = new URL('../../', import.meta.url).href

/** This process; rejects where Node was built without its inspector. */
export const itself: Profiled = {
  async profile() {
    const { Session } = await import('node:inspector/promises')
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
    await session.post('Profiler.start')
    return async () => {
      const { profile } = await session.post('Profiler.stop')
      session.disconnect()
      return spentOf(profile, ROOT)
    }
  },
}

type Node = Profiler.ProfileNode

/** A tenth of V8's own, so that a second says more than a per cent or two. */
const INTERVAL_US = 100
const MOST = 12
const IDLE = '(idle)'

/**
 * Of V8's profile: each function once, however it was called.
 *
 * @param root URL of the folder that places are told from; of files elsewhere no more than the name is told
 */
export function spentOf({ nodes }: Pick<Profiler.Profile, 'nodes'>, root: string): Spent {
  const parents = new Map(nodes.flatMap((node) => node.children?.map((id) => [id, node]) ?? []))
  const spots = new Map<string, Seen>()
  let [all, idle] = [0, 0]
  for (const node of nodes) {
    const samples = node.hitCount ?? 0
    if (samples === 0) continue
    if (node.callFrame.functionName === IDLE) {
      idle += samples
      continue
    }
    all += samples
    const { name, place } = spotOf(node, parents, root)
    const key = `${name} ${place}`
    spots.set(key, { name, place, samples: samples + (spots.get(key)?.samples ?? 0) })
  }
  return { samples: all, idle: part(idle, all + idle), top: topOf([...spots.values()], all) }
}

/** A function's samples. */
interface Seen extends Omit<Spot, 'share'> {
  readonly samples: number
}

function topOf(seen: readonly Seen[], all: number): Spot[] {
  const most = seen.toSorted((a, b) => b.samples - a.samples).slice(0, MOST)
  return most.map(({ name, place, samples }) => ({ name, place, share: part(samples, all) }))
}

/** What a native program says of its sides. */
interface NativeSide {
  readonly side: SideProfile['side']
  /** Processor time of its threads, and how long these were looked at. */
  readonly cpuNs: number
  readonly wallNs: number
  readonly functions: readonly Seen[]
}

/** Of a native program's profile, a line of JSON. */
export function sidesOf(line: string): SideProfile[] {
  return (JSON.parse(line) as NativeSide[]).map(({ side, cpuNs, wallNs, functions }) => {
    const samples = functions.reduce((sum, { samples }) => sum + samples, 0)
    const idle = part(Math.max(0, wallNs - cpuNs), wallNs)
    return { side, samples, idle, top: topOf(functions, samples) }
  })
}

function part(samples: number, all: number): number {
  return all === 0 ? 0 : Number((samples / all).toFixed(4))
}

/**
 * Native code is told by who calls it: V8 takes the functions of all add-ons for one, for Node-API has one entry for them, and names it after
 * any of them.
 */
function spotOf(node: Node, parents: ReadonlyMap<number, Node>, root: string): Omit<Spot, 'share'> {
  const { functionName, url, lineNumber } = node.callFrame
  if (url !== '') {
    const name = functionName === '' ? '(anonymous)' : functionName
    return { name, place: `${fileOf(url, root)}:${lineNumber + 1}` }
  }
  // What V8 and Node do themselves, and the root of all.
  if (functionName.startsWith('(')) return { name: functionName, place: '' }
  let caller = parents.get(node.id)
  while (caller !== undefined && caller.callFrame.url === '') caller = parents.get(caller.id)
  if (caller === undefined) return { name: NATIVE, place: '' }
  const { name, place } = spotOf(caller, parents, root)
  return { name: `${name}: ${NATIVE}`, place }
}

const NATIVE = 'native code'

/** Without the folder that it is compiled into. */
function fileOf(url: string, root: string): string {
  if (url.startsWith('node:')) return url
  if (url.startsWith(root)) return url.slice(root.length).replace(/^(?:dist|build)\//, '')
  return url.slice(url.lastIndexOf('/') + 1)
}
