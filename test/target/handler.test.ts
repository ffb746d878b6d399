import assert from 'node:assert/strict'
import {
  type Answer,
  checkCondition,
  good,
  type Handler,
  type HandlerTask,
  read10,
  SenseKey,
  Status,
  serve,
  status,
  TaskAttribute,
  write10,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import { cdb, powerOn, readyUnit, told } from '../support/ready-unit.ts'
import { echo, ScriptedUnit } from '../support/scripted-unit.ts'

const test = suite('a handler')

const VENDOR = 0xc0

test('answers what it wants, and leaves the rest to the unit behind it', async () => {
  const handler: Handler = (task, next) =>
    task.cdb[0] === VENDOR ? good(Uint8Array.of(1, 2, 3)) : next()
  await using opened = await readyUnit({ handler })
  const own = await opened.unit.execute({ cdb: cdb(VENDOR), dataIn: 3 })
  assert.deepEqual([own.status, [...own.data]], [Status.GOOD, [1, 2, 3]])
  const data = pattern(4 * 512, 1)
  await opened.unit.write({ lba: 3, data })
  assert.deepEqual(await opened.unit.read({ lba: 3, blocks: 4 }), data)
  assert.equal((await opened.unit.inquiry()).product, 'DISK IN MEMORY')
  assert.equal(told(await opened.unit.execute({ cdb: cdb(0xc9) })), '2 5/20/00')
})

test('answers later too, in any order, with any status and sense', async () => {
  const waiting: (() => void)[] = []
  const handler: Handler = async (task) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return task.cdb[1] === Status.CHECK_CONDITION
      ? checkCondition(SenseKey.MEDIUM_ERROR, 0x1100)
      : status(task.cdb[1]!)
  }
  const filtered: Handler = (task, next) => (task.cdb[0] === VENDOR ? handler(task, next) : next())
  await using opened = await readyUnit({ handler: filtered })
  const statuses = Object.values(Status)
  const sent = statuses.map((byte) => opened.unit.execute({ cdb: cdb(VENDOR, byte) }))
  await opened.unit.testUnitReady()
  assert.equal(opened.server.stats.handlers.running, statuses.length)
  for (const answer of waiting.reverse()) answer()
  const expected = statuses.map((byte) => (byte === 2 ? '2 3/11/00' : `${byte}`))
  assert.deepEqual((await Promise.all(sent)).map(told), expected)
  assert.deepEqual(opened.server.stats.handlers, { running: 0, late: 0, failed: 0 })
})

test('is given a copy of the command that stays as it is', async () => {
  const kept: HandlerTask[] = []
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    kept.push(task)
    return good(task.dataOut)
  }
  await using opened = await readyUnit({ handler })
  const long = new Uint8Array(260).fill(9)
  long[0] = VENDOR
  const dataOut = pattern(1000, 2)
  await opened.unit.execute({ cdb: long, dataOut, dataIn: 77, tag: 5 })
  for (let round = 0; round < 300; round++) {
    await opened.unit.execute({ cdb: cdb(0), dataOut: new Uint8Array(1000) })
  }
  const [task] = kept
  assert.ok(task)
  assert.deepEqual(task.cdb, long)
  assert.deepEqual(task.dataOut, dataOut)
  const { lun, tag, attribute, priority, dataOutLength, dataInLength, nexus, signal } = task
  assert.deepEqual(
    [lun, tag, attribute, priority, dataOutLength, dataInLength, nexus.id, signal.aborted],
    [0, 5n, TaskAttribute.SIMPLE, 0, 1000, 77, opened.nexus.id, false],
  )
})

test("sees the bytes that next() moves only through its answer's numbers, and may change them", async () => {
  const seen: Answer[] = []
  const handler: Handler = async (task, next) => {
    const answer = await next()
    seen.push(answer)
    return task.cdb[0] === 0x28 && task.cdb[1] === 0x10 ? { ...answer, moved: 100 } : answer
  }
  await using opened = await readyUnit({ handler })
  seen.length = 0
  const data = pattern(1024, 3)
  await opened.unit.execute({ cdb: write10({ lba: 0, data, blockLength: 512 }).cdb, dataOut: data })
  const whole = read10({ lba: 0, blocks: 2, blockLength: 512 })
  const all = await opened.unit.execute({ cdb: whole.cdb, dataIn: 1024 })
  const fewer = read10({ lba: 0, blocks: 2, blockLength: 512, dpo: true })
  const part = await opened.unit.execute({ cdb: fewer.cdb, dataIn: 1024 })
  assert.deepEqual(all.data, data)
  assert.deepEqual([part.data, part.residual], [data.slice(0, 100), 924])
  assert.deepEqual(seen, [
    { status: 0, taken: 1024 },
    { status: 0, moved: 1024, taken: 0 },
    { status: 0, moved: 1024, taken: 0 },
  ])
})

