/**
 * The random mode: a target and some clients, one of them with a worker, to whom happens what the seed decides. The decisions are the same for
 * a seed; when each takes effect is the scheduler's.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { BLOCKS_A_CLIENT, type ClientConfig } from './client-config.ts'
import { Dice } from './dice.ts'
import { type Found, Home, type Tally, tallyOf, Violated } from './home.ts'
import type { Peer } from './peer.ts'

/** Long enough for a client that was stopped, and short for one that was killed. */
const GRACE_MS = 2000
/** A run in which nothing ends for so long has lost something. */
const STANDSTILL_MS = 60_000

const QUIETLY = { stdio: 'ignore' } as const

export interface RandomOptions {
  readonly seed: number
  readonly ms: number
  readonly clients: number
  /** Where the modules of the processes are. Default: here. */
  readonly from?: string
  onProgress?(tally: Readonly<Tally>): void
}

/** Runs for so long. */
export async function random(options: RandomOptions): Promise<Tally & { found?: Found }> {
  const run = new RandomRun(options)
  return run.run()
}

class RandomRun {
  readonly #options: RandomOptions
  readonly #home: Home
  readonly #dice: Dice
  readonly #clients: Client[]
  readonly #squeezes = spawnSync('prlimit', ['--version']).status === 0
  #moved = { commands: 0, at: performance.now() }

  constructor(options: RandomOptions) {
    this.#options = options
    this.#home = new Home(GRACE_MS, options.from)
    this.#dice = new Dice(options.seed)
    this.#clients = Array.from(
      { length: options.clients },
      (_, number) => new Client(this.#home, number, options.seed),
    )
  }

