/** Whether a run was right: one end for each command, executions as the policy says, blocks and buffers that hold what they may. */

import type { Begin, End, Outcome, RunEvent } from './event.ts'

/** What was found, and 0 of each in a run that was right. */
export interface Faults {
  /** Commands without an end, or with an end that none may have; executions that were told and never happened. */
  lost: number
  /** Commands with a second end, and executions that the policy does not allow. */
  doubled: number
  /** Blocks and buffers that held what they must not. */
  corrupt: number
  /** What did not come home. */
  leaked: number
}

/** Something was wrong. */
export interface Violation {
  readonly fault: keyof Faults
  readonly what: string
  /** Names what the history is about. */
  readonly event: RunEvent | undefined
}

/** A command that its unit counts. */
interface Counted {
  readonly begin: Begin
  outcome: Outcome | undefined
}

/** Ends after which none, or not all, of a command may have been done. */
const PERHAPS: ReadonlySet<Outcome> = new Set(['partly', 'unknown', 'lost'])

/**
 * Fed with all that happens, in order for each client. What clients do is known to be one after the other for each block: whatever a block may
 * hold follows from the commands that ended, and each that nobody knows the end of allows one value more.
 */
export class Checker {
  readonly faults: Faults = { lost: 0, doubled: 0, corrupt: 0, leaked: 0 }
  /** Commands that were begun. */
  commands = 0
  /** Those of which nobody knows. */
  unknown = 0
  readonly #onViolation: (violation: Violation) => void
  readonly #open = new Map<string, Begin>()
  /** Versions that a block may hold: of those that are not here, 0. */
  readonly #allowed = new Map<string, Set<number>>()
  readonly #counted = new Map<string, Counted>()
  /** By the ids of commands: targets tell them on a way of their own, perhaps before the client is heard. */
  readonly #executions = new Map<string, number>()

  constructor(onViolation: (violation: Violation) => void) {
    this.#onViolation = onViolation
  }

  see(event: RunEvent): void {
    switch (event.at) {
      case 'begin':
        this.#begin(event)
        break
      case 'end':
        this.#end(event)
        break
      case 'executed':
        this.#executed(event.id)
        break
      case 'gone':
        this.#gone(event.client)
        break
      case 'leaked':
        this.#fault('leaked', event.what, event)
        break
      case 'deed':
        break
    }
  }

  /** Commands that have no end yet. */
  get open(): number {
    return this.#open.size
  }

  /** All that was begun should have ended, and all that was counted been told. */
  finish(): void {
    for (const begin of this.#open.values()) {
      this.#fault('lost', `${begin.id} (${begin.kind}) has no end`, begin)
    }
    this.#open.clear()
    for (const counted of this.#counted.values()) this.#judge(counted)
    this.#counted.clear()
    for (const id of this.#executions.keys()) {
      this.#fault('doubled', `${id} was carried out, and nobody gave it`, { at: 'executed', id })
    }
    this.#executions.clear()
  }

  #begin(begin: Begin): void {
    this.commands++
    this.#open.set(begin.id, begin)
    if (begin.kind === 'count' || begin.kind === 'hold') this.#countedOf(begin)
    if (begin.version === undefined) return
    for (const block of blocksOf(begin)) this.#allowedAt(block).add(begin.version)
  }

