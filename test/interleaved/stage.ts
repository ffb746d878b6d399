/** A real port and real rings in one process, whose event loop is the test's. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { native } from '#dist/native.js'
import { Commands } from '#dist/ring/commands.js'
import { Functions } from '#dist/ring/functions.js'
import { FUNCTION_SLOTS, type PairOptions, RingPair } from '#dist/ring/pair.js'
import { type PortEvents, RingPort } from '#dist/ring/port.js'
import { openBacking } from '#dist/target/backing.js'
import type { TaskRouter } from '#dist/task/task.js'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { Cast } from './cast.ts'
import { type HandBell, HandLoop } from './hand-loop.ts'
import { newestTraffic, type Traffic, underWay, watchTraffic } from './traffic.ts'

const WELCOME_BYTES = 64
/** Joins no nexus. */
const ALONE = new Uint8Array(16)

/** How long a deadline is: two ticks of the wheel. */
export const ABORT_TIMEOUT_MS = 100
const TICK_MS = 100

/** An initiator's end of a pair, and the target's end of it. */
export interface Initiator {
  /** The side's name in the loop; the target's pump for it is `targetSide`. */
  readonly side: string
  readonly targetSide: string
  /** With it another pair joins its nexus. */
  readonly token: Uint8Array
  readonly commands: Commands
  readonly bell: HandBell
  readonly targetBell: HandBell
  readonly traffic: Traffic
  /** Why the pair ended, if it was not closed by this side. */
  readonly ends: (Error | undefined)[]
}

/** What all orders of all scenarios share: the port with its socket and thread, and a file. */
export class Stage {
  readonly loop = new HandLoop()
  /** What the backing's file begins with. */
  readonly data: Uint8Array = pattern(4096, 1)
  readonly backing: ReturnType<typeof openBacking>
  /** What units threw, and what peers were accused of. */
  readonly troubles: string[] = []
  readonly #path: string
  readonly #port: RingPort
  readonly #bells: HandBell[] = []
  #router: TaskRouter | undefined
  #cast: Cast | undefined
  #key = ''

