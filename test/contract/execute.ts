/** `execute()`: one command, however it ends. */

import assert from 'node:assert/strict'
import {
  encodeSense,
  parseSense,
  read10,
  SenseKey,
  Status,
  TaskAttribute,
  write10,
} from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { transferred } from './transfer.ts'

export const INQUIRY_36 = Uint8Array.of(0x12, 0, 0, 0, 36, 0)

export function executeContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  const onPowerOn = where(test, contract, 'a POWER ON for each nexus')
  const onResiduals = where(test, contract, 'residuals by the target')
  const { blockLength } = contract

  onScripted('resolves with any status, and the sense as it was given', async () => {
    await using opened = await openReady(contract, 'scripted')
    const sense = pattern(252, 1)
    for (const status of [...Object.values(Status), 0x7e]) {
      const bare = await opened.unit.execute(scripted.withStatus(status))
      assert.deepEqual([bare.status, bare.sense.length, bare.data.length], [status, 0, 0])
      for (const length of [1, 18, 252]) {
        const full = await opened.unit.execute(
          scripted.withStatus(status, sense.subarray(0, length)),
        )
        assert.equal(full.status, status)
        assert.deepEqual(full.sense, sense.slice(0, length))
      }
    }
  })

  onPowerOn(
    'never sends a command again: a new nexus is told of its POWER ON, once (sam-5 5.14)',
    async () => {
      await using opened = await contract.open('disk')
      const command = { cdb: new Uint8Array(6) }
      const first = await opened.unit.execute(command)
      assert.equal(first.status, Status.CHECK_CONDITION)
      const { key, asc, ascq } = parseSense(first.sense)
      assert.deepEqual([key, asc, ascq], [SenseKey.UNIT_ATTENTION, 0x29, 0])
      assert.equal((await opened.unit.execute(command)).status, Status.GOOD)
    },
  )

  onScripted('carries CDBs of 6 to 260 bytes whole', async () => {
    await using opened = await openReady(contract, 'scripted')
    for (const length of [6, 10, 12, 16, 31, 32, 33, 64, 259, 260]) {
      const command = scripted.describing(length, length & 0xff)
      const { data } = await opened.unit.execute(command)
      const told = JSON.parse(Buffer.from(data).toString()) as scripted.Description
      assert.deepEqual(told, {
        cdb: [...command.cdb],
        attribute: 0,
        dataOutLength: 0,
        dataInLength: 4096,
      })
    }
  })

  onResiduals('cuts the data to the bytes that came, and tells the residual', async () => {
    await using opened = await openReady(contract, 'disk')
    const whole = await opened.unit.execute({ cdb: INQUIRY_36, dataIn: 36 })
    assert.deepEqual([whole.data.length, whole.residual, whole.residualOut], [36, 0, 0])
    const roomy = await opened.unit.execute({ cdb: INQUIRY_36, dataIn: 100 })
    assert.deepEqual([roomy.data, roomy.residual], [whole.data, 64])
    const none = await opened.unit.execute({ cdb: new Uint8Array(6), dataIn: 100 })
    assert.deepEqual([none.data.length, none.residual], [0, 100])
    const no = await opened.unit.execute({ cdb: INQUIRY_36 })
    assert.equal(no.data.length, 0)
  })

  onResiduals(
    'tells how much more the device had by a negative residual (rfc 7143 11.4.5.2)',
    async () => {
      await using opened = await openReady(contract, 'disk')
      const cut = await opened.unit.execute({ cdb: INQUIRY_36, dataIn: 10 })
      assert.deepEqual([cut.data.length, cut.residual], [10, -26])
      const { cdb } = read10({ lba: 0, blocks: 2, blockLength })
      const short = await opened.unit.execute({ cdb, dataIn: blockLength })
      assert.deepEqual([short.data.length, short.residual], [blockLength, -blockLength])
    },
  )

  test("copies data-in into the caller's buffer, and touches no byte behind it", async () => {
    await using opened = await openReady(contract, 'disk')
    const data = pattern(blockLength, 2)
    await opened.unit.run(write10({ lba: 5, data, blockLength }))
    const buffer = new Uint8Array(3 * blockLength).fill(0xee)
    const into = buffer.subarray(blockLength)
    const { cdb } = read10({ lba: 5, blocks: 1, blockLength })
    const response = await opened.unit.execute({ cdb, dataIn: into })
    assert.equal(response.data.buffer, buffer.buffer)
    assert.equal(response.data.byteOffset, blockLength)
    assert.equal(response.residual, blockLength)
    assert.deepEqual(response.data, data)
    assert.deepEqual(
      [buffer.subarray(0, blockLength), buffer.subarray(2 * blockLength)],
      [new Uint8Array(blockLength).fill(0xee), new Uint8Array(blockLength).fill(0xee)],
    )
  })

  test("gives the caller's buffer itself when it is filled, whatever went before through the same memory", async () => {
    await using opened = await openReady(contract, 'disk')
    const data = pattern(3 * blockLength, 4)
    await opened.unit.run(write10({ lba: 20, data, blockLength }))
    for (const blocks of [1, 3, 1, 2, 2]) {
      const into = new Uint8Array(blocks * blockLength)
      const { cdb } = read10({ lba: 20, blocks, blockLength })
      const response = await opened.unit.execute({ cdb, dataIn: into })
      assert.equal(response.data, into)
      assert.deepEqual(into, data.subarray(0, into.length))
    }
  })

  test('is over with data-out and data-in when it settles: later changes reach nobody', async () => {
    await using opened = await openReady(contract, 'disk')
    const data = pattern(4 * blockLength, 3)
    const kept = data.slice()
    const write = write10({ lba: 9, data, blockLength })
    await opened.unit.execute({ cdb: write.cdb, dataOut: data })
    data.fill(0)
    const read = read10({ lba: 9, blocks: 4, blockLength })
    const first = await opened.unit.run(read)
    assert.deepEqual(first, kept)
    const copy = first.slice()
    await Promise.all(
      Array.from({ length: 50 }, () => opened.unit.run(read10({ lba: 0, blocks: 4, blockLength }))),
    )
    assert.deepEqual(first, copy)
  })

  onScripted(
    "a caller's buffer that is transferred meanwhile fails its own command, and no other of the batch",
    async () => {
      await using opened = await openReady(contract, 'scripted', { arenaBytes: 64 << 10 })
      for (let round = 0; round < 20; round++) {
        const gone = new Uint8Array(8 << 10)
        const sent = pattern(8 << 10, round)
        const lost = opened.unit.execute({ ...scripted.echo(sent), dataIn: gone })
        const next = opened.unit.execute(scripted.echo(sent))
        transferred(gone)
        await assert.rejects(lost, { code: 'ERR_SGRING_INVALID_ARGUMENT' })
        assert.deepEqual((await next).data, sent)
      }
    },
  )

  onResiduals('tells data-out that was not taken by residualOut', async () => {
    await using opened = await openReady(contract, 'disk')
    const { cdb } = write10({ lba: 0, data: new Uint8Array(2 * blockLength), blockLength })
    const more = await opened.unit.execute({ cdb, dataOut: new Uint8Array(3 * blockLength) })
    assert.deepEqual([more.status, more.residualOut, more.residual], [Status.GOOD, blockLength, 0])
    const none = await opened.unit.execute({ cdb: new Uint8Array(6), dataOut: new Uint8Array(700) })
    assert.deepEqual([none.status, none.residualOut], [Status.GOOD, 700])
  })

  onScripted('moves data in both directions in one command', async () => {
    await using opened = await openReady(contract, 'scripted')
    for (const length of [1, 511, 4096, 4097, 70_000, 1 << 20]) {
      const sent = pattern(length, length)
      const { data, residual, residualOut } = await opened.unit.execute(scripted.echo(sent))
      assert.deepEqual([residual, residualOut], [0, length])
      assert.ok(Buffer.from(data).equals(sent))
    }
  })

  onScripted('copies the CDB before it returns, also of a command that has to wait', async () => {
    await using opened = await openReady(contract, 'scripted', { slots: 2 })
    const cdb = new Uint8Array(40)
    const sent = Array.from({ length: 20 }, (_, index) => {
      cdb.set(scripted.describing(40, index).cdb)
      return opened.unit.execute({ cdb, dataIn: 4096 })
    })
    cdb.fill(0xff)
    for (const [index, { data }] of (await Promise.all(sent)).entries()) {
      const told = JSON.parse(Buffer.from(data).toString()) as scripted.Description
      assert.deepEqual(told.cdb, [...scripted.describing(40, index).cdb])
    }
  })

  onScripted(
    'refuses a tag that is in use, before sending; and takes it again when it is free',
    async () => {
      await using opened = await openReady(contract, 'scripted')
      await using other = await openReady(contract, 'scripted')
      const before = await counted(other)
      for (const tag of [0, 77, 2 ** 53 - 1, 2n ** 63n - 1n]) {
        const held = opened.unit.execute({ ...scripted.hold(), tag })
        const again = typeof tag === 'number' ? BigInt(tag) : tag
        await assert.rejects(opened.unit.execute({ ...scripted.hold(), tag: again }), {
          code: 'ERR_SGRING_TAG_IN_USE',
        })
        await other.unit.execute(scripted.release())
        await opened.unit.execute(scripted.release())
        assert.equal((await held).status, Status.GOOD)
      }
      // One HOLD for each tag, and the TEST UNIT READY is none that counts.
      assert.equal((await counted(other)) - before, 4)
    },
  )

  onScripted('carries the task attribute, and refuses ACA without an ACA (sam-5 8.7)', async () => {
    await using opened = await openReady(contract, 'scripted')
    const { SIMPLE, ORDERED, HEAD_OF_QUEUE, ACA } = TaskAttribute
    for (const attribute of [SIMPLE, ORDERED, HEAD_OF_QUEUE]) {
      const { data } = await opened.unit.execute({ ...scripted.describing(6, 0), attribute })
      const told = JSON.parse(Buffer.from(data).toString()) as scripted.Description
      assert.equal(told.attribute, attribute)
    }
    const { status, sense } = await opened.unit.execute({
      cdb: new Uint8Array(6),
      attribute: ACA,
    })
    const { key, asc, ascq } = parseSense(sense)
    assert.deepEqual(
      [status, key, asc, ascq],
      [Status.CHECK_CONDITION, SenseKey.ILLEGAL_REQUEST, 0x49, 0],
    )
  })

  onScripted('decodes sense that a unit encodes', async () => {
    await using opened = await openReady(contract, 'scripted')
    const encoded = encodeSense(SenseKey.MEDIUM_ERROR, 0x1100, { information: 12_345 })
    const { sense } = await opened.unit.execute(
      scripted.withStatus(Status.CHECK_CONDITION, encoded),
    )
    assert.deepEqual(parseSense(sense), parseSense(encoded))
    assert.equal(parseSense(sense).information, 12_345n)
  })
}

/** How many counted commands the scripted unit has seen. */
export async function counted({ unit }: { unit: { execute: Execute } }): Promise<number> {
  const { data } = await unit.execute(scripted.count())
  return data[0]! * 256 + data[1]!
}

type Execute = (command: ReturnType<typeof scripted.count>) => Promise<{ data: Uint8Array }>
