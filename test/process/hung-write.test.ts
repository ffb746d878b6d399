import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, requestSense, serve } from '#dist/index.js'
import { sanitizeBlockErase } from '#dist/scsi/block-medium.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { FrozenDisk, missing, transferThreads } from '../support/frozen-disk.ts'
import { pattern } from '../support/pattern.ts'
import { until } from '../support/until.ts'

const test = suite('a write that hangs in the kernel')
const skip = missing()

/** Of four mebibytes, the writes are in the second and the fourth: nothing holds up who begins at the first. */
const BLOCK = 512
const BLOCKS = 8192

/** How many threads are inside a call that nothing interrupts. */
const hanging = () => transferThreads(process.pid).filter((state) => state === 'D').length

test(
  'is waited for by SANITIZE, and nothing of it outlives that, also when it was aborted (sbc-3 4.11)',
  async () => {
    const disk = new FrozenDisk()
    let end = async () => {}
    try {
      const file = join(disk.folder, 'unit')
      writeFileSync(file, pattern(BLOCK * BLOCKS, 3))
      const listen = join(temporaryFolder(), 'disk.sock')
      const server = await serve({ listen, units: [{ file }], ioThreads: 4 })
      const nexus = await connect(listen)
      end = async () => {
        await nexus.close()
        await server.close()
      }
      const unit = nexus.unit(0)
      await unit.testUnitReady()
      disk.freeze()
      const abort = new AbortController()
      const data = pattern(BLOCK, 9)
      const aborted = unit
        .write({ lba: 3000, data, signal: abort.signal })
        .catch(({ name }) => name)
      const late = unit.write({ lba: 7000, data })
      late.catch(() => {})
      await until('two threads that hang', () => hanging() === 2)
      abort.abort()
      await unit.run(sanitizeBlockErase({ immed: true }))
      // Answers behind the sanitize: what that could have begun, it has begun.
      for (let round = 0; round < 50; round++) {
        const { asc, ascq, specific } = await unit.run(requestSense())
        assert.deepEqual([asc, ascq], [0x04, 0x1b])
        assert.deepEqual(specific, { kind: 'progress', progress: 0 })
        assert.equal(hanging(), 2)
      }
      disk.thaw()
      await late
      assert.equal(await aborted, 'AbortError')
      while ((await unit.run(requestSense())).asc !== 0);
      for (let lba = 0; lba < BLOCKS; lba += 1024) {
        const blocks = await unit.read({ lba, blocks: 1024 })
        assert.ok(
          blocks.every((byte) => byte === 0),
          `from block ${lba} on`,
        )
      }
    } finally {
      disk.remove()
      await end()
    }
  },
  { skip },
)

test.run()
