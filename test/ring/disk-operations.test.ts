import assert from 'node:assert/strict'
import { statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import {
  connect,
  type LogicalUnit,
  parseSense,
  read10,
  readCapacity16,
  requestSense,
  serve,
} from '#dist/index.js'
import { formatUnit, sanitizeOverwrite } from '#dist/scsi/block-medium.js'
import { getLbaStatus, preFetch16, unmap, writeSame16 } from '#dist/scsi/block-provisioning.js'
import { compareAndWrite, orWrite16, verify16, writeAndVerify16 } from '#dist/scsi/block-verify.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { until } from '../support/until.ts'

const test = suite('operations of a backing, through a ring')

const folder = temporaryFolder()
const blockLength = 512
const MIB = 1 << 20
const MISCOMPARE = { code: 'ERR_SGRING_CHECK_CONDITION', senseKey: 0xe, asc: 0x1d, ascq: 0 }

for (const kind of ['memory', 'file'] as const) {
  const file = join(folder, 'image')

  /** A thin disk of 64 MiB, and what of it takes room, in blocks. */
  async function withDisk(
    body: (unit: LogicalUnit, taken: () => Promise<number>, another: LogicalUnit) => Promise<void>,
  ): Promise<void> {
    const backing = kind === 'memory' ? { memory: 64 * MIB } : { file, createBytes: 64 * MIB }
    const listen = join(folder, `${kind}.sock`)
    const server = await serve({ listen, units: [{ ...backing, thin: true }] })
    const nexuses = [await connect(listen), await connect(listen)] as const
    try {
      const unit = nexuses[0].unit(0)
      const taken = async () => {
        const extents = await unit.run(getLbaStatus({ lba: 0 }))
        return extents
          .filter(({ status }) => status === 0)
          .reduce((sum, one) => sum + one.blocks, 0)
      }
      await body(unit, taken, nexuses[1].unit(0))
    } finally {
      for (const nexus of nexuses) await nexus.close()
      await server.close()
      if (kind === 'file') unlinkSync(file)
    }
  }

  test(`${kind}: what is written verifies, and what differs is told with its place`, () =>
    withDisk(async (unit) => {
      const data = pattern(3 * MIB, 1)
      await unit.run(writeAndVerify16({ lba: 5, data, blockLength, compare: true }))
      await unit.run(verify16({ lba: 5, data, blockLength }))
      await unit.run(verify16({ lba: 0, blocks: 128 * 1024, blockLength }))
      const wrong = data.with(2 * MIB + 7, data[2 * MIB + 7]! ^ 1)
      const differs = unit.run(verify16({ lba: 5, data: wrong, blockLength }))
      await assert.rejects(differs, (error: Error & { sense: { information: bigint } }) => {
        assert.equal(error.sense.information, BigInt(2 * MIB + 7))
        return true
      })
      await unit.run(orWrite16({ lba: 5, data: new Uint8Array(512).fill(0xff), blockLength }))
      const block = await unit.run(read10({ lba: 5, blocks: 1, blockLength }))
      assert.ok(block.every((byte) => byte === 0xff))
    }))

  test(`${kind}: initiators that count by COMPARE AND WRITE miss none`, () =>
    withDisk(async (unit, _, another) => {
      const block = (n: number) => new Uint8Array(blockLength).fill(n)
      const count = async (by: LogicalUnit) => {
        for (let added = 0; added < 50; ) {
          const expected = await by.run(read10({ lba: 2047, blocks: 1, blockLength }))
          const data = block(expected[0]! + 1)
          const done = by.run(compareAndWrite({ lba: 2047, expected, data, blockLength }))
          await done.then(
            () => added++,
            (error) => assert.equal(error.senseKey, MISCOMPARE.senseKey),
          )
        }
      }
      await Promise.all([count(unit), count(another)])
      const last = await unit.run(read10({ lba: 2047, blocks: 1, blockLength }))
      assert.deepEqual(last, block(100))
    }))

  test(`${kind}: room is given back by UNMAP and WRITE SAME, and what has none reads as zeros`, () =>
    withDisk(async (unit, taken) => {
      assert.equal(await taken(), 0)
      await unit.write({ lba: 0, data: pattern(4 * MIB, 2) })
      assert.equal(await taken(), 8192)
      await unit.run(
        unmap([
          { lba: 0, blocks: 2048 },
          { lba: 4096, blocks: 8 },
        ]),
      )
      assert.equal(await taken(), 8192 - 2056)
      assert.ok((await unit.read({ lba: 0, blocks: 2048 })).every((byte) => byte === 0))
      await unit.run(writeSame16({ lba: 0, blocks: 0, unmap: true }))
      assert.equal(await taken(), 0)
      if (kind === 'file') assert.ok(statSync(file).blocks * 512 < MIB)
      const data = pattern(512, 9)
      await unit.run(writeSame16({ lba: 100, blocks: 3000, data }))
      await unit.run(verify16({ lba: 100, blocks: 3000, data, blockLength }))
      const last = await unit.run(read10({ lba: 3100, blocks: 1, blockLength }))
      assert.ok(last.every((byte) => byte === 0))
      const fetched = await unit.execute(preFetch16({ lba: 0, blocks: 0 }))
      assert.equal(fetched.status, 0)
    }))

  test(`${kind}: FORMAT UNIT and SANITIZE go on behind their answer, and tell when they are over`, () =>
    withDisk(async (unit, taken) => {
      const pattern = Uint8Array.of(0xa5)
      await unit.run(sanitizeOverwrite({ pattern, passes: 2, immed: true }))
      await ready(unit)
      assert.deepEqual(
        await unit.run(read10({ lba: 131_071, blocks: 1, blockLength })),
        new Uint8Array(512).fill(0xa5),
      )
      await unit.run(formatUnit())
      assert.equal(await taken(), 0)
    }))
}

test('a disk on a file is made longer and shorter, and every nexus hears of it (sbc-3 4.7.2)', async () => {
  const listen = join(folder, 'resized.sock')
  const resized = join(folder, 'resized')
  const server = await serve({
    listen,
    units: [{ file: resized, createBytes: MIB }, { memory: MIB }],
  })
  const nexus = await connect(listen)
  try {
    const unit = nexus.unit(0)
    const capacity = async () => Number((await unit.run(readCapacity16())).lastLba) + 1
    assert.equal(await capacity(), 2048)
    server.resizeUnit(0, 3 * MIB + 100)
    const told = await unit.execute({ cdb: new Uint8Array(6) })
    const { key, asc, ascq } = parseSense(told.sense)
    assert.deepEqual([key, asc, ascq], [6, 0x2a, 0x09])
    assert.equal(await capacity(), 6144)
    await unit.write({ lba: 6143, data: pattern(512, 4) })
    server.resizeUnit(0, 2 * MIB)
    assert.equal(await capacity(), 4096)
    await assert.rejects(unit.read({ lba: 4096, blocks: 1 }), { asc: 0x21 })
    assert.equal(statSync(resized).size, 2 * MIB)
    const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
    assert.throws(() => server.resizeUnit(0, 511), invalid)
    assert.throws(() => server.resizeUnit(0, Number.NaN), invalid)
    assert.throws(() => server.resizeUnit(7, MIB), invalid)
  } finally {
    await nexus.close()
    await server.close()
  }
})

test('a disk in memory is made longer and shorter, while others use it', async () => {
  const listen = join(folder, 'grown.sock')
  const server = await serve({ listen, units: [{ memory: MIB, thin: true }] })
  const nexus = await connect(listen)
  try {
    const unit = nexus.unit(0)
    const data = pattern(512 * 1024, 7)
    await unit.write({ lba: 0, data })
    let over = false
    const readers = Array.from({ length: 4 }, async () => {
      let reads = 0
      while (!over) {
        assert.deepEqual(await unit.read({ lba: 0, blocks: 1024 }), data)
        reads++
      }
      return reads
    })
    for (let round = 1; round <= 50; round++) {
      server.resizeUnit(0, (1 + (round % 7) * 16) * MIB)
      await unit.testUnitReady()
    }
    over = true
    for (const reads of await Promise.all(readers)) assert.ok(reads > 0)
    server.resizeUnit(0, 3 * MIB)
    assert.equal(Number((await unit.readCapacity()).lastLba), 6143)
    await unit.write({ lba: 6143, data: pattern(512, 4) })
    server.resizeUnit(0, 2 * MIB)
    await assert.rejects(unit.read({ lba: 4096, blocks: 1 }), { asc: 0x21 })
    server.resizeUnit(0, 3 * MIB)
    assert.deepEqual(await unit.read({ lba: 6143, blocks: 1 }), new Uint8Array(512))
    assert.deepEqual(await unit.read({ lba: 0, blocks: 1024 }), data)
  } finally {
    await nexus.close()
    await server.close()
  }
})

/** Waits until REQUEST SENSE tells of no operation any more. */
async function ready(unit: LogicalUnit): Promise<void> {
  let last = -1
  let over = false
  const ask = async (): Promise<void> => {
    const { key, specific } = await unit.run(requestSense())
    over = key === 0
    if (over || specific?.kind !== 'progress') return
    assert.ok(specific.progress >= last, 'progress goes one way')
    last = specific.progress
    await new Promise((resolve) => setImmediate(resolve))
    return ask()
  }
  const asked = ask()
  await until('the end of the operation', () => over)
  await asked
}

test.run()
