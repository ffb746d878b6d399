/** A disk in memory whose bytes are in the state folder: there for the next server, whatever ends the one before. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { connect, type Nexus, serve } from '#dist/index.js'
import { unmap } from '#dist/scsi/block-provisioning.js'
import { suite } from '../harness/index.ts'
import { OFF_SHARED_MEMORY, SHARED_MEMORY, temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'

const BYTES = 4 << 20
const BLOCKS = BYTES / 512
const sockets = temporaryFolder()

/** Where its file is mapped, and where it is as any file. */
const PLACES = [
  ['on tmpfs', SHARED_MEMORY, 'a tmpfs at /dev/shm'],
  [
    'on a disk',
    OFF_SHARED_MEMORY,
    'a folder for temporary files, or a checkout, that is on no tmpfs',
  ],
] as const

class Kept {
  readonly state: string
  readonly file: string
  readonly intent: string
  readonly #listen = join(mkdtempSync(join(sockets, 'kept-')), 's')

  constructor(root: string) {
    this.state = join(mkdtempSync(join(root, 'kept-')), 'state')
    this.file = join(this.state, 'lun-0.memory')
    this.intent = join(this.state, 'intent-0')
  }

  start(listen: string = this.#listen): Promise<ServerProcess> {
    const units = [{ memory: BYTES, thin: true }]
    return ServerProcess.start({ listen, state: this.state, units })
  }
}

/** What is no file of a server's, at a path. */
const WAYS_TO_BE_NONE = [
  (path: string) => execFileSync('mkfifo', [path]),
  (path: string) => mkdirSync(path),
  (path: string) => symlinkSync(join(sockets, 'elsewhere'), path),
]

/** `blocks` blocks of one value. */
const filled = (value: number, blocks = 1) => new Uint8Array(512 * blocks).fill(value)

async function holds(nexus: Nexus, expected: Uint8Array): Promise<void> {
  const data = await nexus.unit(0).read({ lba: 0, blocks: BLOCKS })
  assert.ok(Buffer.from(data).equals(expected))
}

