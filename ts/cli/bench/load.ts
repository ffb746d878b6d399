/** The run of a job: what is sent when, and what is noted of it. */

import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { TransportError } from '../../errors.ts'
import { CliError, ExitCode } from '../exit-code.ts'
import { Commands } from './commands.ts'
import { type Job, Kind } from './job.ts'
import type { LaneCompletion, Lanes } from './lanes.ts'
import { Places } from './places.ts'
import { Schedule } from './schedule.ts'
import { failureOf, Tally } from './tally.ts'
import { type Usage, usageSince } from './usage.ts'

/** Timers may be late by a millisecond, and more under load: the last part of a wait goes by turns of the event loop. */
const TIMER_LATE_MS = 2
/** How long a wait goes on that nobody needs any more, at most. */
const LONGEST_SLEEP_MS = 50
/** How long what is under way may take after Ctrl-C. */
const GRACE_MS = 1000
/** How all reads failed whose blocks are not those that were written. */
const WRONG_BLOCKS = 'blocks that do not carry their LBA and the seed'

/** Why a job ended. */
export type Ending = 'time' | 'count' | 'interrupted' | 'error'

export interface Outcome {
  readonly tally: Tally
  readonly ending: Ending
  /** What ended it, where nothing else did. */
  readonly error: Error | undefined
  /** From the first command that counts to the end of the last, or of the time. */
  readonly seconds: number
  readonly usage: Usage
  /** Commands under way that were not waited for any longer. */
  readonly unanswered: number
  /** Open loop: commands that found no lane free when they were due. */
  readonly waited: number
  /** Open loop: commands that were due, and not sent before the end. */
  readonly unsent: number
}

export interface Loading {
  readonly job: Job
  readonly lanes: Lanes
  readonly signal: AbortSignal
  /** Nothing ends for longer than that: it is given up. */
  readonly timeoutMs: number
  /** Counters that only grow, as they are now. */
  readonly usage: () => Usage
  /** Called each second with what has been noted so far; undefined while nothing counts yet. */
  readonly everySecond: (tally: Tally | undefined) => void
}

/** Runs the job. What goes wrong is part of its outcome. */
export function load(loading: Loading): Promise<Outcome> {
  return new Load(loading).run()
}

class Load {
  readonly #loading: Loading
  readonly #job: Job
  readonly #lanes: Lanes
  readonly #tally = new Tally()
  readonly #places: Places
  readonly #commands: Commands
  /** When what counts begins, and when it ends, in milliseconds. */
  readonly #fromMs: number
  readonly #untilMs: number
  /** By lane, of the command that it has under way. */
  readonly #sentMs: Float64Array
  readonly #kinds: Uint8Array
  readonly #lbas: Float64Array

  /** Of the warm-up, and then of what counts: what could not leave in time before is not made up for. */
  #schedule: Schedule
  #ending: Ending | undefined
  #endedMs = 0
  #error: Error | undefined
  /** Commands to be sent yet. */
  #left: number
  /** Commands that were sent, and whose completions were not taken. */
  #underWay = 0
  #before: Usage | undefined
  #lastEndMs = 0
  /** When something ended last, or was sent while nothing was under way. */
  #movedMs: number
  /** Of the completions that are being taken: 0 before the first of them. */
  #nowMs = 0
  #allLanesFull = false
  #waited = 0
  /** Wakes who waits for commands to be under way, or for the end. */
  #wake: () => void = () => {}
  /** Ends all waiting. */
  #leave: () => void = () => {}

  constructor(loading: Loading) {
    const { job, lanes } = loading
    this.#loading = loading
    this.#job = job
    this.#lanes = lanes
    this.#places = new Places(job)
    this.#commands = new Commands(job, lanes)
    const start = performance.now()
    this.#schedule = new Schedule(start, job.perSecond)
    this.#fromMs = start + job.warmUpMs
    this.#untilMs = this.#fromMs + job.timeMs
    this.#movedMs = start
    this.#left = job.count
    this.#sentMs = new Float64Array(job.depth)
    this.#kinds = new Uint8Array(job.depth)
    this.#lbas = new Float64Array(job.depth)
  }

