/** Leases: data-in in place, and what is left of it after release. */

import assert from 'node:assert/strict'
import { read16, Status } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { counted } from './execute.ts'
import { transferred } from './transfer.ts'

export function leasesContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  const onResiduals = where(test, contract, 'residuals by the target')
  const { blockLength, share = 1 } = contract
  const reading = (lba: number, blocks: number) => {
    const { cdb, dataInLength } = read16({ lba, blocks, blockLength })
    return { cdb, dataIn: dataInLength, lease: true }
  }

  test('a lease shows the bytes until its release, which detaches them', async () => {
    await using opened = await openReady(contract, 'disk')
    const data = pattern(64 * blockLength, 20)
    await opened.unit.write({ lba: 0, data })
    const response = await opened.unit.execute(reading(0, 64))
    const view = response.data
    const part = view.subarray(blockLength, 2 * blockLength)
    assert.ok(Buffer.from(view).equals(data))
    response.release()
    assert.deepEqual([view.length, part.length, view.buffer.byteLength], [0, 0, 0])
    response.release()
    response[Symbol.dispose]()
    assert.equal(response.data.length, 0)
  })

  test("a view that was kept too long never shows another command's bytes", async () => {
    await using opened = await openReady(contract, 'disk', { arenaBytes: 1 << 20 })
    const count = 16
    await opened.unit.write({ lba: 0, data: pattern(count * blockLength, 21) })
    const stale: Uint8Array[] = []
    for (let round = 0; round < 100; round++) {
      const response = await opened.unit.execute(reading(round % count, 1))
      stale.push(response.data)
      response.release()
    }
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        opened.unit.read({ lba: index % count, blocks: 1 }),
      ),
    )
    assert.ok(stale.every((view) => view.length === 0))
  })

  test('no other command gets the bytes of a lease before its release', async () => {
    await using opened = await openReady(contract, 'disk', { arenaBytes: 1 << 20 })
    const data = pattern(8 * blockLength, 22)
    await opened.unit.write({ lba: 0, data })
    const leases = await Promise.all(
      Array.from({ length: 8 }, (_, lba) => opened.unit.execute(reading(lba, 1))),
    )
    for (let round = 0; round < 200 * share; round++) {
      await opened.unit.write({ lba: 100, data: new Uint8Array(8 * blockLength).fill(round) })
    }
    for (const [lba, lease] of leases.entries()) {
      assert.deepEqual(lease.data.slice(), data.slice(lba * blockLength, (lba + 1) * blockLength))
      lease.release()
    }
  })

  test("who has transferred a lease's buffer keeps its bytes to the end, and no command gets them", async () => {
    await using opened = await openReady(contract, 'disk', { arenaBytes: 1 << 20 })
    const data = pattern(8 * blockLength, 25)
    await opened.unit.write({ lba: 0, data })
    const kept: Uint8Array[] = []
    for (let lba = 0; lba < 8; lba++) {
      const response = await opened.unit.execute(reading(lba, 1))
      kept.push(transferred(response.data))
      assert.equal(response.data.length, 0)
      response.release()
      response.release()
    }
    for (let round = 0; round < 200 * share; round++) {
      await opened.unit.write({ lba: 100, data: new Uint8Array(8 * blockLength).fill(round) })
    }
    for (const [lba, bytes] of kept.entries()) {
      assert.deepEqual(bytes, data.subarray(lba * blockLength, (lba + 1) * blockLength))
    }
  })

  onScripted(
    'leases that are held keep later commands waiting, and their release lets them go',
    async () => {
      await using opened = await openReady(contract, 'scripted', { arenaBytes: 64 << 10 })
      await using other = await openReady(contract, 'scripted')
      const held = await opened.unit.execute({
        ...scripted.describing(6, 0),
        dataIn: 32 << 10,
        lease: true,
      })
      const before = await counted(other)
      const later = Array.from({ length: 40 }, (_, index) =>
        opened.unit.execute(scripted.echo(pattern(20 << 10, index))),
      )
      assert.equal(await counted(other), before)
      held.release()
      for (const [index, { data }] of (await Promise.all(later)).entries()) {
        assert.ok(Buffer.from(data).equals(pattern(20 << 10, index)))
      }
      assert.equal(await counted(other), before + 40)
    },
  )

  onResiduals('a lease is cut to the bytes that came, and without any it is none', async () => {
    await using opened = await openReady(contract, 'disk')
    const { cdb } = read16({ lba: 0, blocks: 1, blockLength })
    const short = await opened.unit.execute({ cdb, dataIn: 3 * blockLength, lease: true })
    assert.deepEqual([short.data.length, short.residual], [blockLength, 2 * blockLength])
    assert.equal(short.data.buffer.byteLength, blockLength)
    short.release()
    const none = await opened.unit.execute({ cdb: new Uint8Array(6), dataIn: 100, lease: true })
    assert.deepEqual([none.status, none.data.length], [Status.GOOD, 0])
    none.release()
  })

  test('a lease outlives its nexus, and goes with its release', async () => {
    const opened = await openReady(contract, 'disk')
    const data = pattern(32 * blockLength, 24)
    await opened.unit.write({ lba: 0, data })
    const response = await opened.unit.execute(reading(0, 32))
    await opened.close()
    assert.ok(Buffer.from(response.data).equals(data))
    response.release()
    assert.equal(response.data.length, 0)
  })

  test('a lease into a buffer of the caller is a contradiction', async () => {
    await using opened = await openReady(contract, 'disk')
    await assert.rejects(
      opened.unit.execute({ ...reading(0, 1), dataIn: new Uint8Array(blockLength) }),
      { code: 'ERR_SGRING_INVALID_ARGUMENT' },
    )
  })
}
