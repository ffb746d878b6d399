import assert from 'node:assert/strict'
import {
  type Answer,
  ata,
  type CheckConditionError,
  checkCondition,
  good,
  type Handler,
  SenseKey,
  smc,
  ssc,
} from 'sgring'
import { type TestUnit, testUnit } from 'sgring/testing'
import { suite } from '../harness/index.ts'

const test = suite('results that come as CHECK CONDITION')

const INFORMATION_AVAILABLE = 0x001d
/** ERROR, STATUS, DEVICE and COUNT of a command that went well. */
const REGISTERS = 0x0050_0000

/** A unit that answers everything but what belongs to being one as it is told, and what it has told as recovered. */
async function answering(answer: () => Answer): Promise<TestUnit & { recovered: () => number }> {
  const handler: Handler = ({ cdb }, next) => (cdb[0] === 0 ? next() : answer())
  const opened = await testUnit({ units: [{ handler, deviceType: 0 }] })
  let told = 0
  opened.nexus.events.on('recovered', () => told++)
  return Object.assign(opened, { recovered: () => told })
}

/** SMART RETURN STATUS in fixed format: LBA (15:8) and (23:16) are the answer. */
const smart = (lba: number) => () =>
  checkCondition(SenseKey.RECOVERED_ERROR, INFORMATION_AVAILABLE, {
    information: REGISTERS,
    commandSpecific: lba,
  })

test('are what run() resolves with, and no recovered error (sat-4 12.2.2.7)', async () => {
  for (const [lba, passed] of [
    [0x004fc2, true],
    [0x00f42c, false],
  ] as const) {
    await using opened = await answering(smart(lba))
    assert.deepEqual(await opened.nexus.unit(1).run(ata.smartReturnStatus()), { passed })
    assert.equal(opened.recovered(), 0)
  }
})

test('come after unit attention conditions', async () => {
  const answers = [
    checkCondition(SenseKey.UNIT_ATTENTION, 0x2900),
    checkCondition(SenseKey.NO_SENSE, 0x0001, { filemark: true, information: 10 }),
  ]
  await using opened = await answering(() => answers.shift()!)
  const { filemark, residual, data } = await opened.nexus.unit(1).run(ssc.read6({ length: 10 }))
  assert.deepEqual([filemark, residual, data.length], [true, 10, 0])
})

test('are none of commands that have no such results: these throw, with the sense data to read', async () => {
  const failed = (key: number, code: number) => () =>
    checkCondition(key, code, { information: REGISTERS, filemark: true })
  {
    await using opened = await answering(failed(SenseKey.ABORTED_COMMAND, 0))
    const unit = opened.nexus.unit(1)
    await assert.rejects(unit.run(ata.smartReturnStatus()), { code: 'ERR_SGRING_CHECK_CONDITION' })
  }
  await using opened = await answering(failed(SenseKey.NO_SENSE, 0x0001))
  const unit = opened.nexus.unit(1)
  await assert.rejects(unit.run(smc.initializeElementStatus()), {
    code: 'ERR_SGRING_CHECK_CONDITION',
  })
  await assert.rejects(unit.run(ssc.space6({ count: 3 })), (error) => {
    const end = ssc.parseStreamEnd((error as CheckConditionError).sense)
    return end?.filemark === true && end.residual === REGISTERS
  })
})

test('are refused where they lie, by the error of any response', async () => {
  const lie = () => checkCondition(SenseKey.NO_SENSE, 0x0001, { filemark: true, information: 11 })
  await using opened = await answering(lie)
  const unit = opened.nexus.unit(1)
  await assert.rejects(unit.run(ssc.read6({ length: 10 })), { code: 'ERR_SGRING_RESPONSE' })
})

test('are not needed by commands that end well', async () => {
  await using opened = await answering(() => good(new Uint8Array(10)))
  const { data, residual } = await opened.nexus.unit(1).run(ssc.read6({ length: 10 }))
  assert.deepEqual([data.length, residual], [10, 0])
})

test.run()
