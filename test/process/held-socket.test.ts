import assert from 'node:assert/strict'
import { connect } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('a client whose socket is held open by another process')

test('counts as there, within the limits, until the last holder is gone; nobody else is kept waiting', async () => {
  const target = await ServerProcess.start({ units: [{ memory: 1 << 20 }], maxNexuses: 2 })
  const honest = await connect(target.socket)
  const client = new Program(new URL('./holder.js', import.meta.url), [target.socket])
  const holder = Number(await client.line())
  try {
    assert.equal((await client.ended).code, 0)
    await honest.unit(0).testUnitReady()
    await assert.rejects(connect(target.socket), { code: 'ERR_SGRING_LIMIT' })
    await honest.unit(0).testUnitReady()
  } finally {
    process.kill(holder, 'SIGKILL')
  }
  const { nexus, reason } = await target.event('nexusClosed')
  assert.deepEqual([nexus?.pid, reason], [client.pid, undefined])
  const next = await connect(target.socket)
  await next.unit(0).testUnitReady()
  await next.close()
  await honest.close()
  await target.close()
})

test.run()
