import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, TransportError } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { Program } from '../support/program.ts'
import * as scripted from '../support/scripted-unit.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('the end of a server')

function running(program: string, socket: string): Program {
  return new Program(new URL('./programs.js', import.meta.url), [program, socket])
}

const newSocket = () => join(temporaryFolder(), 'target.sock')

test('a server holds its process, also after its clients have left', async () => {
  const socket = newSocket()
  const child = running('serves', socket)
  assert.equal(await child.line(), 'ready')
  for (let round = 0; round < 3; round++) {
    const nexus = await connect(socket)
    await nexus.unit(0).testUnitReady()
    await nexus.close()
  }
  child.kill('SIGTERM')
  const { signal, stdout, stderr } = await child.ended
  assert.deepEqual([signal, stdout, stderr], ['SIGTERM', 'ready\n', ''])
})

for (const how of ['SIGKILL', 'process.exit()', 'close()'] as const) {
  test(`the death of a server by ${how} is told to every client with commands under way`, async () => {
    const socket = newSocket()
    const { end, pid } = await started(how, socket)
    const nexuses = await Promise.all([connect(socket), connect(socket), connect(socket)])
    const ends: (Error | undefined)[] = []
    const lost: Promise<unknown>[] = []
    for (const nexus of nexuses) {
      assert.equal(nexus.targetPid, pid)
      nexus.events.on('end', (reason) => ends.push(reason))
      const unit = nexus.unit(1)
      await unit.testUnitReady()
      // More than there are slots: those that wait are told as well.
      for (let index = 0; index < 300; index++) {
        lost.push(
          unit.execute(scripted.hold()).then(
            () => undefined,
            (reason: unknown) => reason,
          ),
        )
      }
    }
    await end()
    const reasons = await Promise.all(lost)
    assert.ok(
      reasons.every(
        (reason) => reason instanceof TransportError && reason.code === 'ERR_SGRING_NEXUS_LOST',
      ),
    )
    assert.deepEqual(
      ends.map((reason) => reason instanceof TransportError),
      [true, true, true],
    )
    for (const nexus of nexuses) {
      await assert.rejects(nexus.unit(0).testUnitReady(), { code: 'ERR_SGRING_NEXUS_LOST' })
      await nexus.close()
      await assert.rejects(nexus.unit(0).testUnitReady(), { code: 'ERR_SGRING_CLOSED' })
    }
    await assert.rejects(connect(socket), { code: 'ERR_SGRING_NO_TARGET' })
  })
}

/** A server, and what ends it in this way. */
async function started(
  how: string,
  socket: string,
): Promise<{ end(): Promise<void>; pid: number }> {
  if (how === 'process.exit()') {
    const child = running('serves and calls process.exit', socket)
    assert.equal(await child.line(), 'ready')
    const end = async () => {
      child.write('exit')
      const { code, stderr } = await child.ended
      assert.deepEqual([code, stderr], [4, ''])
    }
    return { end, pid: child.pid }
  }
  const server = await ServerProcess.start({
    listen: socket,
    units: [{ memory: 1 << 20 }, 'scripted'],
  })
  return { end: () => (how === 'SIGKILL' ? server.killed() : server.close()), pid: server.pid }
}

test('the death of a server is told to an idle client too', async () => {
  const server = await ServerProcess.start({ units: [{ memory: 1 << 20 }] })
  const nexus = await connect(server.socket)
  const ended = new Promise((resolve) => nexus.events.once('end', resolve))
  await server.killed()
  assert.ok((await ended) instanceof TransportError)
})

test(
  'a new server takes over the path that a killed one left, and clients connect again',
  async () => {
    const socket = newSocket()
    for (let round = 0; round < 3; round++) {
      const server = await ServerProcess.start({ listen: socket, units: [{ memory: 1 << 20 }] })
      const nexus = await connect(socket)
      await nexus.unit(0).write({ lba: 0, data: new Uint8Array(512) })
      await server.killed()
      await nexus.close()
    }
  },
  { deadlineMs: 60_000 },
)

test('a worker that serves and is terminated frees its path, and its clients are told', async () => {
  const child = running('terminates a server worker', newSocket())
  const { code, signal, stdout, stderr } = await child.ended
  assert.deepEqual([code, signal, stdout, stderr], [0, null, 'lost and found\n', ''])
})

test('a worker that is terminated before it watches its socket is as gone as any', async () => {
  const child = running('terminates workers that watch nothing yet', newSocket())
  const { code, signal, stdout, stderr } = await child.ended
  const said = 'the target has left\nthe initiator has left\n'
  assert.deepEqual([code, signal, stdout, stderr], [0, null, said, ''])
})

test.run()
