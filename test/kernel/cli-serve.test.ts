// guest: --scsi-debug 'dev_size_mb=8 max_luns=3 ndelay=20000 lbpu=1'
/** A device of a kernel's behind a ring. */

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants, openSync } from 'node:fs'
import { connect, open, ServiceResponse, TaskFunction } from '#dist/index.js'
import { Place } from '../cli/program.ts'
import { suite } from '../harness/index.ts'
import { told } from '../support/ready-unit.ts'
import { Folder } from './in-process.ts'
import { debugDisk } from './ways.ts'

const test = suite(`sgring serve --device in the kernel ${process.env.SGRING_GUEST}`)

const RESET = { function: TaskFunction.LOGICAL_UNIT_RESET }
const DATA = randomBytes(128 << 10)
/** What a program says, and its exit code. */
function tried(program: string, ...args: readonly string[]): [number | null, string] {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return [status, stderr]
}

test(
  'another process has the device over a ring, and nobody else has it',
  async () => {
    const place = new Place()
    try {
      const args = ['--listen', './disk.sock', '--device', '/dev/bsg/0:0:0:1', '--yes']
      const server = await place.serve(args)
      assert.match(server.line, /LUN 0 \/dev\/bsg\/0:0:0:1 \(Linux scsi_debug, 8\.0 MiB\); process/)
      {
        const socket = place.path('disk.sock')
        const { block } = (await debugDisk(1n)).nodes
        assert.ok(block)
        await using nexus = await connect(socket)
        const unit = nexus.unit(0)
        await unit.write({ lba: 64, data: DATA })
        assert.deepEqual(Buffer.from(await unit.read({ lba: 64, blocks: DATA.length / 512 })), DATA)
        const skip = ['skip=64', `count=${DATA.length / 512}`]
        const there = execFileSync('sg_dd', ['if=/dev/sg1', 'of=-', 'bs=512', ...skip], {
          stdio: 'pipe',
        })
        assert.deepEqual(there, DATA, 'on the device')

        await assert.rejects(connect(socket), { code: 'ERR_SGRING_LIMIT' })
        const [mkfs, why] = tried('mkfs.ext4', '-q', '-F', block)
        assert.notEqual(mkfs, 0)
        assert.match(why, /in use/)
        // As mount(2) claims it.
        assert.throws(() => openSync(block, constants.O_RDWR | constants.O_EXCL), { code: 'EBUSY' })

        const { response } = await unit.taskManagement(RESET)
        assert.equal(response, ServiceResponse.FUNCTION_COMPLETE)
        const cdb = new Uint8Array(6)
        assert.equal(told(await unit.execute({ cdb })), '2 6/29/03', 'the target’s')
        assert.match(told(await unit.execute({ cdb })), /^2 6\/29\//, 'the device’s')
        await unit.testUnitReady()
      }
      server.child.kill('SIGINT')
      const { code, stderr } = await server.ended()
      assert.equal(code, 0)
      assert.match(stderr, /exclusive: nobody mounts \/dev\/sd. meanwhile/)
      const { block } = (await debugDisk(1n)).nodes
      assert.deepEqual(tried('mkfs.ext4', '-q', '-F', block ?? ''), [0, ''], 'it is free again')
    } finally {
      await place.remove()
    }
  },
  { deadlineMs: 60_000 },
)

test('with --read-only nothing is written or reset, and others may use the device', async () => {
  const folder = new Folder()
  try {
    const args = ['serve', '--listen', './disk.sock', '--device', '/dev/sg1', '--read-only']
    const { code } = await folder.during(args, async () => {
      await using nexus = await connect(`${folder.path}/disk.sock`)
      const unit = nexus.unit(0)
      await unit.read({ lba: 0, blocks: 1 })
      const write = unit.write({ lba: 0, data: new Uint8Array(512) })
      await assert.rejects(write, { senseKey: 7, asc: 0x27 })
      const { response } = await unit.taskManagement(RESET)
      assert.equal(response, ServiceResponse.FUNCTION_REJECTED)
      await using own = await open('/dev/sg1')
      await own.write({ lba: 0, data: DATA.subarray(0, 512) })
    })
    assert.equal(code, 0)
  } finally {
    folder.remove()
  }
})

test('a device that is written to is served with --yes only', async () => {
  const folder = new Folder()
  try {
    const args = ['serve', '--listen', './disk.sock', '--device', '/dev/sg1']
    const { code, stderr } = await folder.sgring(...args)
    assert.match(stderr, /--yes changes \/dev\/sg1: Linux scsi_debug/)
    assert.equal(code, 1)
  } finally {
    folder.remove()
  }
})

test.run()
