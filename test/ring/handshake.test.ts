import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect as dial } from 'node:net'
import { join } from 'node:path'
import { type ConnectOptions, connect, type Server, serve } from '#dist/index.js'
import { native } from '#dist/native.js'
import { open } from '#dist/ring/nexus.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const test = suite('a handshake')

const listen = join(temporaryFolder(), 'target.sock')
let server: Server
test.before(async () => {
  server = await serve({ listen, units: [{ memory: 1 << 20 }], maxNexuses: 3, maxPairs: 4 })
})
test.after(() => server.close())
// Each test finds a server without clients, and leaves one.
test.after.each(() => until('the nexuses to end', () => server.nexuses.length === 0).then(() => {}))

test('another protocol version is refused, and both are named', async () => {
  const { version } = native().protocol()
  for (const other of [0, version + 1, 2 ** 32 - 1]) {
    await assert.rejects(open(listen, {}, { version: other }), {
      code: 'ERR_SGRING_VERSION',
      message: new RegExp(`version ${version}, this side version`),
    })
  }
})

test('a feature that the target does not know is refused', async () => {
  const { features } = native().protocol()
  for (const bit of [0, 1, 7, 31].filter((bit) => (features & (1 << bit)) === 0)) {
    await assert.rejects(open(listen, {}, { requiredFeatures: (1 << bit) >>> 0 }), {
      code: 'ERR_SGRING_FEATURE',
    })
  }
})

test('any epoch will do to begin with: it is a number that both use', async () => {
  for (const epoch of [1, 2, 77]) {
    const nexus = await open(listen, {}, { epoch })
    await nexus.unit(0).testUnitReady()
    await nexus.close()
    await until('the end', () => server.nexuses.length === 0)
  }
})

test('a join token that names no nexus is refused, and a malformed one before anything is sent', async () => {
  const join = { code: 'ERR_SGRING_JOIN' }
  const nexus = await connect(listen)
  const token = nexus.share()
  const wrong = `${token.startsWith('0') ? '1' : '0'}${token.slice(1)}`
  const zeros = '0'.repeat(32)
  const longer = ['00', 'zz', '\n'].map((more) => token + more)
  for (const bad of [wrong, zeros, token.slice(2), ...longer, '', 'not a token', token[0]!]) {
    await assert.rejects(connect(listen, { join: bad }), join, bad)
  }
  const second = await connect(listen, { join: token })
  assert.deepEqual([second.id, second.pair, server.nexuses[0]?.pairs], [nexus.id, 1, 2])
  await nexus.close()
  // The nexus lives on in its other pair, and can still be joined.
  await until('the first pair to go', () => server.nexuses[0]?.pairs === 1)
  const third = await connect(listen, { join: token })
  assert.deepEqual([third.id, third.pair], [nexus.id, 2])
  await second.close()
  await third.close()
  await until('the end', () => server.nexuses.length === 0)
  await assert.rejects(connect(listen, { join: token }), join)
})

test('no more nexuses and pairs are let in than were allowed, and one that leaves makes room', async () => {
  const limit = { code: 'ERR_SGRING_LIMIT' }
  const nexuses = [await connect(listen), await connect(listen), await connect(listen)]
  await assert.rejects(connect(listen), limit)
  const pair = await connect(listen, { join: nexuses[0]?.share() ?? '' })
  await assert.rejects(connect(listen, { join: nexuses[1]?.share() ?? '' }), limit)
  await nexuses.pop()?.close()
  await until('room', () => server.nexuses.length === 2)
  nexuses.push(await connect(listen))
  await pair.unit(0).testUnitReady()
  for (const nexus of [...nexuses, pair]) await nexus.close()
})

test('connections that send nothing, garbage, or half a hello harm nobody', async () => {
  const nexus = await connect(listen)
  const sockets = [
    Buffer.alloc(0),
    Buffer.alloc(64, 0xff),
    Buffer.alloc(63),
    Buffer.alloc(100_000, 0x5a),
  ].flatMap((bytes) =>
    Array.from({ length: 8 }, () => {
      const socket = dial(listen)
      socket.on('error', () => {})
      socket.write(bytes)
      return socket
    }),
  )
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (let round = 0; round < 10; round++) {
    await nexus.unit(0).testUnitReady()
    await (await connect(listen)).close()
    await until('room', () => server.nexuses.length === 1)
  }
  for (const socket of sockets) socket.destroy()
  await nexus.close()
})

test('options out of range are refused before anything is done', async () => {
  const wrong: readonly object[] = [
    { slots: 0 },
    { slots: 4081 },
    { slots: 1.5 },
    { slots: '8' },
    { arenaBytes: 0 },
    { arenaBytes: -4096 },
    { arenaBytes: 2 ** 31 },
    { arenaBytes: Number.NaN },
    { arenaKeepBytes: -1 },
    { maxWaiting: -1 },
    { spinUs: -1 },
    { spinUs: Number.POSITIVE_INFINITY },
    { abortTimeoutMs: -1 },
    { abortTimeoutMs: Number.POSITIVE_INFINITY },
    { resetUnanswered: 'yes' },
  ]
  for (const options of wrong) {
    await assert.rejects(
      connect(listen, options as ConnectOptions),
      { code: 'ERR_SGRING_INVALID_ARGUMENT' },
      JSON.stringify(options),
    )
  }
  for (const listen of [undefined, '', 7]) {
    await assert.rejects(serve({ listen: listen as string, units: [] }), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
  }
})

test("a server's options out of range are refused, and nothing is left behind", async () => {
  const own = join(temporaryFolder(), 'options.sock')
  const wrong: readonly object[] = [
    { maxNexuses: Number.NaN },
    { maxNexuses: 0 },
    { maxPairs: '4' },
    { maxArenaBytes: 1.5 },
    { ioThreads: 1.5 },
    { ioThreads: 0 },
    { spinUs: -5 },
    { mode: 'x' },
    { mode: 0o1000 },
    { allowedUids: 1000 },
    { allowedUids: [-1] },
    { graceMs: 1000 },
  ]
  for (const options of wrong) {
    await assert.rejects(
      serve({ listen: own, units: [{ memory: 4096 }], ...options }),
      { code: 'ERR_SGRING_INVALID_ARGUMENT' },
      JSON.stringify(options),
    )
    assert.ok(!existsSync(own))
  }
})

test('the smallest and odd segments work', async () => {
  for (const options of [
    { slots: 1, arenaBytes: 1 },
    { slots: 3, arenaBytes: 5 * 4096 },
    { slots: 4064, arenaBytes: 4096 },
  ]) {
    const nexus = await connect(listen, options)
    await Promise.all(Array.from({ length: 20 }, () => nexus.unit(0).inquiry()))
    await nexus.close()
    await until('the end', () => server.nexuses.length === 0)
  }
})

test.run()
