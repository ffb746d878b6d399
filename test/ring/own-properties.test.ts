import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Command, connect, type Nexus, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import * as scripted from '../support/scripted-unit.ts'
import { until } from '../support/until.ts'

const test = suite("a command's properties, which are functions of the caller's")

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const listen = join(temporaryFolder(), 'target.sock')
let server: Server
let nexus: Nexus
test.before(async () => {
  server = await serve({ listen, units: [new scripted.ScriptedUnit()] })
})
test.before.each(async () => {
  nexus = await connect(listen, { slots: 2, arenaBytes: 64 << 10 })
  await nexus.unit(0).testUnitReady()
})
test.after.each(() => nexus.close())
test.after(() => server.close())

const PLAIN: Required<Omit<Command, 'lease'>> = {
  cdb: new Uint8Array(6),
  dataOut: new Uint8Array(512),
  dataIn: 512,
  tag: 7,
  attribute: 0,
  priority: 0,
  timeoutMs: 0,
  signal: new AbortController().signal,
  onAbort: 'wait',
}

/** `PLAIN`, but that `read` is called before each read of the property of that name, with how many there were. */
function reading(name: keyof typeof PLAIN, read: (before: number) => void): Command {
  let before = 0
  const get = () => {
    read(before++)
    return PLAIN[name]
  }
  return Object.defineProperty({ ...PLAIN }, name, { get, enumerable: true })
}

test('reject with what they throw, whenever it is, and nothing of the command is kept', async () => {
  const unit = nexus.unit(0)
  const thrown = new Error('a property of the caller’s')
  for (const name of Object.keys(PLAIN) as (keyof typeof PLAIN)[]) {
    for (let at = 0, ends = false; !ends; at++) {
      let threw = false
      const call = unit.execute(
        reading(name, (before) => {
          if (before !== at) return
          threw = true
          throw thrown
        }),
      )
      if (threw) await assert.rejects(call, thrown)
      else assert.equal((await call).status, 0)
      ends = !threw
      assert.ok(at > 0 || threw, name)
    }
    const { outstanding, waiting, quarantined, arenaUsedBytes } = nexus.stats
    assert.deepEqual([outstanding, waiting, quarantined, arenaUsedBytes], [0, 0, 0, 0], name)
  }
})

test('may give another command: each promise is settled for its own', async () => {
  const unit = nexus.unit(0)
  const inner: Promise<{ status: number }>[] = []
  const outer = unit.execute(
    // The second time its tag was found free, and that of the other one was.
    reading('attribute', (before) => {
      if (before === 1) inner.push(unit.execute({ ...scripted.describing(6, 0), tag: PLAIN.tag }))
    }),
  )
  await assert.rejects(outer, { code: 'ERR_SGRING_TAG_IN_USE' })
  assert.deepEqual(
    (await Promise.all(inner)).map(({ status }) => status),
    [0],
  )
})

test('may close the nexus: the command is refused', async () => {
  const closing: Promise<void>[] = []
  const call = nexus.unit(0).execute(
    reading('priority', (before) => {
      if (before === 1) closing.push(nexus.close())
    }),
  )
  await assert.rejects(call, { code: 'ERR_SGRING_CLOSED' })
  assert.equal(closing.length, 1)
  await Promise.all(closing)
})

test('are the caller’s again when it waits, a CDB in a Buffer, too', async () => {
  const unit = nexus.unit(0)
  const held = [1, 2].map(() => unit.execute({ ...scripted.hold(), dataIn: 1 }))
  const cdb = Buffer.from(scripted.describing(6, 0).cdb)
  const described = unit.execute({ cdb, dataIn: 512 })
  assert.equal(nexus.stats.waiting, 1)
  const given = [...cdb]
  cdb.fill(0)
  const other = await connect(listen)
  await until('both to be held', () => server.stats.tasks === 2)
  await other.unit(0).testUnitReady()
  await other.unit(0).execute(scripted.release())
  await Promise.all(held)
  assert.deepEqual(JSON.parse(Buffer.from((await described).data).toString()).cdb, given)
  await other.close()
})

test('and what it resolved with are kept by nobody once the caller has let go of them', async () => {
  const unit = nexus.unit(0)
  const answered = async () => new WeakRef(await unit.execute({ ...PLAIN, tag: 8 }))
  const response = await answered()
  await until('the response to be collected', () => {
    collect()
    return response.deref() === undefined
  })
})

test.run()
