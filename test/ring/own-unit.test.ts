/** Units of one's own, whose tasks are each one command's alone. */

import assert from 'node:assert/strict'
import { ServiceResponse, type Task, TaskFunction, type Unit } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { cdb, powerOn, type ReadyUnit, readyUnit, told } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite("a unit of one's own")

const KEPT = 0xc0
const TWICE = 0xc1
const FAILURE = '2 4/44/00'
const CLOSED = { code: 'ERR_SGRING_CLOSED' }

/** Serves it at LUN 1 of a nexus with a single slot. */
async function serving(unit: Unit): Promise<ReadyUnit> {
  const opened = await readyUnit({ units: [unit], connect: { slots: 1 } })
  await powerOn(opened.nexus, 1)
  return opened
}

/** Keeps vendor specific commands, and hears of no abort. */
class DeafUnit implements Unit {
  readonly tasks: Task[] = []

  execute(task: Task): void {
    if (task.cdb[0] === KEPT) this.tasks.push(task)
    else if (task.cdb[0] !== TWICE) task.good()
    else {
      this.tasks.push(task)
      task.good()
    }
  }
}

for (const [what, late] of [
  ['good()', (task: Task) => task.good()],
  ['answer()', (task: Task) => task.answer({ status: 0, data: Uint8Array.of(1) })],
  ['moved()', (task: Task) => task.moved(1)],
  ['copyDataOut()', (task: Task) => task.copyDataOut(1)],
] as const) {
  test(`meets no other command by ${what} after an abort that it did not hear of, or after its answer`, async () => {
    const unit = new DeafUnit()
    await using opened = await serving(unit)
    const { nexus } = opened
    const send = (opcode: number, signal?: AbortSignal) =>
      nexus.unit(1).execute({ cdb: cdb(opcode), timeoutMs: 0, ...(signal && { signal }) })
    const controller = new AbortController()
    const aborted = assert.rejects(send(KEPT, controller.signal), { name: 'AbortError' })
    await until('the first', () => unit.tasks.length === 1)
    controller.abort()
    await aborted
    await send(TWICE)
    const last = send(KEPT)
    await until('the command in the same slot', () => unit.tasks.length === 3)
    for (const task of unit.tasks.slice(0, 2)) assert.throws(() => late(task), CLOSED)
    unit.tasks[0]?.abort(undefined)
    assert.equal(opened.server.stats.tasks, 1)
    unit.tasks[2]?.answer({ status: 8 })
    assert.equal((await last).status, 8)
    assert.deepEqual(opened.failures, [])
  })
}

test('hears of an abort by onAbort, before the command is over', async () => {
  const heard: string[] = []
  const unit: Unit = {
    execute(task) {
      if (task.cdb[0] !== KEPT) task.good()
      else {
        heard.push('began')
        task.onAbort = () => {
          heard.push('aborted')
          assert.throws(() => task.good(), CLOSED)
        }
      }
    },
  }
  await using opened = await serving(unit)
  const command = opened.nexus.unit(1).execute({ cdb: cdb(KEPT), timeoutMs: 0 })
  const rejected = assert.rejects(command, { code: 'ERR_SGRING_ABORTED' })
  await until('its begin', () => heard.length === 1)
  const reset = { function: TaskFunction.LOGICAL_UNIT_RESET }
  assert.deepEqual(await opened.nexus.unit(1).taskManagement(reset), {
    response: ServiceResponse.FUNCTION_COMPLETE,
  })
  await rejected
  assert.deepEqual([heard, opened.failures], [['began', 'aborted'], []])
})