test("does not answer more or less for a device server that takes no data-out: next()'s residuals stand", async () => {
  await using opened = await readyUnit({ handler: (_task, next) => next() })
  const none = await opened.unit.execute({ cdb: cdb(0), dataOut: new Uint8Array(700), dataIn: 9 })
  assert.deepEqual([none.residualOut, none.residual], [700, 9])
  const { cdb: writing } = write10({ lba: 0, data: new Uint8Array(512), blockLength: 512 })
  const more = await opened.unit.execute({ cdb: writing, dataOut: new Uint8Array(1000) })
  assert.deepEqual([more.status, more.residualOut], [Status.GOOD, 488])
})

test('answers bidirectional commands with both residuals', async () => {
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== VENDOR) return next()
    const data = new Uint8Array(task.cdb[1]!).fill(7)
    if (task.cdb[3] === 1) assert.equal(task.dataOut.length, 50)
    return task.cdb[2] === 0 ? good(data) : { status: Status.GOOD, data, taken: task.cdb[3]! }
  }
  await using opened = await readyUnit({ handler })
  const both = { dataOut: new Uint8Array(50), dataIn: 60 }
  for (const [bytes, cameIn, residual, residualOut] of [
    [[20, 0, 0], 20, 40, 50],
    [[20, 0, 1], 20, 40, 0],
    [[60, 1, 50], 60, 0, 0],
    [[80, 1, 30], 60, -20, 20],
    [[0, 1, 0], 0, 60, 50],
    [[10, 1, 90], 10, 50, -40],
  ] as const) {
    const response = await opened.unit.execute({
      ...both,
      cdb: Uint8Array.of(VENDOR, ...bytes, 0, 0),
    })
    assert.deepEqual(
      [response.data.length, response.residual, response.residualOut],
      [cameIn, residual, residualOut],
      bytes.join(),
    )
  }
})

test('has taken what it looked at, or else what the unit behind took, unless it says so', async () => {
  const handler: Handler = async (task, next) => {
    if (task.cdb[0] === VENDOR) return good()
    if (task.cdb[0] === 0xc1) return task.dataOut.length === 700 ? good() : status(Status.BUSY)
    const { status: told } = await next()
    return status(told)
  }
  await using opened = await readyUnit({ handler })
  const dataOut = new Uint8Array(700)
  const { cdb: writing } = write10({ lba: 0, data: new Uint8Array(512), blockLength: 512 })
  const left = async (bytes: Uint8Array) =>
    (await opened.unit.execute({ cdb: bytes, dataOut })).residualOut
  assert.deepEqual(
    [await left(cdb(VENDOR)), await left(cdb(0xc1)), await left(writing)],
    [700, 0, 188],
  )
})

test('may do as it likes with the bytes that next() resolves with: they are its own', async () => {
  const inquiry = Uint8Array.of(0x12, 0, 0, 0, 36, 0)
  let spoils = true
  const handler: Handler = async (_task, next) => {
    const answer = await next()
    if (spoils) answer.data?.fill(0x58)
    return answer
  }
  await using opened = await readyUnit({ handler })
  const { data } = await opened.unit.execute({ cdb: inquiry, dataIn: 36 })
  assert.equal(Buffer.from(data.subarray(8, 14)).toString(), 'XXXXXX')
  spoils = false
  assert.equal((await opened.unit.inquiry()).vendor, 'sgring')
})

test("stands before a unit of one's own, or before none: that one says who it is", async () => {
  const seen: number[] = []
  const handler: Handler = (task, next) => {
    seen.push(task.lun)
    return next()
  }
  const own = new ScriptedUnit()
  const basic = { handler, vendor: 'ACME', product: 'ROCKET', serial: 'A1' }
  await using opened = await readyUnit({ units: [{ unit: own, handler }, own, basic] })
  const sent = pattern(300, 4)
  for (const lun of [1, 2, 3]) await powerOn(opened.nexus, lun)
  assert.deepEqual((await opened.nexus.unit(1).execute(echo(sent))).data, sent)
  assert.deepEqual((await opened.nexus.unit(2).execute(echo(sent))).data, sent)
  assert.deepEqual(seen, [1])
  const { vendor, product } = await opened.nexus.unit(3).inquiry()
  assert.deepEqual([vendor, product, seen], ['ACME', 'ROCKET', [1, 3]])
})

test('is refused where it is no function, as are units that are none', async () => {
  for (const unit of [
    { memory: 512, handler: 'READ' },
    { handler: {} },
    { handler: undefined },
    {},
    null,
    7,
    { handler: () => good(), deviceType: 32 },
    { handler: () => good(), vendor: 'NINE CHAR' },
    { handler: () => good(), product: '' },
    { handler: () => good(), revision: 'é' },
    { handler: () => good(), serial: 'with space' },
    { handler: () => good(), reset: 5 },
    { memory: 4096, handler: () => good(), attach: {} },
    { handler: () => good(), unit: undefined },
    { handler: () => good(), unit: { execute: 5 } },
    { execute: 5 },
  ]) {
    const options = { listen: '/tmp/never-made.sock', units: [unit] } as unknown
    await assert.rejects(
      serve(options as Parameters<typeof serve>[0]),
      { code: 'ERR_SGRING_INVALID_ARGUMENT' },
      JSON.stringify(unit),
    )
  }
})

test.run()
