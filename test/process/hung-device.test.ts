import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { connect, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { FrozenDisk, missing, transferredBytes, transferThreads } from '../support/frozen-disk.ts'
import { pattern } from '../support/pattern.ts'
import { Program } from '../support/program.ts'
import { until } from '../support/until.ts'

const test = suite('a device that hangs')
const skip = missing()

const BLOCK = 512
const programs = new URL('./programs.js', import.meta.url)
const folder = temporaryFolder()
let sockets = 0
const newSocket = () => join(folder, `${++sockets}.sock`)

interface Hung {
  readonly disk: FrozenDisk
  readonly file: string
  /** Resolves when the write that hangs, and another that waits for its thread, have lost their nexus. */
  readonly lost: Promise<void>
}

/** A file of zeros is served from a process or worker that has one transfer thread; that thread is inside a call when `body` begins. */
async function whileItHangs(
  serving: (file: string, socket: string) => Promise<number>,
  body: (hung: Hung, socket: string) => Promise<void>,
): Promise<void> {
  const disk = new FrozenDisk()
  try {
    const file = join(disk.folder, 'unit')
    writeFileSync(file, new Uint8Array(64 * BLOCK))
    const socket = newSocket()
    const pid = await serving(file, socket)
    const unit = (await connect(socket)).unit(0)
    await unit.testUnitReady()
    disk.freeze()
    const write = (lba: number) =>
      assert.rejects(unit.write({ lba, data: pattern(BLOCK, lba) }), {
        code: 'ERR_SGRING_NEXUS_LOST',
      })
    const running = write(8)
    await until('a thread that hangs', () => transferThreads(pid).includes('D'))
    const lost = Promise.all([running, write(9)]).then(() => {})
    await body({ disk, file, lost }, socket)
  } finally {
    disk.remove()
  }
}

/** The transfer that ran is over, the one that waited was never begun, and nobody holds the file. */
async function outcome(file: string): Promise<void> {
  const server = await serve({ listen: newSocket(), units: [{ file }] })
  const nexus = await connect(server.listen)
  const bytes = await nexus.unit(0).read({ lba: 8, blocks: 2 })
  assert.deepEqual(bytes.subarray(0, BLOCK), pattern(BLOCK, 8))
  assert.deepEqual(bytes.subarray(BLOCK), new Uint8Array(BLOCK))
  await nexus.close()
  await server.close()
}

test(
  'delays the close() of its server until its transfer is over, and the event loop goes on',
  async () => {
    let server: Server | undefined
    // Files are moved by threads, whatever the length: here by those of another pool.
    const units = [{ file: join(folder, 'other'), createBytes: 2 << 20 }]
    const other = await serve({ listen: newSocket(), units })
    const nexus = await connect(other.listen)
    const serving = async (file: string, listen: string) => {
      server = await serve({ listen, units: [{ file }], ioThreads: 1 })
      return process.pid
    }
    await whileItHangs(serving, async ({ disk, file, lost }) => {
      let closed = false
      const closing = server?.close().then(() => {
        closed = true
      })
      await lost
      const data = pattern(2 << 20, 1)
      const before = transferredBytes(process.pid)
      for (let round = 0; round < 20; round++) {
        await nexus.unit(0).write({ lba: 0, data })
        assert.deepEqual(await nexus.unit(0).read({ lba: 0, blocks: 4096 }), data)
      }
      const after = transferredBytes(process.pid)
      const moved = [after.read - before.read, after.written - before.written]
      assert.deepEqual(moved, [20 * data.length, 20 * data.length])
      assert.equal(closed, false)
      assert.ok(transferThreads(process.pid).includes('D'))
      const again = serve({ listen: newSocket(), units: [{ file, readOnly: true }] })
      await assert.rejects(again, { code: 'ERR_SGRING_BACKING' })
      disk.thaw()
      await Promise.all([closing, server?.close()])
      await outcome(file)
    })
    await nexus.close()
    await other.close()
  },
  { skip },
)

test(
  'does not hold the end of a worker that serves it, and its thread goes on alone',
  async () => {
    let worker: Worker | undefined
    const serving = async (file: string, socket: string) => {
      worker = new Worker(programs, { workerData: { program: 'serves', socket, file } })
      await once(worker, 'message')
      return process.pid
    }
    await whileItHangs(serving, async ({ disk, file, lost }) => {
      await worker?.terminate()
      await lost
      // Those of servers that were closed may be about to end.
      await until('its thread alone', () => transferThreads(process.pid).join() === 'D')
      disk.thaw()
      await until('no threads', () => transferThreads(process.pid).length === 0)
      await outcome(file)
    })
  },
  { skip },
)

test(
  'does not keep its server from calling process.exit()',
  async () => {
    let child: Program | undefined
    const serving = async (file: string, socket: string) => {
      child = new Program(programs, ['serves and calls process.exit', socket, file])
      assert.equal(await child.line(), 'ready')
      return child.pid
    }
    await whileItHangs(serving, async ({ disk, lost }) => {
      child?.write('exit')
      await until('the process has ended but for that thread', () =>
        /\) Z/.test(readFileSync(`/proc/${child?.pid}/stat`, 'utf8')),
      )
      disk.thaw()
      // Not before: a process has its descriptors as long as it has a thread.
      await lost
      const ended = await child?.ended
      assert.deepEqual([ended?.code, ended?.stderr], [4, ''])
    })
  },
  { skip },
)

test.run()
