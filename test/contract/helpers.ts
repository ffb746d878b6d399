/** The typed helpers: what they send again, what they throw, and the data that they move. */

import assert from 'node:assert/strict'
import {
  CheckConditionError,
  encodeSense,
  parseSense,
  read6,
  read10,
  read12,
  read16,
  readCapacity10,
  ScsiStatusError,
  SenseKey,
  Status,
  synchronizeCache10,
  synchronizeCache16,
  write6,
  write10,
  write12,
  write16,
} from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { counted } from './execute.ts'

/** A helper for a command of the scripted unit. */
function ending(status: number, sense?: Uint8Array) {
  const { cdb, dataOut } = scripted.withStatus(status, sense)
  return { cdb, dataInLength: 0, ...(dataOut && { dataOut }), parse: () => 'parsed' }
}

export function helpersContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  const onStrict = where(test, contract, 'a range check of no blocks')
  const onPowerOn = where(test, contract, 'a POWER ON for each nexus')
  const { blockLength, blocks } = contract

  onPowerOn(
    'helpers send a command again that met a unit attention, and tell it by an event',
    async () => {
      await using opened = await contract.open('disk')
      const told: [lun: number, ascAscq: number][] = []
      opened.events.on('unitAttention', (lun, sense) => {
        const { asc, ascq } = parseSense(sense)
        told.push([lun, asc * 256 + ascq])
      })
      await opened.unit.testUnitReady()
      assert.deepEqual(told, [[opened.unit.lun, 0x2900]])
      await opened.unit.testUnitReady()
      assert.equal(told.length, 1)
    },
  )

  onPowerOn(
    "helpers throw a unit attention where they are told to, by unitAttention: 'throw'",
    async () => {
      await using opened = await contract.open('disk', { unitAttention: 'throw' })
      opened.events.on('unitAttention', () => assert.fail('nothing was sent again'))
      const error = await opened.unit.testUnitReady().then(
        () => assert.fail('it was taken as success'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof CheckConditionError)
      assert.deepEqual(
        [error.code, error.status, error.senseKey, error.asc, error.ascq, error.retryable],
        [
          'ERR_SGRING_CHECK_CONDITION',
          Status.CHECK_CONDITION,
          SenseKey.UNIT_ATTENTION,
          0x29,
          0,
          true,
        ],
      )
      await opened.unit.testUnitReady()
    },
  )

  onScripted('helpers give up after 8 unit attentions in a row', async () => {
    await using opened = await openReady(contract, 'scripted')
    let told = 0
    opened.events.on('unitAttention', () => told++)
    const before = await counted(opened)
    const sense = encodeSense(SenseKey.UNIT_ATTENTION, 0x3f0e)
    await assert.rejects(opened.unit.run(ending(Status.CHECK_CONDITION, sense)), {
      code: 'ERR_SGRING_CHECK_CONDITION',
      asc: 0x3f,
    })
    assert.deepEqual([told, (await counted(opened)) - before], [8, 9])
  })

  onScripted(
    'helpers take RECOVERED ERROR and CONDITION MET as success (sam-5 5.3.1)',
    async () => {
      await using opened = await openReady(contract, 'scripted')
      const told: number[] = []
      opened.events.on('recovered', (_lun, sense) => told.push(parseSense(sense).asc))
      const sense = encodeSense(SenseKey.RECOVERED_ERROR, 0x1701)
      assert.equal(await opened.unit.run(ending(Status.CHECK_CONDITION, sense)), 'parsed')
      assert.deepEqual(told, [0x17])
      assert.equal(await opened.unit.run(ending(Status.CONDITION_MET)), 'parsed')
    },
  )

  onScripted('helpers throw every other status, once, and say whether to try again', async () => {
    await using opened = await openReady(contract, 'scripted')
    const before = await counted(opened)
    for (const [status, retryable] of [
      [Status.BUSY, true],
      [Status.RESERVATION_CONFLICT, false],
      [Status.TASK_SET_FULL, true],
      [Status.ACA_ACTIVE, false],
      [Status.TASK_ABORTED, true],
      [Status.CHECK_CONDITION, false],
    ] as const) {
      const error = await opened.unit.run(ending(status)).then(
        () => assert.fail('it was taken as success'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof ScsiStatusError)
      assert.deepEqual(
        [error.code, error.status, error.retryable],
        ['ERR_SGRING_SCSI_STATUS', status, retryable],
      )
    }
    assert.equal((await counted(opened)) - before, 6)
  })

  test(
    'read() gives what write() wrote: one block to 8 MiB, also through FUA',
    async () => {
      await using opened = await contract.open('disk')
      const { unit } = opened
      const sizes = [1, 2, 3, 17, 129, 256, (1 << 20) / blockLength + 1, (8 << 20) / blockLength]
      for (const [index, count] of sizes.entries()) {
        const fua = index % 2 === 1
        const lba = index * 7
        const data = pattern(count * blockLength, index)
        await unit.write({ lba, data, fua })
        const read = await unit.read({ lba: BigInt(lba), blocks: count, fua })
        assert.ok(
          Buffer.from(read.buffer, read.byteOffset, read.length).equals(data),
          `${count} blocks`,
        )
      }
      assert.equal((await unit.read({ lba: 0, blocks: 0 })).length, 0)
      await unit.write({ lba: 0, data: new Uint8Array(0) })
    },
    { deadlineMs: 60_000 },
  )

  test('reads what was written by READ and WRITE of 6, 10, 12 and 16 bytes, each by each', async () => {
    await using opened = await openReady(contract, 'disk')
    const writes = [write6, write10, write12, write16]
    const reads = [read6, read10, read12, read16]
    for (const [index, write] of writes.entries()) {
      const lba = 40 + index * 9
      const data = pattern(5 * blockLength, index)
      await opened.unit.run(write({ lba, data, blockLength }))
      for (const read of reads) {
        assert.deepEqual(await opened.unit.run(read({ lba, blocks: 5, blockLength })), data)
      }
    }
  })

  test('tells what it is and how large it is', async () => {
    await using opened = await contract.open('disk')
    const { unit } = opened
    const { deviceType } = await unit.inquiry()
    assert.equal(deviceType, 0)
    const capacity = await unit.readCapacity()
    assert.deepEqual([capacity.lastLba, capacity.blockLength], [BigInt(blocks) - 1n, blockLength])
    assert.deepEqual(await unit.run(readCapacity10()), { lastLba: blocks - 1, blockLength })
    const { luns } = await unit.reportLuns()
    assert.ok(luns.includes(unit.lun))
  })

  test('puts what was written on the medium', async () => {
    await using opened = await contract.open('disk')
    await opened.unit.write({ lba: 0, data: pattern(blockLength, 9) })
    await opened.unit.synchronizeCache()
    await opened.unit.run(synchronizeCache10({ lba: 0, blocks: 1 }))
    await opened.unit.run(synchronizeCache16({ lba: blocks - 1, blocks: 1, immed: true }))
  })

  onStrict('refuses blocks beyond the end, up to LBA 2^64-1, and moves nothing', async () => {
    await using opened = await contract.open('disk')
    const { unit } = opened
    const kept = pattern(blockLength, 10)
    await unit.write({ lba: blocks - 1, data: kept })
    for (const lba of [
      BigInt(blocks) - 1n,
      BigInt(blocks),
      2n ** 32n - 1n,
      2n ** 53n,
      2n ** 64n - 2n,
      2n ** 64n - 1n,
    ]) {
      const beyond = {
        code: 'ERR_SGRING_CHECK_CONDITION',
        senseKey: SenseKey.ILLEGAL_REQUEST,
        asc: 0x21,
        ascq: 0,
      }
      await assert.rejects(unit.run(read16({ lba, blocks: 2, blockLength })), beyond)
      await assert.rejects(
        unit.run(write16({ lba, data: new Uint8Array(2 * blockLength), blockLength })),
        beyond,
      )
      await assert.rejects(unit.read({ lba, blocks: 2 }), beyond)
      await assert.rejects(unit.write({ lba, data: new Uint8Array(2 * blockLength) }), beyond)
    }
    const { cdb } = read16({ lba: 2n ** 64n - 1n, blocks: 2 ** 32 - 1, blockLength })
    const { status, data } = await unit.execute({ cdb, dataIn: 4096 })
    assert.deepEqual([status, data.length], [Status.CHECK_CONDITION, 0])
    assert.deepEqual(await unit.read({ lba: blocks - 1, blocks: 1 }), kept)
  })

  test('write() refuses what is no whole number of blocks, before sending', async () => {
    await using opened = await contract.open('disk')
    for (const length of [1, blockLength - 1, blockLength + 1]) {
      await assert.rejects(opened.unit.write({ lba: 0, data: new Uint8Array(length) }), {
        code: 'ERR_SGRING_INVALID_ARGUMENT',
      })
    }
  })
}
