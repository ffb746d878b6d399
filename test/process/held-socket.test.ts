import assert from 'node:assert/strict'
import { connect } from '#dist/index.js'
import { nativePlatform } from '#dist/platform.js'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('a client whose socket is held open by another process')

/** Ends a client in this way while another process holds its socket, and runs `meanwhile`. */
async function whileHeld(
  how: 'exit' | 'SIGKILL',
  meanwhile: (target: ServerProcess, client: Program) => Promise<void>,
): Promise<void> {
  await using target = await ServerProcess.start({ units: [{ memory: 1 << 20 }], maxNexuses: 2 })
  const honest = await connect(target.socket)
  const client = new Program(new URL('./holder.js', import.meta.url), [target.socket, how])
  const holder = Number(await client.line())
  try {
    const { code, signal } = await client.ended
    assert.equal(signal ?? code, how === 'exit' ? 0 : how)
    await honest.unit(0).testUnitReady()
    await meanwhile(target, client)
    await honest.unit(0).testUnitReady()
  } finally {
    process.kill(holder, 'SIGKILL')
  }
  await isGone(target, client)
  const next = await connect(target.socket)
  await next.unit(0).testUnitReady()
  await next.close()
  await honest.close()
  await target.close()
}

async function isGone(target: ServerProcess, client: Program): Promise<void> {
  const { nexus, reason } = await target.event('nexusClosed')
  assert.deepEqual([nexus?.pid, reason], [client.pid, undefined])
}

test('that is killed counts as there, within the limits, until the last holder is gone; nobody else is kept waiting', () =>
  whileHeld('SIGKILL', ({ socket }) =>
    assert.rejects(connect(socket), { code: 'ERR_SGRING_LIMIT' }),
  ))

const musl = nativePlatform()?.endsWith('musl') === true
const skip = musl ? 'exit() of musl runs no destructors of threads: it takes glibc' : undefined
test('that ends by itself is gone at once', () => whileHeld('exit', isGone), { skip })

test.run()
