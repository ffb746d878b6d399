import assert from 'node:assert/strict'
import { Opcode } from '#dist/scsi/opcode.js'
import { Target } from '#dist/target/target.js'
import { TaskAttribute } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { command, KeptUnit, Kind, served } from './kept-unit.ts'
import type { PlainNexus } from './plain-nexus.ts'
import type { PlainTask } from './plain-task.ts'

const test = suite('a task set')

const { SIMPLE, ORDERED, HEAD_OF_QUEUE } = TaskAttribute

/** One unit, and what sends to it. */
function one(limits: ConstructorParameters<typeof KeptUnit>[0] = {}): {
  unit: KeptUnit
  first: PlainNexus
  second: PlainNexus
  runs(): PlainTask[]
} {
  const unit = new KeptUnit(limits)
  const [first, second] = served([unit], 2).nexuses
  return { unit, first: first!, second: second!, runs: () => [...unit.running] as PlainTask[] }
}

test('runs SIMPLE commands together, and ORDERED ones alone, across nexuses (sam-5 8.7)', () => {
  const { unit, first, second, runs } = one()
  const a = first.send(command())
  const b = second.send(command())
  const ordered = first.send(command({ attribute: ORDERED }))
  const later = second.send(command())
  const next = second.send(command({ attribute: ORDERED }))
  assert.deepEqual(runs(), [a, b])
  unit.finish(a)
  assert.deepEqual(runs(), [b])
  unit.finish(b)
  assert.deepEqual(runs(), [ordered])
  unit.finish(ordered)
  assert.deepEqual(runs(), [later])
  unit.finish(later)
  assert.deepEqual(runs(), [next])
})

test('runs HEAD OF QUEUE at once, and starts nothing else before it is over (sam-5 8.7)', () => {
  const { unit, first, second, runs } = one()
  const running = first.send(command())
  const ordered = first.send(command({ attribute: ORDERED }))
  const head = second.send(command({ attribute: HEAD_OF_QUEUE }))
  const another = first.send(command({ attribute: HEAD_OF_QUEUE }))
  assert.deepEqual(runs(), [running, head, another])
  unit.finish(running)
  unit.finish(head)
  assert.deepEqual(runs(), [another])
  unit.finish(another)
  assert.deepEqual(runs(), [ordered])
})

test('holds a SIMPLE command back while HEAD OF QUEUE is there (sam-5 8.7)', () => {
  const { unit, first, second, runs } = one()
  const head = first.send(command({ attribute: HEAD_OF_QUEUE }))
  const simple = second.send(command())
  assert.deepEqual(runs(), [head])
  unit.finish(head)
  assert.deepEqual(runs(), [simple])
})

test('starts by priority, then by age, what waits for the unit alone (sam-5 8.8)', () => {
  const { unit, first, second, runs } = one({ maxRunning: 1 })
  const started = first.send(command())
  const order = [0, 15, 3, 1, 3, 0, 1].map((priority, index) =>
    (index % 2 === 0 ? first : second).send(command({ priority })),
  )
  const expected = [3, 6, 2, 4, 1, 0, 5].map((index) => order[index]!)
  unit.finish(started)
  for (const task of expected) {
    assert.deepEqual(runs(), [task])
    unit.finish(task)
  }
})

test('lets priority overtake no ORDERED command (sam-5 8.8)', () => {
  const { unit, first, runs } = one({ maxRunning: 1 })
  const started = first.send(command())
  const ordered = first.send(command({ attribute: ORDERED }))
  const urgent = first.send(command({ priority: 1 }))
  unit.finish(started)
  assert.deepEqual(runs(), [ordered])
  unit.finish(ordered)
  assert.deepEqual(runs(), [urgent])
})

test('gives the unit as many as it takes, and HEAD OF QUEUE beyond that', () => {
  const { unit, first, runs } = one({ maxRunning: 2 })
  const [a, b, c] = [1, 2, 3].map(() => first.send(command()))
  const head = first.send(command({ attribute: HEAD_OF_QUEUE }))
  assert.deepEqual(runs(), [a, b, head])
  unit.finish(head)
  assert.deepEqual(runs(), [a, b])
  unit.finish(a!)
  assert.deepEqual(runs(), [b, c])
})

test('ends in TASK SET FULL for a nexus with commands there, and in BUSY for one without (sam-5 5.3.1)', () => {
  const { unit, first, second } = one({ maxTasks: 2 })
  const [a] = [first.send(command()), first.send(command())]
  for (const attribute of [SIMPLE, ORDERED, HEAD_OF_QUEUE]) {
    assert.equal(first.send(command({ attribute })).end, 'status 28')
    assert.equal(second.send(command({ attribute })).end, 'status 8')
  }
  unit.finish(a!)
  assert.equal(second.send(command()).end, 'open')
})

