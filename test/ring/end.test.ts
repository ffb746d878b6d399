import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import * as scripted from '../support/scripted-unit.ts'

const test = suite('the end of a pair')

test('leaves no command behind: neither sent, nor given up, nor waiting', async () => {
  const listen = join(temporaryFolder(), 'target.sock')
  await using _server = await serve({ listen, units: [new scripted.ScriptedUnit()] })
  const nexus = await connect(listen, { slots: 2 })
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  const controller = new AbortController()
  const { signal } = controller
  const commands = [
    unit.execute({ ...scripted.hold(), signal, onAbort: 'detach' }),
    ...Array.from({ length: 4 }, () => unit.execute(scripted.hold())),
  ]
  const settled = Promise.allSettled(commands)
  controller.abort()
  const under = nexus.stats
  assert.deepEqual([under.outstanding, under.quarantined, under.waiting], [2, 1, 3])
  await nexus.close()
  const { outstanding, quarantined, waiting } = nexus.stats
  assert.deepEqual([outstanding, quarantined, waiting], [0, 0, 0])
  assert.ok((await settled).every(({ status }) => status === 'rejected'))
})

test.run()
