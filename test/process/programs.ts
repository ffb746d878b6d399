/** What the tests of this folder run in processes of their own: `node programs.js NAME SOCKET [INDEX]`. */

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { connect, type Nexus, serve } from '#dist/index.js'
import { watchBell } from '#dist/ring/bell.js'
import { type PortEvents, RingPort } from '#dist/ring/port.js'
import { Target } from '#dist/target/target.js'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { barePair } from './bare-pair.ts'
import { PATIENT } from './home.ts'

const TEST_UNIT_READY = { cdb: new Uint8Array(6) }
const self = fileURLToPath(import.meta.url)

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A worker that runs a program, once it has said something. */
async function working(program: string, socket: string, join?: string): Promise<Worker> {
  const worker = new Worker(self, { workerData: { program, socket, join } })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  return worker
}

/** Commands that nobody waits for: the end of the process is what is tested. */
function inFlight(nexus: Nexus): void {
  for (let index = 0; index < 50; index++) {
    void nexus.unit(1).execute(scripted.hold())
    void nexus.unit(0).read({ lba: 0, blocks: 256 })
  }
}

/** Until the worker is terminated. */
function watchNothing(): never {
  parentPort?.postMessage('taken')
  for (;;);
}

const programs: Record<string, (socket: string) => unknown> = {
  async 'closes its nexus'(socket) {
    const nexus = await connect(socket)
    await nexus.unit(0).testUnitReady()
    await nexus.close()
    say('closed')
  },

  async 'awaits one command'(socket) {
    const nexus = await connect(socket)
    const { status } = await nexus.unit(1).execute(TEST_UNIT_READY)
    say(`status ${status}`)
  },

  async 'keeps a nexus idle'(socket) {
    const nexus = await connect(socket)
    await nexus.unit(0).testUnitReady()
    nexus.events.on('end', () => say('it should have ended before'))
    say('idle')
  },

  async 'is idle when its target dies'(socket) {
    const nexus = await connect(socket)
    const held = setInterval(() => {}, 1000)
    await nexus.unit(0).testUnitReady()
    nexus.events.on('interrupted', () => {
      say('interrupted')
      clearInterval(held)
    })
    nexus.events.on('end', () => say('it should have ended before'))
    say('idle')
  },

  async 'goes on with the next target'(socket) {
    const nexus = await connect(socket, { recovery: PATIENT })
    await nexus.unit(0).testUnitReady()
    nexus.events.on('interrupted', () => say('interrupted'))
    const held = setInterval(() => {}, 1000)
    nexus.events.on('end', (reason) => {
      say(`ended: ${reason?.message}`)
      clearInterval(held)
    })
    nexus.events.on('resumed', async () => {
      await nexus.unit(0).testUnitReady()
      say('resumed')
      clearInterval(held)
    })
    say('ready')
  },

  async 'waits for nothing once it is told so'(socket) {
    const nexus = await connect(socket, { recovery: PATIENT })
    await nexus.unit(0).testUnitReady()
    createInterface(process.stdin).once('line', () => process.stdin.destroy())
    say('idle')
  },

  async 'calls process.exit'(socket) {
    const nexus = await connect(socket)
    inFlight(nexus)
    setImmediate(() => process.exit(3))
  },

  async throws(socket) {
    const nexus = await connect(socket)
    inFlight(nexus)
    setImmediate(() => {
      throw new Error('nobody catches this')
    })
  },

  async 'terminates a client worker'(socket) {
    const nexus = await connect(socket)
    for (let round = 0; round < 5; round++) {
      const worker = await working('has commands in flight', socket)
      await worker.terminate()
    }
    await nexus.unit(0).read({ lba: 0, blocks: 64 })
    say('went on')
  },

  async 'has commands in flight'(socket) {
    const nexus = await connect(socket)
    inFlight(nexus)
    const read = async (): Promise<void> => {
      await nexus.unit(0).read({ lba: 0, blocks: 64 })
      return read()
    }
    await nexus.unit(0).read({ lba: 0, blocks: 64 })
    parentPort?.postMessage('busy')
    await Promise.all([read(), read(), read(), read()])
  },

  async 'terminates a server worker'(socket) {
    const worker = await working('serves', socket)
    const nexus = await connect(socket)
    await nexus.unit(0).write({ lba: 0, data: pattern(4096, 1) })
    await nexus.unit(1).testUnitReady()
    const held = nexus.unit(1).execute(scripted.hold())
    const lost = assert.rejects(held, { code: 'ERR_SGRING_NEXUS_LOST' })
    await nexus.unit(0).read({ lba: 0, blocks: 8 })
    await worker.terminate()
    await lost
    // The path is free again.
    const again = await working('serves', socket)
    const second = await connect(socket)
    await second.unit(0).testUnitReady()
    await again.terminate()
    say('lost and found')
  },

  /** Each worker ends with a socket that it has taken, and not watched yet. */
  async 'terminates workers that watch nothing yet'(socket) {
    const held = setInterval(() => {}, 1000)
    const serving = await working('serves and watches no client', socket)
    const taken = once(serving, 'message')
    const bereft = await connect(socket)
    const ended = once(bereft.events, 'end')
    await taken
    await serving.terminate()
    await ended
    say('the target has left')
    const server = await serve({ listen: socket, units: [{ memory: 1 << 20 }] })
    const opened = once(server.events, 'nexusOpened')
    const left = once(server.events, 'nexusClosed')
    const client = await working('connects and watches nothing', socket)
    await opened
    await client.terminate()
    await left
    await server.close()
    clearInterval(held)
    say('the initiator has left')
  },

  'serves and watches no client'(socket) {
    let serving = false
    new RingPort(socket, new Target([]), {}, new EventEmitter<PortEvents>(), (fd, events) => {
      if (serving) watchNothing()
      return watchBell(fd, events)
    })
    serving = true
    parentPort?.postMessage('serving')
  },

  'connects and watches nothing'(path) {
    const pair = barePair(path)
    pair.takeSocket()
    watchNothing()
  },

  /** Memory, or the file that it is given; transfers have one thread. */
  async serves(socket) {
    const { file = process.argv[4] } = (workerData ?? {}) as { file?: string }
    const backing = file === undefined ? { memory: 8 << 20 } : { file }
    await serve({ listen: socket, units: [backing, new scripted.ScriptedUnit()], ioThreads: 1 })
    if (isMainThread) say('ready')
    else parentPort?.postMessage('ready')
  },

  async 'serves and calls process.exit'(socket) {
    await programs.serves?.(socket)
    createInterface(process.stdin).once('line', () => process.exit(4))
  },

  /** Writes and reads the region of its index until stdin has a line; any error ends it with code 1. */
  async 'works until told to stop'(socket) {
    const nexus = await connect(socket, { arenaBytes: 8 << 20 })
    const unit = nexus.unit(0)
    const { blockLength } = await unit.readCapacity()
    const first = Number(process.argv[4] ?? 0) * 64
    let running = true
    createInterface(process.stdin).once('line', () => {
      running = false
      process.stdin.destroy()
    })
    say('working')
    let rounds = 0
    const lane = async (lba: number) => {
      for (; running; rounds++) {
        const data = pattern(8 * blockLength, rounds)
        await unit.write({ lba, data })
        assert.ok(Buffer.from(await unit.read({ lba, blocks: 8 })).equals(data))
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, index) => lane(first + 8 * index)))
    assert.ok(rounds > 0)
    await nexus.close()
    say('stopped')
  },

  /** Workers on one nexus, each by a pair of its own. */
  async 'shares a nexus'(socket) {
    const nexus = await connect(socket)
    await nexus.unit(0).testUnitReady()
    const workers = await Promise.all(
      [1, 2, 3].map(() => working('joins a nexus', socket, nexus.share())),
    )
    say('joined')
    await new Promise((resolve) => createInterface(process.stdin).once('line', resolve))
    const pairs = await Promise.all(
      workers.map((worker) => {
        const done = new Promise<number[]>((resolve) => worker.once('message', resolve))
        worker.postMessage('work')
        return done
      }),
    )
    assert.deepEqual(new Set(pairs.map(([id]) => id)), new Set([nexus.id]))
    assert.deepEqual(new Set([nexus.pair, ...pairs.map(([, pair]) => pair)]), new Set([0, 1, 2, 3]))
    await Promise.all(workers.map((worker) => worker.terminate()))
    await nexus.unit(0).testUnitReady()
    say('worked')
    await new Promise((resolve) => process.stdin.once('close', resolve))
  },

  async 'joins a nexus'(socket) {
    const { join } = workerData as { join: string }
    const nexus = await connect(socket, { join })
    parentPort?.postMessage('joined')
    parentPort?.once('message', async () => {
      // No unit attention: it is the nexus's, and was told to the first pair.
      const first = await nexus.unit(0).execute(TEST_UNIT_READY)
      assert.equal(first.status, 0)
      const lba = nexus.pair * 512
      for (let round = 0; round < 50; round++) {
        const data = pattern(64 << 10, nexus.pair * 100 + round)
        await nexus.unit(0).write({ lba, data })
        assert.ok(Buffer.from(await nexus.unit(0).read({ lba, blocks: 128 })).equals(data))
      }
      parentPort?.postMessage([nexus.id, nexus.pair])
    })
  },

  /** Says how many descriptors it has after some connections, and after 200 more. */
  async 'connects and closes'(socket) {
    const descriptors = () => readdirSync('/proc/self/fd').length
    const cycle = async () => {
      const nexus = await connect(socket, { arenaBytes: 1 << 20 })
      await nexus.unit(0).testUnitReady()
      await nexus.close()
    }
    for (let round = 0; round < 5; round++) await cycle()
    const turn = () => new Promise((resolve) => setTimeout(resolve, 5))
    await turn()
    const before = descriptors()
    say('warm')
    for (let round = 0; round < 200; round++) await cycle()
    while (descriptors() > before) await turn()
    say('even')
  },
}

const { program, socket } = isMainThread
  ? { program: process.argv[2] ?? '', socket: process.argv[3] ?? '' }
  : (workerData as { program: string; socket: string })
await programs[program]?.(socket)
