import assert from 'node:assert/strict'
import {
  DesignatorType,
  DeviceType,
  type Handler,
  type LogicalUnit,
  modeSense6,
  readModePage,
  requestSense,
  vpdDeviceIdentification,
  vpdExtendedInquiry,
  vpdSupportedPages,
  vpdUnitSerialNumber,
} from '#dist/index.js'
import { CONTROL, type Control } from '#dist/scsi/mode-common.js'
import { suite } from '../harness/index.ts'
import { cdb, powerOn, type ReadyUnit, readyUnit, told } from '../support/ready-unit.ts'
import { senseText } from './plain-task.ts'

const test = suite('a unit without a kind')

const handler: Handler = (_task, next) => next()

async function basic(options: object = {}): Promise<ReadyUnit> {
  const opened = await readyUnit({ units: [{ handler, ...options }] })
  await powerOn(opened.nexus, 1)
  return opened
}

test('says who it is (spc-4 6.6, 7.8)', async () => {
  const who = { vendor: 'ACME', product: 'TINY TAPE', revision: '1.2', serial: 'T1' }
  const { SEQUENTIAL_ACCESS } = DeviceType
  await using opened = await basic({ ...who, deviceType: SEQUENTIAL_ACCESS, removable: true })
  const unit = opened.nexus.unit(1)
  const { deviceType, removable, vendor, product, revision, commandQueue } = await unit.inquiry()
  assert.deepEqual(
    { deviceType, removable, vendor, product, revision, commandQueue },
    {
      deviceType: SEQUENTIAL_ACCESS,
      removable: true,
      vendor: 'ACME',
      product: 'TINY TAPE',
      revision: '1.2',
      commandQueue: true,
    },
  )
  assert.deepEqual(await unit.run(vpdSupportedPages()), [0x00, 0x80, 0x83, 0x86])
  assert.equal(await unit.run(vpdUnitSerialNumber()), 'T1')
  const designators = await unit.run(vpdDeviceIdentification())
  const t10 = designators.find(({ type }) => type === DesignatorType.T10_VENDOR_ID)
  assert.equal(Buffer.from(t10?.designator ?? []).toString(), 'ACME    T1')
  const { simple, ordered, headOfQueue, volatileCache } = await unit.run(vpdExtendedInquiry())
  assert.deepEqual([simple, ordered, headOfQueue, volatileCache], [true, true, true, false])
})

test('has a name of its own, that another vendor with the same serial number does not have', async () => {
  const names = new Set<string>()
  for (const options of [{}, {}, { serial: 'X' }, { serial: 'X', vendor: 'ACME' }]) {
    await using opened = await basic(options)
    const designators = await opened.nexus.unit(1).run(vpdDeviceIdentification())
    const naa = designators.find(({ type }) => type === DesignatorType.NAA)
    names.add(Buffer.from(naa?.designator ?? []).toString('hex'))
  }
  assert.equal(names.size, 4)
})

test('is ready, has nothing to tell, and knows no other command', async () => {
  await using opened = await basic()
  const unit = opened.nexus.unit(1)
  await unit.testUnitReady()
  assert.equal(senseText(await unit.run(requestSense())), '0/00/00')
  assert.equal((await unit.inquiry()).deviceType, DeviceType.PROCESSOR)
  for (const opcode of [0x04, 0x08, 0x15, 0xc0]) {
    assert.equal(told(await unit.execute({ cdb: cdb(opcode) })), '2 5/20/00')
  }
  const noPage = Uint8Array.of(0x12, 1, 0xb0, 0, 255, 0)
  assert.equal(told(await unit.execute({ cdb: noPage, dataIn: 255 })), '2 5/24/00')
})

async function controlOf(unit: LogicalUnit): Promise<Control> {
  const { pages } = await unit.run(modeSense6({ page: CONTROL.page }))
  assert.equal(pages.length, 1)
  return readModePage(CONTROL, pages[0]!)
}

test('tells by its control mode page what becomes of aborted commands (spc-4 7.5.8)', async () => {
  for (const taskAbortedStatus of [false, true]) {
    await using opened = await basic({ taskAbortedStatus })
    const unit = opened.nexus.unit(1)
    const { queueAlgorithmModifier, tas, dSense } = await controlOf(unit)
    assert.deepEqual([queueAlgorithmModifier, tas, dSense], [1, taskAbortedStatus, false])
    for (const [bytes, expected] of [
      ['1a003f00ff00', `0f0000000a0a0010${taskAbortedStatus ? '0040' : '0000'}000000000000`],
      ['5a004a0000000000ff00', `00120000000000000a0a${'00'.repeat(10)}`],
    ] as const) {
      const { data } = await unit.execute({ cdb: Buffer.from(bytes, 'hex'), dataIn: 255 })
      assert.equal(Buffer.from(data).toString('hex'), expected)
    }
    const saved = Uint8Array.of(0x1a, 0, 0xca, 0, 255, 0)
    assert.equal(told(await unit.execute({ cdb: saved, dataIn: 255 })), '2 5/39/00')
  }
})

test.run()
