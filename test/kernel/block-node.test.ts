/** SG_IO on a block node: all that is left where a disk has neither a bsg nor an sg node. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, renameSync } from 'node:fs'
import { openNode, parseSense, read10, SenseKey, Status } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { debugDisk, Opts, through, type Way, withDebug } from './ways.ts'

const { nodes } = await debugDisk(1n)
const block = nodes.block!
const way: Way = { name: 'block by ioctl', path: block, transport: 'ioctl', floorMs: 7000 }
/** As after `modprobe -r sg` on a kernel without CONFIG_BLK_DEV_BSG; the nodes come back afterwards. */
const others = [nodes.bsg!, nodes.sg!]

const test = suite('a disk with its block node only')
test.before.each(() => {
  for (const node of others) renameSync(node, `${node}.away`)
})
test.after.each(() => {
  for (const node of others.filter((path) => existsSync(`${path}.away`)))
    renameSync(`${node}.away`, node)
})

test('is opened by it, and says what is better and what is not there', async () => {
  await through(way, async (unit, node) => {
    assert.deepEqual(
      [node.kind, node.path, node.transport, node.timeoutFloorMs],
      ['block', block, 'ioctl', way.floorMs],
    )
    assert.equal((await unit.inquiry()).product, 'scsi_debug')
  })
  for (const transport of ['sg', 'io_uring'] as const) {
    await assert.rejects(openNode(block, { transport }), { code: 'ERR_SGRING_TRANSPORT' })
  }
})

test('reads what it wrote, in pieces where one command is too small', async () => {
  await through(way, async (unit, node) => {
    const data = randomBytes(node.maxTransferBytes + 512)
    await unit.write({ lba: 32, data })
    const back = await unit.read({ lba: 32, blocks: data.length / 512 })
    assert.ok(data.equals(back))
  })
})

test('carries many commands at once, each to its own bytes', async () => {
  await through(way, async (unit) => {
    const data = randomBytes(64 * 512)
    await unit.write({ lba: 0, data })
    const reads = Array.from({ length: 64 }, (_, lba) => unit.read({ lba, blocks: 1 }))
    assert.ok(data.equals(Buffer.concat(await Promise.all(reads))))
  })
})

test('tells a medium error and where it is (spc-5 4.4), and the residual of a short transfer (sam-5 5.4.3)', async () => {
  const command = (lba: number) => {
    const { cdb, dataInLength: dataIn } = read10({ lba, blocks: 8, blockLength: 512 })
    return { cdb, dataIn }
  }
  await through(way, async (unit) => {
    // Where scsi_debug's medium is bad.
    await withDebug({ opts: Opts.MEDIUM_ERROR }, async () => {
      const { status, sense } = await unit.execute(command(0x1230))
      const { key, asc, information } = parseSense(sense)
      assert.deepEqual(
        [status, key, asc, Number(information)],
        [Status.CHECK_CONDITION, SenseKey.MEDIUM_ERROR, 0x11, 0x1234],
      )
    })
    await withDebug({ opts: Opts.SHORT_TRANSFER, every_nth: 1 }, async () => {
      const { status, data, residual } = await unit.execute(command(0))
      assert.deepEqual([status, data.length, residual], [Status.GOOD, 2048, 2048])
    })
  })
})

test.run()
