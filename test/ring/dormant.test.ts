import assert from 'node:assert/strict'
import { read10 } from '#dist/index.js'
import { TaskAttribute } from '#dist/task/command.js'
import { testUnit } from '#dist/testing/index.js'
import { suite } from '../harness/index.ts'
import { powerOn } from '../support/ready-unit.ts'

const SIZE = 64 * 512

const test = suite('transfers of commands that have waited')

test('leave those alone that are told in the same round', async () => {
  await using opened = await testUnit({ units: [{ memory: SIZE }, { memory: SIZE }] })
  const { nexus } = opened
  const units = [nexus.unit(1), nexus.unit(2)]
  for (const lun of [1, 2]) await powerOn(nexus, lun)
  const { cdb, dataInLength: dataIn } = read10({ lba: 0, blocks: 1, blockLength: 512 })
  // All in one batch: behind the ORDERED read wait more than are told with it.
  const reads = [
    units[0]!.execute({ cdb, dataIn, attribute: TaskAttribute.ORDERED }),
    ...Array.from({ length: 3 }, () => units[1]!.execute({ cdb, dataIn })),
    ...Array.from({ length: 10 }, () => units[0]!.execute({ cdb, dataIn })),
  ]
  const statuses = (await Promise.all(reads)).map(({ status, data }) => [status, data.length])
  assert.deepEqual(statuses, new Array(reads.length).fill([0, 512]))
})

test.run()
