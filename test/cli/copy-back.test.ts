/** Reading back what was written, from units that know FUA and others. */

import assert from 'node:assert/strict'
import { backReaderOf } from '#dist/cli/copy-unit.js'
import {
  type CheckConditionError,
  checkCondition,
  type HandlerTask,
  SenseCode,
  SenseKey,
} from '#dist/index.js'
import { Opcode } from '#dist/scsi/opcode.js'
import { suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import { readyUnit } from '../support/ready-unit.ts'

const test = suite('reading back')

const FUA = 0x08
const DATA = pattern(8 * 512, 1)
const INVALID_FIELD = [SenseKey.ILLEGAL_REQUEST, SenseCode.INVALID_FIELD_IN_CDB] as const

/** A unit that has the data, how it is read back, and whether each READ had FUA. */
async function opened() {
  const test = await readyUnit({ blocks: 64 })
  const { unit, faults } = test
  await unit.write({ lba: 1, data: DATA })
  const reads: boolean[] = []
  const hasFua = ({ cdb }: HandlerTask) => (cdb[1]! & FUA) !== 0
  const notes = ({ cdb }: HandlerTask) => {
    reads.push((cdb[1]! & FUA) !== 0)
    return false
  }
  faults.add({ opcode: Opcode.READ_16, when: notes, hang: true })
  const readBack = backReaderOf({ unit, options: {}, blockLength: 512, lba: 1n })
  const close = () => test.close()
  return { faults, readBack, reads, hasFua, [Symbol.asyncDispose]: close }
}

test('is from the medium where the unit knows FUA (sbc-3 5.11)', async () => {
  await using open = await opened()
  assert.deepEqual(await open.readBack(512, 512), DATA.subarray(512, 1024))
  assert.deepEqual(open.reads, [true])
})

test('is without FUA where the unit refuses that, which it is asked for but once', async () => {
  await using open = await opened()
  const { faults, readBack, reads, hasFua: when } = open
  faults.add({ opcode: Opcode.READ_16, when, answer: checkCondition(...INVALID_FIELD), times: 9 })
  assert.deepEqual(await readBack(0, DATA.length), DATA)
  assert.deepEqual(await readBack(512, 512), DATA.subarray(512, 1024))
  assert.deepEqual(reads, [true, false, false])
})

test('fails, and keeps to FUA, where that is not what was refused', async () => {
  await using open = await opened()
  const { faults, readBack, reads } = open
  faults.add({ opcode: Opcode.READ_16, answer: checkCondition(...INVALID_FIELD), times: 2 })
  await assert.rejects(readBack(0, 512), { senseKey: SenseKey.ILLEGAL_REQUEST })
  const earlier = checkCondition(...INVALID_FIELD, { deferred: true })
  faults.add({ opcode: Opcode.READ_16, answer: earlier })
  await assert.rejects(readBack(0, 512), (error) => (error as CheckConditionError).sense.deferred)
  await readBack(0, 512)
  assert.deepEqual(reads, [true, false, true, true])
})

test.run()
