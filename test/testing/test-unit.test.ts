import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import {
  checkCondition,
  good,
  type Handler,
  parseSense,
  read10,
  SenseKey,
  Status,
  status,
  write10,
} from '#dist/index.js'
import { type Fault, testUnit } from '#dist/testing/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { cdb, readyUnit, told } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite('testUnit()')

// Other processes of this machine test too.
process.env.TMPDIR = temporaryFolder()

const MEDIUM_ERROR = checkCondition(SenseKey.MEDIUM_ERROR, 0x1100)
const reading = (lba: number, blocks = 1) => read10({ lba, blocks, blockLength: 512 })

test('serves a disk as large as asked for, that tells POWER ON like any other', async () => {
  await using opened = await testUnit({ blocks: 100, blockLength: 4096 })
  const first = await opened.unit.execute({ cdb: cdb(0) })
  assert.equal(told(first), '2 6/29/00')
  const { lastLba, blockLength } = await opened.unit.readCapacity()
  assert.deepEqual([lastLba, blockLength], [99n, 4096])
  const data = pattern(4096, 50)
  await opened.unit.write({ lba: 99, data })
  assert.deepEqual(await opened.unit.read({ lba: 99, blocks: 1 }), data)
})

test('leaves nothing behind when it is closed, however often', async () => {
  const opened = await testUnit({ faults: [{ opcode: 0, hang: true, times: Infinity }] })
  const other = await opened.connect()
  const hung = [opened.unit, other.unit(0)].map((unit) => {
    return assert.rejects(unit.testUnitReady(), { code: 'ERR_SGRING_NEXUS_LOST' })
  })
  await opened.faults.add({ opcode: 1, hang: true }).remove()
  const { listen } = opened.server
  assert.ok(existsSync(listen))
  await Promise.all([opened.close(), opened.close(), ...hung])
  await opened[Symbol.asyncDispose]()
  assert.equal(existsSync(dirname(listen)), false)
  assert.deepEqual(readdirSync(tmpdir()), [])
})