for (const [where, place, missing] of PLACES) {
  const test = suite(`a disk in memory with a state folder ${where}`)
  if (place === undefined) {
    test.skip('is there for the next server', `needs ${missing}`)
    test.run()
    continue
  }
  const root = temporaryFolder(place)
  const mapped = place === SHARED_MEMORY

  test('has at a kill -9 all that was written, however it was, for who was there and for who comes', async () => {
    const home = new Kept(root)
    const first = await home.start()
    const nexus = await connect(first.socket)
    const disk = nexus.unit(0)
    const model = new Uint8Array(BYTES)
    const write = async (lba: number, data: Uint8Array) => {
      await disk.write({ lba, data })
      model.set(data, lba * 512)
    }
    // Where there was nothing, there again, and beside it: the room for it is made once.
    for (const [value, lba] of [1000, 1000, 1001, 1127, 1128, 2047, 2048].entries()) {
      await write(lba, filled(value + 1))
    }
    await write(2040, filled(9, 16))
    await write(4096, filled(10, 4096))
    await disk.run(unmap([{ lba: 4096, blocks: 256 }]))
    model.fill(0, 4096 * 512, (4096 + 256) * 512)
    await write(4100, filled(11))
    await holds(nexus, model)
    await first.killed()
    assert.ok(readFileSync(home.file).equals(model))
    const second = await home.start()
    await holds(nexus, model)
    await nexus.close()
    const later = await connect(second.socket)
    await holds(later, model)
    await later.close()
    await second.close()
  })

  test('has a cache that is volatile, by default on, and may be written through (sbc-3 6.5.6)', async () => {
    const home = new Kept(root)
    await using server = await home.start()
    await using nexus = await connect(server.socket)
    const disk = nexus.unit(0)
    await disk.testUnitReady()
    const caching = Uint8Array.of(0x1a, 0x08, 0x08, 0, 24, 0)
    for (const [value, wce] of [0x04, 0].entries()) {
      const { status, data } = await disk.execute({ cdb: caching, dataIn: 24 })
      assert.deepEqual([status, data[6]], [0, wce])
      for (const lba of [0, 8]) await disk.write({ lba, data: filled(value + 1) })
      await disk.synchronizeCache()
      assert.deepEqual(await disk.read({ lba: 8, blocks: 1 }), filled(value + 1))
      data[0] = 0
      data[2] = 0
      data[4]! &= 0x7f
      data[6] = 0
      const select = Uint8Array.of(0x15, 0x10, 0, 0, 24, 0)
      assert.equal((await disk.execute({ cdb: select, dataOut: data })).status, 0)
    }
  })

  test('is made anew as a new medium when its file is gone, and is as long as it should be when that is shorter', async () => {
    const home = new Kept(root)
    const first = await home.start()
    const nexus = await connect(first.socket)
    await nexus.unit(0).write({ lba: 0, data: filled(7) })
    await nexus.close()
    await first.close()
    truncateSync(home.file, 100)
    const second = await home.start()
    const cut = await connect(second.socket)
    const expected = new Uint8Array(BYTES)
    await holds(cut, expected.fill(7, 0, 100))
    await cut.close()
    await second.close()
    assert.equal(statSync(home.file).size, BYTES)
    rmSync(home.file)
    const third = await home.start()
    const anew = await connect(third.socket)
    await holds(anew, expected.fill(0))
    await anew.close()
    await third.close()
  })

  test('keeps the length that its file has, where that is more', async () => {
    const home = new Kept(root)
    await (await home.start()).close()
    writeFileSync(home.file, filled(3, BLOCKS + 8))
    await using server = await home.start()
    await using nexus = await connect(server.socket)
    assert.equal((await nexus.unit(0).readCapacity()).lastLba, BigInt(BLOCKS + 7))
    assert.deepEqual(await nexus.unit(0).read({ lba: BLOCKS + 7, blocks: 1 }), filled(3))
  })

  test('is refused where its file is none', async () => {
    const home = new Kept(root)
    await (await home.start()).close()
    for (const make of WAYS_TO_BE_NONE) {
      rmSync(home.file, { recursive: true })
      make(home.file)
      await assert.rejects(home.start(), { message: /lun-0\.memory is no regular file/ })
    }
  })

  test('is not opened by a second server while the first one has the folder', async () => {
    const home = new Kept(root)
    await using server = await home.start()
    await using nexus = await connect(server.socket)
    await nexus.unit(0).write({ lba: 1, data: filled(1) })
    await assert.rejects(home.start(join(sockets, 'second')), {
      message: /another server has the state folder/,
    })
    await nexus.unit(0).write({ lba: 1, data: filled(2) })
    assert.deepEqual(await nexus.unit(0).read({ lba: 1, blocks: 1 }), filled(2))
  })

  test('has an intent, and is mapped, where that waits for no disk, and nowhere else', async () => {
    const home = new Kept(root)
    await using server = await home.start()
    const maps = readFileSync(`/proc/${server.pid}/maps`, 'utf8')
    assert.equal(maps.includes(home.file), mapped)
    assert.equal(existsSync(home.intent), mapped)
  })

  if (mapped) {
    test('has no intent that is none, and says which that is', async () => {
      const home = new Kept(root)
      await (await home.start()).close()
      const ways = [...WAYS_TO_BE_NONE, (path: string) => writeFileSync(path, new Uint8Array(8193))]
      for (const make of ways) {
        rmSync(home.intent, { recursive: true })
        make(home.intent)
        await assert.rejects(home.start(), { message: /intent-0/ })
      }
    })

    test('goes when it is removed, whatever stands where its intent was', async () => {
      const state = join(mkdtempSync(join(root, 'removed-')), 'state')
      await using server = await serve({
        listen: join(sockets, 'removed'),
        state,
        units: [{ memory: BYTES }, { memory: BYTES }],
      })
      rmSync(join(state, 'intent-1'))
      mkdirSync(join(state, 'intent-1'))
      await server.removeUnit(1)
      assert.deepEqual(
        readdirSync(state).filter((name) => name.startsWith('lun-')),
        ['lun-0.memory'],
      )
    })
  }

  test.run()
}
