/** A target, a nexus whose commands meet what ends them, another nexus, and what is promised of them after each step. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import type { PairOptions } from '#dist/ring/pair.js'
import { type Command, type Response, Status, TaskAttribute } from '#dist/task/command.js'
import { type FunctionRequest, type FunctionResult, TaskFunction } from '#dist/task/function.js'
import type { Cast } from './cast.ts'
import type { Use } from './ledger.ts'
import type { World } from './orders.ts'
import { type Outcome, observed } from './outcome.ts'
import type { Initiator, Stage } from './stage.ts'
import { cdbOf, Kind } from './staged-unit.ts'
import { isUnderWay } from './traffic.ts'
import { wrongOf } from './verdict.ts'

/** A command of the scene, and how its caller gives it up. */
export interface Sent extends Pick<Command, 'tag' | 'attribute' | 'onAbort'> {
  readonly kind: Kind
  /** On which pair of the nexus. Default: 0. */
  readonly pair?: number
}

/** What the scene's callers do, each once. */
export interface Action {
  readonly name: string
  /** Actions that come before it. */
  readonly after?: readonly string[]
  /** What else it takes. */
  isPossible?(scene: Scene): boolean
  run(scene: Scene): void
}

/** What can happen in a scene, and on what kind of pair. */
export interface Script extends Partial<PairOptions> {
  readonly commands: readonly Sent[]
  readonly actions: readonly Action[]
  /** A pump that found something looks again some time later, not at once: many more orders. */
  readonly awake?: boolean
  /** Of the nexus. Default: 1. */
  readonly pairs?: number
}

/** A command from its call on. */
class Call {
  readonly controller = new AbortController()
  readonly outcomes: Outcome<Response>[] = []
  givenUp = false
}

const READ_BYTES = 4096
const PROBE = 99
/** Unit attentions that a nexus may have to be told. */
const MOST_ATTENTIONS = 3
const reason = new Error('enough')

export class Scene implements World {
  readonly commands: readonly Sent[]
  readonly calls = new Map<number, Call>()
  readonly #stage: Stage
  readonly #cast: Cast
  readonly #actions: readonly Action[]
  readonly #done = new Set<string>()
  /** Functions that may end commands which nobody gave up. */
  #resets = 0
  #expired = false
  /** Pumps of the nexus that are awake go on looking when the scene says so. */
  #awake = false
  #over = false

