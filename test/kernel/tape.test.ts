/** The tape of scsi_debug, which has a medium since Linux 6.15: of each block it keeps the length and the first four bytes. */

// guest: --kernel newest --scsi-debug 'ptype=1 dev_size_mb=8 ndelay=20000'

import assert from 'node:assert/strict'
import { ssc } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { debugDisk, through, waysTo } from './ways.ts'

const tape = await debugDisk(0n)
/** Twice the shortest that scsi_debug takes. */
const BLOCK = 1024

function block(number: number): Uint8Array {
  return new Uint8Array(BLOCK).fill(number, 0, 4)
}

for (const way of waysTo(tape)) {
  const test = suite(`a tape, ${way.name}`)

  test('says what blocks it takes (ssc-4 6.6)', async () => {
    const { maximum, minimum } = await through(way, (unit) => unit.run(ssc.readBlockLimits()))
    assert.ok(maximum > minimum && minimum > 0)
  })

  test('writes blocks and filemarks, and reads them back up to the end of data (ssc-4 6.4, 6.8, 7.5)', async () => {
    await through(way, async (unit) => {
      await unit.run(ssc.rewind())
      for (const number of [1, 2, 3]) await unit.run(ssc.write6({ data: block(number) }))
      await unit.run(ssc.writeFilemarks6({ count: 1 }))
      await unit.run(ssc.write6({ data: block(4) }))
      await unit.run(ssc.writeFilemarks6({ count: 1 }))
      await unit.run(ssc.rewind())

      const read = ssc.read6({ length: BLOCK })
      for (const number of [1, 2, 3]) {
        const { data, filemark } = await unit.run(read)
        assert.deepEqual([[...data.subarray(0, 4)], filemark], [Array(4).fill(number), false])
      }
      assert.deepEqual(await end(), [0, true, false])
      assert.deepEqual((await unit.run(read)).data.subarray(0, 4), block(4).subarray(0, 4))
      assert.deepEqual(await end(), [0, true, false])
      assert.deepEqual(await end(), [0, false, true])

      async function end() {
        const { data, filemark, endOfData } = await unit.run(read)
        return [data.length, filemark, endOfData]
      }
    })
  })

  test('reads a block that is shorter or longer than was asked for (ssc-4 6.4)', async () => {
    await through(way, async (unit) => {
      await unit.run(ssc.rewind())
      const longer = await unit.run(ssc.read6({ length: 2 * BLOCK }))
      assert.deepEqual(
        [longer.incorrectLength, longer.residual, longer.data.length],
        [true, BLOCK, BLOCK],
      )
      await unit.run(ssc.rewind())
      const quiet = await unit.run(ssc.read6({ length: 2 * BLOCK, sili: true }))
      assert.deepEqual([quiet.incorrectLength, quiet.data.length], [false, BLOCK])
      await unit.run(ssc.rewind())
      const cut = await unit.run(ssc.read6({ length: BLOCK / 2 }))
      assert.deepEqual([cut.incorrectLength, cut.residual], [true, -BLOCK / 2])
    })
  })

  test('finds a file by spacing over filemarks, and a block by its number (ssc-4 6.6, 7.2)', async () => {
    await through(way, async (unit) => {
      await unit.run(ssc.rewind())
      await unit.run(ssc.space6({ code: ssc.SpaceCode.FILEMARKS, count: 1 }))
      assert.equal((await unit.run(ssc.readPosition())).first, 4n)
      assert.equal((await unit.run(ssc.read6({ length: BLOCK }))).data[0], 4)
      await unit.run(ssc.locate10({ identifier: 1 }))
      assert.equal((await unit.run(ssc.readPosition())).first, 1n)
      assert.equal((await unit.run(ssc.read6({ length: BLOCK }))).data[0], 2)
    })
  })

  test.run()
}
