/**
 * SAM-5's task set, task management and unit attention as plainly as they can be said: one list of commands a unit, searched from its start
 * each time. Slow, and meant to be read beside the clauses.
 */

import { TaskAttribute } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { Kind } from './kept-unit.ts'

/** A command, as the test sends it. */
export interface ModelCommand {
  readonly id: number
  readonly nexus: ModelNexus
  readonly attribute: number
  readonly priority: number
  readonly kind: Kind
  readonly opcode: 'vendor' | 'inquiry' | 'requestSense'
  readonly tag: bigint
  /** Whether the pair chose it: such tags never meet. */
  readonly ownTag: boolean
}

export interface ModelFunction {
  readonly id: number
  readonly nexus: ModelNexus
  readonly function: number
  /** The tag that ABORT TASK and QUERY TASK name. */
  readonly target: bigint
}

/** A command in a task set. */
interface Member extends ModelCommand {
  /** `ending`: aborted, and its transfer still runs. */
  state: 'dormant' | 'running' | 'ending'
  abortedEnd: string
}

/** Pending conditions by unit; `undefined` where the nexus was told nothing yet. */
export class ModelNexus {
  readonly pending = new Map<ModelUnit, number[]>()
}

interface WaitingFunction {
  readonly request: ModelFunction
  readonly commands: Set<Member>
}

/** What has happened so far, as the test compares it. */
export class Model {
  readonly ends = new Map<number, string>()
  readonly started: number[] = []
  readonly nexuses = new Set<ModelNexus>()
  readonly units: ModelUnit[] = []
  /** Units that were taken away, by where they were: what still moved there comes to its end. */
  readonly gone = new Map<ModelUnit, number>()
  readonly waiting = new Set<WaitingFunction>()

  /** A command arrives; undefined for a unit that is not there. */
  command(unit: ModelUnit, command: ModelCommand): void {
    const mine = unit.members.filter(({ nexus }) => nexus === command.nexus)
    if (![0, 1, 2].includes(command.attribute)) {
      this.end(command, '5/49/00')
    } else if (!command.ownTag && this.named(unit, command)) {
      this.abort(mine, () => 'aborted')
      this.end(command, 'b/4e/00')
    } else if (command.opcode === 'vendor' && unit.members.length >= unit.maxTasks) {
      this.end(command, mine.length > 0 ? 'status 28' : 'status 8')
    } else {
      unit.members.push({ ...command, state: 'dormant', abortedEnd: '' })
    }
    this.startAll()
  }

  /** Another unit comes in the place of one, whose commands end as by LOGICAL UNIT RESET. */
  replace(at: number, unit: ModelUnit): void {
    const old = this.units[at]!
    this.gone.set(old, at)
    this.units[at] = unit
    this.abort([...old.members], () => (old.taskAbortedStatus ? 'status 40' : 'aborted'))
    for (const nexus of this.nexuses) {
      nexus.pending.delete(old)
      for (const each of this.units) this.establish(nexus, each, 0x3f0e)
    }
    this.startAll()
  }

  /** Those that are there, and those that are not any more. */
  get allUnits(): ModelUnit[] {
    return [...this.units, ...this.gone.keys()]
  }

  /** Whether the nexus has a command with this tag in this place, one that still moves at a unit that was there before among them. */
  private named(unit: ModelUnit, { nexus, tag }: ModelCommand): boolean {
    const at = this.units.indexOf(unit)
    const here = this.allUnits.filter((each) => each === unit || this.gone.get(each) === at)
    return here.some(({ members }) => members.some((m) => m.nexus === nexus && m.tag === tag))
  }

  /** A running command is answered by its unit, or its transfer ends. */
  finish(id: number): void {
    const unit = this.allUnits.find(({ members }) => members.some((each) => each.id === id))!
    const member = unit.members.find((each) => each.id === id)!
    this.leave(unit, member, member.state === 'ending' ? member.abortedEnd : 'GOOD')
    this.startAll()
  }

  /** REPORT LUNS clears the condition that asks for it, at every unit. */
  reportLuns(id: number, nexus: ModelNexus): void {
    for (const [unit, codes] of nexus.pending) {
      nexus.pending.set(
        unit,
        codes.filter((code) => code !== 0x3f0e),
      )
    }
    this.ends.set(id, 'GOOD')
  }

