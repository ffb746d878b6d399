/**
 * The walk over kill points: a target, and then a client, is killed at the first store that others can see, then at the second, and so on until
 * nothing is left to be killed at; each time the same commands are given, and all that is known of a run is checked.
 */

import { BLOCKS_A_CLIENT, type ClientConfig } from './client-config.ts'
import { Dice } from './dice.ts'
import type { Policy } from './event.ts'
import { type Found, Home, type Tally, tallyOf, Violated } from './home.ts'
import type { Peer } from './peer.ts'

/** Clients that live are back at once; those that have left are waited for. */
const GRACE_MS = 2000
/** No walk is longer. */
const MOST = 100_000
/** So that passes are counted, and none of them kills. */
const NEVER = 0

export interface WalkOptions {
  readonly seed: number
  /** Where the modules with kill points are. */
  readonly from: string
  /** How many kill points of each side, spread over the walk; default: all. */
  readonly points?: number | undefined
  /** @param walk whose */
  onProgress?(walk: string, tally: Readonly<Tally>): void
}

/** Walks over the kill points of targets, every other one in a walk of its own, and over those of clients, at the same time. */
export async function walk(options: WalkOptions): Promise<Tally & { found?: Found }> {
  const places = new Set<string>()
  const strides = options.points === undefined ? 2 : 1
  const walks: Walk[] = [new ClientWalk(options, places)]
  for (let first = 1; first <= strides; first++) {
    walks.push(new TargetWalk(options, places, { first, stride: strides }))
  }
  const all = await Promise.all(walks.map((each) => each.run()))
  return { ...all.reduce(added), kill_places: places.size }
}

/** Two runs as one. */
export function added(
  one: Tally & { found?: Found },
  other: Tally & { found?: Found },
): Tally & { found?: Found } {
  const found = one.found ?? other.found
  return {
    kill_points: one.kill_points + other.kill_points,
    kill_places: one.kill_places + other.kill_places,
    kills: one.kills + other.kills,
    commands: one.commands + other.commands,
    unknown: one.unknown + other.unknown,
    lost: one.lost + other.lost,
    doubled: one.doubled + other.doubled,
    corrupt: one.corrupt + other.corrupt,
    leaked: one.leaked + other.leaked,
    longest_stall_ms: Math.max(one.longest_stall_ms, other.longest_stall_ms),
    ...(found !== undefined && { found }),
  }
}

/** Which kill points are one walk's. */
interface Steps {
  readonly first: number
  readonly stride: number
}

/** What all walks have in common. */
abstract class Walk {
  protected readonly home: Home
  protected readonly dice: Dice
  readonly #options: WalkOptions
  readonly #places: Set<string>
  readonly #steps: Steps
  #points = 0

  constructor(options: WalkOptions, places: Set<string>, walk: number, steps: Steps) {
    this.#options = options
    this.#places = places
    this.#steps = steps
    this.home = new Home(GRACE_MS, options.from)
    this.dice = new Dice(options.seed, walk)
  }

  async run(): Promise<Tally & { found?: Found }> {
    const { home } = this
    try {
      await this.begin()
      const passes = await this.at(NEVER)
      for (const point of this.#chosen(passes ?? 0)) {
        const left = await this.at(point)
        this.#options.onProgress?.(this.name, this.#tally)
        if (left !== undefined && this.#options.points === undefined) break
      }
      await this.end()
      home.checker.finish()
      home.check()
    } catch (error) {
      if (!(error instanceof Violated)) throw error
    } finally {
      await this.stop()
      await home.target?.kill()
    }
    return { ...this.#tally, ...home.found }
  }

  protected abstract readonly name: string
  protected abstract begin(): Promise<void>
  /** One turn, in which a process is killed at a point. How many it passed, if it was not. */
  protected abstract at(point: number): Promise<number | undefined>
  protected abstract end(): Promise<void>
  protected abstract stop(): Promise<void>

  /** A process was killed at a point, as it says. `false` if it ended in another way. */
  protected async killedAt(peer: Peer): Promise<boolean> {
    const { signal, stderr } = await peer.ended
    const place = /^killed at \d+: (.*)$/m.exec(stderr)?.[1]
    if (signal !== 'SIGKILL' || place === undefined) return false
    this.#places.add(place)
    this.#points++
    this.home.kills++
    this.home.deed(`process ${peer.pid} was killed at ${place}`)
    return true
  }

  protected client(number: number, life: number, policy: Policy, killAt?: number): Peer {
    const config: ClientConfig = {
      socket: this.home.listen,
      seed: this.#options.seed,
      giver: { client: number, life, worker: 0 },
      policy,
      lba: number * BLOCKS_A_CLIENT,
      hasWorker: false,
      scripted: true,
    }
    return this.home.peer('./client-main.js', config, killAt)
  }

  /** All of them, and one more that ends the walk; or some, one in each part of it. */
  *#chosen(passes: number): Generator<number> {
    const { points } = this.#options
    if (points === undefined) {
      const { first, stride } = this.#steps
      for (let point = first; point < MOST; point += stride) yield point
    } else {
      const part = Math.max(1, passes / points)
      for (let index = 0; index < points; index++) {
        yield 1 + Math.floor(index * part) + this.dice.below(Math.ceil(part))
      }
    }
  }

  get #tally(): Tally {
    return { ...tallyOf(this.home), kill_points: this.#points, kill_places: 0 }
  }
}

/** Two clients that live, and targets that die. Of every third one the next dies, too: over what the first one has left. */
class TargetWalk extends Walk {
  protected readonly name = 'walk over targets'
  readonly #clients: Peer[] = []
  #turns = 0
  #passes = 0

