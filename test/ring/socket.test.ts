import assert from 'node:assert/strict'
import { linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect, type Nexus, type ServeOptions, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const test = suite('a socket that is served or connected')

const folder = temporaryFolder()
const own = process.geteuid?.() ?? 0
let last = 0
const newPath = () => join(folder, `${++last}.sock`)

function serving(listen: string, options: Partial<ServeOptions> = {}): Promise<Server> {
  return serve({ listen, units: [{ memory: 1 << 20 }], ioThreads: 1, ...options })
}

/** A path of exactly this many bytes. */
function pathOf(bytes: number): string {
  const deep = join(folder, 'x'.repeat(bytes - Buffer.byteLength(folder) - 10))
  mkdirSync(deep, { recursive: true })
  return `${deep}/${'y'.repeat(8)}`
}

async function works(nexus: Nexus): Promise<void> {
  await nexus.unit(0).testUnitReady()
  await nexus.close()
}

/** A listener that is no target. */
async function stranger(path: string, greet: (socket: Socket) => void): Promise<NetServer> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    greet(socket)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

async function closed(server: NetServer): Promise<void> {
  await new Promise((resolve) => server.close(resolve))
}

test('a path of 107 bytes works, and a longer one is refused on both sides (unix(7))', async () => {
  const longest = pathOf(107)
  assert.equal(Buffer.byteLength(longest), 107)
  const server = await serving(longest)
  await works(await connect(longest))
  await server.close()
  const tooLong = { code: 'ERR_SGRING_PATH_TOO_LONG' }
  for (const path of [`${longest}z`, join('/tmp', 'z'.repeat(5000))]) {
    await assert.rejects(connect(path), tooLong)
    await assert.rejects(serving(path), tooLong)
  }
})

test('a file that is no socket is refused on both sides, and left alone', async () => {
  const path = newPath()
  writeFileSync(path, 'precious')
  await assert.rejects(connect(path), { code: 'ERR_SGRING_NOT_A_SOCKET' })
  await assert.rejects(serving(path), { code: 'ERR_SGRING_NOT_A_SOCKET' })
  assert.equal(readFileSync(path, 'utf8'), 'precious')
  await assert.rejects(serving(folder), { code: 'ERR_SGRING_NOT_A_SOCKET' })
  await assert.rejects(connect(folder), { code: 'ERR_SGRING_NOT_A_SOCKET' })
})

test('nobody there is no target, and a stale socket is replaced by a server', async () => {
  const path = newPath()
  await assert.rejects(connect(path), { code: 'ERR_SGRING_NO_TARGET' })
  await assert.rejects(connect(join(path, 'in', 'no', 'folder')), { code: /^ERR_SGRING_/ })
  const listener = await stranger(newPath(), () => {})
  linkSync(listener.address() as string, path)
  await closed(listener)
  await assert.rejects(connect(path), { code: 'ERR_SGRING_NO_TARGET' })
  const server = await serving(path)
  await works(await connect(path))
  await server.close()
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined)
})

test('a socket that somebody else serves is in use, and goes on being served', async () => {
  const path = newPath()
  const server = await serving(path)
  const nexus = await connect(path)
  await assert.rejects(serving(path), { code: 'ERR_SGRING_ADDRESS_IN_USE' })
  await nexus.unit(0).testUnitReady()
  await works(await connect(path))
  await nexus.close()
  await server.close()

  const foreign = newPath()
  const listener = await stranger(foreign, (socket) => socket.end())
  await assert.rejects(serving(foreign), { code: 'ERR_SGRING_ADDRESS_IN_USE' })
  await closed(listener)
})

test('a peer that is no target is told apart: it hangs up, talks nonsense, or says nothing', async () => {
  const [HANDSHAKE, TIMEOUT] = ['ERR_SGRING_HANDSHAKE', 'ERR_SGRING_TIMEOUT'] as const
  for (const [greet, code] of [
    [(socket: Socket) => socket.destroy(), HANDSHAKE],
    [(socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), HANDSHAKE],
    [(socket: Socket) => socket.write(Buffer.alloc(64, 0xff)), HANDSHAKE],
    [(socket: Socket) => socket.write(Buffer.alloc(63)), TIMEOUT],
    [() => {}, TIMEOUT],
  ] as const) {
    const path = newPath()
    const sockets: Socket[] = []
    const listener = await stranger(path, (socket) => {
      sockets.push(socket)
      greet(socket)
    })
    const connectTimeoutMs = code === TIMEOUT ? 300 : 15_000
    await assert.rejects(connect(path, { connectTimeoutMs }), { code })
    for (const socket of sockets) socket.destroy()
    await closed(listener)
  }
})

test('a connection that is under way heeds its signal', async () => {
  const path = newPath()
  const sockets: Socket[] = []
  const listener = await stranger(path, (socket) => sockets.push(socket))
  const reason = new Error('enough')
  await assert.rejects(connect(path, { signal: AbortSignal.abort(reason) }), reason)
  const controller = new AbortController()
  const connecting = connect(path, { signal: controller.signal })
  setImmediate(() => controller.abort(reason))
  await assert.rejects(connecting, reason)
  for (const socket of sockets) socket.destroy()
  await closed(listener)
})

test('users that are not allowed are refused, by either side', async () => {
  const path = newPath()
  const server = await serving(path, { allowedUids: [own + 1] })
  await assert.rejects(connect(path), { code: 'ERR_SGRING_PEER_NOT_ALLOWED' })
  assert.deepEqual(server.nexuses, [])
  await server.close()
  const open = await serving(path)
  await assert.rejects(connect(path, { allowedUids: [own + 1] }), {
    code: 'ERR_SGRING_PEER_NOT_ALLOWED',
  })
  await works(await connect(path, { allowedUids: [own + 1, own] }))
  await open.close()
})

test('the socket has the permission bits that were asked for; else 0600, and 0666 where others may connect', async () => {
  const others = { allowedUids: [own, own + 1] }
  for (const [options, bits] of [
    [{}, 0o600],
    [others, 0o666],
    [{ allowedUids: [own + 1] }, 0o666],
    [{ readOnlyGids: [1] }, 0o666],
    ...[0o600, 0o660, 0o666].flatMap((mode) => [
      [{ mode }, mode] as const,
      [{ ...others, mode }, mode] as const,
    ]),
  ] as const) {
    const path = newPath()
    const server = await serving(path, options)
    assert.equal(statSync(path).mode & 0o777, bits)
    await server.close()
  }
})

test.run()
