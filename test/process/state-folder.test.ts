/** The folder of what outlives a server: whose it is, one server's at a time, and whatever a death has left of it. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { connect, type Server, serve } from '#dist/index.js'
import { StateFolder } from '#dist/state.js'
import { openBacking } from '#dist/target/backing.js'
import { suite } from '../harness/index.ts'
import { isOnTmpfs, SHARED_MEMORY, temporaryFolder } from '../support/folder.ts'

const test = suite('the state folder')

/** What there is on tmpfs, which is preferred: it has more. */
const root = temporaryFolder(SHARED_MEMORY)
const INTENT = isOnTmpfs(root) ? ['intent-0'] : []
const folderOf = (name: string) => mkdtempSync(join(root, name))
const UNITS = [{ memory: 1 << 20 }]
const IDENTITY = { device: 'another', medium: 'other', made: true }

function home(): { state: string; start(): Promise<Server> } {
  const folder = folderOf('home-')
  const state = join(folder, 'state')
  return { state, start: () => serve({ listen: join(folder, 's'), state, units: UNITS }) }
}

async function starts(start: () => Promise<Server>): Promise<void> {
  await (await start()).close()
}

test("is the next server's in the same process, with its disks in memory, when the first one is closed", async () => {
  const { start } = home()
  for (let written = 0; written < 3; written++) {
    await using server = await start()
    await using nexus = await connect(server.listen)
    const disk = nexus.unit(0)
    const data = await disk.read({ lba: 5, blocks: 1 })
    assert.equal(data[0], written)
    await disk.write({ lba: 5, data: new Uint8Array(512).fill(written + 1) })
  }
})

test("is one server's at a time", async () => {
  const { state, start } = home()
  await using _server = await start()
  const other = serve({ listen: join(folderOf('other-'), 's'), state, units: UNITS })
  await assert.rejects(other, { code: 'ERR_SGRING_ADDRESS_IN_USE' })
})

for (const name of ['lock', 'lun-0.memory', 'orders', 'units', ...INTENT]) {
  test(`is usable whenever a server was killed over its ${name}`, async () => {
    const { state, start } = home()
    await starts(start)
    const length = statSync(join(state, name)).size
    for (const left of [0, length >> 1]) {
      if (left > 0 && name === 'lun-0.memory') continue
      writeFileSync(join(state, name), new Uint8Array(left))
      await starts(start)
      assert.equal(statSync(join(state, name)).size, length)
    }
    rmSync(join(state, name))
    await starts(start)
  })
}

test('has no part of a disk in memory: one that was not finished is made anew', async () => {
  const { state, start } = home()
  mkdirSync(state, { mode: 0o700 })
  writeFileSync(join(state, 'lun-0.memory.new'), 'unfinished')
  await starts(start)
  assert.deepEqual(
    readdirSync(state).filter((name) => name.startsWith('lun-0.memory')),
    ['lun-0.memory'],
  )
})

test("is this user's alone, and so is the folder of ledgers in it, else it is refused", async () => {
  const { state, start } = home()
  await starts(start)
  for (const folder of [state, join(state, 'ledgers')]) {
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const mode of [0o750, 0o701]) {
      chmodSync(folder, mode)
      await assert.rejects(start(), { code: 'ERR_SGRING_BACKING' })
    }
    chmodSync(folder, 0o700)
  }
  await starts(start)
})

test('is no link, and no file in it is one', async () => {
  for (const name of ['', 'ledgers', 'lock', 'lun-0.memory', 'orders', 'units', ...INTENT]) {
    const { state, start } = home()
    await starts(start)
    const elsewhere = folderOf('elsewhere-')
    const to = name === '' || name === 'ledgers' ? elsewhere : join(elsewhere, 'file')
    if (to !== elsewhere) writeFileSync(to, new Uint8Array(1 << 20))
    rmSync(join(state, name), { recursive: true })
    symlinkSync(to, join(state, name))
    await assert.rejects(start(), { code: 'ERR_SGRING_BACKING' }, name)
    if (to !== elsewhere) assert.equal(statSync(to).size, 1 << 20)
  }
})

