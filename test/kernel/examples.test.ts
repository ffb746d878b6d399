// guest: --scsi-debug 'dev_size_mb=8 max_luns=3 ndelay=20000 lbpu=1'
/** Every example of the help that is about a device runs, as it stands. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verbs } from '#dist/cli/verbs.js'
import { open } from '#dist/index.js'
import { isOfDevice } from '../cli/device-example.ts'
import { suite } from '../harness/index.ts'
import { Folder } from './in-process.ts'

const test = suite('the examples of the help that are about devices')
let folder: Folder
test.before.each(() => {
  folder = new Folder()
  writeFileSync(join(folder.path, 'disk.img'), new Uint8Array(1 << 20).fill(5))
})
test.after.each(() => folder.remove())

const lines = verbs.flatMap(({ examples }) => examples.map(([line]) => line)).filter(isOfDevice)

for (const line of lines) {
  // They are run without a shell.
  const [program, ...args] = line.split(' ')
  test(line, async () => {
    assert.equal(program, 'sgring')
    if (args[0] !== 'serve') {
      const { code, stderr } = await folder.sgring(...args)
      assert.equal(code, 0, stderr)
      return
    }
    const { code, stderr } = await folder.during(args, async (said) => {
      const address = /ring:[^:]*/.exec(said)![0]
      await using unit = await open(address)
      await unit.testUnitReady()
    })
    assert.equal(code, 0, stderr)
  })
}

test.run()
