/** Listeners that are no honest target: what they answer a hello with, and for how long. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, SgringError } from '#dist/index.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from '../scsi/random.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'
import { Bystander } from './bystander.ts'
import { mappedSegments } from './shared-bytes.ts'

const test = suite('a listener that is no honest target')

const WELCOME_BYTES = 64
const WELCOME_PAIR = 28
const folder = temporaryFolder()
let listeners = 0

const honest = new Bystander(test, () => ServerProcess.start({ units: [{ memory: 1 << 20 }] }))
test.after.each(async () => {
  await honest.nexus.unit(0).testUnitReady()
  // Buffers that are detached let go of it in their own time.
  await until('the segments to go', () => mappedSegments().size === 1)
})

/** Greets whoever connects, until it is disposed of. */
async function greeting(greet: (socket: Socket) => void) {
  const path = join(folder, `${listeners++}.sock`)
  const sockets: Socket[] = []
  const listener = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    greet(socket)
  })
  await new Promise<void>((resolve) => listener.listen(path, resolve))
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => listener.close(resolve))
  }
  return { path, [Symbol.asyncDispose]: close }
}

/** A welcome as it should be (`crates/shm/src/handshake.rs`). */
function welcome(): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(WELCOME_BYTES)
  record.set(Buffer.from('SGRINGOK'))
  record[8] = 1
  record.fill(7, 32, 48)
  return record
}

/** Sends bytes for ever, as many as are taken. */
function floodWith(socket: Socket, first: Uint8Array, then: Uint8Array): void {
  const more = () => {
    while (!socket.destroyed && socket.write(then));
  }
  socket.on('drain', more)
  socket.write(first)
  more()
}

test('has as long for all of its answer as was agreed, however it is drawn out', async () => {
  const bytes = welcome()
  const connectTimeoutMs = 200 * deadlineScale
  let sent = 0
  await using slow = await greeting((socket) => {
    // One byte after the other, of which none is late by itself, and the last one never.
    const timer = setInterval(() => {
      if (sent < WELCOME_BYTES - 1) socket.write(bytes.subarray(sent, ++sent))
    }, connectTimeoutMs / 4)
    socket.once('close', () => clearInterval(timer))
  })
  await assert.rejects(connect(slow.path, { connectTimeoutMs }), { code: 'ERR_SGRING_TIMEOUT' })
  assert.ok(sent < WELCOME_BYTES / 2, `${sent} bytes`)
})

test('whose answer has no end is refused by its beginning', async () => {
  await using endless = await greeting((socket) =>
    floodWith(socket, new Uint8Array(1), new Uint8Array(64 << 10)),
  )
  await assert.rejects(connect(endless.path), { code: 'ERR_SGRING_HANDSHAKE' })
})

test('that lets in, and sends without end behind it, keeps nobody from anything', async () => {
  const flood = randomBytes(generator(seed), 64 << 10)
  await using endless = await greeting((socket) => floodWith(socket, welcome(), flood))
  const nexus = await connect(endless.path)
  for (let round = 0; round < 20; round++) await honest.nexus.unit(0).testUnitReady()
  const timeout = { code: 'ERR_SGRING_TIMEOUT' }
  const command = { cdb: new Uint8Array(6), timeoutMs: 1, onAbort: 'detach' } as const
  await assert.rejects(nexus.unit(0).execute(command), timeout)
  await nexus.close()
})

test('that gives the pair a number with which none can come back to it is refused', async () => {
  const answer = welcome()
  await using odd = await greeting((socket) => socket.end(answer))
  for (const number of [0x8000_0000, 0xffff_ffff]) {
    new DataView(answer.buffer).setUint32(WELCOME_PAIR, number, true)
    await assert.rejects(connect(odd.path), { code: 'ERR_SGRING_HANDSHAKE' })
  }
})

test('is told apart by whatever it answers, and nothing is left of it', async () => {
  const next = generator(seed)
  let answer = welcome()
  await using odd = await greeting((socket) => socket.end(answer))
  for (let round = 0; round < 200; round++) {
    answer = welcome()
    const at = next() % WELCOME_BYTES
    answer.set(randomBytes(next, 1 + (next() % (WELCOME_BYTES - at))), at)
    try {
      const nexus = await connect(odd.path)
      await nexus.close()
    } catch (error) {
      assert.ok(error instanceof SgringError, `SGRING_SEED=${seed}, round ${round}: ${error}`)
    }
  }
})

/** What this process has open. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

// A child of Node with its channel on the connection: what it sends there has descriptors with it (unix(7), SCM_RIGHTS).
const SENDER = fileURLToPath(new URL('./descriptor-sender.js', import.meta.url))

for (const [when, first] of [
  ['in its answer', undefined],
  ['behind its answer', welcome()],
] as const) {
  test(`that sends descriptors ${when} gives this process none of them`, async () => {
    let sent: Promise<unknown> | undefined
    await using sender = await greeting((socket) => {
      const send = () => {
        const child = spawn(process.execPath, [SENDER], {
          stdio: ['ignore', 'ignore', 'inherit', socket],
          env: { ...process.env, NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' },
        })
        sent = once(child, 'exit')
      }
      // Not before the hello is taken, which has a descriptor, too.
      socket.once('data', () => {
        socket.pause()
        if (first === undefined) send()
        else socket.write(first, send)
      })
    })
    const before = descriptors()
    if (first === undefined) {
      const refused = { code: 'ERR_SGRING_HANDSHAKE' }
      await assert.rejects(connect(sender.path, { connectTimeoutMs: 30_000 }), refused)
      assert.deepEqual(await sent, [0, null])
    } else {
      const nexus = await connect(sender.path)
      await until('a sender', () => sent)
      assert.deepEqual(await sent, [0, null])
      await until('its rings', () => nexus.stats.wakes > 0)
      await nexus.close()
    }
    // One is the other end of the connection, here.
    await until('the descriptors', () => descriptors() <= before + 1)
  })
}

test.run()
