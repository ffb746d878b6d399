// guest: --scsi-debug 'dev_size_mb=8 max_luns=3 ndelay=20000 lbpu=1'
/** A device that a configuration names, behind a ring. */

import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Folder } from './in-process.ts'

const test = suite(`sgring serve --config with a device in the kernel ${process.env.SGRING_GUEST}`)
const DATA = new Uint8Array(512).fill(7)

let folder: Folder
test.before.each(() => {
  folder = new Folder()
})
test.after.each(() => folder.remove())

const socket = () => join(folder.path, 'disk.sock')

/** What `sgring serve` takes for a file with one unit. */
function serving(unit: object, ...more: readonly string[]): readonly string[] {
  const config = { listen: './disk.sock', mode: '0660', units: [unit] }
  writeFileSync(join(folder.path, 'device.json'), JSON.stringify(config))
  return ['serve', '--config', 'device.json', ...more]
}

test('is served with --yes as by --device, and as the file says', async () => {
  const { code, stderr } = await folder.during(
    serving({ device: '/dev/sg2' }, '--yes'),
    async (line) => {
      assert.match(line, /LUN 0 \/dev\/sg2 \(Linux scsi_debug, 8\.0 MiB\); process/)
      assert.equal(statSync(socket()).mode & 0o777, 0o660)
      await using nexus = await connect(socket())
      const unit = nexus.unit(0)
      await unit.write({ lba: 9, data: DATA })
      assert.deepEqual(await unit.read({ lba: 9, blocks: 1 }), DATA)
      await assert.rejects(connect(socket()), { code: 'ERR_SGRING_LIMIT' })
    },
  )
  assert.equal(code, 0)
  assert.match(stderr, /exclusive: nobody mounts \/dev\/sd. meanwhile/)
})

test('is not touched without --yes, but read-only', async () => {
  const refused = await folder.sgring(...serving({ device: '/dev/sg2' }))
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /--yes changes \/dev\/sg2: Linux scsi_debug/)
  const { code } = await folder.during(
    serving({ device: '/dev/sg2', read_only: true }),
    async () => {
      await using nexus = await connect(socket())
      const unit = nexus.unit(0)
      assert.deepEqual(await unit.read({ lba: 9, blocks: 1 }), DATA)
      await assert.rejects(unit.write({ lba: 9, data: DATA }), { senseKey: 7, asc: 0x27 })
    },
  )
  assert.equal(code, 0)
})

test.run()
