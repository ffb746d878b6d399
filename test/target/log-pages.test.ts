import assert from 'node:assert/strict'
import {
  Association,
  DeviceType,
  type LogicalUnit,
  logSense,
  PeripheralQualifier,
  readCapacity10,
  reportLuns,
  requestSense,
  SelectReport,
  supportedLogPages,
  type TypedCommand,
  vpdDeviceIdentification,
  vpdSupportedPages,
  WellKnownLun,
} from '#dist/index.js'
import { COUNTERS_PAGE, targetCounters } from '#dist/task/counters.js'
import { type TestUnit, testUnit } from '#dist/testing/index.js'
import { suite } from '../harness/index.ts'

const test = suite('the TARGET LOG PAGES well known logical unit')

let all: TestUnit
let pages: LogicalUnit
test.before.each(async () => {
  all = await testUnit({ units: [{ memory: 1 << 20 }] })
  pages = all.nexus.unit(WellKnownLun.TARGET_LOG_PAGES)
})
test.after.each(() => all.close())

const PROTOCOL_SPECIFIC_PORT = 0x18

/** How LOG SENSE or LOG SELECT ends, with bytes of its CDB changed: sense key, ASC, ASCQ and the byte of the CDB, or its data. */
async function outcome(command: TypedCommand<unknown>, changes: Record<number, number> = {}) {
  const cdb = command.cdb.slice()
  for (const [at, byte] of Object.entries(changes)) cdb[Number(at)] = byte
  return pages.run({ ...command, cdb }).catch(({ senseKey, asc, ascq, sense }) => {
    const byte = sense?.specific?.kind === 'field' ? sense.specific.byte : undefined
    return [senseKey, asc, ascq, byte]
  })
}

const invalidField = (byte: number) => [5, 0x24, 0, byte]

test('says what it is, and names its target device but not itself (spc-4 7.8.6.2.2)', async () => {
  const { deviceType, product, qualifier } = await pages.inquiry()
  assert.deepEqual(
    [deviceType, product, qualifier],
    [DeviceType.WELL_KNOWN_LOGICAL_UNIT, 'TARGET LOG PAGES', PeripheralQualifier.CONNECTED],
  )
  assert.deepEqual(await pages.run(vpdSupportedPages()), [0, 0x83])
  const designators = await pages.run(vpdDeviceIdentification())
  assert.ok(designators.length > 0)
  for (const { association } of designators) assert.equal(association, Association.TARGET_DEVICE)
})

test('meets a new nexus with POWER ON, as every unit does, and is ready then (sam-5 5.14)', async () => {
  const strict = all.nexus.unit(WellKnownLun.TARGET_LOG_PAGES, { unitAttention: 'throw' })
  await assert.rejects(strict.testUnitReady(), { senseKey: 6, asc: 0x29 })
  await strict.testUnitReady()
  const { key, asc, ascq } = await strict.run(requestSense())
  assert.deepEqual([key, asc, ascq], [0, 0, 0])
})

test('knows its own commands, and no other (spc-4 8.4)', async () => {
  assert.deepEqual(await outcome(readCapacity10()), [5, 0x20, 0, undefined])
})

test('lists its pages (spc-4 7.3.18)', async () => {
  assert.deepEqual(await pages.run(supportedLogPages()), [
    0x00,
    PROTOCOL_SPECIFIC_PORT,
    COUNTERS_PAGE,
  ])
})

test('has one target port, of no specific protocol (spc-4 7.3.13)', async () => {
  const { parameters } = await pages.run(logSense({ page: PROTOCOL_SPECIFIC_PORT }))
  assert.deepEqual(
    parameters.map(({ code, value }) => [code, ...value]),
    [[1, 0x0f]],
  )
})

test('counts what its target does', async () => {
  const before = await pages.run(targetCounters())
  for (let command = 0; command < 10; command++) await all.unit.testUnitReady()
  await all.connect()
  const after = await pages.run(targetCounters())
  const { nexuses, pairs, tasks, arenaBytes, commands } = all.server.stats
  assert.deepEqual(
    [after.nexuses, after.pairs, after.arenaBytes, after.commands],
    [nexuses, pairs, arenaBytes, commands],
  )
  assert.deepEqual([tasks, after.tasks, before.nexuses, after.nexuses], [0, 1, 1, 2])
  // One of the ten was sent again, after POWER ON.
  assert.equal(after.commands - before.commands, 12)
  assert.ok(after.fetches > before.fetches)
})

