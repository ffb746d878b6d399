import assert from 'node:assert/strict'
import { testUnit } from 'sgring/testing'
import { suite } from '../harness/index.ts'
import { readTemperature, setLimit, thermometer } from './thermometer.ts'

const test = suite('the example of a vendor specific unit')

test('measures, and tells by RECOVERED ERROR that it is too hot', async () => {
  let celsius = 21
  const units = [{ handler: thermometer(() => celsius), vendor: 'ACME', product: 'THERMOMETER' }]
  await using opened = await testUnit({ units })
  const unit = opened.nexus.unit(1)
  const recovered: number[] = []
  opened.nexus.events.on('recovered', (lun) => recovered.push(lun))
  assert.equal((await unit.inquiry()).product, 'THERMOMETER')
  assert.equal(await unit.run(readTemperature()), 21)
  await unit.run(setLimit(30))
  celsius = 30
  assert.equal(await unit.run(readTemperature()), 30)
  assert.deepEqual(recovered, [])
  celsius = 31
  assert.equal(await unit.run(readTemperature()), 31)
  assert.deepEqual(recovered, [1])
  const { cdb } = setLimit(0)
  await assert.rejects(unit.run({ cdb, dataInLength: 0, parse: () => {} }), {
    senseKey: 5,
    asc: 0x24,
  })
})

test('tells other initiators of a new limit, by MODE PARAMETERS CHANGED (sam-5 5.14)', async () => {
  await using opened = await testUnit({ units: [{ handler: thermometer(() => 21) }] })
  const nexuses = [opened.nexus, await opened.connect()]
  const [own, other] = nexuses.map((nexus) => nexus.unit(1, { unitAttention: 'throw' }))
  for (const nexus of nexuses) await nexus.unit(1).testUnitReady()
  await own?.run(setLimit(30))
  await own?.testUnitReady()
  const changed = { senseKey: 6, asc: 0x2a, ascq: 0x01 }
  await assert.rejects(other?.testUnitReady() ?? Promise.resolve(), changed)
  await other?.testUnitReady()
})

test.run()