  constructor(stage: Stage, { commands, actions, awake = false, pairs = 1, ...options }: Script) {
    this.#stage = stage
    this.commands = commands
    this.#actions = actions
    this.#cast = stage.enter(pairs, options)
    // Of a new nexus: POWER ON.
    for (const initiator of this.#everybody) this.#probe(initiator, undefined)
    this.#cast.begin()
    this.#awake = awake
  }

  steps(): string[] {
    const steps = this.#actions.filter((action) => this.#isPossible(action)).map(({ name }) => name)
    for (const pair of this.#cast.pairs) {
      const { side, targetSide, traffic, bell, targetBell } = pair
      const [ended, targetEnded] = [bell.ended, targetBell.ended]
      if (!targetEnded && (traffic.unfetched > 0 || this.#turns(targetSide)))
        steps.push(`the target looks at ${side}`)
      if (!ended && (traffic.untaken > 0 || this.#turns(side))) steps.push(`${side} looks`)
      if (ended && !targetEnded) steps.push(`the target hears of the end of ${side}`)
      if (targetEnded && !ended) steps.push(`${side} hears of the end`)
    }
    if (this.#stage.transfers > 0) steps.push('the transfers end')
    for (const index of this.#cast.unit.running.keys()) steps.push(`${index} is answered`)
    return steps
  }

  take(step: string): void {
    const action = this.#actions.find(({ name }) => name === step)
    if (action !== undefined) {
      this.#done.add(step)
      action.run(this)
    } else if (step === 'the transfers end') {
      this.#stage.endTransfers()
    } else if (!this.#cast.pairs.some((pair) => this.#tookOf(pair, step))) {
      this.#stage.loop.as('the target', () => this.#cast.unit.answer(Number.parseInt(step, 10)))
    }
    this.#rest()
    this.#check()
  }

  /** A step of one pair. */
  #tookOf(pair: Initiator, step: string): boolean {
    const { side, targetSide, traffic, bell, targetBell } = pair
    const { unfetched, untaken } = traffic
    const { loop } = this.#stage
    if (step === `the target looks at ${side}`) {
      this.#stage.targetLooks(pair)
      assert.ok(unfetched === 0 || traffic.unfetched < unfetched, 'it was rung')
    } else if (step === `${side} looks`) {
      this.#stage.initiatorLooks(pair)
      assert.ok(untaken === 0 || traffic.untaken < untaken, 'it was rung')
    } else if (step === `${side} hears of the end`) {
      loop.as(side, () => bell.end())
    } else if (step === `the target hears of the end of ${side}`) {
      loop.as(targetSide, () => targetBell.end())
    } else {
      return false
    }
    return true
  }

  #isPossible({ name, after = [], isPossible }: Action): boolean {
    if (this.#done.has(name) || !after.every((before) => this.#done.has(before))) return false
    return isPossible?.(this) !== false
  }

  /** The first pair of the nexus. */
  get one(): Initiator {
    return this.#cast.pairs[0]!
  }

  get #everybody(): Initiator[] {
    return [...this.#cast.pairs, this.#cast.other]
  }

  /** Where a command is sent, and the use that it makes of a slot there. */
  #pairOf(index: number): Initiator {
    return this.#cast.pairs[this.commands[index]!.pair ?? 0]!
  }

  #useOf(index: number): Use | undefined {
    return this.#cast.ledgers[this.commands[index]!.pair ?? 0]!.uses.get(index)
  }

  /** The nexus has ended, as its initiator sees it. */
  get isLost(): boolean {
    return this.one.commands.pair.refusal !== undefined
  }

  /** Whether the caller of a command has its answer. */
  isSettled(index: number): boolean {
    return (this.calls.get(index)?.outcomes.length ?? 0) > 0
  }

  // ---- what its actions do

  submit(index: number): void {
    const { kind, pair: _, ...more } = this.commands[index]!
    const call = new Call()
    this.calls.set(index, call)
    const command: Command = {
      ...more,
      cdb: cdbOf(index, kind),
      ...(kind === Kind.READS && { dataIn: READ_BYTES }),
      signal: call.controller.signal,
      timeoutMs: 0,
    }
    const pair = this.#pairOf(index)
    this.#as(pair, () => {
      const execute = () => pair.commands.execute(0, command)
      observed(execute, (outcome) => this.#settled(index, call, outcome))
    })
  }

  /** Both in one turn, before anything is published. */
  submitAndGiveUp(index: number): void {
    this.#as(this.#pairOf(index), () => {
      this.submit(index)
      this.giveUp(index)
    })
  }

  giveUp(index: number): void {
    const { controller } = this.calls.get(index)!
    this.calls.get(index)!.givenUp = true
    this.#as(this.#pairOf(index), () => controller.abort(reason))
  }

  /** A function of the scene's own nexus, which reaches every command that was sent before. */
  manage(request: FunctionRequest): void {
    this.#resets++
    const sent = [...this.calls.keys()].filter(
      (index) => request.tag === undefined || this.commands[index]!.tag === request.tag,
    )
    const uses = sent.map((index) => this.#useOf(index))
    this.#ask(this.one, request, (result) => {
      // On another pair it is published, and may not be taken yet.
      const ended = (_: unknown, at: number) => {
        const pair = this.#pairOf(sent[at]!)
        return pair === this.one || pair.traffic.untaken === 0
      }
      this.#cast.answered(result, uses.filter(ended))
    })
  }

