import assert from 'node:assert/strict'
import { parseSense, read10, SenseKey } from 'sgring'
import { testUnit } from 'sgring/testing'
import { suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import { wornDisk } from './worn-disk.ts'

const test = suite('the example of a disk with bad blocks')

test('ends a READ at the first of them, with what stands before it (sbc-3 4.18.1)', async () => {
  await using opened = await testUnit({ handler: wornDisk(new Set([9n, 7n]), 512) })
  const { unit } = opened
  await unit.testUnitReady()
  const data = pattern(4 * 512, 60)
  await unit.write({ lba: 4, data: data.subarray(0, 3 * 512) })
  const { cdb, dataInLength } = read10({ lba: 4, blocks: 8, blockLength: 512 })
  const response = await unit.execute({ cdb, dataIn: dataInLength })
  const { key, asc, valid, information } = parseSense(response.sense)
  assert.deepEqual([key, asc, valid, information], [SenseKey.MEDIUM_ERROR, 0x11, true, 7n])
  assert.deepEqual(response.data, data.slice(0, 3 * 512))
  assert.equal(response.residual, 5 * 512)
})

test('reads well beside them, and again where it was written', async () => {
  const bad = new Set([7n])
  await using opened = await testUnit({ handler: wornDisk(bad, 512) })
  const { unit } = opened
  await unit.read({ lba: 0, blocks: 7 })
  await unit.read({ lba: 8, blocks: 100 })
  await assert.rejects(unit.read({ lba: 7, blocks: 1 }), { senseKey: SenseKey.MEDIUM_ERROR })
  const data = pattern(512, 61)
  await unit.write({ lba: 7, data })
  assert.deepEqual(await unit.read({ lba: 7, blocks: 1 }), data)
  assert.equal(bad.size, 0)
})

test.run()