const LEDGER = '00112233445566778899aabbccddeeff-0'

for (const [name, make] of [
  ['a link to one', (path: string) => symlinkSync(join(root, 'ledger'), path)],
  ['a link to nowhere', (path: string) => symlinkSync(join(root, 'nowhere'), path)],
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
  ['a part of one', (path: string) => writeFileSync(path, 'SGRINGLE')],
] as const) {
  test(`has no ledger that is ${name}: it goes, and nobody is waited for`, async () => {
    const { state, start } = home()
    await starts(start)
    const whole = Buffer.alloc(4096)
    whole.write('SGRINGLE')
    writeFileSync(join(root, 'ledger'), whole)
    make(join(state, 'ledgers', LEDGER))
    await using server = await start()
    await using nexus = await connect(server.listen)
    // At once, and not when a grace time is over.
    await nexus.unit(0).testUnitReady()
    assert.deepEqual(readFileSync(join(root, 'ledger')), whole)
    assert.ok(!readdirSync(join(state, 'ledgers')).includes(LEDGER))
  })
}

test('may have a folder in the place of a ledger, which is nobody’s', async () => {
  const { state, start } = home()
  await starts(start)
  mkdirSync(join(state, 'ledgers', LEDGER))
  await starts(start)
})

test('is another server’s at once when a disk in memory cannot be as large as it should', async () => {
  const folder = folderOf('home-')
  const options = { listen: join(folder, 's'), state: join(folder, 'state') }
  const withMemory = (memory: number) => serve({ ...options, units: [{ memory }] })
  await (await withMemory(1 << 20)).close()
  await assert.rejects(withMemory(2 ** 52), { code: 'ERR_SGRING_BACKING' })
  await using server = await withMemory(1 << 20)
  assert.equal(server.lengthOf(0), 1 << 20)
})

test('is refused with a code where a file of it cannot be made', async () => {
  const { state, start } = home()
  mkdirSync(join(state, 'lun-0.memory.new', 'full'), { recursive: true, mode: 0o700 })
  await assert.rejects(start(), { code: 'ERR_SGRING_BACKING' })
})

test('has room for a new disk in memory while one is being removed, and nothing of that', async () => {
  const { state, start } = home()
  const server = await start()
  const nexus = await connect(server.listen)
  const data = new Uint8Array(512).fill(7)
  await nexus.unit(0).write({ lba: 0, data })
  const removed = server.removeUnit(0)
  server.addUnit(0, { memory: 1 << 20 })
  await removed
  assert.deepEqual(await nexus.unit(0).read({ lba: 0, blocks: 1 }), new Uint8Array(512))
  await nexus.unit(0).write({ lba: 0, data })
  await nexus.close()
  // As a death in the middle of it leaves things.
  void server.removeUnit(0)
  const names = () => readdirSync(state).filter((name) => name.startsWith('lun-'))
  assert.deepEqual(names(), ['lun-0.memory.old'])
  writeFileSync(join(state, 'lun-1.memory.old'), data)
  await server.close()
  await using next = await start()
  assert.deepEqual(names(), ['lun-0.memory'])
  await using other = await connect(next.listen)
  assert.deepEqual(await other.unit(0).read({ lba: 0, blocks: 1 }), new Uint8Array(512))
})