  /** LOGICAL UNIT RESET by the other nexus: asked for and processed. */
  resetByOther(): void {
    this.#resets++
    this.#ask(this.#cast.other, { function: TaskFunction.LOGICAL_UNIT_RESET }, (result) => {
      this.#cast.answered(result, [])
      if (this.#cast.scope.some(isUnderWay))
        this.#cast.wrongs.push('a reset is answered while a transfer of what it ended runs')
    })
    this.#stage.targetLooks(this.#cast.other)
  }

  /** The nexus's socket breaks, and one side sees it first. */
  lose(first: 'initiator' | 'target'): void {
    const { side, targetSide, bell, targetBell } = this.one
    if (first === 'initiator') this.#stage.loop.as(side, () => bell.end())
    else this.#stage.loop.as(targetSide, () => targetBell.end())
  }

  expire(): void {
    this.#expired = true
    this.#stage.expire(this.one)
  }

  /** Whether anything that the initiator waits for has a deadline. */
  get hasDeadline(): boolean {
    return this.#stage.loop.hasTimer(this.one.side)
  }

  // ---- what is promised

  finish(): void {
    this.#awake = false
    for (const index of this.calls.keys()) this.#checkEnd(index)
    const { begun } = this.#cast.unit
    assert.equal(new Set(begun).size, begun.length, 'each begins once')
    assert.equal(this.#stage.tasks, 0, 'no task is left')
    for (const [at, { commands, bell }] of this.#cast.pairs.entries()) {
      const { pair, functions, counts } = commands
      assert.equal(bell.referenced, false, 'nobody is waited for')
      if (bell.ended) continue
      assert.equal(this.#cast.ledgers[at]!.out, 0, 'all slots and bytes are home')
      assert.deepEqual(counts, { waiting: 0, quarantined: 0 })
      assert.equal(pair.arena.usedBytes + pair.counts.outstanding + functions.counts.underWay, 0)
    }
    for (const pair of this.#everybody) {
      if (pair.bell.ended) continue
      for (const tag of new Set([undefined, ...this.commands.map(({ tag }) => tag)]))
        this.#probe(pair, tag)
      this.#stage.expectNoDeadline(pair.side)
    }
    this.#check()
    this.#over = true
  }

  #checkEnd(index: number): void {
    const { controller, outcomes } = this.calls.get(index)!
    assert.equal(outcomes.length, 1, `command ${index} settles once`)
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    const unheard = this.isLost || this.#expired || this.commands[index]!.onAbort === 'detach'
    if (this.#cast.unit.answered.has(index) && !unheard)
      assert.ok('value' in outcomes[0]!, `command ${index} was answered, and resolves`)
  }

  /** Nothing of a nexus that is lost, or of an order that fails, is used again. */
  close(): void {
    this.#stage.exit(this.#over && !this.isLost)
  }

  /** What the other nexus is answered is seen at once. */
  #rest(): void {
    const { pairs, other } = this.#cast
    if (!this.#awake) for (const pair of pairs) this.#stage.rest(pair)
    this.#stage.rest(other)
    while (other.traffic.untaken > 0) {
      this.#stage.initiatorLooks(other)
      this.#stage.rest(other)
    }
  }

  #check(): void {
    const { troubles } = this.#stage
    assert.deepEqual([...this.#cast.wrongs, ...troubles], [])
    for (const { ends, traffic } of this.#cast.pairs) {
      for (const end of ends) assert.doesNotMatch(String(end), /the target broke|own fault/)
      assert.equal(traffic.late, 0, 'nothing is answered behind the end')
    }
    if (!this.isLost) return
    for (const index of this.calls.keys())
      assert.ok(this.isSettled(index), `the nexus is lost, and command ${index} is not settled`)
  }

  /** Unit attentions that are owed, and then GOOD: with an order that whatever was left behind would keep waiting. */
  #probe(initiator: Initiator, tag: Sent['tag']): void {
    const { commands, bell } = initiator
    for (let told = 0; told <= MOST_ATTENTIONS; told++) {
      const outcomes: Outcome<Response>[] = []
      const cdb = cdbOf(PROBE, Kind.INSTANT)
      const attribute = TaskAttribute.ORDERED
      this.#as(initiator, () => {
        const call = () =>
          commands.execute(0, { cdb, attribute, ...(tag !== undefined && { tag }) })
        observed(call, (outcome) => outcomes.push(outcome))
        assert.ok(bell.referenced, 'the probe is waited for')
      })
      this.#stage.targetLooks(initiator)
      this.#stage.initiatorLooks(initiator)
      this.#rest()
      const [outcome, ...more] = outcomes
      const [ended] = [...initiator.ends, undefined]
      const told = `${inspect(outcomes)}, ended: ${ended}, ${this.#stage.troubles}`
      assert.ok(outcome !== undefined && 'value' in outcome && more.length === 0, told)
      assert.equal(bell.referenced, false)
      if (outcome.value.status === Status.GOOD) return
    }
    assert.fail('the unit attentions have no end')
  }

  #ask(
    { side, commands }: Initiator,
    request: FunctionRequest,
    answered: (result: FunctionResult) => void,
  ): void {
    const settled = (outcome: Outcome<FunctionResult>) => {
      if ('value' in outcome) answered(outcome.value)
      else if (!this.isLost && !this.#expired)
        this.#cast.wrongs.push(`a function rejects with ${outcome.error}`)
    }
    this.#stage.loop.as(side, () => {
      observed(() => commands.functions.manage(0, request), settled)
    })
  }

  #as({ side }: Initiator, call: () => void): void {
    this.#stage.loop.as(side, call)
  }

  #turns(side: string): boolean {
    return this.#awake && this.#stage.loop.awaitsTurn(side)
  }

  #settled(index: number, { outcomes, givenUp }: Call, outcome: Outcome<Response>): void {
    outcomes.push(outcome)
    const { kind, onAbort } = this.commands[index]!
    const wrong = wrongOf(outcome, {
      use: this.#useOf(index),
      detach: onAbort === 'detach',
      reason: givenUp ? reason : undefined,
      answered: this.#cast.unit.answered.has(index),
      data: kind === Kind.READS ? this.#stage.data : undefined,
      ended: this.#resets > 0,
      expired: this.#expired,
      lost: this.isLost,
    })
    if (wrong !== undefined) this.#cast.wrongs.push(`command ${index} ${wrong}`)
  }
}