  async run(): Promise<Outcome> {
    const { signal, everySecond, timeoutMs } = this.#loading
    const left = new Promise<void>((resolve) => {
      this.#leave = resolve
    })
    let grace: NodeJS.Timeout | undefined
    const interrupted = () => {
      this.#end('interrupted')
      grace = setTimeout(this.#leave, GRACE_MS)
    }
    const seconds = setInterval(() => everySecond(this.#before && this.#tally), 1000)
    const patience = setInterval(() => this.#lookForLife(), Math.min(timeoutMs, 1000))
    signal.addEventListener('abort', interrupted, { once: true })
    if (signal.aborted) interrupted()
    try {
      await Promise.race([left, Promise.all([this.#receive(), this.#keepPace()])])
    } catch (error) {
      this.#fail(error as Error)
    } finally {
      signal.removeEventListener('abort', interrupted)
      clearInterval(seconds)
      clearInterval(patience)
      clearTimeout(grace)
    }
    return this.#outcome()
  }

  /** Takes completions until there are no more to come. */
  async #receive(): Promise<void> {
    this.#fill(performance.now())
    for (;;) {
      this.#nowMs = 0
      await this.#lanes.drain(this.#take)
      if (this.#underWay > 0) continue
      if (this.#ending !== undefined) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Sends what is due while nothing ends that would. */
  async #keepPace(): Promise<void> {
    if (this.#job.perSecond === undefined) return
    while (this.#ending === undefined) {
      this.#fill(performance.now())
      const now = performance.now()
      const waitMs = Math.min(this.#schedule.dueMs(now), this.#untilMs) - now
      if (waitMs <= TIMER_LATE_MS) await turn()
      else await sleep(Math.min(waitMs - TIMER_LATE_MS, LONGEST_SLEEP_MS))
    }
  }

  /**
   * The clock is read once for all completions that come together: reading it costs as much as sending a command, and what one of them
   * waits for the others' handling is in the latency of the command that its lane has next, or had before: their sum is the time there was.
   */
  readonly #take = (done: LaneCompletion): void => {
    if (this.#nowMs === 0) this.#nowMs = performance.now()
    const now = this.#nowMs
    this.#movedMs = now
    this.#underWay--
    const sentMs = this.#sentMs[done.slot]!
    if (sentMs >= this.#fromMs) this.#note(done, now - sentMs)
    done.release()
    this.#fill(now)
  }

  #note(done: LaneCompletion, ms: number): void {
    this.#lastEndMs = this.#movedMs
    const kind = this.#kinds[done.slot] as Kind
    const { sizeBytes } = this.#job
    const failure = failureOf(done, sizeBytes)
    if (failure !== undefined) this.#tally.failed(kind, failure)
    else if (this.#isRight(kind, done)) this.#tally.operations[kind]!.succeeded(sizeBytes, ms)
  }

  #isRight(kind: Kind, { slot, data }: LaneCompletion): boolean {
    if (kind !== Kind.READ || !this.#job.verify) return true
    const wrong = this.#commands.firstWrong(data, this.#lbas[slot]!)
    if (wrong === undefined) return true
    const message = `block ${wrong} does not carry its LBA and the seed`
    this.#tally.failed(kind, new CliError(ExitCode.MISCOMPARE, message), WRONG_BLOCKS)
    return false
  }

  /** From here on commands count. */
  #begin(): void {
    this.#before = this.#loading.usage()
    this.#schedule = new Schedule(this.#fromMs, this.#job.perSecond)
    this.#allLanesFull = false
  }

  /** Sends all that is due and has a lane. */
  #fill(now: number): void {
    if (this.#before === undefined && now >= this.#fromMs) this.#begin()
    while (this.#ending === undefined) {
      if (now >= this.#untilMs) {
        this.#end('time')
        return
      }
      const due = this.#schedule.dueMs(now)
      if (due > now) {
        this.#allLanesFull = false
        return
      }
      const lane = this.#lanes.reserve()
      if (lane < 0) {
        this.#allLanesFull = true
        return
      }
      this.#send(lane, due, now)
    }
  }

  #send(lane: number, due: number, now: number): void {
    const { kind, lba } = this.#places.next()
    this.#sentMs[lane] = due
    this.#kinds[lane] = kind
    this.#lbas[lane] = lba
    if (this.#underWay++ === 0) this.#movedMs = now
    this.#commands.send(lane, kind, lba)
    this.#schedule.sent++
    if (due >= this.#fromMs) {
      if (this.#allLanesFull) this.#waited++
      if (--this.#left === 0) this.#end('count')
    }
    this.#wake()
  }

  #end(ending: Ending): void {
    if (this.#ending === undefined) {
      this.#ending = ending
      this.#endedMs = performance.now()
    }
    this.#wake()
  }

  #fail(error: Error): void {
    this.#error ??= error
    this.#end('error')
    this.#leave()
  }

  /** Gives up on a unit that has gone silent. */
  #lookForLife(): void {
    const silentMs = performance.now() - this.#movedMs
    if (this.#underWay > 0 && silentMs >= this.#loading.timeoutMs) {
      this.#fail(new TransportError('ERR_SGRING_TIMEOUT'))
    }
  }

  #outcome(): Outcome {
    const ending = this.#ending ?? 'error'
    const endedMs = Math.min(this.#endedMs, this.#untilMs)
    const lastMs = ending === 'count' ? this.#lastEndMs : Math.max(this.#lastEndMs, endedMs)
    const now = this.#loading.usage()
    return {
      tally: this.#tally,
      ending,
      error: this.#error,
      seconds: Math.max(0, lastMs - this.#fromMs) / 1000,
      usage: usageSince(this.#before ?? now, now),
      unanswered: this.#underWay,
      waited: this.#waited,
      unsent: ending === 'count' ? 0 : this.#schedule.missed(endedMs),
    }
  }
}
