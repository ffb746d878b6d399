/** Who plays in a scene: a target, the nexus that it is about, and another one. They play again when a scene has left nothing behind. */

import type { PairOptions } from '#dist/ring/pair.js'
import { Target } from '#dist/target/target.js'
import { type FunctionResult, ServiceResponse } from '#dist/task/function.js'
import { Ledger, type Use } from './ledger.ts'
import type { Initiator, Stage } from './stage.ts'
import { StagedUnit } from './staged-unit.ts'

export class Cast {
  readonly unit: StagedUnit
  /** The nexus's. */
  readonly pairs: readonly Initiator[]
  readonly other: Initiator
  /** Of each pair. */
  readonly ledgers: readonly Ledger[]
  /** What should not have happened. */
  readonly wrongs: string[] = []
  /** Transfers that ran when the unit was reset. */
  scope: readonly object[] = []

  constructor(stage: Stage, pairs: number, options: Partial<PairOptions>) {
    this.unit = new StagedUnit(stage.backing, () => this.#wasReset())
    stage.serve(new Target([[0, this.unit]]))
    const first = stage.connect('pair 0', options)
    const join = (_: unknown, at: number) => stage.connect(`pair ${at + 1}`, options, first.token)
    this.pairs = [first, ...Array.from({ length: pairs - 1 }, join)]
    this.other = stage.connect('the other nexus', {})
    this.ledgers = this.pairs.map(
      ({ commands, traffic }) => new Ledger(commands.pair, traffic, this.wrongs),
    )
    for (const at of this.pairs.keys()) this.#heedAborts(at)
  }

  /** Another scene begins. */
  begin(): void {
    this.unit.begun.length = 0
    this.unit.answered.clear()
    for (const { uses } of this.ledgers) uses.clear()
    this.scope = []
  }

  /** A function is answered: what it ended is over. */
  answered({ response }: FunctionResult, ended: readonly (Use | undefined)[]): void {
    if (response !== ServiceResponse.FUNCTION_COMPLETE)
      this.wrongs.push(`a function is answered ${response}`)
    if (ended.some((use) => use?.home === false))
      this.wrongs.push('a function is answered before a command that it ended is over')
  }

  #wasReset(): void {
    this.scope = this.pairs.flatMap(({ traffic }) => [...traffic.moving.values()])
    if (this.unit.running.size > 0) this.wrongs.push('a unit is reset while it has commands')
  }

  /** The answers of the ABORT TASKs that signals cause are not told to any caller. */
  #heedAborts(at: number): void {
    const { functions } = this.pairs[at]!.commands
    const { abort } = functions
    functions.abort = (lun, low, high, over) => {
      const use = this.ledgers[at]!.tagged(low, high)
      return abort.call(functions, lun, low, high, (result) => {
        if (result !== undefined) this.answered(result, [use])
        over(result)
      })
    }
  }
}
