/** Faults that scsi_debug injects one by one, which it knows since Linux 6.7. */

// guest: --kernel newest

import assert from 'node:assert/strict'
import { parseSense, read10, SenseKey, Status } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { debugDisk, through, waysTo, withErrors } from './ways.ts'

const disk = await debugDisk(1n)
const { cdb, dataInLength: dataIn } = read10({ lba: 0, blocks: 1, blockLength: 512 })
/** Kinds of rules. */
const [NEVER_ENDS, FAILS, ABORT_FAILS] = [0, 2, 3]

for (const way of waysTo(disk)) {
  const test = suite(`injected faults of ${way.name}`)
  const timeoutMs = Math.max(1000, way.floorMs)

  for (const [name, status] of [
    ['BUSY', Status.BUSY],
    ['TASK SET FULL', Status.TASK_SET_FULL],
  ] as const) {
    const rule = (count: number) => `${FAILS} ${count} 0x28 0 0 0x${status.toString(16)} 0 0 0`

    test(`hear nothing of ${name} that passes: the kernel sends the command again (drivers/scsi/scsi_error.c)`, async () => {
      await through(way, (unit) =>
        withErrors(disk, [rule(-3)], async () => {
          assert.equal((await unit.execute({ cdb, dataIn })).status, Status.GOOD)
        }),
      )
    })

    test(`tell ${name} that lasts longer than the timeout`, async () => {
      await through(way, (unit) =>
        withErrors(disk, [rule(1)], async () => {
          // This side's own clock does not end it: the kernel does.
          const answer = await unit.execute({ cdb, dataIn, timeoutMs })
          assert.equal(answer.status, status)
        }),
      )
    })
  }

  test('tell any sense data (spc-5 4.4)', async () => {
    const rule = `${FAILS} 1 0x28 0 0 0x2 0x4 0x44 0x5`
    await through(way, (unit) =>
      withErrors(disk, [rule], async () => {
        const { status, sense } = await unit.execute({ cdb, dataIn })
        const { key, asc, ascq } = parseSense(sense)
        assert.deepEqual(
          [status, key, asc, ascq],
          [Status.CHECK_CONDITION, SenseKey.HARDWARE_ERROR, 0x44, 5],
        )
      }),
    )
  })

  test('tell a host status without a status of the device as an error of its own', async () => {
    // DID_ERROR; the kernel does not send a command of this kind again.
    const rule = `${FAILS} 1 0x28 0x7 0 0 0 0 0`
    await through(way, (unit) =>
      withErrors(disk, [rule], () =>
        assert.rejects(unit.execute({ cdb, dataIn }), {
          code: 'ERR_SGRING_HOST_STATUS',
          hostStatus: 7,
          hostStatusName: 'DID_ERROR',
        }),
      ),
    )
  })

  test(
    'end a command whose abort fails, when the kernel has reset the unit (Documentation/scsi/scsi_eh.rst)',
    async () => {
      await through(way, async (unit) => {
        const rules = [`${NEVER_ENDS} -1 0x28`, `${ABORT_FAILS} -1 0xff`]
        await withErrors(disk, rules, () =>
          assert.rejects(unit.execute({ cdb, dataIn, timeoutMs: 1000 }), {
            code: 'ERR_SGRING_TIMEOUT',
            hostStatusName: 'DID_TIME_OUT',
          }),
        )
        // The reset left a unit attention condition, of which helpers take no notice.
        await unit.testUnitReady()
        assert.equal((await unit.execute({ cdb, dataIn })).status, Status.GOOD)
      })
    },
    { deadlineMs: 60_000 },
  )

  test.run()
}
