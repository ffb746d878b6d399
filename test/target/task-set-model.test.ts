import assert from 'node:assert/strict'
import { lunWord } from '#dist/scsi/lun.js'
import { Opcode } from '#dist/scsi/opcode.js'
import { reportLuns } from '#dist/scsi/report-luns.js'
import { SenseCode } from '#dist/scsi/sense-code.js'
import { Target } from '#dist/target/target.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from '../scsi/random.ts'
import { command, KeptUnit, type Kind, VENDOR } from './kept-unit.ts'
import { PlainNexus } from './plain-nexus.ts'
import type { PlainTask } from './plain-task.ts'
import { Model, ModelNexus, ModelUnit } from './task-set-model.ts'

const test = suite('a task set against a plain model')

const HISTORIES = 400
const STEPS = 60
const OPCODES = { vendor: VENDOR, inquiry: Opcode.INQUIRY, requestSense: Opcode.REQUEST_SENSE }
const ATTENTIONS: readonly number[] = Object.values(SenseCode).filter((code) =>
  [0x28, 0x29, 0x2a, 0x2f, 0x3f].includes(code >> 8),
)

/** One nexus, on both sides. */
interface Side {
  real: PlainNexus
  model: ModelNexus
}

/** A random history, made step by step on a target and on the model. */
class History {
  readonly #next: () => number
  readonly #model = new Model()
  readonly #units: KeptUnit[]
  /** Those that were taken away. */
  readonly #gone: KeptUnit[] = []
  readonly #target: Target
  readonly #sides: Side[]
  /** Every task that was ever sent, by the model's numbers. */
  readonly #tasks = new Map<number, PlainTask>()
  readonly #log: string[] = []