  manage(unit: ModelUnit | undefined, request: ModelFunction): void {
    const { nexus, target } = request
    const all = this.allUnits.flatMap(({ members }) => members)
    const mine = unit?.members.filter((each) => each.nexus === nexus) ?? []
    const named = mine.filter(({ tag }) => tag === target)
    const quiet = (): string => 'aborted'
    if (request.function === TaskFunction.I_T_NEXUS_RESET) {
      const commands = all.filter((each) => each.nexus === nexus)
      for (const each of nexus.pending.keys()) this.establish(nexus, each, 0x2907)
      this.endBy(request, commands, quiet)
    } else if (!Object.values<number>(TaskFunction).includes(request.function)) {
      this.ends.set(request.id, 'response 5')
    } else if (unit === undefined) {
      this.ends.set(request.id, 'response 6')
    } else {
      const foreign = (each: Member): string =>
        each.nexus !== nexus && unit.taskAbortedStatus ? 'status 40' : 'aborted'
      switch (request.function) {
        case TaskFunction.ABORT_TASK:
          this.endBy(request, named, quiet)
          break
        case TaskFunction.ABORT_TASK_SET:
          this.endBy(request, mine, quiet)
          break
        case TaskFunction.CLEAR_TASK_SET: {
          const losers = unit.members.filter(
            (each) => each.state !== 'ending' && each.nexus !== nexus,
          )
          if (!unit.taskAbortedStatus) {
            for (const each of losers) this.establish(each.nexus, unit, 0x2f00)
          }
          this.endBy(request, [...unit.members], foreign)
          break
        }
        case TaskFunction.LOGICAL_UNIT_RESET:
          for (const each of this.nexuses) this.establish(each, unit, 0x2903)
          this.endBy(request, [...unit.members], foreign)
          break
        case TaskFunction.QUERY_TASK:
          this.ends.set(request.id, named.length > 0 ? 'response 4' : 'response 3')
          break
        case TaskFunction.QUERY_TASK_SET:
          this.ends.set(request.id, mine.length > 0 ? 'response 4' : 'response 3')
          break
        case TaskFunction.QUERY_ASYNCHRONOUS_EVENT:
          this.ends.set(request.id, this.next(nexus, unit) > 0 ? 'response 4' : 'response 3')
          break
        default:
          this.ends.set(request.id, 'response 5')
      }
    }
  }

  /** The nexus is gone: its functions are answered by nobody. */
  lose(nexus: ModelNexus): void {
    for (const each of this.waiting) {
      if (each.request.nexus !== nexus) continue
      this.waiting.delete(each)
      this.ends.set(each.request.id, 'aborted')
    }
    const mine = this.allUnits.flatMap(({ members }) => members.filter((m) => m.nexus === nexus))
    this.nexuses.delete(nexus)
    this.abort(mine, () => 'aborted')
    this.startAll()
  }

  /**
   * SAM-5 5.14: nothing before the first 29h 00h is told, no condition twice, and a reset clears what it outranks; the loss of a nexus only
   * what has a rank.
   */
  establish(nexus: ModelNexus, unit: ModelUnit, code: number): void {
    const codes = nexus.pending.get(unit)
    if (codes === undefined) return
    const clears = (each: number) =>
      code >> 8 === 0x29 &&
      RANKED.includes(code) &&
      rank(each) > rank(code) &&
      (code !== 0x2907 || RANKED.includes(each))
    const kept = codes.filter((each) => each !== code && !clears(each))
    nexus.pending.set(unit, [...kept, code])
  }

  /** What is told next, or 0. */
  next(nexus: ModelNexus, unit: ModelUnit): number {
    const codes = nexus.pending.get(unit)
    if (codes === undefined) return 0x2900
    return codes.reduce((best, code) => (best === 0 || rank(code) < rank(best) ? code : best), 0)
  }

  private end({ id }: { readonly id: number }, how: string): void {
    this.ends.set(id, how)
  }