test('has room for INQUIRY and REQUEST SENSE always, which wait for nobody and keep nobody waiting (spc-4 6.6, 6.39)', () => {
  for (const opcode of [Opcode.INQUIRY, Opcode.REQUEST_SENSE]) {
    for (const attribute of [SIMPLE, ORDERED, HEAD_OF_QUEUE]) {
      const { unit, first, second, runs } = one({ maxTasks: 3 })
      const ordered = first.send(command({ attribute: ORDERED }))
      const asked = second.send(command({ opcode, attribute }))
      const simple = first.send(command())
      assert.equal(second.send(command({ kind: Kind.INSTANT })).end, 'status 28')
      const more = second.send(command({ opcode, attribute }))
      assert.deepEqual(runs(), [ordered, asked, more])
      unit.finish(ordered)
      assert.deepEqual(runs(), [asked, more, simple])
    }
  }
})

test('lets an ORDERED command wait for an older INQUIRY, not for a younger one (sam-5 8.7)', () => {
  const { unit, first, runs } = one()
  const older = first.send(command({ opcode: Opcode.INQUIRY }))
  const ordered = first.send(command({ attribute: ORDERED }))
  const younger = first.send(command({ opcode: Opcode.INQUIRY }))
  assert.deepEqual(runs(), [older, younger])
  unit.finish(older)
  assert.deepEqual(runs(), [younger, ordered])
})

test('tells a unit attention when a command starts, not when it arrives (sam-5 5.14)', () => {
  const { unit, first, second } = one()
  const head = first.send(command({ attribute: HEAD_OF_QUEUE }))
  const waiting = second.send(command())
  unit.context!.attention(0x2a09)
  assert.equal(waiting.end, 'open')
  unit.finish(head)
  assert.equal(waiting.end, '6/2a/09')
})

test('starts thousands that answer at once, one behind the other, on a flat stack', () => {
  const { unit, first } = one()
  const head = first.send(command({ attribute: HEAD_OF_QUEUE }))
  const waiting = Array.from({ length: 20_000 }, (_, index) =>
    first.send(command({ kind: Kind.INSTANT, attribute: index % 2 === 0 ? ORDERED : SIMPLE })),
  )
  unit.finish(head)
  assert.ok(waiting.every(({ end }) => end === 'GOOD'))
  assert.deepEqual(unit.started.slice(-waiting.length), waiting)
})

test('answers for a unit that throws when a command has waited, and starts the next', () => {
  const { unit, first, second, runs } = one()
  const head = first.send(command({ attribute: HEAD_OF_QUEUE }))
  const throwing = second.send(command({ kind: Kind.THROWING }))
  const next = first.send(command())
  unit.finish(head)
  assert.equal(throwing.end, 'status 2')
  assert.equal((second.failures[0] as Error).message, 'as it was told')
  assert.deepEqual(runs(), [next])
})

test('aborts what has a tag that is there already, and refuses what came with it (sam-5 5.10)', () => {
  const { unit, first, second, runs } = one()
  const others = second.send(command({ tag: 7n }))
  const [a, b] = [first.send(command({ tag: 7n })), first.send(command())]
  const waiting = first.send(command({ tag: 8n, attribute: ORDERED }))
  assert.equal(first.send(command({ tag: 7n })).end, 'b/4e/00')
  assert.deepEqual(
    [a, b, waiting].map((task) => task?.end),
    ['aborted', 'aborted', 'aborted'],
  )
  assert.deepEqual(runs(), [others])
  unit.finish(others)
  const again = first.send(command({ tag: 7n }))
  assert.deepEqual(runs(), [again])
  unit.finish(again)
})

test('knows a tag of a caller again at another unit as another one (sam-5 4.8)', () => {
  const units = [new KeptUnit(), new KeptUnit()]
  const [nexus] = served(units, 1).nexuses
  const tasks = units.map((_, at) => nexus!.send(command({ tag: 7n, at })))
  assert.deepEqual(
    tasks.map(({ end }) => end),
    ['open', 'open'],
  )
})

test('starts nothing of a pair that is gone', () => {
  const { unit, first, second, runs } = one()
  const running = first.send(command({ attribute: ORDERED }))
  const lost = [first.send(command()), first.send(command({ attribute: HEAD_OF_QUEUE }))]
  const waiting = second.send(command())
  const before = unit.started.length
  first.lose()
  assert.deepEqual(
    [running, ...lost].map(({ end }) => end),
    ['aborted', 'aborted', 'aborted'],
  )
  assert.deepEqual(runs(), [waiting])
  assert.deepEqual(unit.started.slice(before), [waiting])
})

test('refuses limits that are none', () => {
  for (const limits of [{ maxTasks: 0 }, { maxRunning: 0 }, { maxTasks: 1.5 }]) {
    assert.throws(() => new Target([[0, new KeptUnit(limits)]]), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
  }
})

test.run()