  constructor(next: () => number) {
    this.#next = next
    this.#units = [0, 1].map((at) => {
      const [real, model] = this.#unit()
      this.#model.units[at] = model
      return real
    })
    this.#target = new Target(this.#units.entries())
    this.#sides = [0, 1, 2].map(() => this.#open())
  }

  /** One with limits by chance, on both sides. */
  #unit(): [KeptUnit, ModelUnit] {
    const maxTasks = this.#pick([3, 6, 1000])
    const maxRunning = this.#pick([1, 2, 1000])
    const taskAbortedStatus = this.#chance(50)
    return [
      new KeptUnit({ maxTasks, maxRunning, taskAbortedStatus }),
      new ModelUnit(maxTasks, maxRunning, taskAbortedStatus),
    ]
  }

  get log(): string {
    return this.#log.join('\n')
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#step()
      this.#compare()
    }
    this.#drain()
  }

  #step(): void {
    const dice = this.#next() % 100
    const side = this.#pick(this.#sides)
    if (dice < 45) this.#command(side)
    else if (dice < 65) this.#finish()
    else if (dice < 82) this.#manage(side)
    else if (dice < 86) this.#reportLuns(side)
    else if (dice < 94) this.#attention(side)
    else if (dice < 96) this.#lose(side)
    else if (dice < 97) this.#replace()
    else this.#publish(side)
  }

  #command(side: Side, kinds: readonly Kind[] = [0, 0, 0, 1, 2, 2, 3]): void {
    const task = this.#deliver(side, kinds, 0)
    side.real.fetch()
    side.real.flush()
    this.#record(task)
  }

  /** On another pair, where only a function of this nexus finds it before the next fetch. */
  #publish(side: Side): void {
    const published = this.#deliver(side, [0, 1, 2], 1)
    const query = side.real.publish({ function: TaskFunction.QUERY_TASK_SET, lun: 0 })
    side.real.fetch()
    side.real.flush()
    this.#record(published)
    const { id, nexus } = { id: query.id, nexus: side.model }
    this.#record({
      task: query,
      text: 'query',
      apply: () =>
        this.#model.manage(this.#model.units[0], {
          id,
          nexus,
          function: TaskFunction.QUERY_TASK_SET,
          target: 0n,
        }),
    })
  }

  #deliver(side: Side, kinds: readonly Kind[], pair: 0 | 1): Step {
    const at = this.#next() % 2
    const opcode = this.#pick([
      'vendor',
      'vendor',
      'vendor',
      'vendor',
      'inquiry',
      'requestSense',
    ] as const)
    const kind = this.#pick(kinds)
    const attribute = this.#pick([0, 0, 0, 0, 1, 1, 2, 4])
    const priority = attribute === 0 ? this.#pick([0, 0, 1, 7, 15]) : 0
    const tag = this.#chance(20) ? BigInt(this.#next() % 3) : undefined
    const what = command({ at, opcode: OPCODES[opcode], kind, attribute, priority })
    const task = side.real.publish(tag === undefined ? what : { ...what, tag }, pair)
    const { id } = task
    const model = {
      ...{ id, nexus: side.model, attribute, priority, kind, opcode },
      tag: task.name,
      ownTag: tag === undefined,
    }
    return {
      task,
      text: `unit ${at}: ${opcode} kind ${kind} attribute ${attribute} priority ${priority} tag ${tag}`,
      apply: () => this.#model.command(this.#model.units[at]!, model),
    }
  }

  /** Something that runs, or still moves, comes to its end. */
  #finish(): void {
    const moving = [...this.#tasks.values()].filter(({ transferring }) => transferring)
    const kept = this.#units.flatMap(({ running }) => [...running] as PlainTask[])
    const all = [...new Set([...moving, ...kept])]
    if (all.length === 0) return
    const task = this.#pick(all)
    this.#log.push(`${task.id} finishes`)
    if (task.transferring) task.endTransfer()
    else this.#units.find(({ running }) => running.has(task))!.finish(task)
    this.#model.finish(task.id)
  }

  #manage(side: Side): void {
    const at = this.#pick([0, 0, 0, 1, 1, 1, 9])
    const code = this.#pick([1, 1, 1, 2, 2, 3, 4, 4, 5, 5, 9, 9, 10, 11, 12, 12, 13])
    // Mostly something that is there; also what is over, another's, or nobody's.
    const open = [...this.#tasks.values()].filter(({ isOver }) => !isOver)
    const meant = this.#pick([...open, ...open, ...this.#tasks.values(), undefined])
    const target = meant?.name ?? 4711n
    const task = side.real.publish({ function: code, lun: lunWord(at), managedTag: target })
    side.real.fetch()
    side.real.flush()
    const request = { id: task.id, nexus: side.model, function: code, target }
    const text = `unit ${at}: function ${code} on ${target}`
    this.#record({ task, text, apply: () => this.#model.manage(this.#model.units[at], request) })
  }

  #reportLuns(side: Side): void {
    const task = side.real.send({ cdb: reportLuns().cdb, lun: 0, dataInLength: 100 })
    this.#record({
      task,
      text: 'REPORT LUNS',
      apply: () => this.#model.reportLuns(task.id, side.model),
    })
  }

  #attention(except: Side): void {
    const at = this.#next() % 2
    const code = this.#pick(ATTENTIONS)
    const all = this.#chance(50)
    this.#log.push(`unit ${at}: attention ${code.toString(16)}`)
    this.#units[at]!.context!.attention(code, all ? {} : { except: except.real.nexus })
    for (const nexus of this.#model.nexuses) {
      if (all || nexus !== except.model) this.#model.establish(nexus, this.#model.units[at]!, code)
    }
  }

  #replace(): void {
    const at = this.#next() % 2
    const [real, model] = this.#unit()
    this.#log.push(`unit ${at} is replaced`)
    this.#gone.push(this.#units[at]!)
    this.#units[at] = real
    this.#target.removeUnit(at)
    this.#target.addUnit(at, real)
    this.#model.replace(at, model)
  }

  #lose(side: Side): void {
    this.#log.push(`nexus ${this.#sides.indexOf(side)} is lost`)
    side.real.lose()
    this.#model.lose(side.model)
    this.#sides[this.#sides.indexOf(side)] = this.#open()
  }

  /** The tests' own numbers stand for tags; the model learns of the task once it has arrived. */
  #record({ task, text, apply }: Step): void {
    this.#log.push(`${task.id} = ${text}`)
    this.#tasks.set(task.id, task)
    apply()
  }

  #compare(): void {
    const ends = [...this.#tasks].map(([id, task]) => [id, endOf(task)])
    const expected = [...this.#tasks.keys()].map((id) => [id, this.#model.ends.get(id) ?? 'open'])
    assert.deepEqual(ends, expected)
    for (const [at, unit] of this.#units.entries()) {
      const ids = new Set(
        this.#model.units[at]!.members.filter((m) => m.state === 'running').map(({ id }) => id),
      )
      assert.deepEqual(new Set([...unit.running].map((task) => (task as PlainTask).id)), ids)
    }
    const units = [...this.#units, ...this.#gone]
    const started = units.map(({ started }) => started.map((task) => (task as PlainTask).id))
    assert.deepEqual(
      started.flat().sort((a, b) => a - b),
      [...this.#model.started].sort((a, b) => a - b),
    )
    for (const each of started) {
      assert.deepEqual(
        each,
        this.#model.started.filter((id) => each.includes(id)),
      )
    }
    this.#compareAttentions()
  }

  #compareAttentions(): void {
    for (const { real, model } of this.#sides) {
      for (const [at, unit] of this.#model.units.entries()) {
        const event = real
          .send({ function: TaskFunction.QUERY_ASYNCHRONOUS_EVENT, lun: lunWord(at) })
          .result()?.event
        const code = event === undefined ? 0 : (event.asc << 8) | event.ascq
        assert.equal(code, this.#model.next(model, unit))
        assert.equal(event?.more ?? false, (model.pending.get(unit)?.length ?? 0) > 1)
      }
    }
  }

  /** Everything ends; then the task sets are empty, and nobody waits any more. */
  #drain(): void {
    while (this.#model.allUnits.some(({ members }) => members.length > 0)) {
      this.#finish()
      this.#compare()
    }
    assert.equal(this.#model.waiting.size, 0)
    assert.ok([...this.#tasks.values()].every(({ isOver }) => isOver))
    for (const { real } of this.#sides) {
      assert.equal(real.tasks().length, 0)
      for (const at of [0, 1]) {
        const query = { function: TaskFunction.QUERY_TASK_SET, lun: lunWord(at) }
        assert.equal(real.send(query).end, 'response 3')
      }
    }
  }

  #open(): Side {
    const side = { real: new PlainNexus(this.#target), model: new ModelNexus() }
    this.#model.nexuses.add(side.model)
    return side
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#next() % from.length]!
  }

  #chance(percent: number): boolean {
    return this.#next() % 100 < percent
  }
}

interface Step {
  readonly task: PlainTask
  readonly text: string
  apply(): void
}

/** As the model says it: REQUEST SENSE that told a unit attention has that as its data. */
function endOf(task: PlainTask): string {
  if (task.end !== 'GOOD') return task.end
  const { data } = task.outcome()
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  return data[0] === 0x70 && data[2] === 6 ? `data 6/${hex(data[12]!)}/${hex(data[13]!)}` : 'GOOD'
}

test(
  `does as the model does, in ${HISTORIES} random histories of ${STEPS} steps`,
  () => {
    for (let index = 0; index < HISTORIES; index++) {
      const history = new History(generator(seed + index))
      try {
        history.run()
      } catch (error) {
        const { message } = error as Error
        throw new Error(`SGRING_SEED=${seed + index}\n${history.log}\n${message}`, { cause: error })
      }
    }
  },
  { deadlineMs: 120_000 },
)

test.run()
