import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, type Nexus, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'

const test = suite('a transfer that no single block of the arena holds')

const PAGE = 4096
const listen = join(temporaryFolder(), 'target.sock')
let server: Server
test.before(async () => {
  const file = join(temporaryFolder(), 'disk')
  const units = [{ memory: 4 << 20 }, { file, createBytes: 4 << 20 }, new scripted.ScriptedUnit()]
  server = await serve({ listen, units })
})
test.after(() => server.close())

/** Every other page of the arena is leased; what is free is in pieces of a page. */
async function fragmented(pages: number): Promise<{ nexus: Nexus; freePages: number }> {
  const nexus = await connect(listen, { arenaBytes: pages * PAGE })
  for (const lun of [0, 1, 2]) await nexus.unit(lun).testUnitReady()
  const describing = { ...scripted.describing(6, 0), dataIn: PAGE, lease: true }
  const leases = await Promise.all(
    Array.from({ length: pages }, () => nexus.unit(2).execute(describing)),
  )
  assert.equal(nexus.stats.arenaUsedBytes, pages * PAGE)
  for (const [index, lease] of leases.entries()) if (index % 2 === 1) lease.release()
  // A lease has to be in one piece.
  const two = nexus.unit(2).execute({ ...describing, dataIn: 2 * PAGE, timeoutMs: 1 })
  await assert.rejects(two, { code: 'ERR_SGRING_TIMEOUT' })
  return { nexus, freePages: pages / 2 }
}

for (const [lun, what] of [
  [0, 'memory'],
  [1, 'a file'],
] as const) {
  test(`moves by several segments, to and from ${what}`, async () => {
    const { nexus, freePages } = await fragmented(64)
    const unit = nexus.unit(lun)
    // One page is left for the table.
    for (let pages = 1; pages < freePages; pages++) {
      const bytes = pages * PAGE - (pages % 3) * 512
      const data = pattern(bytes, pages)
      await unit.write({ lba: pages, data })
      assert.ok(
        Buffer.from(await unit.read({ lba: pages, blocks: bytes / 512 })).equals(data),
        `${pages} pages`,
      )
    }
    assert.equal(nexus.stats.arenaUsedBytes, freePages * PAGE)
    await nexus.close()
  })
}

test('moves both ways at once, and answers of any length reach all pieces', async () => {
  const { nexus } = await fragmented(128)
  for (const bytes of [1, PAGE + 1, 5 * PAGE, 20 * PAGE + 7, 29 * PAGE]) {
    const sent = pattern(bytes, bytes)
    const into = new Uint8Array(bytes)
    const { data, residual } = await nexus.unit(2).execute({ ...scripted.echo(sent), dataIn: into })
    assert.equal(residual, 0)
    assert.equal(data.buffer, into.buffer)
    assert.ok(Buffer.from(into).equals(sent), `${bytes} bytes`)
    const roomy = await nexus.unit(2).execute({ ...scripted.echo(sent), dataIn: bytes + PAGE })
    assert.equal(roomy.residual, PAGE)
    assert.ok(Buffer.from(roomy.data).equals(sent))
  }
  await nexus.close()
})

test('waits when there are not enough pieces, and goes when there are', async () => {
  const { nexus, freePages } = await fragmented(32)
  let settled = false
  const lease = await nexus
    .unit(2)
    .execute({ ...scripted.describing(6, 0), dataIn: PAGE, lease: true })
  const data = pattern((freePages - 1) * PAGE, 1)
  const writing = nexus
    .unit(0)
    .write({ lba: 0, data })
    .then(() => {
      settled = true
    })
  // The capacity that `write` asks for first needs a page of its own, which there is.
  while (nexus.stats.waiting === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(settled, false)
  lease.release()
  await writing
  assert.ok(
    Buffer.from(await nexus.unit(0).read({ lba: 0, blocks: data.length / 512 })).equals(data),
  )
  await nexus.close()
})

test.run()