test('leaves nothing behind when it cannot be opened', async () => {
  const wrong = [{ blocks: 0 }, { blocks: -1 }, { connect: { slots: 0 } }, { units: [{}] }]
  for (const options of [...wrong, { faults: [{}] }, { faults: [{ hang: true, delay: true }] }]) {
    await assert.rejects(testUnit(options as object), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
  }
  assert.deepEqual(readdirSync(tmpdir()), [])
})

test('refuses faults that are none, when they are scripted', async () => {
  await using opened = await readyUnit()
  for (const fault of [
    null,
    7,
    {},
    { answer: undefined },
    { answer: { status: 1 } },
    { answer: { status: 0, data: 'text' } },
    { hang: false },
    { delay: 1 },
    { fewer: -1 },
    { fewer: 'x' },
    { hang: true, times: Number.NaN },
    { hang: true, times: -1 },
    { hang: true, after: -1 },
    { hang: true, after: 0.5 },
    { hang: true, opcode: 'x' },
    { hang: true, opcode: 256 },
    { hang: true, opcode: [0, null] },
    { hang: true, when: 5 },
    { hang: true, lba: -1 },
  ]) {
    const add = () => opened.faults.add(fault as unknown as Fault)
    assert.throws(add, { code: 'ERR_SGRING_INVALID_ARGUMENT' }, JSON.stringify(fault))
  }
  await assert.rejects(testUnit({ handler: 5 as unknown as Handler }), {
    code: 'ERR_SGRING_INVALID_ARGUMENT',
  })
  await opened.unit.testUnitReady()
})

test('answers the first command that a fault is for with it, once', async () => {
  await using opened = await readyUnit({ faults: [{ opcode: 0x28, answer: MEDIUM_ERROR }] })
  await opened.unit.inquiry()
  await assert.rejects(opened.unit.run(reading(0)), { senseKey: SenseKey.MEDIUM_ERROR })
  assert.equal((await opened.unit.run(reading(0))).length, 512)
})

test('lets `after` commands pass, then meets `times` of them', async () => {
  const fault = { opcode: [0xc0, 0xc1], after: 2, times: 3, answer: status(Status.BUSY) }
  await using opened = await readyUnit({ faults: [fault] })
  const statuses: string[] = []
  for (let index = 0; index < 8; index++) {
    statuses.push(told(await opened.unit.execute({ cdb: cdb(0xc0 + (index % 2)) })))
  }
  const unknown = '2 5/20/00'
  assert.deepEqual(statuses, [unknown, unknown, '8', '8', '8', unknown, unknown, unknown])
})

test('knows the READs and WRITEs that touch a block', async () => {
  const fault: Fault = { lba: 10, times: Infinity, answer: MEDIUM_ERROR }
  await using opened = await readyUnit({ faults: [fault] })
  const { unit } = opened
  for (const [lba, blocks, fails] of [
    [9, 1, false],
    [10, 1, true],
    [11, 1, false],
    [0, 10, false],
    [0, 11, true],
    [10, 0, false],
  ] as const) {
    const response = await unit.execute({ cdb: reading(lba, blocks).cdb, dataIn: blocks * 512 })
    assert.equal(response.status === Status.CHECK_CONDITION, fails, `${lba} ${blocks}`)
  }
  await assert.rejects(unit.write({ lba: 8, data: new Uint8Array(2048) }), { senseKey: 3 })
  await unit.testUnitReady()
})

test('asks a predicate, and takes the first fault that fits', async () => {
  await using opened = await readyUnit()
  const large = opened.faults.add({
    when: (task) => task.dataInLength > 1024,
    times: Infinity,
    answer: status(Status.TASK_SET_FULL),
  })
  const any = opened.faults.add({ opcode: 0x28, times: Infinity, answer: MEDIUM_ERROR })
  const send = async (blocks: number) =>
    told(await opened.unit.execute({ cdb: reading(0, blocks).cdb, dataIn: blocks * 512 }))
  assert.deepEqual([await send(3), await send(2), await send(3)], ['40', '2 3/11/00', '40'])
  assert.deepEqual([large.met, any.met], [2, 1])
  large.remove()
  assert.equal(await send(3), '2 3/11/00')
  opened.faults.clear()
  assert.equal(await send(3), '0')
})

test('delays commands until they are released, and says when they are there', async () => {
  await using opened = await readyUnit()
  const fault = opened.faults.add({ opcode: 0x2a, delay: true, times: 2 })
  const data = pattern(512, 51)
  const order: string[] = []
  const writes = [0, 1].map(async (lba) => {
    await opened.unit.run(write10({ lba, data, blockLength: 512 }))
    order.push('write')
  })
  await fault.reached(2)
  await opened.unit.run(write10({ lba: 2, data, blockLength: 512 }))
  assert.deepEqual(await opened.unit.run(reading(0)), new Uint8Array(512))
  order.push('read')
  fault.release()
  await Promise.all(writes)
  assert.deepEqual(order, ['read', 'write', 'write'])
  assert.deepEqual(await opened.unit.run(reading(0)), data)
  await fault.reached()
})

test('lets commands hang that are then aborted, by a signal or because their time is up', async () => {
  await using opened = await readyUnit()
  const fault = opened.faults.add({ opcode: 0x28, hang: true, times: 2 })
  const reason = new Error('enough')
  const controller = new AbortController()
  const { signal } = controller
  const hung = assert.rejects(opened.unit.run(reading(0), { signal }), reason)
  await fault.reached()
  controller.abort(reason)
  await hung
  await assert.rejects(opened.unit.run(reading(0), { timeoutMs: 50 }), {
    code: 'ERR_SGRING_TIMEOUT',
  })
  assert.equal((await opened.unit.run(reading(0))).length, 512)
  assert.equal(opened.server.stats.tasks, 0)
})

test('removing a fault, or all, lets go what it delays; one whose nexus is lost is forgotten', async () => {
  await using opened = await readyUnit()
  const fault = opened.faults.add({ opcode: 0xc0, delay: true, times: 3 })
  const send = () => opened.unit.execute({ cdb: cdb(0xc0) })
  const [first, second] = [send(), send()]
  const other = await opened.connect()
  await other.unit(0).execute({ cdb: cdb(0) })
  const lost = assert.rejects(other.unit(0).execute({ cdb: cdb(0xc0) }))
  await fault.reached(3)
  await other.close()
  await lost
  await until('its end', () => opened.server.stats.tasks === 2)
  opened.faults.release()
  assert.deepEqual([told(await first), told(await second)], ['2 5/20/00', '2 5/20/00'])
  const again = opened.faults.add({ opcode: 0xc0, delay: true })
  const third = send()
  await again.reached()
  opened.faults.clear()
  assert.equal(told(await third), '2 5/20/00')
  assert.deepEqual(opened.failures, [])
})

test('tells fewer bytes than there were, and the residual the rest', async () => {
  await using opened = await readyUnit()
  const data = pattern(1024, 52)
  await opened.unit.write({ lba: 0, data })
  opened.faults.add({ opcode: [0x28, 0x2a, 0x12], fewer: 100, times: 3 })
  const part = await opened.unit.execute({ cdb: reading(0, 2).cdb, dataIn: 1024 })
  assert.deepEqual([part.data, part.residual], [data.slice(0, 100), 924])
  const { cdb: writing } = write10({ lba: 0, data, blockLength: 512 })
  const taken = await opened.unit.execute({ cdb: writing, dataOut: data })
  assert.deepEqual([taken.status, taken.residualOut], [0, 924])
  const short = await opened.unit.execute({ cdb: Uint8Array.of(0x12, 0, 0, 0, 36, 0), dataIn: 36 })
  assert.deepEqual([short.data.length, short.residual], [36, 0])
})

test('puts the faults before a handler, and that one before the disk', async () => {
  const handler: Handler = async (_task, next) => {
    const answer = await next()
    return answer.status === Status.GOOD ? answer : good(Uint8Array.of(1))
  }
  await using opened = await readyUnit({ handler })
  const send = () => opened.unit.execute({ cdb: cdb(0xc0), dataIn: 1 })
  assert.equal(told(await send()), '0')
  opened.faults.add({ opcode: 0xc0, answer: status(Status.BUSY) })
  assert.equal(told(await send()), '8')
  assert.equal(told(await send()), '0')
})

test('gives further nexuses and units: what one nexus is told, another is told too', async () => {
  await using opened = await testUnit({ units: [{ memory: 4096 }] })
  const other = await opened.connect({ slots: 1 })
  assert.deepEqual((await other.reportLuns()).luns, [0, 1])
  for (const nexus of [opened.nexus, other]) {
    for (const lun of [0, 1]) {
      const { sense } = await nexus.unit(lun).execute({ cdb: cdb(0) })
      assert.equal(parseSense(sense).key, SenseKey.UNIT_ATTENTION)
    }
  }
  assert.notEqual(other.id, opened.nexus.id)
})

test.run()