test('has on the medium what it replaces before that has its name, and then the name (fsync(2))', () => {
  const { state } = home()
  const folder = new StateFolder(state)
  const done: string[] = []
  const { fsyncSync, renameSync } = fs
  fs.fsyncSync = (file) => {
    fsyncSync(file)
    done.push(`sync ${readlinkSync(`/proc/self/fd/${file}`)}`)
  }
  fs.renameSync = (from, to) => {
    renameSync(from, to)
    done.push(`rename ${to}`)
  }
  syncBuiltinESMExports()
  try {
    for (const [name, change] of [
      ['units', () => folder.enter(new Map([[0, IDENTITY]]), () => {})],
      ['conditions', () => folder.conditions.of('/disk', false).begin('formatting')],
      ['lun-0.memory', () => openBacking({ memory: 1 << 20 }, folder.memoryOf(0)).close()],
    ] as const) {
      const path = join(state, name)
      done.length = 0
      change()
      assert.deepEqual(done, [`sync ${path}.new`, `rename ${path}`, `sync ${state}`])
    }
    done.length = 0
    folder.removing(0, true)
    assert.deepEqual(done.slice(-2), [`rename ${join(state, 'lun-0.memory.old')}`, `sync ${state}`])
  } finally {
    Object.assign(fs, { fsyncSync, renameSync })
    syncBuiltinESMExports()
    folder.close()
  }
})

/** What a folder says of its disks in memory, and of who its units are. */
function noted(state: string): unknown {
  const { units } = JSON.parse(readFileSync(join(state, 'units'), 'utf8'))
  const names = readdirSync(state).filter((name) => name.startsWith('lun-'))
  return { units, lengths: names.map((name) => [name, statSync(join(state, name)).size]) }
}

test("is the next server's alone: one that is closed adds, removes and resizes no unit there any more", async () => {
  const { state, start } = home()
  const first = await start()
  await first.close()
  await using _next = await start()
  const before = noted(state)
  const closed = { code: 'ERR_SGRING_CLOSED' }
  await assert.rejects(first.removeUnit(0), closed)
  assert.throws(() => first.resizeUnit(0, 1 << 19), closed)
  assert.throws(() => first.addUnit(1, { memory: 1 << 20 }), closed)
  assert.deepEqual(noted(state), before)
})

test('is not written to by who has let go of it, whatever is still under way there', async () => {
  const { state, start } = home()
  await starts(start)
  const folder = new StateFolder(state)
  folder.close()
  writeFileSync(join(state, 'lun-0.memory.old'), "the next server's")
  const before = noted(state)
  const closed = { code: 'ERR_SGRING_CLOSED' }
  assert.throws(() => folder.enter(new Map([[0, IDENTITY]]), () => {}), closed)
  assert.throws(() => folder.removing(0, true), closed)
  folder.removed(0)
  folder.resized(0, IDENTITY)
  assert.deepEqual(noted(state), before)
})

test('says the same as before when units are refused', async () => {
  const folder = folderOf('home-')
  const options = { listen: join(folder, 's'), state: join(folder, 'state') }
  await (await serve({ ...options, units: [{ memory: 1 << 20 }, { memory: 1 << 20 }] })).close()
  await using server = await serve({ ...options, units: [{ memory: 1 << 20 }] })
  const before = noted(options.state)
  for (const lun of [0, -1, 1 << 14, 0.5]) {
    assert.throws(() => server.addUnit(lun, { memory: 2 << 20 }), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
    assert.deepEqual(noted(options.state), before, `LUN ${lun}`)
  }
  const unusable = {
    execute() {},
    attach() {
      throw new Error('not here')
    },
  }
  for (const lun of [1, 2]) {
    assert.throws(() => server.addUnit(lun, unusable), { message: 'not here' })
    assert.deepEqual(noted(options.state), before, `LUN ${lun}`)
  }
  await server.close()
  await assert.rejects(serve({ ...options, units: [unusable] }), { message: 'not here' })
  const units = [{ memory: 1 << 20, serial: 'another' }]
  await assert.rejects(serve({ ...options, listen: join(folder, 'nowhere', 's'), units }))
  assert.deepEqual(noted(options.state), before)
})

test(
  'that another user owns is refused',
  async () => {
    const { state, start } = home()
    await starts(start)
    chownSync(state, 65_534, 65_534)
    await assert.rejects(start(), { code: 'ERR_SGRING_BACKING' })
  },
  process.geteuid?.() === 0 ? {} : { skip: 'to give a folder away takes root' },
)

test.run()
