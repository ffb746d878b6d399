import assert from 'node:assert/strict'
import {
  DeviceType,
  type LogicalUnit,
  parseSense,
  type Response,
  SenseKey,
  ssc,
  TaskFunction,
} from 'sgring'
import { type TestUnit, testUnit } from 'sgring/testing'
import { suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import { told } from '../support/ready-unit.ts'
import { Tape } from './tape.ts'

const test = suite('the example of a tape')

const WELL = '0'
const FILEMARK = '2 0/00/01'
const END_OF_DATA = '2 8/00/05'

/** A tape, ready. */
async function mounted(
  options?: ConstructorParameters<typeof Tape>[0],
): Promise<TestUnit & { tape: LogicalUnit }> {
  const { handler, reset } = new Tape(options)
  const kind = { deviceType: DeviceType.SEQUENTIAL_ACCESS, removable: true, product: 'TINY TAPE' }
  const opened = await testUnit({ units: [{ handler, reset, ...kind }] })
  const tape = opened.nexus.unit(1)
  await tape.testUnitReady()
  return Object.assign(opened, { tape })
}

const read = (unit: LogicalUnit, length: number, sili = false) =>
  unit.execute({ cdb: ssc.read6({ length, sili }).cdb, dataIn: length })
const write = (unit: LogicalUnit, data: Uint8Array) =>
  unit.execute({ cdb: ssc.write6({ data }).cdb, dataOut: data })
const rewind = (unit: LogicalUnit) => unit.execute(ssc.rewind())
const filemarks = (unit: LogicalUnit, count: number) => unit.execute(ssc.writeFilemarks6({ count }))
const space = (unit: LogicalUnit, code: ssc.SpaceCode, count: number) =>
  unit.execute(ssc.space6({ code, count }))
/** A command whose fields no builder makes. */
const raw = (unit: LogicalUnit, hex: string, dataOut = new Uint8Array(0)) =>
  unit.execute({ cdb: Buffer.from(hex, 'hex'), dataOut })

/** What the sense data's INFORMATION says, as a number with a sign. */
function information({ sense }: Response): number {
  const { valid, information } = parseSense(sense)
  assert.ok(valid)
  return Number(BigInt.asIntN(32, information))
}

test('says what it is, and how long its blocks may be (ssc-3 READ BLOCK LIMITS)', async () => {
  await using opened = await mounted()
  const { deviceType, removable, product } = await opened.tape.inquiry()
  assert.deepEqual([deviceType, removable, product], [1, true, 'TINY TAPE'])
  assert.deepEqual(await opened.tape.run(ssc.readBlockLimits()), {
    maximum: 0xff_ffff,
    minimum: 1,
    granularity: 0,
  })
})

test('reads back the blocks and filemarks that were written, in their lengths', async () => {
  await using opened = await mounted()
  const { tape } = opened
  const blocks = [1, 512, 70_000].map((length) => pattern(length, length))
  for (const block of blocks) {
    assert.equal(told(await write(tape, block)), WELL)
    assert.equal(told(await filemarks(tape, 1)), WELL)
  }
  assert.equal(told(await rewind(tape)), WELL)
  for (const block of blocks) {
    assert.deepEqual((await read(tape, block.length)).data, block)
    const mark = await read(tape, 100)
    assert.deepEqual([told(mark), information(mark), mark.data.length], [FILEMARK, 100, 0])
    assert.equal(parseSense(mark.sense).filemark, true)
  }
  const end = await read(tape, 100)
  assert.deepEqual([told(end), information(end), end.data.length], [END_OF_DATA, 100, 0])
})

test('tells an incorrect length by ILI and the difference, unless SILI is one (ssc-3 READ(6))', async () => {
  await using opened = await mounted()
  const { tape } = opened
  const block = pattern(1000, 1)
  await write(tape, block)
  for (const [wanted, difference] of [
    [600, -400],
    [1500, 500],
  ] as const) {
    await rewind(tape)
    const told = await read(tape, wanted)
    assert.equal(parseSense(told.sense).incorrectLength, true)
    assert.deepEqual([information(told), told.data], [difference, block.slice(0, wanted)])
    assert.equal((await read(tape, 1)).status, 2)
    await rewind(tape)
    const silent = await read(tape, wanted, true)
    assert.deepEqual([silent.status, silent.data], [0, block.slice(0, wanted)])
  }
})

test('spaces over blocks and filemarks, both ways, and tells what stopped it (ssc-3 SPACE(6))', async () => {
  await using opened = await mounted()
  const { tape } = opened
  for (const file of [1, 2]) {
    for (const block of [1, 2, 3]) await write(tape, Uint8Array.of(file, block))
    await filemarks(tape, 1)
  }
  const here = async () => {
    const { data } = await read(tape, 2)
    await space(tape, 0, -1)
    return [...data]
  }
  await rewind(tape)
  assert.equal(told(await space(tape, 0, 2)), WELL)
  assert.deepEqual(await here(), [1, 3])
  const mark = await space(tape, 0, 5)
  assert.deepEqual([told(mark), information(mark)], [FILEMARK, 4])
  assert.deepEqual(await here(), [2, 1])
  const back = await space(tape, 0, -2)
  assert.deepEqual([told(back), information(back)], [FILEMARK, 2])
  assert.equal(told(await space(tape, 1, 1)), WELL)
  assert.deepEqual(await here(), [2, 1])
  const beginning = await space(tape, 1, -3)
  assert.deepEqual([told(beginning), information(beginning)], ['2 0/00/04', 2])
  assert.equal(parseSense(beginning.sense).endOfMedium, true)
  assert.deepEqual(await here(), [1, 1])
  const end = await space(tape, 1, 4)
  assert.deepEqual([told(end), information(end)], [END_OF_DATA, 2])
  await rewind(tape)
  assert.equal(told(await space(tape, 3, 0)), WELL)
  assert.equal(told(await read(tape, 1)), END_OF_DATA)
})

test('a write ends what stood behind it', async () => {
  await using opened = await mounted()
  const { tape } = opened
  for (const byte of [1, 2, 3]) await write(tape, Uint8Array.of(byte))
  await rewind(tape)
  await space(tape, 0, 1)
  await write(tape, Uint8Array.of(9))
  assert.equal(told(await read(tape, 1)), END_OF_DATA)
  await rewind(tape)
  await filemarks(tape, 2)
  assert.equal(told(await read(tape, 1)), END_OF_DATA)
  assert.equal(told(await filemarks(tape, 0)), WELL)
})

test('tells that the end is near, then that nothing more fits (ssc-3 4.2)', async () => {
  await using opened = await mounted({ capacityBytes: 10_000, earlyWarningBytes: 4000 })
  const { tape } = opened
  const block = pattern(3000, 2)
  assert.equal(told(await write(tape, block)), WELL)
  assert.equal(told(await write(tape, block)), WELL)
  const warned = await write(tape, block)
  assert.deepEqual([told(warned), information(warned), warned.residualOut], ['2 0/00/02', 0, 0])
  assert.equal(parseSense(warned.sense).endOfMedium, true)
  const full = await write(tape, block)
  assert.deepEqual([told(full), information(full), full.residualOut], ['2 d/00/02', 3000, 3000])
  await rewind(tape)
  for (let count = 0; count < 3; count++) assert.deepEqual((await read(tape, 3000)).data, block)
})

test('is read and written by typed commands, to which ends are results (ssc-3 READ(6))', async () => {
  await using opened = await mounted({ capacityBytes: 4512, earlyWarningBytes: 1000 })
  const { tape } = opened
  const block = pattern(3000, 3)
  assert.deepEqual(await tape.run(ssc.write6({ data: block })), { endOfMedium: false })
  assert.deepEqual(await tape.run(ssc.writeFilemarks6()), { endOfMedium: false })
  assert.deepEqual(await tape.run(ssc.write6({ data: block.subarray(0, 500) })), {
    endOfMedium: true,
  })
  await assert.rejects(tape.run(ssc.write6({ data: block })), ({ sense }) => {
    assert.equal(ssc.parseStreamEnd(sense)?.residual, 3000)
    return sense.key === SenseKey.VOLUME_OVERFLOW
  })
  await tape.run(ssc.rewind())
  const told = []
  for (let reads = 0; reads < 4; reads++) {
    const { data, ...end } = await tape.run(ssc.read6({ length: 2000 }))
    told.push([
      data.length,
      end.residual,
      ...Object.keys(end).filter((key) => end[key as 'filemark']),
    ])
  }
  assert.deepEqual(told, [
    [2000, -1000, 'incorrectLength', 'residual'],
    [0, 2000, 'filemark', 'residual'],
    [500, 1500, 'incorrectLength', 'residual'],
    [0, 2000, 'endOfData', 'residual'],
  ])
})

test('counts filemarks as room, too, and takes as many as fit (ssc-3 WRITE FILEMARKS(6))', async () => {
  await using opened = await mounted({ capacityBytes: 4096, earlyWarningBytes: 1024 })
  const { tape } = opened
  const full = await filemarks(tape, 0xff_ffff)
  assert.deepEqual([told(full), information(full)], ['2 d/00/02', 0xff_ffff - 8])
  await rewind(tape)
  assert.equal(told(await space(tape, 1, 8)), WELL)
  assert.equal(told(await read(tape, 1)), END_OF_DATA)
  await rewind(tape)
  assert.equal(told(await filemarks(tape, 6)), WELL)
  const warned = await filemarks(tape, 1)
  assert.deepEqual([told(warned), information(warned)], ['2 0/00/02', 0])
})

test('is at its beginning again after LOGICAL UNIT RESET (sam-5 6.3.3)', async () => {
  await using opened = await mounted()
  const { tape } = opened
  await write(tape, Uint8Array.of(1))
  await tape.taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET })
  await tape.testUnitReady()
  assert.deepEqual([...(await read(tape, 1)).data], [1])
})

test('takes no data-out that it did not ask for', async () => {
  await using opened = await mounted()
  const dataOut = new Uint8Array(100)
  for (const [bytes, left] of [
    ['0a0000000000', 100],
    ['010000000000', 100],
    ['0a0000000a00', 90],
  ] as const) {
    assert.equal((await raw(opened.tape, bytes, dataOut)).residualOut, left)
  }
})

test('refuses what it does not have: fixed-length blocks, setmarks, other ways of spacing', async () => {
  await using opened = await mounted()
  const { tape } = opened
  const refused = [
    await tape.execute(ssc.read6({ blocks: 1, blockLength: 1 })),
    await tape.execute(ssc.write6({ data: new Uint8Array(1), blockLength: 1 })),
    await raw(tape, '100200000100'),
    await space(tape, ssc.SpaceCode.SEQUENTIAL_FILEMARKS, 1),
  ]
  assert.deepEqual(refused.map(told), Array(4).fill('2 5/24/00'))
  const short = await raw(tape, '0a0000006400', new Uint8Array(99))
  assert.equal(told(short), '2 5/0e/03')
  assert.deepEqual(
    [told(await read(tape, 0)), told(await write(tape, new Uint8Array(0)))],
    ['0', '0'],
  )
})

test.run()
