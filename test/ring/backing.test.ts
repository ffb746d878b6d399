import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Nexus, SenseKey, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('a backing that fails')

const folder = temporaryFolder()

function sense(senseKey: number, asc: number, ascq: number) {
  return { code: 'ERR_SGRING_CHECK_CONDITION', senseKey, asc, ascq }
}

/** Serves a file, and a memory disk as LUN 1 that shows that the daemon lives. */
async function served(
  file: string,
  options: { readOnly?: boolean } = {},
): Promise<{ nexus: Nexus; end(): Promise<void> }> {
  const server = await ServerProcess.start({ units: [{ file, ...options }, { memory: 1 << 20 }] })
  const nexus = await connect(server.socket)
  const end = async () => {
    const data = pattern(4096, 1)
    await nexus.unit(1).write({ lba: 0, data })
    assert.deepEqual(await nexus.unit(1).read({ lba: 0, blocks: 8 }), data)
    await nexus.close()
    await server.close()
  }
  return { nexus, end }
}

test('a file that is truncated under the server is a MEDIUM ERROR, and what is left can be read', async () => {
  const file = join(folder, 'truncated')
  const data = pattern(1 << 20, 2)
  writeFileSync(file, data)
  const { nexus, end } = await served(file)
  const unit = nexus.unit(0)
  assert.ok(Buffer.from(await unit.read({ lba: 0, blocks: 2048 })).equals(data))
  truncateSync(file, 512 << 10)
  await assert.rejects(unit.read({ lba: 1024, blocks: 1 }), sense(SenseKey.MEDIUM_ERROR, 0x11, 0))
  await assert.rejects(unit.read({ lba: 1000, blocks: 100 }), sense(SenseKey.MEDIUM_ERROR, 0x11, 0))
  assert.ok(
    Buffer.from(await unit.read({ lba: 0, blocks: 1024 })).equals(data.subarray(0, 512 << 10)),
  )
  // It is not made longer again in silence.
  const gone = { lba: 1024, data: data.subarray(512 << 10) }
  await assert.rejects(unit.write(gone), sense(SenseKey.MEDIUM_ERROR, 0x0c, 0))
  assert.equal(statSync(file).size, 512 << 10)
  await end()
})

const root = process.geteuid?.() === 0

test(
  'a full file system is DATA PROTECT, SPACE ALLOCATION FAILED, and reads go on',
  async () => {
    const mount = join(folder, 'small')
    mkdirSync(mount)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'sgring-test', mount])
    try {
      const file = join(mount, 'disk')
      writeFileSync(file, '')
      truncateSync(file, 8 << 20)
      const { nexus, end } = await served(file)
      const unit = nexus.unit(0)
      const data = pattern(512 << 10, 3)
      await unit.write({ lba: 0, data })
      await assert.rejects(
        unit.write({ lba: 2048, data: pattern(1 << 20, 4) }),
        sense(SenseKey.DATA_PROTECT, 0x27, 0x07),
      )
      assert.ok(Buffer.from(await unit.read({ lba: 0, blocks: 1024 })).equals(data))
      await end()
    } finally {
      execFileSync('umount', [mount])
    }
  },
  { skip: root ? undefined : 'needs root, to mount a small tmpfs' },
)

test('a file that is served read-only is DATA PROTECT, WRITE PROTECTED, and stays as it was', async () => {
  const file = join(folder, 'read-only')
  const data = pattern(64 << 10, 5)
  writeFileSync(file, data)
  const { nexus, end } = await served(file, { readOnly: true })
  const unit = nexus.unit(0)
  await assert.rejects(
    unit.write({ lba: 0, data: new Uint8Array(512) }),
    sense(SenseKey.DATA_PROTECT, 0x27, 0),
  )
  await assert.rejects(
    unit.write({ lba: 0, data: new Uint8Array(512), fua: true }),
    sense(SenseKey.DATA_PROTECT, 0x27, 0),
  )
  assert.ok(Buffer.from(await unit.read({ lba: 0, blocks: 128 })).equals(data))
  await end()
  assert.ok(readFileSync(file).equals(data))
})

test('a file has one server, unless all of them only read', async () => {
  const file = join(folder, 'shared')
  writeFileSync(file, new Uint8Array(64 << 10))
  const { nexus, end } = await served(file)
  const again = (readOnly: boolean) =>
    serve({ listen: join(folder, 'second.sock'), units: [{ file, readOnly }] })
  await assert.rejects(again(false), { code: 'ERR_SGRING_BACKING' })
  await assert.rejects(again(true), { code: 'ERR_SGRING_BACKING' })
  await nexus.unit(0).read({ lba: 0, blocks: 1 })
  await end()
  const readers = await served(file, { readOnly: true })
  const reader = await again(true)
  await assert.rejects(serve({ listen: join(folder, 'third.sock'), units: [{ file }] }), {
    code: 'ERR_SGRING_BACKING',
  })
  await reader.close()
  await readers.end()
})

test('a backing that cannot be opened is refused, and leaves neither socket nor lock behind', async () => {
  const listen = join(folder, 'none.sock')
  const good = join(folder, 'good')
  writeFileSync(good, new Uint8Array(4096))
  const empty = join(folder, 'empty')
  writeFileSync(empty, '')
  for (const bad of [
    { file: join(folder, 'missing') },
    { file: folder },
    { file: empty },
    { file: '/dev/null' },
    { file: good, createBytes: 4096 },
  ]) {
    await assert.rejects(serve({ listen, units: [{ file: good }, bad] }), {
      code: 'ERR_SGRING_BACKING',
    })
  }
  for (const bad of [{ memory: 0 }, { memory: -1 }, { memory: 1.5 }, { file: '' }]) {
    await assert.rejects(serve({ listen, units: [{ file: good }, bad] }), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
  }
  const server = await serve({ listen, units: [{ file: good }] })
  await server.close()
})

test.run()