  private endBy(
    request: ModelFunction,
    commands: readonly Member[],
    how: (each: Member) => string,
  ): void {
    this.waiting.add({ request, commands: new Set(commands) })
    this.abort(commands, how)
    this.startAll()
    this.answerFunctions()
  }

  private abort(commands: readonly Member[], how: (each: Member) => string): void {
    for (const member of commands) {
      if (member.state === 'ending') continue
      member.abortedEnd = how(member)
      const moving = member.state === 'running' && member.kind === Kind.TRANSFER
      if (moving) member.state = 'ending'
      else
        this.leave(
          this.allUnits.find(({ members }) => members.includes(member))!,
          member,
          member.abortedEnd,
        )
    }
  }

  private leave(unit: ModelUnit, member: Member, how: string): void {
    unit.members.splice(unit.members.indexOf(member), 1)
    this.ends.set(member.id, how)
    for (const { commands } of this.waiting) commands.delete(member)
  }

  private answerFunctions(): void {
    for (const each of this.waiting) {
      if (each.commands.size > 0) continue
      this.waiting.delete(each)
      this.ends.set(each.request.id, 'response 3')
    }
  }

  /** Starts whatever may start, one after the other. */
  private startAll(): void {
    for (const unit of this.units) {
      for (let next = unit.next(); next !== undefined; next = unit.next()) this.start(unit, next)
    }
    this.answerFunctions()
  }

  private start(unit: ModelUnit, member: Member): void {
    const attention = this.next(member.nexus, unit)
    if (attention !== 0 && member.opcode !== 'inquiry') {
      const codes = member.nexus.pending.get(unit) ?? []
      member.nexus.pending.set(
        unit,
        codes.filter((code) => code !== attention),
      )
      const told = `6/${hex(attention >> 8)}/${hex(attention & 0xff)}`
      this.leave(unit, member, member.opcode === 'requestSense' ? `data ${told}` : told)
      return
    }
    this.started.push(member.id)
    member.state = 'running'
    if (member.kind === Kind.INSTANT) this.leave(unit, member, 'GOOD')
    if (member.kind === Kind.THROWING) this.leave(unit, member, 'status 2')
  }
}

/** A unit's task set: its commands, oldest first. */
export class ModelUnit {
  readonly members: Member[] = []
  readonly maxTasks: number
  readonly maxRunning: number
  readonly taskAbortedStatus: boolean

  constructor(maxTasks: number, maxRunning: number, taskAbortedStatus: boolean) {
    this.maxTasks = maxTasks
    this.maxRunning = maxRunning
    this.taskAbortedStatus = taskAbortedStatus
  }

  /** The command that starts next, if one may. */
  next(): Member | undefined {
    const dormant = this.members.filter(({ state }) => state === 'dormant')
    const atOnce = dormant.find((each) => implicit(each) || isHead(each))
    if (atOnce !== undefined) return atOnce
    if (this.members.some(isHead)) return undefined
    if (this.members.length - dormant.length >= this.maxRunning) return undefined
    const may = dormant.filter((each) => {
      const older = this.members.slice(0, this.members.indexOf(each))
      return isOrdered(each) ? older.length === 0 : !older.some(isOrdered)
    })
    return may.sort((a, b) => urgency(a) - urgency(b))[0]
  }
}

const implicit = ({ opcode }: ModelCommand): boolean => opcode !== 'vendor'
const isHead = (each: ModelCommand): boolean =>
  !implicit(each) && each.attribute === TaskAttribute.HEAD_OF_QUEUE
const isOrdered = (each: ModelCommand): boolean =>
  !implicit(each) && each.attribute === TaskAttribute.ORDERED
/** SAM-5 8.8: 1 first, 15 last but for none. `sort` keeps the order of age. */
const urgency = ({ priority }: ModelCommand): number => (priority === 0 ? 16 : priority)

const RANKED = [0x2900, 0x2901, 0x2904, 0x3f01, 0x2902, 0x2903, 0x2907, 0x2f01]
const rank = (code: number): number =>
  RANKED.includes(code) ? RANKED.indexOf(code) : RANKED.length + code
const hex = (value: number): string => value.toString(16).padStart(2, '0')