  async run(): Promise<Tally & { found?: Found }> {
    const home = this.#home
    try {
      await home.start()
      for (const client of this.#clients) client.start()
      const end = performance.now() + this.#options.ms
      while (performance.now() < end) {
        await home.rest(this.#dice.between(20, 250))
        await this.#deed()
        this.#lookAround()
        this.#options.onProgress?.(tallyOf(home))
      }
      await this.#end()
    } catch (error) {
      if (!(error instanceof Violated)) throw error
    } finally {
      for (const { peer } of this.#clients) await peer?.kill()
      await home.target?.kill()
    }
    return { ...tallyOf(home), ...home.found }
  }

  async #deed(): Promise<void> {
    const dice = this.#dice
    const client = this.#clients[dice.below(this.#clients.length)]!
    await dice.pick<() => Promise<void>>([
      [30, () => this.#killTarget(dice.below(4) === 0 ? dice.below(150) : 0)],
      [6, () => this.#killTwice(dice.below(120))],
      [10, () => this.#stop(this.#target, dice.between(10, 600))],
      [12, () => this.#restart()],
      [10, () => client.kill(this.#target)],
      [10, () => this.#stop(client.peer, dice.between(10, 600))],
      [8, () => client.sleep(dice.between(10, 400))],
      [8, () => client.endWorker()],
      [6, () => this.#squeeze(dice.below(2) === 0, dice.between(10, 300))],
    ])()
  }

  get #target(): Peer {
    const { target } = this.#home
    if (target === undefined) throw new Error('there is no target')
    return target
  }

  async #killTarget(pauseMs: number): Promise<void> {
    const home = this.#home
    home.deed(`target ${this.#target.pid} is killed`)
    await this.#target.kill()
    home.kills++
    await pause(pauseMs)
    await home.start()
  }

  /** The one that follows is killed while it starts, or takes its clients in. */
  async #killTwice(afterMs: number): Promise<void> {
    const home = this.#home
    home.deed(`target ${this.#target.pid} is killed`)
    await this.#target.kill()
    home.kills++
    const starting = home.start()
    const next = this.#target
    await pause(afterMs)
    home.expected.add(next)
    home.deed(`target ${next.pid} is killed after ${afterMs} ms`)
    await next.kill()
    home.kills++
    await starting
    await home.start()
  }

  /** Another one takes over, as after an update. */
  async #restart(): Promise<void> {
    await this.#home.close(this.#target)
    await this.#home.start()
  }

  async #stop(peer: Peer | undefined, ms: number): Promise<void> {
    if (peer === undefined) return
    this.#home.deed(`process ${peer.pid} is stopped for ${ms} ms`)
    peer.signal('SIGSTOP')
    await pause(ms)
    peer.signal('SIGCONT')
  }

  /** The target may have no more descriptors, or write no byte more, for a while. */
  async #squeeze(descriptors: boolean, ms: number): Promise<void> {
    if (!this.#squeezes) return
    const { pid } = this.#target
    const limit = descriptors ? '--nofile=16:' : '--fsize=4096:'
    this.#home.deed(`target ${pid} has ${limit} for ${ms} ms`)
    try {
      execFileSync('prlimit', [`--pid=${pid}`, limit], QUIETLY)
      await pause(ms)
      const wide = descriptors ? '--nofile=1024:' : '--fsize=unlimited:'
      execFileSync('prlimit', [`--pid=${pid}`, wide], QUIETLY)
    } catch {
      // One that has ended by it is told of by whoever looks around.
    }
  }

  #lookAround(): void {
    const home = this.#home
    for (const { peer, number } of this.#clients) {
      if (peer !== undefined) home.diedByItself(peer, `client ${number}`)
    }
    home.diedByItself(this.#target, 'target')
    const { commands } = home.checker
    const now = performance.now()
    if (commands !== this.#moved.commands) this.#moved = { commands, at: now }
    if (now > this.#moved.at + STANDSTILL_MS) home.checker.finish()
    home.check()
  }

  /** All clients end what they have under way, and then nothing is left of them. */
  async #end(): Promise<void> {
    const home = this.#home
    home.deed('all clients are to end')
    for (const client of this.#clients) await client.stop()
    home.checker.finish()
    home.check()
    await home.leavesNothing(this.#target)
    home.check()
  }
}

/** The processes that are a client, one after the other. */
class Client {
  readonly number: number
  peer: Peer | undefined
  readonly #home: Home
  readonly #seed: number
  #life = 0

  constructor(home: Home, number: number, seed: number) {
    this.#home = home
    this.number = number
    this.#seed = seed
  }

  start(): void {
    this.#life++
    const config: ClientConfig = {
      socket: this.#home.listen,
      seed: this.#seed,
      giver: { client: this.number, life: this.#life, worker: 0 },
      policy: this.number % 2 === 0 ? 'fail' : 'rerun',
      lba: this.number * BLOCKS_A_CLIENT,
      hasWorker: this.number < 2,
    }
    this.peer = this.#home.peer('./client-main.js', config)
  }

  /** And another one follows, once the target has let go of the one before. */
  async kill(target: Peer): Promise<void> {
    const { peer } = this
    if (peer === undefined) return
    const home = this.#home
    const nexus = peer.said.findLast((said) => 'nexus' in said)?.nexus
    home.deed(`client ${this.number}.${this.#life} (nexus ${nexus}) is killed`)
    const heard = target.said.length
    await peer.kill()
    home.kills++
    home.see({ at: 'gone', client: `${this.number}.${this.#life}` })
    if (nexus !== undefined) await home.letsGo(target, heard)
    this.start()
  }

  async sleep(ms: number): Promise<void> {
    this.#home.deed(`client ${this.number} takes nothing for ${ms} ms`)
    this.peer?.order(`sleep ${ms}`)
  }

  async endWorker(): Promise<void> {
    this.#home.deed(`the worker of client ${this.number} is ended`)
    this.peer?.order('end-worker')
  }

  async stop(): Promise<void> {
    const { peer } = this
    if (peer === undefined) return
    peer.order('stop')
    await this.#home.endsInTime(peer, `client ${this.number}`)
  }
}
