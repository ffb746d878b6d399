/** A folder in which targets follow one another, and what a run knows of it: the history, the checker, what is left at the end. */

import { existsSync, mkdtempSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { SHARED_MEMORY, temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'
import { Checker, type Violation } from './checker.ts'
import type { RunEvent } from './event.ts'
import { History } from './history.ts'
import {
  filesIn,
  type Holdings,
  holdings,
  PATIENCE_MS,
  Peer,
  type Said,
  sharedNames,
} from './peer.ts'
import type { TargetConfig } from './target-main.ts'

/** What is served in each unit: room for eight clients. */
const UNIT_BYTES = 1 << 20
/** What a target of an orderly end leaves for the next one. */
const KEPT = [
  ...['disk', 'state/intent-0', 'state/lock', 'state/lun-0.memory'],
  ...['state/orders', 'state/units'],
]

/** How a run went. */
export interface Tally {
  /** Kill points at which a process was killed, one by one. */
  kill_points: number
  /** How many places in the source they are. */
  kill_places: number
  /** Processes that were killed, those included. */
  kills: number
  commands: number
  /** Commands of which their callers were told that nobody knows. */
  unknown: number
  lost: number
  doubled: number
  corrupt: number
  leaked: number
  /** Longest time from a target's end until a client went on, in milliseconds. */
  longest_stall_ms: number
}

/** What is told of a run that found a fault. */
export interface Found {
  readonly fault: string
  readonly history: readonly string[]
}

/** How a run goes that walks over no kill points. */
export function tallyOf({ checker, kills, longestStallMs }: Home): Tally {
  const { commands, unknown, faults } = checker
  const stall = Math.round(longestStallMs)
  const none = { kill_points: 0, kill_places: 0 }
  return { ...none, kills, commands, unknown, ...faults, longest_stall_ms: stall }
}

/** A run found a fault: the history is told already. */
export class Violated extends Error {
  constructor(violation: Violation) {
    super(`${violation.fault}: ${violation.what}`)
    this.name = 'Violated'
  }
}

export class Home {
  readonly folder: string
  readonly listen: string
  readonly checker: Checker
  kills = 0
  /** Those that are killed while they start. */
  readonly expected = new WeakSet<Peer>()
  longestStallMs = 0
  /** The target that serves now, or did last. */
  target: Peer | undefined
  /** The first fault, and what led to it. */
  violation: { readonly violation: Violation; readonly history: readonly string[] } | undefined
  readonly #history = new History()
  readonly #graceMs: number
  readonly #from: string | undefined
  readonly #shared = sharedNames()
  #baseline: Holdings | undefined

  /** @param from where the modules of its processes are; default: here */
  constructor(graceMs: number, from?: string) {
    this.folder = mkdtempSync(`${temporaryFolder(SHARED_MEMORY)}/home-`)
    this.listen = `${this.folder}/target.sock`
    this.#graceMs = graceMs
    this.#from = from
    this.checker = new Checker((violation) => {
      this.violation ??= { violation, history: this.#history.around(violation.event) }
    })
  }

  readonly see = (event: RunEvent): void => {
    this.#history.see(event)
    this.checker.see(event)
  }

  /** The first fault, if there is one. */
  get found(): { found?: Found } {
    if (this.violation === undefined) return {}
    const { violation, history } = this.violation
    return { found: { fault: `${violation.fault}: ${violation.what}`, history } }
  }

  /** Waits for what must come.
   *
   * @throws Violated if it does not
   */
  async within(what: string, look: () => boolean): Promise<void> {
    await until(what, look, PATIENCE_MS).catch(() => {
      this.checker.finish()
      this.see({ at: 'end', id: what, outcome: 'odd', why: 'it has no end' })
    })
    this.check()
  }

  /** A process that has ended should have done so in order. */
  endedWell(peer: Peer): void {
    const { end } = peer
    if (end?.code !== 0 || end.stderr !== '') this.#diedByItself(peer, 'process')
  }

  /** Notes what was done, for the history. */
  deed(what: string): void {
    this.see({ at: 'deed', what })
  }

  /** @throws Violated once there is a fault */
  check(): void {
    if (this.violation !== undefined) throw new Violated(this.violation.violation)
  }

  /** A process of this run. What a client says of its stalls is noted. */
  peer(module: string, config: object, killAt?: number, onSaid?: (said: Said) => void): Peer {
    return new Peer({
      module,
      config,
      killAt,
      onEvent: this.see,
      onSaid: (said) => {
        const { stalledMs } = said
        if (typeof stalledMs === 'number')
          this.longestStallMs = Math.max(this.longestStallMs, stalledMs)
        if ('unitFailed' in said) this.deed(`the target tells: ${said.unitFailed}`)
        onSaid?.(said)
      },
      ...(this.#from !== undefined && { from: this.#from }),
    })
  }

  /** The next target. It serves when the promise resolves, or has ended. */
  async start(killAt?: number): Promise<Peer> {
    const file = `${this.folder}/disk`
    const config: TargetConfig = {
      listen: this.listen,
      state: `${this.folder}/state`,
      graceMs: this.#graceMs,
      file,
      createFile: !existsSync(file),
      unitBytes: UNIT_BYTES,
    }
    const target = this.peer('./target-main.js', config, killAt)
    this.target = target
    this.deed(`target ${target.pid} starts${killAt === undefined ? '' : `, to die at ${killAt}`}`)
    const ready = await target.saying('ready')
    // Of the first one: no client has come yet.
    if (ready !== undefined) this.#baseline ??= holdings(target.pid)
    const surprise = ready === undefined && killAt === undefined && !this.expected.has(target)
    if (surprise) this.#diedByItself(target, 'target')
    return target
  }

  /** It ends in order, and says nothing of it. */
  async close(target: Peer): Promise<void> {
    this.deed(`target ${target.pid} is closed`)
    target.order('close')
    const end = await target.ended
    if (end.code !== 0 || end.stderr !== '') this.#diedByItself(target, 'target')
  }

  /**
   * Waits until a target has let go of a nexus since it had said so much, or has ended: what it had begun for that is over then. One that
   * the nexus had not come back to says nothing of it, and has begun nothing.
   */
  async letsGo(target: Peer, heard: number): Promise<void> {
    const gone = () =>
      target.end !== undefined || target.said.slice(heard).some((said) => 'closed' in said)
    await until('the end of a nexus', gone, this.#graceMs + LETS_GO_MS).catch(() => {})
  }

  /** A client that was told to end does so, with nothing to complain about. */
  async endsInTime(peer: Peer, what: string): Promise<void> {
    await until(`the end of ${what}`, () => peer.end !== undefined, PATIENCE_MS).catch(() => {
      this.checker.finish()
      this.see({ at: 'end', id: what, outcome: 'odd', why: 'does not end' })
    })
    const { end } = peer
    if (end !== undefined && (end.code !== 0 || end.stderr !== '')) this.#diedByItself(peer, what)
  }

  /** A process that was left in peace has ended. */
  diedByItself(peer: Peer, what: string): void {
    if (peer.end !== undefined) this.#diedByItself(peer, what)
  }

  /** Nothing of clients is left: not in the target, when it has none, and not in the folder when it is closed. */
  async leavesNothing(target: Peer): Promise<void> {
    await this.holdsNothing(target)
    // Of a client that left while a target died, the next one knows no better than to wait for it.
    const waitsForNobody = () => target.end !== undefined || this.#ledgers().length === 0
    await until('the end of the grace', waitsForNobody, PATIENCE_MS / 4).catch(() => {})
    await this.close(target)
    this.#keepsNothing()
  }

  /** Nothing of clients is left in a target that has none. */
  async holdsNothing(target: Peer): Promise<void> {
    const before = this.#baseline
    if (before === undefined) return
    let now = before
    const same = () => {
      if (target.end !== undefined) return true
      now = holdings(target.pid)
      // Threads come as they are needed, and stay.
      return isDeepStrictEqual({ ...now, threads: 0 }, { ...before, threads: 0 })
    }
    const home = await until('what a target holds', same, PATIENCE_MS / 4).catch(() => false)
    if (home === false) this.#leaked(`the target holds ${inWords(before, now)}`)
    if (now.threads > before.threads + IO_THREADS) this.#leaked(`${now.threads} threads`)
  }

  #ledgers(): string[] {
    return filesIn(this.folder).filter((name) => name.startsWith('state/ledgers/'))
  }

  #keepsNothing(): void {
    const files = filesIn(this.folder).filter((name) => !KEPT.includes(name))
    if (files.length > 0) this.#leaked(`files: ${files.join(', ')}`)
    const shared = sharedNames().filter((name) => !this.#shared.includes(name))
    if (shared.length > 0) this.#leaked(`shared memory: ${shared.join(', ')}`)
  }

  /** Waits, and looks whether there is a fault. */
  async rest(ms: number): Promise<void> {
    await pause(ms)
    this.check()
  }

  #leaked(what: string): void {
    this.see({ at: 'leaked', what })
  }

  #diedByItself(peer: Peer, what: string): void {
    const { code, signal, stderr } = peer.end ?? { code: null, signal: null, stderr: '' }
    const how = `${what} ${peer.pid} ended by itself: ${signal ?? code}, ${stderr.slice(-2000)}`
    this.see({ at: 'end', id: `process ${peer.pid}`, outcome: 'odd', why: how })
    this.deed(how)
  }
}

/** How long a target that is busy may take to see that a client has gone. */
const LETS_GO_MS = 3000
/** Those of the store's pool (`PortOptions.ioThreads`): they start with the first transfer. */
const IO_THREADS = 4

function inWords(before: Holdings, now: Holdings): string {
  return Object.entries(now)
    .filter(([name, count]) => count !== before[name as keyof Holdings])
    .map(([name, count]) => `${count} ${name}, not ${before[name as keyof Holdings]}`)
    .join(', ')
}
