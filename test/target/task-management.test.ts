import assert from 'node:assert/strict'
import { lunWord } from '#dist/scsi/lun.js'
import { TaskAttribute } from '#dist/task/command.js'
import { ServiceResponse, TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { command, KeptUnit, Kind, served } from './kept-unit.ts'
import type { PlainNexus } from './plain-nexus.ts'
import type { PlainTask } from './plain-task.ts'

const test = suite('task management')

const { FUNCTION_COMPLETE, FUNCTION_SUCCEEDED, FUNCTION_REJECTED } = ServiceResponse
const { INCORRECT_LOGICAL_UNIT_NUMBER, SERVICE_DELIVERY_OR_TARGET_FAILURE } = ServiceResponse
const complete = `response ${FUNCTION_COMPLETE}`
const succeeded = `response ${FUNCTION_SUCCEEDED}`

/** Two units, and two nexuses that know them. */
function two(limits: ConstructorParameters<typeof KeptUnit>[0] = {}): {
  units: [KeptUnit, KeptUnit]
  first: PlainNexus
  second: PlainNexus
} {
  const units: [KeptUnit, KeptUnit] = [new KeptUnit(limits), new KeptUnit(limits)]
  const [first, second] = served(units, 2).nexuses
  return { units, first: first!, second: second! }
}

/** Sends a function, and gives how it stands. */
function manage(nexus: PlainNexus, code: number, at = 0, managedTag = 0n): PlainTask {
  return nexus.send({ function: code, lun: lunWord(at), managedTag })
}

const ends = (tasks: readonly PlainTask[]): string[] => tasks.map(({ end }) => end)
const ready = (nexus: PlainNexus, at = 0): string =>
  nexus.send(command({ at, kind: Kind.INSTANT })).end

test('aborts one command, and lets its nexus know nothing more (sam-5 7.2)', () => {
  for (const tag of [undefined, 77n]) {
    const { units, first } = two()
    const [a, b] = [first.send(command(tag === undefined ? {} : { tag })), first.send(command())]
    assert.equal(manage(first, TaskFunction.ABORT_TASK, 0, a.name).end, complete)
    assert.deepEqual(ends([a, b]), ['aborted', 'open'])
    assert.deepEqual([...units[0].running], [b])
    assert.equal(ready(first), 'GOOD')
  }
})

test('aborts a command that waits, which never starts', () => {
  const { units, first, second } = two()
  const head = first.send(command({ attribute: TaskAttribute.HEAD_OF_QUEUE }))
  const waiting = first.send(command({ attribute: TaskAttribute.ORDERED }))
  const behind = second.send(command())
  assert.equal(manage(first, TaskFunction.ABORT_TASK, 0, waiting.name).end, complete)
  assert.equal(waiting.end, 'aborted')
  units[0].finish(head)
  assert.deepEqual([...units[0].running], [behind])
})

test('leaves alone what is not there, at another unit, or another nexus’s (sam-5 7.2)', () => {
  const { first, second } = two()
  const mine = first.send(command({ tag: 5n }))
  const theirs = second.send(command({ tag: 6n }))
  const own = second.send(command())
  for (const [at, tag] of [
    [1, 5n],
    [0, 6n],
    [0, 4711n],
    [0, 1n << 63n],
  ] as const) {
    assert.equal(manage(first, TaskFunction.QUERY_TASK, at, tag).end, complete)
    assert.equal(manage(first, TaskFunction.ABORT_TASK, at, tag).end, complete)
  }
  // A pair's own tags are another's own, too: the first of each nexus is the same number here.
  assert.equal(manage(first, TaskFunction.ABORT_TASK, 0, own.name).end, complete)
  assert.deepEqual(ends([mine, theirs, own]), ['open', 'open', 'open'])
})

test('aborts the task set of its own nexus, and starts what waited behind it (sam-5 7.3)', () => {
  const { units, first, second } = two()
  const mine = [
    first.send(command({ attribute: TaskAttribute.ORDERED })),
    first.send(command()),
    first.send(command({ attribute: TaskAttribute.HEAD_OF_QUEUE })),
  ]
  const elsewhere = first.send(command({ at: 1 }))
  const theirs = second.send(command())
  assert.equal(manage(first, TaskFunction.ABORT_TASK_SET).end, complete)
  assert.deepEqual(ends(mine), ['aborted', 'aborted', 'aborted'])
  assert.deepEqual(ends([theirs, elsewhere]), ['open', 'open'])
  assert.deepEqual([...units[0].running], [theirs])
})

for (const taskAbortedStatus of [false, true]) {
  const tas = taskAbortedStatus ? 1 : 0
  test(`clears the task set of every nexus, and tells the others: TAS=${tas} (sam-5 7.5, spc-4 7.5.8)`, () => {
    const { first, second } = two({ taskAbortedStatus })
    const third = served([new KeptUnit()], 1).nexuses[0]!
    const mine = first.send(command())
    const theirs = [second.send(command()), second.send(command())]
    const elsewhere = second.send(command({ at: 1 }))
    assert.equal(manage(first, TaskFunction.CLEAR_TASK_SET).end, complete)
    assert.equal(mine.end, 'aborted')
    const end = taskAbortedStatus ? 'status 40' : 'aborted'
    assert.deepEqual(ends(theirs), [end, end])
    assert.equal(elsewhere.end, 'open')
    assert.equal(ready(first), 'GOOD')
    assert.equal(ready(second), taskAbortedStatus ? 'GOOD' : '6/2f/00')
    assert.equal(ready(second), 'GOOD')
    assert.equal(ready(second, 1), 'GOOD')
    assert.equal(ready(third), 'GOOD')
  })

  test(`resets a unit, and tells every nexus: TAS=${tas} (sam-5 6.3.3, 7.7)`, () => {
    const { units, first, second } = two({ taskAbortedStatus })
    const mine = first.send(command())
    const theirs = second.send(command())
    assert.equal(manage(first, TaskFunction.LOGICAL_UNIT_RESET).end, complete)
    assert.deepEqual(ends([mine, theirs]), ['aborted', taskAbortedStatus ? 'status 40' : 'aborted'])
    assert.deepEqual(
      units.map(({ resets }) => resets),
      [1, 0],
    )
    for (const nexus of [first, second]) {
      assert.deepEqual([ready(nexus), ready(nexus), ready(nexus, 1)], ['6/29/03', 'GOOD', 'GOOD'])
    }
  })
}

test('tells COMMANDS CLEARED to nobody who lost nothing, and not twice for one command (sam-5 7.5)', () => {
  const { first, second } = two()
  manage(first, TaskFunction.CLEAR_TASK_SET)
  assert.equal(ready(second), 'GOOD')
  const moving = second.send(command({ kind: Kind.TRANSFER }))
  manage(second, TaskFunction.ABORT_TASK_SET)
  const clear = manage(first, TaskFunction.CLEAR_TASK_SET)
  assert.equal(ready(second), 'GOOD')
  assert.equal(clear.end, 'open')
  moving.endTransfer()
  assert.equal(clear.end, complete)
})

test('resets a nexus at every unit, and tells only it (sam-5 6.3.4, 7.6)', () => {
  const { first, second } = two()
  const mine = [first.send(command()), first.send(command({ at: 1 }))]
  const theirs = second.send(command())
  assert.equal(manage(first, TaskFunction.I_T_NEXUS_RESET, 9).end, complete)
  assert.deepEqual(ends([...mine, theirs]), ['aborted', 'aborted', 'open'])
  assert.deepEqual([ready(first), ready(first, 1)], ['6/29/07', '6/29/07'])
  assert.deepEqual([ready(second), ready(second, 1)], ['GOOD', 'GOOD'])
})

test('answers queries truly, for waiting and running commands of its own nexus (sam-5 7.8, 7.9)', () => {
  const { units, first, second } = two()
  const { QUERY_TASK, QUERY_TASK_SET } = TaskFunction
  assert.equal(manage(first, QUERY_TASK_SET).end, complete)
  const running = first.send(command({ attribute: TaskAttribute.ORDERED }))
  const waiting = first.send(command())
  for (const { name } of [running, waiting]) {
    assert.equal(manage(first, QUERY_TASK, 0, name).end, succeeded)
    assert.equal(manage(first, QUERY_TASK, 1, name).end, complete)
  }
  assert.equal(manage(first, QUERY_TASK_SET).end, succeeded)
  assert.equal(manage(first, QUERY_TASK_SET, 1).end, complete)
  assert.equal(manage(second, QUERY_TASK_SET).end, complete)
  units[0].finish(running)
  assert.equal(manage(first, QUERY_TASK, 0, running.name).end, complete)
})

test('tells the event that is next, and whether there are more, and clears none (sam-5 7.10)', () => {
  const { units, first } = two()
  const query = (): unknown => manage(first, TaskFunction.QUERY_ASYNCHRONOUS_EVENT).result()
  assert.deepEqual(query(), { response: FUNCTION_COMPLETE })
  units[0].context!.attention(0x2a09)
  const event = { senseKey: 6, asc: 0x2a, ascq: 9, more: false }
  assert.deepEqual(query(), { response: FUNCTION_SUCCEEDED, event })
  units[0].context!.attention(0x2901)
  units[0].context!.attention(0x2a01)
  assert.deepEqual(query(), {
    response: FUNCTION_SUCCEEDED,
    event: { senseKey: 6, asc: 0x29, ascq: 1, more: true },
  })
})

test('rejects CLEAR ACA, as NORMACA is 0, and functions that there are not (sam-5 7.1, 7.4)', () => {
  const { first } = two()
  const running = first.send(command())
  for (const code of [TaskFunction.CLEAR_ACA, 6, 7, 8, 13, 255]) {
    assert.equal(manage(first, code).end, `response ${FUNCTION_REJECTED}`)
  }
  for (const code of [6, 7, 8, 13, 255]) {
    assert.equal(manage(first, code, 9).end, `response ${FUNCTION_REJECTED}`)
  }
  assert.equal(running.end, 'open')
})

test('finds no unit where there is none (sam-5 7.1)', () => {
  const { first } = two()
  for (const code of Object.values(TaskFunction)) {
    if (code === TaskFunction.I_T_NEXUS_RESET) continue
    for (const lun of [lunWord(9), 0xffff_ffff, 0x0001_0001]) {
      const sent = first.send({ function: code, lun })
      assert.equal(sent.end, `response ${INCORRECT_LOGICAL_UNIT_NUMBER}`)
    }
  }
})

test('reaches what another pair of the nexus has published before (sam-5 7.3)', () => {
  const { first } = two()
  const elsewhere = first.publish(command(), 1)
  const later = first.publish({ function: TaskFunction.QUERY_TASK_SET, lun: 0 }, 1)
  const abort = manage(first, TaskFunction.ABORT_TASK_SET)
  assert.deepEqual(ends([elsewhere, later, abort]), ['aborted', succeeded, complete])
  assert.deepEqual(first.ends.slice(-3), [later, elsewhere, abort])
})

test('does not reach what its own pair published after it', () => {
  const { first } = two()
  const abort = first.publish({ function: TaskFunction.ABORT_TASK_SET, lun: 0 })
  const later = first.send(command())
  assert.deepEqual(ends([abort, later]), [complete, 'open'])
})

test('answers only when no aborted command moves data any more (sam-5 7.1)', () => {
  for (const code of [
    TaskFunction.ABORT_TASK_SET,
    TaskFunction.CLEAR_TASK_SET,
    TaskFunction.LOGICAL_UNIT_RESET,
    TaskFunction.I_T_NEXUS_RESET,
  ]) {
    const { first } = two()
    const moving = [1, 2].map(() => first.send(command({ kind: Kind.TRANSFER })))
    const kept = first.send(command())
    const answer = manage(first, code)
    assert.deepEqual(ends([kept, ...moving, answer]), ['aborted', 'open', 'open', 'open'])
    moving[1]!.endTransfer()
    assert.equal(answer.end, 'open')
    moving[0]!.endTransfer()
    first.flush()
    assert.equal(answer.end, complete)
    assert.deepEqual(first.ends.slice(-4), [kept, moving[1], moving[0], answer])
  }
})

test('publishes the ends of another nexus’s commands before the answer', () => {
  const { first, second } = two()
  const theirs = second.send(command())
  const published: PlainTask[] = []
  const clear = first.publish({ function: TaskFunction.CLEAR_TASK_SET, lun: 0 })
  first.fetch()
  published.push(...second.ends)
  assert.equal(clear.end, complete)
  assert.ok(published.includes(theirs))
})

test('reaches a command that another pair has published before, behind functions that have not had their turn', () => {
  const { first } = two()
  const tag = 7n
  const queries = [1, 2].map(() =>
    first.publish({ function: TaskFunction.QUERY_TASK, lun: 0, managedTag: tag }, 1),
  )
  const named = first.publish({ ...command(), tag }, 1)
  // Fetched first, from the first pair.
  const abort = first.publish({ function: TaskFunction.ABORT_TASK, lun: 0, managedTag: tag })
  first.fetch()
  assert.deepEqual([abort.end, named.end], [complete, 'aborted'])
  assert.deepEqual(
    queries.map((query) => query.end),
    [complete, complete],
  )
})

test('answers SERVICE DELIVERY OR TARGET FAILURE when a unit fails to reset (sam-5 7.1)', () => {
  const { units, first, second } = two()
  units[0].reset = () => {
    throw new Error('stuck')
  }
  const running = first.send(command())
  const reset = manage(first, TaskFunction.LOGICAL_UNIT_RESET)
  assert.equal(reset.end, `response ${SERVICE_DELIVERY_OR_TARGET_FAILURE}`)
  assert.deepEqual([running.end, ready(second)], ['aborted', '6/29/03'])
  assert.equal((first.failures[0] as Error).message, 'stuck')
})

test('lets a function go whose nexus is lost while it waits', () => {
  const { units, first, second } = two()
  const moving = second.send(command({ kind: Kind.TRANSFER }))
  const clear = manage(first, TaskFunction.CLEAR_TASK_SET)
  first.lose()
  assert.equal(clear.end, 'aborted')
  moving.endTransfer()
  assert.equal(moving.end, 'aborted')
  assert.equal(units[0].running.size, 0)
  assert.deepEqual([ready(second), ready(second)], ['6/2f/00', 'GOOD'])
})

test.run()
