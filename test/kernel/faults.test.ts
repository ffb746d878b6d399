/** What goes wrong with a command, over every transport: scsi_debug makes it (drivers/scsi/scsi_debug.c). */

import assert from 'node:assert/strict'
import {
  parseSense,
  type Response,
  read10,
  read32,
  SenseKey,
  Status,
  variableCdb,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { debugDisk, Opts, through, waysTo, withDebug } from './ways.ts'

const disk = await debugDisk(0n)
/** Where scsi_debug's medium is bad. */
const BAD = 0x1234
const read = (lba: number, blocks = 8) => {
  const { cdb, dataInLength: dataIn } = read10({ lba, blocks, blockLength: 512 })
  return { cdb, dataIn }
}

const told = (response: Response) => ({ ...response, sense: parseSense(response.sense!) })

for (const way of waysTo(disk)) {
  const test = suite(`faults of ${way.name}`)

  for (const [format, dsense, lba] of [
    ['fixed', 0, BAD],
    // scsi_debug gives no LBA in it.
    ['descriptor', 1, undefined],
  ] as const) {
    test(`tell a medium error and where it is, in ${format} format (spc-5 4.4)`, async () => {
      await withDebug({ opts: Opts.MEDIUM_ERROR, dsense }, () =>
        through(way, async (unit) => {
          const { status, sense } = told(await unit.execute(read(BAD - 4)))
          assert.equal(status, Status.CHECK_CONDITION)
          assert.deepEqual(
            [sense.responseCode, sense.key, sense.asc, sense.ascq],
            [0x70 + 2 * dsense, SenseKey.MEDIUM_ERROR, 0x11, 0],
          )
          assert.equal(sense.valid ? Number(sense.information) : undefined, lba)
          const failed = unit.read({ lba: BAD, blocks: 1 })
          await assert.rejects(failed, { code: 'ERR_SGRING_CHECK_CONDITION', asc: 0x11 })
        }),
      )
    })
  }

  test('tell a recovered error, and helpers take it for success (spc-5 4.4.8)', async () => {
    await through(way, (unit) =>
      withDebug({ opts: Opts.RECOVERED_ERROR, every_nth: 1 }, async () => {
        const { status, sense, data } = told(await unit.execute(read(0)))
        assert.deepEqual(
          [status, sense.key, sense.asc, data.length],
          [Status.CHECK_CONDITION, SenseKey.RECOVERED_ERROR, 0x5d, 4096],
        )
        assert.equal((await unit.read({ lba: 0, blocks: 8 })).length, 4096)
      }),
    )
  })

  test('tell an aborted command (spc-5 4.4.8)', async () => {
    await through(way, (unit) =>
      withDebug({ opts: Opts.TRANSPORT_ERROR, every_nth: 1 }, async () => {
        const { status, sense } = told(await unit.execute(read(0)))
        assert.deepEqual(
          [status, sense.key, sense.asc],
          [Status.CHECK_CONDITION, SenseKey.ABORTED_COMMAND, 0x4b],
        )
      }),
    )
  })

  test('tell a unit attention condition once, and helpers send the command again (sam-5 5.14)', async () => {
    await through(way, (unit) =>
      withDebug({ virtual_gb: 1 }, async () => {
        const { status, sense } = told(await unit.execute({ cdb: new Uint8Array(6) }))
        assert.deepEqual(
          [status, sense.key, sense.asc, sense.ascq],
          [Status.CHECK_CONDITION, SenseKey.UNIT_ATTENTION, 0x2a, 0x09],
        )
        assert.equal((await unit.execute({ cdb: new Uint8Array(6) })).status, Status.GOOD)
      }),
    )
    await through(way, (unit) => unit.testUnitReady())
  })

  test('tell how many bytes of a short transfer did not come (sam-5 5.4.3)', async () => {
    await through(way, (unit) =>
      withDebug({ opts: Opts.SHORT_TRANSFER, every_nth: 1 }, async () => {
        const { status, data, residual } = await unit.execute(read(0))
        assert.deepEqual([status, data.length, residual], [Status.GOOD, 2048, 2048])
      }),
    )
  })

  test('give a command up that no answer comes to, and go on (drivers/scsi/scsi_error.c)', async () => {
    await through(way, async (unit, node) => {
      assert.equal(node.timeoutFloorMs, way.floorMs)
      await withDebug({ opts: Opts.MEDIA_TIMEOUT, every_nth: 1 }, () =>
        assert.rejects(unit.execute({ ...read(0), timeoutMs: 1000 }), {
          code: 'ERR_SGRING_TIMEOUT',
          hostStatus: 3,
          hostStatusName: 'DID_TIME_OUT',
        }),
      )
      assert.equal((await unit.execute(read(0))).status, Status.GOOD)
    })
  })

  test('carry a CDB of 32 bytes, and refuse a longer one by name (spc-5 4.2.3)', async () => {
    await through(way, async (unit) => {
      const written = new Uint8Array(512).fill(0x5a)
      await unit.write({ lba: 77, data: written })
      const long = await unit.run(read32({ lba: 77, blocks: 1, blockLength: 512 }))
      assert.deepEqual(long, written)
      // One byte more is none: they come by fours.
      const cdb = variableCdb(9, new Uint8Array(26))
      assert.equal(cdb.length, 36)
      await assert.rejects(unit.execute({ cdb }), { code: 'ERR_SGRING_CDB_LENGTH' })
      const odd = new Uint8Array(33)
      await assert.rejects(unit.execute({ cdb: odd }), { code: 'ERR_SGRING_CDB_LENGTH' })
    })
  })

  test('refuse data in both directions by name', async () => {
    await through(way, async (unit) => {
      const both = { cdb: new Uint8Array(10), dataIn: 512, dataOut: new Uint8Array(512) }
      await assert.rejects(unit.execute(both), { code: 'ERR_SGRING_UNSUPPORTED' })
    })
  })

  test.run()
}
