import assert from 'node:assert/strict'
import { TaskAttribute } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { command, KeptUnit, Kind, served } from './kept-unit.ts'
import { PlainNexus } from './plain-nexus.ts'
import type { PlainTask } from './plain-task.ts'

const test = suite('every order of completions, aborts, resets and losses')

const { SIMPLE, ORDERED, HEAD_OF_QUEUE } = TaskAttribute

/** One command, and who sends it. */
interface Sent {
  readonly by: 0 | 1
  readonly kind: Kind
  readonly attribute: TaskAttribute
}

/** A function that is on its way, and what it ends. */
interface Asked {
  readonly task: PlainTask
  readonly scope: readonly PlainTask[]
}

/** A unit, two nexuses, and what is promised after each step. */
class World {
  readonly #unit: KeptUnit
  readonly #nexuses: PlainNexus[]
  readonly #owners = new Map<PlainTask, PlainNexus>()
  readonly #commands: (PlainTask | undefined)[] = []
  readonly #functions: Asked[] = []
  /** Unit attentions that each nexus must be told, in their order. */
  readonly #owed: [string[], string[]] = [[], []]
  readonly #silent: boolean

  constructor(taskAbortedStatus: boolean) {
    this.#unit = new KeptUnit({ taskAbortedStatus })
    this.#nexuses = served([this.#unit], 2).nexuses
    this.#silent = !taskAbortedStatus
  }

  arrive(index: number, { by, kind, attribute }: Sent): void {
    const nexus = this.#nexuses[by]!
    if (nexus.lost) return
    const task = nexus.send(command({ kind, attribute }))
    this.#commands[index] = task
    this.#owners.set(task, nexus)
  }

