/** A server whose units change while it serves. */

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  connect,
  good,
  type Handler,
  type Nexus,
  SenseCode,
  type Server,
  serve,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'

const test = suite('units that come and go')
const REPORTED_LUNS = 0x3f0e

async function served(): Promise<{ server: Server; nexus: Nexus; folder: string }> {
  const folder = temporaryFolder()
  const listen = join(folder, 'target.sock')
  const server = await serve({ listen, units: [{ memory: 1 << 20 }] })
  const nexus = await connect(listen)
  await nexus.unit(0).testUnitReady()
  return { server, nexus, folder }
}

/** The unit attention that TEST UNIT READY is told, or 0. */
async function attention(nexus: Nexus, lun = 0): Promise<number> {
  const { status, sense } = await nexus.unit(lun).execute({ cdb: new Uint8Array(6) })
  return status === 0 ? 0 : (sense[12]! << 8) | sense[13]!
}

test('a unit that is added is served at once, and every nexus is told (sam-5 5.14)', async () => {
  const { server, nexus } = await served()
  server.addUnit(5, { memory: 1 << 20 })
  assert.deepEqual([await attention(nexus), await attention(nexus)], [REPORTED_LUNS, 0])
  assert.deepEqual((await nexus.reportLuns()).luns, [0, 5])
  const data = pattern(4096, 5)
  await nexus.unit(5).write({ lba: 8, data })
  assert.deepEqual(await nexus.unit(5).read({ lba: 8, blocks: 8 }), data)
  await nexus.close()
  await server.close()
})

test('a unit that is removed ends its commands, lets go of its file, and may be replaced', async () => {
  const { server, nexus, folder } = await served()
  const file = join(folder, 'image')
  writeFileSync(file, pattern(1 << 20, 7))
  server.addUnit(1, { file })
  assert.throws(() => server.addUnit(2, { file }), { code: 'ERR_SGRING_BACKING' })
  await nexus.unit(1).read({ lba: 0, blocks: 8 })
  server.addUnit(3, { handler: () => new Promise(() => {}) })
  await attention(nexus, 3)
  const hung = nexus.unit(3).execute({ cdb: new Uint8Array(6) })
  while (server.stats.handlers.running === 0) await nexus.unit(0).testUnitReady()
  await Promise.all([
    assert.rejects(hung, { code: 'ERR_SGRING_ABORTED' }),
    server.removeUnit(3),
    server.removeUnit(1),
  ])
  await assert.rejects(nexus.unit(1).read({ lba: 0, blocks: 1 }), { asc: 0x25 })
  // Its lock is gone with it.
  server.addUnit(2, { file })
  assert.deepEqual(
    await nexus.unit(2).read({ lba: 0, blocks: 8 }),
    pattern(1 << 20, 7).slice(0, 4096),
  )
  assert.ok(existsSync(file))
  await nexus.close()
  await server.close()
})

test('a unit attention is established for every nexus that knows the unit', async () => {
  const { server, nexus } = await served()
  const other = await connect(server.listen)
  server.attention(0, SenseCode.CAPACITY_DATA_HAS_CHANGED)
  assert.deepEqual([await attention(nexus), await attention(nexus)], [0x2a09, 0])
  // A newcomer's POWER ON stands for all that was before.
  assert.deepEqual([await attention(other), await attention(other)], [0x2900, 0])
  await nexus.close()
  await other.close()
  await server.close()
})

test('a unit that is removed may be replaced by whoever hears of the abort', async () => {
  const { server, nexus } = await served()
  const again = { memory: 1 << 20 }
  server.addUnit(1, {
    handler: ({ signal }) => {
      signal.addEventListener('abort', () => server.addUnit(1, again))
      return new Promise(() => {})
    },
  })
  await attention(nexus, 1)
  const hung = nexus.unit(1).execute({ cdb: new Uint8Array(6) })
  while (server.stats.handlers.running === 0) await nexus.unit(0).testUnitReady()
  await Promise.all([assert.rejects(hung, { code: 'ERR_SGRING_ABORTED' }), server.removeUnit(1)])
  const data = pattern(4096, 6)
  await nexus.unit(1).write({ lba: 0, data })
  assert.deepEqual(await nexus.unit(1).read({ lba: 0, blocks: 8 }), data)
  await server.removeUnit(1)
  await assert.rejects(server.removeUnit(1), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
  await nexus.close()
  await server.close()
})

test('handlers of a unit that is removed are counted until they return, and what they did later', async () => {
  const { server, nexus } = await served()
  const answers: (() => void)[] = []
  const handler: Handler = () => new Promise((resolve) => answers.push(() => resolve(good())))
  server.addUnit(1, { handler })
  await attention(nexus, 1)
  const hung = nexus.unit(1).execute({ cdb: new Uint8Array(6) })
  while (answers.length === 0) await nexus.unit(0).testUnitReady()
  await Promise.all([assert.rejects(hung, { code: 'ERR_SGRING_ABORTED' }), server.removeUnit(1)])
  assert.deepEqual(server.stats.handlers, { running: 1, late: 0, failed: 0 })
  answers[0]?.()
  await new Promise(setImmediate)
  for (let asked = 0; asked < 2; asked++) {
    assert.deepEqual(server.stats.handlers, { running: 0, late: 1, failed: 0 })
  }
  await nexus.close()
  await server.close()
})

test('wrong calls change nothing', async () => {
  const { server, nexus } = await served()
  const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
  for (const lun of [0, -1, 16_384, 0.5])
    assert.throws(() => server.addUnit(lun, { memory: 4096 }), invalid)
  assert.throws(() => server.addUnit(1, {} as never), invalid)
  assert.throws(() => server.attention(1, SenseCode.CAPACITY_DATA_HAS_CHANGED), invalid)
  for (const code of [0, 0x1_0000, -1, Number.NaN]) {
    assert.throws(() => server.attention(0, code), invalid)
  }
  for (const lun of [1, -1, 16_384, Number.NaN]) {
    await assert.rejects(server.removeUnit(lun), invalid)
    assert.throws(() => server.attention(lun, SenseCode.CAPACITY_DATA_HAS_CHANGED), invalid)
  }
  const failing = {
    attach() {
      throw new Error('it has no mind to')
    },
    execute() {},
  }
  assert.throws(() => server.addUnit(1, failing), /no mind/)
  assert.deepEqual((await nexus.reportLuns()).luns, [0])
  assert.equal(await attention(nexus), 0)
  await nexus.close()
  await server.close()
  assert.throws(() => server.addUnit(1, { memory: 4096 }), { code: 'ERR_SGRING_CLOSED' })
})

test.run()
