/** The rivals' own correctness, where no case of the benchmarks comes by. */

import assert from 'node:assert/strict'
import { testUnitReady } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'

interface Sab {
  SabUnit: {
    start(): Promise<{
      execute(command: object): Promise<{ readonly status: number }>
      close(): Promise<void>
    }>
  }
}

const test = suite('rivals')

test('the ring over a SharedArrayBuffer takes more at once than it holds, as an open loop has it after a stall', async () => {
  const { SabUnit } = await compiled<Sab>('rivals/sab/client.js')
  const unit = await SabUnit.start()
  try {
    const command = testUnitReady()
    const ends = await Promise.all(Array.from({ length: 5000 }, () => unit.execute(command)))
    assert.deepEqual([...new Set(ends.map(({ status }) => status))], [0])
  } finally {
    await unit.close()
  }
})

test.run()