test('whose execute() rejects is answered INTERNAL TARGET FAILURE, and told, if it has not answered', async () => {
  const unit: Unit = {
    async execute(task) {
      if (task.cdb[0] === TWICE) task.good()
      await null
      if (task.cdb[0] !== 0) throw new Error('behind an await')
      task.good()
    },
  }
  await using opened = await serving(unit)
  const send = (opcode: number) => opened.nexus.unit(1).execute({ cdb: cdb(opcode) })
  assert.deepEqual(
    [told(await send(KEPT)), told(await send(TWICE)), told(await send(0))],
    [FAILURE, '0', '0'],
  )
  await until('both', () => opened.failures.length === 2)
  for (const error of opened.failures) assert.match(String(error), /behind an await/)
})

test('whose answer has bytes that cannot be read is told so, and may answer again', async () => {
  const unit: Unit = {
    execute(task) {
      const fake = Object.create(Uint8Array.prototype)
      assert.throws(() => task.answer({ status: 0, data: fake }), {
        code: 'ERR_SGRING_INVALID_ARGUMENT',
      })
      assert.throws(() => task.answer({ status: 0, data: new Uint8Array(2 ** 31) }), /2147483647/)
      task.answer({ status: 0, data: Uint8Array.of(7) })
    },
  }
  await using opened = await serving(unit)
  const { data } = await opened.nexus.unit(1).execute({ cdb: cdb(KEPT), dataIn: 4 })
  assert.deepEqual([[...data], opened.failures], [[7], []])
})

test('is reset when the promise of its reset() settles: then the function is answered (sam-5 7.7)', async () => {
  const resets: { resolve(): void; reject(error: Error): void }[] = []
  const unit: Unit = {
    execute: (task) => task.good(),
    reset: () => new Promise<void>((resolve, reject) => resets.push({ resolve, reject })),
  }
  await using opened = await serving(unit)
  const answers: number[] = []
  const reset = async () => {
    const { response } = await opened.nexus.unit(1).taskManagement({
      function: TaskFunction.LOGICAL_UNIT_RESET,
    })
    answers.push(response)
  }
  const [first, second] = [reset(), reset()]
  await until('both', () => resets.length === 2)
  await opened.unit.testUnitReady()
  assert.deepEqual(answers, [])
  resets[1]?.reject(new Error('it does not come back'))
  await second
  resets[0]?.resolve()
  await first
  const { SERVICE_DELIVERY_OR_TARGET_FAILURE, FUNCTION_COMPLETE } = ServiceResponse
  assert.deepEqual(answers, [SERVICE_DELIVERY_OR_TARGET_FAILURE, FUNCTION_COMPLETE])
  await until('the event', () => opened.failures.length === 1)
  const lost = assert.rejects(reset(), { code: 'ERR_SGRING_NEXUS_LOST' })
  await until('a third', () => resets.length === 3)
  await opened.nexus.close()
  await lost
  resets[2]?.reject(new Error('nobody is there any more'))
  const other = await opened.connect()
  await powerOn(other, 1)
  await other.unit(1).testUnitReady()
})

test('that hides behind a handler is reset after it, and whatever becomes of that', async () => {
  const seen: string[] = []
  const unit: Unit = {
    execute: (task) => task.good(),
    attach: ({ lun }) => void seen.push(`attach ${lun} behind`),
    reset: () => void seen.push('reset behind'),
  }
  const hooks = {
    attach: ({ lun }: { lun: number }) => void seen.push(`attach ${lun}`),
    reset: () => {
      seen.push('reset')
      throw new Error('in a hook')
    },
  }
  await using opened = await readyUnit({
    units: [{ unit, handler: (_task, next) => next(), ...hooks }],
  })
  await powerOn(opened.nexus, 1)
  const { response } = await opened.nexus.unit(1).taskManagement({
    function: TaskFunction.LOGICAL_UNIT_RESET,
  })
  assert.equal(response, ServiceResponse.SERVICE_DELIVERY_OR_TARGET_FAILURE)
  assert.deepEqual(seen, ['attach 1', 'attach 1 behind', 'reset', 'reset behind'])
  await until('the event', () => opened.failures.length === 1)
})

test.run()
