/** Targets that are killed again and again while blocks are written: what may have happened to each block is all that has. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, type LogicalUnit } from '#dist/index.js'
import { write10 } from '#dist/scsi/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('targets that are killed again and again')

const WRITERS = 32
const KILLS = 12

/** What a block may hold: the version that was answered last, and those whose outcome nobody knows. */
class Block {
  readonly lba: number
  allowed = new Set([0])
  #version = 0
  unknown = 0
  writes = 0

  constructor(lba: number) {
    this.lba = lba
  }

  async write(unit: LogicalUnit): Promise<void> {
    const version = ++this.#version
    const dataOut = new Uint8Array(512)
    new DataView(dataOut.buffer).setUint32(0, version)
    new DataView(dataOut.buffer).setUint32(508, this.lba)
    this.allowed.add(version)
    this.writes++
    try {
      const { status } = await unit.execute(
        write10({ lba: this.lba, data: dataOut, blockLength: 512 }),
      )
      // A unit attention: nothing was done.
      if (status === 0) this.allowed = new Set([version])
      else this.allowed.delete(version)
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_SGRING_OUTCOME_UNKNOWN')
      this.unknown++
    }
  }

  async check(unit: LogicalUnit): Promise<void> {
    const data = await unit.read({ lba: this.lba, blocks: 1 })
    const view = new DataView(data.buffer, data.byteOffset, data.length)
    const version = view.getUint32(0)
    assert.ok(this.allowed.has(version), `${this.lba}: ${version} of ${[...this.allowed]}`)
    assert.equal(view.getUint32(508), version === 0 ? 0 : this.lba)
    // What was read once is what there is.
    this.allowed = new Set([version])
  }
}

for (const policy of ['fail', 'rerun'] as const) {
  test(
    `every block holds what was answered, or one of those of which nobody knows: policy ${policy}`,
    async () => {
      const folder = temporaryFolder()
      const file = join(folder, 'disk.img')
      const start = (create: boolean) =>
        ServerProcess.start({
          listen: join(folder, 'target.sock'),
          state: join(folder, 'state'),
          graceMs: 60_000,
          units: [create ? { file, createBytes: 1 << 20 } : { file }],
        })
      let server = await start(true)
      const nexus = await connect(join(folder, 'target.sock'), {
        recovery: { policy, waitMs: 100_000 },
      })
      let resumed = 0
      nexus.events.on('resumed', () => resumed++)
      const unit = nexus.unit(0)
      const blocks = Array.from({ length: WRITERS }, (_, index) => new Block(index * 8))
      let over = false
      const writers = blocks.map(async (block) => {
        while (!over) {
          await block.write(unit)
          if (block.writes % 7 === 0) await block.check(unit)
        }
      })
      for (let kill = 0; kill < KILLS; kill++) {
        const before = blocks.map(({ writes }) => writes)
        const moved = () => blocks.every(({ writes }, index) => writes >= before[index]! + 3)
        await server.has('all write', moved)
        await server.killed()
        server = await start(false)
      }
      over = true
      await Promise.all(writers)
      for (const block of blocks) await block.check(unit)
      assert.equal(resumed, KILLS)
      if (policy === 'rerun')
        assert.equal(
          blocks.reduce((sum, { unknown }) => sum + unknown, 0),
          0,
        )
      assert.equal(nexus.stats.outstanding, 0)
      await nexus.close()
      await server.close()
    },
    { deadlineMs: 120_000 },
  )
}

test.run()