test('begins at the parameter that is pointed at, or the next (spc-4 6.8)', async () => {
  const codes = async (parameterPointer: number) => {
    const { parameters } = await pages.run(logSense({ page: COUNTERS_PAGE, parameterPointer }))
    return parameters.map(({ code }) => code)
  }
  const every = await codes(0)
  assert.deepEqual([every[0], every.length], [1, every.at(-1)])
  assert.deepEqual(await codes(4), every.slice(3))
  const [last = 0] = every.slice(-1)
  assert.deepEqual(await codes(last), [last])
  const beyond = logSense({ page: COUNTERS_PAGE, parameterPointer: last + 1 })
  assert.deepEqual(await outcome(beyond), invalidField(5))
})

test('cuts a page at the allocation length, and keeps its length field (spc-4 4.2.5.6)', async () => {
  await pages.testUnitReady()
  const { cdb } = logSense({ page: COUNTERS_PAGE, allocationLength: 20 })
  const { data, residual } = await pages.execute({ cdb, dataIn: 64 })
  assert.deepEqual([data.length, residual, data[0]], [20, 44, 0x80 | COUNTERS_PAGE])
  assert.ok(((data[2]! << 8) | data[3]!) > 16)
})

test('gives the same for every PC, because its parameters are lists (spc-4 6.8)', async () => {
  for (const control of [0, 1, 2, 3] as const) {
    const { parameters } = await pages.run(logSense({ page: COUNTERS_PAGE, control }))
    assert.ok(parameters.length > 0)
    for (const parameter of parameters) assert.equal(parameter.control, 0x23)
  }
})

test('refuses to save, and pages and subpages that it has not (spc-4 6.8)', async () => {
  const sense = logSense({ page: COUNTERS_PAGE })
  assert.deepEqual(await outcome(sense, { 1: 1 }), invalidField(1))
  assert.deepEqual(await outcome(sense, { 1: 2 }), invalidField(1))
  assert.deepEqual(await outcome(sense, { 3: 0xff }), invalidField(3))
  assert.deepEqual(await outcome(logSense({ page: 0x30 })), invalidField(2))
  assert.deepEqual(await outcome(supportedLogPages(), { 6: 1 }), invalidField(5))
})

test('takes a LOG SELECT that changes nothing, and no other (spc-4 6.7)', async () => {
  const select: TypedCommand<string> = {
    cdb: Uint8Array.of(0x4c, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    dataInLength: 0,
    parse: () => 'done',
  }
  assert.equal(await outcome(select), 'done')
  assert.equal(await outcome(select, { 2: 0x40 }), 'done')
  assert.deepEqual(await outcome(select, { 1: 2 }), invalidField(1))
  assert.deepEqual(await outcome(select, { 1: 1 }), invalidField(1))
  assert.deepEqual(await outcome(select, { 2: 0xc0 }), invalidField(2))
  const list = { ...select, dataOut: new Uint8Array(4) }
  assert.deepEqual(await outcome(list, { 8: 4 }), [5, 0x26, 0, undefined])
})

test('stands in REPORT LUNS where well known units are asked for (spc-4 6.33)', async () => {
  const lists = async (select: SelectReport) => {
    const { luns, others } = await all.unit.run(reportLuns({ select }))
    return [luns, others]
  }
  const itself = 0xc103_0000_0000_0000n
  assert.deepEqual(await lists(SelectReport.LOGICAL_UNITS), [[0, 1], []])
  assert.deepEqual(await lists(SelectReport.WELL_KNOWN), [[], [itself]])
  assert.deepEqual(await lists(SelectReport.ALL), [[0, 1], [itself]])
  assert.deepEqual((await pages.reportLuns()).luns, [0, 1])
})

test('is the only one: other well known units are not there', async () => {
  const absent = all.nexus.unit(WellKnownLun.REPORT_LUNS)
  await assert.rejects(absent.testUnitReady(), { senseKey: 5, asc: 0x25 })
  assert.equal((await absent.inquiry()).qualifier, PeripheralQualifier.NOT_CAPABLE)
})

test.run()
