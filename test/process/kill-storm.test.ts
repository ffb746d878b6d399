/** Targets that are killed again and again while blocks are written: what the torture's checker says of the history of every command. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'
import { Checker } from '../torture/checker.ts'
import { History } from '../torture/history.ts'
import { Journal, Lane } from '../torture/operations.ts'

const test = suite('targets that are killed again and again')

const WRITERS = 32
const KILLS = 12
/** Of which there are, between two kills, so many more of each writer. */
const WRITES = 3

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
      const history = new History()
      const checker = new Checker(({ fault, what, event }) =>
        assert.fail(`${fault}: ${what}\n${history.around(event).join('\n')}`),
      )
      let server = await start(true)
      const nexus = await connect(join(folder, 'target.sock'), {
        recovery: { policy, waitMs: 100_000 },
      })
      let resumed = 0
      nexus.events.on('resumed', () => resumed++)
      const journal = new Journal({ client: 0, life: 1, worker: 0 }, policy, (event) => {
        history.see(event)
        checker.see(event)
      })
      const writes = new Array<number>(WRITERS).fill(0)
      let over = false
      const writers = writes.map(async (_none, index) => {
        const lane = new Lane(nexus, journal, index * 8)
        while (!over) {
          await lane.write(0, 0, 1)
          writes[index]! += 1
          if (writes[index]! % 7 === 0) await lane.read(0, 0, 1)
        }
        // What there is at the end, whatever unit attention conditions come first.
        while ((await lane.read(0, 0, 1)) === 'refused');
      })
      const all = Promise.all(writers)
      for (let kill = 0; kill < KILLS; kill++) {
        const before = [...writes]
        const moved = () => writes.every((count, index) => count >= before[index]! + WRITES)
        await Promise.race([server.has('all write', moved), all])
        history.see({ at: 'deed', what: 'the target is killed' })
        await server.killed()
        server = await start(false)
      }
      over = true
      await all
      checker.finish()
      assert.equal(resumed, KILLS)
      // A WRITE is repeated whenever no later one of its block has begun.
      if (policy === 'rerun') assert.equal(checker.unknown, 0)
      assert.equal(nexus.stats.outstanding, 0)
      await nexus.close()
      await server.close()
    },
    { deadlineMs: 120_000 },
  )
}

test.run()