  #end(end: End): void {
    const begin = this.#open.get(end.id)
    if (begin === undefined) {
      this.#fault('doubled', `${end.id} ended, ${end.outcome}, and had no end to come`, end)
      return
    }
    this.#open.delete(end.id)
    if (end.outcome === 'odd') this.#fault('lost', `${end.id} ended as none may: ${end.why}`, end)
    if (end.outcome === 'unknown') this.unknown++
    const counted = this.#counted.get(end.id)
    if (counted !== undefined) counted.outcome = end.outcome
    if (begin.kind === 'differ' && end.outcome === 'good') {
      this.#fault('corrupt', `${end.id} was to find something else, and was answered GOOD`, end)
    }
    if (begin.kind === 'read' && end.outcome === 'good') this.#compare(begin, end)
    this.#settle(begin, end.outcome, end)
  }

  /** What the blocks of a command may hold from now on. */
  #settle(begin: Begin, outcome: Outcome, event: RunEvent): void {
    const { version } = begin
    if (version === undefined || PERHAPS.has(outcome)) return
    for (const block of blocksOf(begin)) {
      const allowed = this.#allowedAt(block)
      if (outcome === 'good') this.#allowed.set(block, new Set([version]))
      else allowed.delete(version)
      if (outcome === 'different' && allowed.size === 1) {
        const [held] = allowed
        this.#fault('corrupt', `${begin.id} found something else than version ${held}`, event)
      }
    }
  }

  #compare(begin: Begin, end: End): void {
    const blocks = blocksOf(begin)
    const { found = [] } = end
    if (found.length !== blocks.length) {
      this.#fault('corrupt', `${end.id} brought ${found.length} of ${blocks.length} blocks`, end)
    }
    for (const [index, block] of blocks.entries()) {
      const version = found[index]
      if (version === undefined) continue
      const allowed = this.#allowedAt(block)
      if (typeof version === 'string') {
        this.#fault('corrupt', `${end.id}: ${block} held ${version}`, end)
      } else if (!allowed.has(version)) {
        const may = [...allowed].join(' or ')
        this.#fault('corrupt', `${end.id}: ${block} held ${version}, not ${may}`, end)
      } else {
        // What was read once is what there is.
        this.#allowed.set(block, new Set([version]))
      }
    }
  }

  /** What the policy does not allow is told at once, while the history knows how it came about. */
  #executed(id: string): void {
    const executions = (this.#executions.get(id) ?? 0) + 1
    this.#executions.set(id, executions)
    const begin = this.#counted.get(id)?.begin
    if (begin !== undefined) this.#judgeAgain(begin, executions)
  }

  #gone(client: string): void {
    for (const begin of this.#open.values()) {
      const { id } = begin
      if (id.startsWith(`${client}/`) || id.startsWith(`${client}.`)) this.#open.delete(id)
    }
  }

  /** Executions: at most one, or at least one where it was told that there was one. */
  #judge({ begin, outcome }: Counted): void {
    const { id, kind } = begin
    const executions = this.#executions.get(id) ?? 0
    this.#executions.delete(id)
    if (outcome === 'refused' && executions > 0) {
      this.#fault('doubled', `${id} was refused, and carried out ${executions} times`, begin)
    }
    if (outcome === 'good' && kind === 'count' && executions === 0) {
      this.#fault('lost', `${id} was answered, and never carried out`, begin)
    }
  }

  #judgeAgain({ id, policy }: Begin, executions: number): void {
    if (policy === 'rerun' || executions < 2) return
    const event = { at: 'executed', id } as const
    this.#fault('doubled', `${id} was carried out ${executions} times`, event)
  }

  #countedOf(begin: Begin): void {
    this.#counted.set(begin.id, { begin, outcome: undefined })
    for (let count = 2; count <= (this.#executions.get(begin.id) ?? 0); count++) {
      this.#judgeAgain(begin, count)
    }
  }

  #allowedAt(block: string): Set<number> {
    let allowed = this.#allowed.get(block)
    if (allowed === undefined) {
      allowed = new Set([0])
      this.#allowed.set(block, allowed)
    }
    return allowed
  }

  #fault(fault: keyof Faults, what: string, event: RunEvent | undefined): void {
    this.faults[fault]++
    this.#onViolation({ fault, what, event })
  }
}

/** The names of a command's blocks. */
export function blocksOf({ unit, lba, blocks }: Begin): string[] {
  return Array.from({ length: blocks }, (_, index) => `${unit}:${lba + index}`)
}
