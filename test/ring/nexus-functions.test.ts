import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  connect,
  type Nexus,
  parseSense,
  type Server,
  ServiceResponse,
  serve,
  TaskFunction,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import * as scripted from '../support/scripted-unit.ts'

const test = suite('functions on a nexus of several pairs and units')

const COMMAND = { cdb: new Uint8Array(6) }
const ABORTED = { code: 'ERR_SGRING_ABORTED' }
const COMPLETE = { response: ServiceResponse.FUNCTION_COMPLETE }
const SUCCEEDED = { response: ServiceResponse.FUNCTION_SUCCEEDED }

const listen = join(temporaryFolder(), 'target.sock')
let server: Server
let first: Nexus
let second: Nexus
test.before(async () => {
  server = await serve({
    listen,
    units: [new scripted.ScriptedUnit(), new scripted.ScriptedUnit()],
  })
  first = await connect(listen)
  second = await connect(listen, { join: first.share() })
  await Promise.all([first.unit(0).testUnitReady(), first.unit(1).testUnitReady()])
})
test.after(async () => {
  await Promise.all([first.close(), second.close()])
  await server.close()
})

test('one pair ends and finds the commands of another by their tags, chosen or given (sam-5 7.2, 7.8)', async () => {
  const named = first.unit(0).execute({ ...scripted.hold(), tag: 12 })
  await using queue = first.unit(0).queue({ depth: 1 })
  const slot = queue.reserve()
  queue.cdb(slot).set(scripted.hold().cdb)
  queue.submit(slot, 6, 0, 0)
  queue.flush()
  const rejected = assert.rejects(named, ABORTED)
  for (const tag of [12, queue.tag(slot)]) {
    const query = { function: TaskFunction.QUERY_TASK, tag }
    // What was published before is fetched before the function is carried out.
    assert.deepEqual(await second.unit(0).taskManagement(query), SUCCEEDED)
    assert.deepEqual(await second.unit(1).taskManagement(query), COMPLETE)
    const abort = { function: TaskFunction.ABORT_TASK, tag }
    assert.deepEqual(await second.unit(0).taskManagement(abort), COMPLETE)
    assert.deepEqual(await second.unit(0).taskManagement(query), COMPLETE)
  }
  await rejected
  await queue.drain((done) => {
    assert.deepEqual([done.aborted, done.status], [true, -1])
    done.release()
  })
})

test('I_T NEXUS RESET ends all of its commands, at every unit, whatever its LUN (sam-5 6.3.4)', async () => {
  const held = [first, second].flatMap((nexus) =>
    [0, 1].map((lun) => assert.rejects(nexus.unit(lun).execute(scripted.hold()), ABORTED)),
  )
  const request = { function: TaskFunction.I_T_NEXUS_RESET, lun: 77 }
  assert.deepEqual(await first.taskManagement(request), COMPLETE)
  await Promise.all(held)
  for (const lun of [0, 1]) {
    const { asc, ascq } = parseSense((await first.unit(lun).execute(COMMAND)).sense)
    assert.deepEqual([asc, ascq], [0x29, 0x07])
  }
})

test('a function reaches what another pair has published before it, also behind functions of that pair', async () => {
  const query = first.unit(0).taskManagement({ function: TaskFunction.QUERY_TASK, tag: 1 })
  const held = assert.rejects(first.unit(0).execute({ ...scripted.hold(), tag: 77 }), ABORTED)
  // The first pair publishes when the running code yields.
  await undefined
  await undefined
  const abort = { function: TaskFunction.ABORT_TASK, tag: 77 }
  assert.deepEqual(await second.unit(0).taskManagement(abort), COMPLETE)
  await held
  assert.deepEqual(await query, COMPLETE)
})

test('a function keeps its place on its pair, also beside functions of another pair', async () => {
  for (let round = 0; round < 20; round++) {
    const query = first.unit(0).taskManagement({ function: TaskFunction.QUERY_TASK, tag: 1 })
    const abort = second.unit(0).taskManagement({ function: TaskFunction.ABORT_TASK_SET })
    await undefined
    await undefined
    const behind = second.unit(0).execute(scripted.hold(5))
    assert.deepEqual(await Promise.all([query, abort]), [COMPLETE, COMPLETE])
    await first.unit(0).execute(scripted.release())
    assert.equal((await behind).status, 0)
  }
})

test('a flood of functions on several pairs lets another nexus have its turn', async () => {
  const other = await connect(listen)
  await other.unit(0).testUnitReady()
  let open = 2000
  const request = { function: TaskFunction.QUERY_TASK_SET }
  const flood = Array.from({ length: open }, async (_, index) => {
    await (index % 2 === 0 ? first : second).unit(0).taskManagement(request)
    open--
  })
  let turns = 0
  while (open > 0) {
    await other.unit(0).testUnitReady()
    turns++
  }
  assert.ok(turns > 5, `${turns} commands of the other nexus`)
  await Promise.all(flood)
  await other.close()
})

test('a LUN without unit is told, and one that is none is a wrong call', async () => {
  const request = { function: TaskFunction.QUERY_TASK_SET }
  assert.deepEqual(await first.taskManagement({ ...request, lun: 9 }), {
    response: ServiceResponse.INCORRECT_LOGICAL_UNIT_NUMBER,
  })
  const wrong = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
  for (const lun of [-1, 16_384, 0.5, '0']) {
    await assert.rejects(first.taskManagement({ ...request, lun } as never), wrong)
  }
  for (const nothing of [undefined, null, 7]) {
    await assert.rejects(first.taskManagement(nothing as never), wrong)
  }
})

test.run()