  constructor(options: WalkOptions, places: Set<string>, steps: Steps) {
    super(options, places, steps.first, steps)
  }

  protected async begin(): Promise<void> {
    for (const [number, policy] of (['fail', 'rerun'] as const).entries()) {
      this.#clients.push(this.client(number, 1, policy))
    }
  }

  protected async at(point: number): Promise<number | undefined> {
    const { home } = this
    let target = await home.start(point)
    this.#turns++
    for (const client of this.#clients) client.order('go')
    await this.#turnOver(target)
    const killed = target.end !== undefined
    if (!killed) target.order('close')
    if (await this.killedAt(target)) {
      if (this.#turns % 3 === 0 && this.#passes > 0) {
        target = await home.start(1 + this.dice.below(this.#passes))
        await this.#turnOver(target)
        if (target.end === undefined) target.order('close')
        if (!(await this.killedAt(target))) home.endedWell(target)
      }
      target = await home.start()
      await this.#turnOver(target)
      await home.leavesNothing(target)
      home.check()
      return undefined
    }
    home.endedWell(target)
    home.check()
    this.#passes = Number(target.said.findLast((said) => 'passes' in said)?.passes ?? 0)
    return this.#passes
  }

  /** Until the clients have done their part, or the target is dead. */
  async #turnOver(target: Peer): Promise<void> {
    const { home } = this
    const done = () =>
      this.#clients.every(({ said }) => said.filter((s) => 'turn' in s).length >= this.#turns)
    await home.within('a turn', () => target.end !== undefined || done())
    for (const client of this.#clients) home.diedByItself(client, 'client')
  }

  protected async end(): Promise<void> {
    for (const client of this.#clients) {
      client.order('stop')
      await this.home.endsInTime(client, 'client')
    }
  }

  protected async stop(): Promise<void> {
    for (const client of this.#clients) await client.kill()
  }
}

/** A target that lives, and clients that die. */
class ClientWalk extends Walk {
  protected readonly name = 'walk over clients'
  #target: Peer | undefined
  #client: Peer | undefined
  #life = 0

  constructor(options: WalkOptions, places: Set<string>) {
    super(options, places, 0, { first: 1, stride: 1 })
  }

  protected async begin(): Promise<void> {
    this.#target = await this.home.start()
  }

  protected async at(point: number): Promise<number | undefined> {
    const { home } = this
    this.#life++
    const client = this.client(2, this.#life, this.#life % 2 === 0 ? 'fail' : 'rerun', point)
    this.#client = client
    client.order('go')
    const done = () => client.end !== undefined || client.said.some((said) => 'turn' in said)
    await home.within('a turn', done)
    client.order('stop')
    const killed = await this.killedAt(client)
    if (killed) home.see({ at: 'gone', client: `2.${this.#life}` })
    else home.endedWell(client)
    await home.holdsNothing(this.#target!)
    home.diedByItself(this.#target!, 'target')
    home.check()
    if (killed) return undefined
    return Number(client.said.findLast((said) => 'passes' in said)?.passes ?? 0)
  }

  protected async end(): Promise<void> {
    await this.home.leavesNothing(this.#target!)
  }

  protected async stop(): Promise<void> {
    await this.#client?.kill()
  }
}