  /** The unit answers, or the transfer ends. */
  end(index: number): void {
    const task = this.#commands[index]
    if (task?.transferring) task.endTransfer()
    else if (task !== undefined && this.#unit.running.has(task)) this.#unit.finish(task)
  }

  abort(index: number): void {
    const task = this.#commands[index]
    const nexus = task === undefined ? this.#nexuses[0]! : this.#owners.get(task)!
    const scope = task === undefined || task.isOver ? [] : [task]
    this.#manage(nexus, TaskFunction.ABORT_TASK, scope, task?.name)
  }

  resetNexus(by: 0 | 1): void {
    const nexus = this.#nexuses[by]!
    const scope = this.#open().filter((task) => this.#owners.get(task) === nexus)
    if (this.#manage(nexus, TaskFunction.I_T_NEXUS_RESET, scope)) {
      // 29h 03h outranks it, and stays; what is lower goes.
      this.#owed[by] = [...this.#owed[by].filter((code) => code === '6/29/03'), '6/29/07']
    }
  }

  resetUnit(by: 0 | 1): void {
    if (this.#manage(this.#nexuses[by]!, TaskFunction.LOGICAL_UNIT_RESET, this.#open())) {
      this.#owed[0] = ['6/29/03']
      this.#owed[1] = ['6/29/03']
    }
  }

  clear(by: 0 | 1): void {
    const open = this.#open()
    const ended = new Set(this.#functions.flatMap(({ scope }) => scope))
    const other = this.#nexuses[1 - by]!
    const loses = open.some((task) => this.#owners.get(task) === other && !ended.has(task))
    const sent = this.#manage(this.#nexuses[by]!, TaskFunction.CLEAR_TASK_SET, open)
    if (sent && loses && this.#silent) this.#owed[by === 0 ? 1 : 0].push('6/2f/00')
  }

  lose(by: 0 | 1): void {
    if (!this.#nexuses[by]!.lost) this.#nexuses[by]!.lose()
  }

  /** Holds after each step. */
  check(): void {
    for (const task of this.#commands) {
      if (task?.isOver && task.end.startsWith('6/')) this.#told(task)
    }
    for (const { task, scope } of this.#functions) {
      const lost = task.isOver && task.end === 'aborted'
      if (lost) continue
      assert.equal(
        task.isOver,
        scope.every(({ isOver }) => isOver),
        'answered when all is over',
      )
      if (!task.isOver) continue
      for (const each of scope) {
        const owner = this.#owners.get(each)!
        assert.ok(owner.lost || owner.ends.includes(each), 'their ends are published by then')
      }
    }
  }

  /** Whatever is left comes to its end; nothing of it stays anywhere. */
  finish(): void {
    for (let left = this.#open(); left.length > 0; left = this.#open()) {
      for (const index of this.#commands.keys()) this.end(index)
      this.check()
      assert.ok(this.#open().length < left.length, 'nobody waits for ever')
    }
    assert.equal(this.#unit.running.size, 0)
    assert.ok(this.#functions.every(({ task }) => task.isOver))
    for (const [at, nexus] of this.#nexuses.entries()) {
      nexus.flush()
      this.#onceEach(nexus)
      if (nexus.lost) continue
      assert.equal(nexus.tasks().length, 0)
      for (const owed of this.#owed[at as 0 | 1]) assert.equal(probe(nexus), owed)
      assert.equal(probe(nexus), 'GOOD', 'no attention is doubled, and an ORDERED command runs')
    }
    const late = new PlainNexus(this.#nexuses[0]!.target)
    assert.deepEqual([probe(late), probe(late)], ['6/29/00', 'GOOD'])
  }

  /** Every end is published once, and a function's after those of its own nexus that it waited for. */
  #onceEach(nexus: PlainNexus): void {
    assert.equal(new Set(nexus.ends).size, nexus.ends.length)
    if (nexus.lost) return
    for (const { task, scope } of this.#functions) {
      const at = nexus.ends.indexOf(task)
      for (const each of scope) {
        if (at >= 0 && this.#owners.get(each) === nexus) assert.ok(nexus.ends.indexOf(each) < at)
      }
    }
  }

  #manage(
    nexus: PlainNexus,
    code: TaskFunction,
    scope: readonly PlainTask[],
    managedTag = 1n,
  ): boolean {
    if (nexus.lost) return false
    this.#functions.push({ task: nexus.send({ function: code, lun: 0, managedTag }), scope })
    return true
  }

  #open(): PlainTask[] {
    return this.#commands.filter((task): task is PlainTask => task !== undefined && !task.isOver)
  }

  /** A command that met a unit attention took the first that was owed. */
  #told(task: PlainTask): void {
    const owner = this.#owners.get(task)
    if (owner === undefined) return
    this.#owners.delete(task)
    this.#commands[this.#commands.indexOf(task)] = undefined
    assert.equal(task.end, this.#owed[this.#nexuses.indexOf(owner) as 0 | 1].shift())
  }
}

const probe = (nexus: PlainNexus): string =>
  nexus.send(command({ kind: Kind.INSTANT, attribute: ORDERED })).end

interface Step {
  readonly name: string
  /** A step that must come before. */
  readonly after?: string
  run(world: World): void
}

/** Calls `each` with every order of the steps that keeps what comes before what. */
function orders(steps: readonly Step[], each: (order: readonly Step[]) => void): void {
  const order: Step[] = []
  const extend = (): void => {
    if (order.length === steps.length) each(order)
    for (const step of steps) {
      if (order.includes(step)) continue
      if (step.after !== undefined && !order.some(({ name }) => name === step.after)) continue
      order.push(step)
      extend()
      order.pop()
    }
  }
  extend()
}

/** Runs every order on a fresh target; a failure names the order. */
function runAll(steps: readonly Step[], commands: readonly Sent[], present: boolean): number {
  let count = 0
  for (const taskAbortedStatus of [false, true]) {
    orders(steps, (order) => {
      count += 1
      try {
        const world = new World(taskAbortedStatus)
        if (present) for (const [index, sent] of commands.entries()) world.arrive(index, sent)
        for (const step of order) {
          step.run(world)
          world.check()
        }
        world.finish()
      } catch (error) {
        const names = order.map(({ name }) => name).join(', ')
        const what = JSON.stringify({ taskAbortedStatus, commands })
        throw new Error(`${names} ${what}\n${(error as Error).message}`, { cause: error })
      }
    })
  }
  return count
}

const KINDS = [Kind.KEPT, Kind.TRANSFER] as const

test('ends one command once, whether it arrives before or behind what ends it', () => {
  for (const kind of KINDS) {
    for (const attribute of [SIMPLE, ORDERED, HEAD_OF_QUEUE]) {
      const sent = { by: 0, kind, attribute } as const
      const steps: Step[] = [
        { name: 'arrives', run: (world) => world.arrive(0, sent) },
        { name: 'ends', after: 'arrives', run: (world) => world.end(0) },
        { name: 'is aborted', run: (world) => world.abort(0) },
        { name: 'the unit is reset', run: (world) => world.resetUnit(1) },
        { name: 'the task set is cleared', run: (world) => world.clear(1) },
        { name: 'its nexus is reset', run: (world) => world.resetNexus(0) },
        { name: 'its nexus is lost', run: (world) => world.lose(0) },
      ]
      assert.equal(runAll(steps, [sent], false), 2 * 2520)
    }
  }
})

for (const by of [0, 1] as const) {
  test(
    `ends two commands once each, the second of ${by === 0 ? 'the same' : 'another'} nexus`,
    () => {
      for (const first of KINDS) {
        for (const second of KINDS) {
          for (const attribute of [SIMPLE, ORDERED, HEAD_OF_QUEUE]) {
            const commands: Sent[] = [
              { by: 0, kind: first, attribute: ORDERED },
              { by, kind: second, attribute },
            ]
            const steps: Step[] = [
              { name: 'the first ends', run: (world) => world.end(0) },
              { name: 'the second ends', run: (world) => world.end(1) },
              { name: 'the first is aborted', run: (world) => world.abort(0) },
              { name: 'the task set is cleared', run: (world) => world.clear(1) },
              { name: 'the unit is reset', run: (world) => world.resetUnit(0) },
              { name: 'the first nexus is lost', run: (world) => world.lose(0) },
            ]
            assert.equal(runAll(steps, commands, true), 2 * 720)
          }
        }
      }
    },
    { deadlineMs: 60_000 },
  )
}

test('answers two functions that wait for one transfer, each once', () => {
  const sent = { by: 0, kind: Kind.TRANSFER, attribute: SIMPLE } as const
  const steps: Step[] = [
    { name: 'ends', run: (world) => world.end(0) },
    { name: 'is aborted', run: (world) => world.abort(0) },
    { name: 'is aborted again', run: (world) => world.abort(0) },
    { name: 'the unit is reset by one', run: (world) => world.resetUnit(0) },
    { name: 'the unit is reset by the other', run: (world) => world.resetUnit(1) },
    { name: 'the other nexus is lost', run: (world) => world.lose(1) },
  ]
  assert.equal(runAll(steps, [sent], true), 2 * 720)
})

test.run()