  constructor() {
    const folder = temporaryFolder()
    this.#path = join(folder, 'target.sock')
    const file = join(folder, 'image')
    writeFileSync(file, this.data)
    watchTraffic()
    this.backing = openBacking({ file })
    const router = (): TaskRouter => this.#router!
    const events = new EventEmitter<PortEvents>()
    events.on('unitFailed', (error) => this.troubles.push(`a unit threw ${error}`))
    events.on('nexusClosed', (_, reason) => {
      if (reason !== undefined) this.troubles.push(`the target says: ${reason}`)
    })
    this.#port = new RingPort(
      this.#path,
      {
        openNexus: (source) => router().openNexus(source),
        closeNexus: (nexus) => router().closeNexus(nexus),
        units: 0,
        returned: () => {},
        knowsUnits: () => true,
        stop: () => router().stop(),
        abandon: (tasks) => router().abandon(tasks),
        execute: (task) => router().execute(task),
      },
      // One thread: transfers end in the order in which they began. A fast machine connects as often as it likes.
      { spinUs: 0, ioThreads: 1, maxUserConnects: 0 },
      events,
      (fd, bellEvents) => {
        const bell = this.loop.watch(fd, bellEvents)
        this.#bells.push(bell)
        return bell
      },
    )
  }

  /** A scene begins, with the cast of the last one if that left nothing behind and had the same options. */
  enter(pairs: number, options: Partial<PairOptions>): Cast {
    this.loop.use()
    const key = JSON.stringify([pairs, options])
    if (this.#cast === undefined || this.#key !== key) {
      this.#dismiss()
      this.#key = key
      this.#cast = new Cast(this, pairs, options)
    }
    return this.#cast
  }

  /** It is over. */
  exit(leftNothing: boolean): void {
    if (!leftNothing) this.#dismiss()
    this.loop.leave()
  }

  /** Who is the target from now on. */
  serve(router: TaskRouter): void {
    this.#router = router
  }

  #dismiss(): void {
    if (this.#cast === undefined) return
    const { pairs, other } = this.#cast
    this.#cast = undefined
    for (const initiator of [...pairs, other]) this.#leave(initiator)
    this.loop.forget()
    this.troubles.length = 0
    assert.equal(this.#port.stats.nexuses, 0, 'no nexus is left')
  }

  /** Nothing has a deadline any more: the timer stops when it sees that. */
  expectNoDeadline(side: string): void {
    if (this.loop.hasTimer(side)) this.loop.pass(side, TICK_MS)
    assert.ok(!this.loop.hasTimer(side), `${side} waits for nothing`)
  }

  /** Tasks that the port still has. */
  get tasks(): number {
    return this.#port.stats.tasks
  }

  /** Transfers that a thread has, or whose end was not told. */
  get transfers(): number {
    return underWay()
  }

  /** A pair, of a nexus of its own or of one that there is. */
  connect(side: string, options: Partial<PairOptions>, join: Uint8Array = ALONE): Initiator {
    const resolved: PairOptions = {
      slots: 4,
      arenaBytes: 64 << 10,
      arenaKeepBytes: 64 << 10,
      maxWaiting: 16,
      spinUs: 0,
      abortTimeoutMs: ABORT_TIMEOUT_MS,
      resetUnanswered: false,
      ...options,
    }
    const pair = native().connectPair({
      path: this.#path,
      slots: resolved.slots + FUNCTION_SLOTS,
      arenaBytes: resolved.arenaBytes,
      allowedUids: [process.geteuid?.() ?? 0],
      token: join,
    })
    const fd = pair.takeSocket()
    const { pair: number, token, refusal } = native().decodeWelcome(this.#welcome(fd))
    assert.equal(refusal, '', 'the port lets it in')
    const traffic = newestTraffic()
    const targetBell = this.#bells.at(-1)!
    traffic.countInitiator(pair)
    const ends: (Error | undefined)[] = []
    let bell: HandBell | undefined
    const ring = new RingPair(
      pair,
      (events) => {
        bell = this.loop.watch(fd, events)
        return bell
      },
      number,
      resolved,
      (reason) => ends.push(reason),
    )
    const commands = new Commands(ring, new Functions(ring, resolved), resolved)
    const targetSide = `the target, for ${side}`
    return { side, targetSide, token, commands, bell: bell!, targetBell, traffic, ends }
  }

  /** What the listening thread lets in is welcomed; what else its bell tells is nobody's. */
  #welcome(fd: number): Uint8Array {
    const bytes = new Uint8Array(WELCOME_BYTES)
    const listener = this.#bells[1]!
    for (let length = 0; length < WELCOME_BYTES; ) {
      this.loop.as('the target', () => listener.look())
      try {
        const count = readSync(fd, bytes, length, WELCOME_BYTES - length, null)
        assert.ok(count > 0, 'the port hangs up')
        length += count
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      }
    }
    return bytes
  }

  // ---- what happens

  /** The threads are waited for, and every report is told. */
  endTransfers(): void {
    const pool = this.#bells[0]!
    while (this.transfers > 0) this.loop.as('the target', () => pool.look())
  }

  /** The target's pump looks at the pair. */
  targetLooks({ targetSide, targetBell }: Initiator): void {
    this.#look(targetSide, targetBell)
  }

  /** The initiator's pump looks at it. */
  initiatorLooks({ side, bell }: Initiator): void {
    this.#look(side, bell)
  }

  /** Time goes by until whatever the initiator has waited for up to now has not come in time. */
  expire({ side }: Initiator): void {
    for (let ticks = 0; ticks <= ABORT_TIMEOUT_MS; ticks += TICK_MS) this.loop.pass(side, TICK_MS)
  }

  /** Pumps that are awake with nothing to see look, and sleep. */
  rest(initiator: Initiator): void {
    const { side, targetSide, traffic } = initiator
    while (traffic.untaken === 0 && this.loop.awaitsTurn(side)) this.loop.turn(side)
    while (traffic.unfetched === 0 && this.loop.awaitsTurn(targetSide)) this.loop.turn(targetSide)
  }

  /** Leaves, and takes the target's memory of it along. */
  #leave(initiator: Initiator): void {
    this.loop.as(initiator.side, () => initiator.commands.pair.close())
    while (!initiator.targetBell.ended) {
      this.loop.as(initiator.targetSide, () => initiator.targetBell.look())
    }
    this.endTransfers()
  }

  #look(side: string, bell: HandBell): void {
    if (this.loop.awaitsTurn(side)) this.loop.turn(side)
    else this.loop.as(side, () => bell.look())
  }
}
