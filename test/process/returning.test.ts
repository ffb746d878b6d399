/** Who comes back to the next target, who does not, and what is kept for that. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectOptions, connect, type Nexus, type Server, serve } from '#dist/index.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { mappedSegments, SharedBytes } from '../ring/shared-bytes.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { hold } from '../support/scripted-unit.ts'
import { type ServerConfig, ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'
import { PATIENT } from './home.ts'

const test = suite('pairs that return')

const SMALL = { slots: 2, arenaBytes: 8192, recovery: PATIENT } as const
const NOBODY = 65_534
const root = temporaryFolder()
let homes = 0

/** What servers that follow one another have in common. */
function home(): Pick<ServerConfig, 'listen' | 'state' | 'graceMs' | 'units'> {
  const name = join(root, `${++homes}`)
  return {
    listen: `${name}.sock`,
    state: `${name}.state`,
    graceMs: 60_000 * deadlineScale,
    units: [{ memory: 1 << 20 }],
  }
}

async function connected(count: number, listen: string): Promise<Nexus[]> {
  const nexuses: Nexus[] = []
  while (nexuses.length < count) {
    nexuses.push(await connect(listen, SMALL))
  }
  return nexuses
}

test(
  'go on all, though the next target takes only a few at a time, and no more nexuses than there were',
  async () => {
    const config = home()
    const first = await ServerProcess.start(config)
    const nexuses = await connected(9, config.listen)
    const resumed = nexuses.map((nexus) => once(nexus.events, 'resumed'))
    await first.killed()
    const limits = { maxUserConnects: 3, maxNexuses: 9, maxPairs: 9 }
    const second = await ServerProcess.start({ ...config, ...limits })
    await Promise.all(resumed)
    for (const nexus of nexuses) {
      await nexus.unit(0).read({ lba: 0, blocks: 1 })
      await nexus.close()
    }
    await second.close()
  },
  { deadlineMs: 60_000 },
)

test('go on though there are more of them than the next target would let in anew', async () => {
  const config = home()
  const first = await ServerProcess.start(config)
  const nexuses = await connected(4, config.listen)
  const resumed = nexuses.map((nexus) => once(nexus.events, 'resumed'))
  await first.killed()
  const second = await ServerProcess.start({ ...config, maxNexuses: 2, maxPairs: 2 })
  await Promise.all(resumed)
  await assert.rejects(connect(config.listen, SMALL), { code: 'ERR_SGRING_LIMIT' })
  for (const nexus of nexuses) await nexus.close()
  await second.close()
})

test('have their places while they are waited for', async () => {
  const config = home()
  const units = [{ memory: 1 << 20 }]
  const first = await serve({ ...config, units })
  const nexus = await connect(config.listen, SMALL)
  await first.close()
  // Nobody comes for what is kept of it.
  await nexus.close()
  await using _second = await serve({ ...config, units, maxNexuses: 1 })
  await assert.rejects(connect(config.listen, SMALL), { code: 'ERR_SGRING_LIMIT' })
})

test('are waited for, with everybody else, for graceMs at most; then nothing of them is kept', async () => {
  const config = home()
  const units = [{ memory: 1 << 20 }]
  const first = await serve({ ...config, units })
  const nexus = await connect(config.listen, SMALL)
  await first.close()
  await nexus.close()
  const ledgers = () => readdirSync(join(config.state ?? '', 'ledgers')).length
  await using _second = await serve({ ...config, units, graceMs: 200 })
  await using newcomer = await connect(config.listen, SMALL)
  await newcomer.unit(0).testUnitReady()
  // That of the newcomer.
  assert.equal(ledgers(), 1)
})

test('go on with the next server of a process that lives, with what its threads had begun for the first', async () => {
  const config = home()
  const file = join(root, 'threads.img')
  writeFileSync(file, new Uint8Array(8 << 20))
  const units = [{ file }]
  const first = await serve({ ...config, units })
  const nexus = await connect(config.listen, { recovery: { ...PATIENT, policy: 'rerun' } })
  const unit = nexus.unit(0)
  const resumed = once(nexus.events, 'resumed')
  const blocks = 2048
  let goesOn = true
  const written = [1, 2, 3, 4].map(async (number) => {
    const data = pattern(blocks * 512, number)
    do await unit.write({ lba: number * blocks, data })
    while (goesOn)
  })
  await until('they are carried out', () => first.stats.commands > 20)
  await first.close()
  await using _second = await serve({ ...config, units })
  await resumed
  goesOn = false
  await Promise.all(written)
  for (const number of [1, 2, 3, 4]) {
    const read = await unit.read({ lba: number * blocks, blocks })
    assert.ok(Buffer.from(pattern(blocks * 512, number)).equals(read), `write ${number}`)
  }
  await nexus.close()
})

test('do not include one that a living target has ended: its commands end at once', async () => {
  const config = home()
  const before = mappedSegments()
  const server = await ServerProcess.start({ ...config, units: [...config.units, 'scripted'] })
  const nexus = await connect(config.listen, SMALL)
  using bytes = SharedBytes.since(before)
  await nexus.unit(1).testUnitReady()
  let waited = false
  nexus.events.on('interrupted', () => {
    waited = true
  })
  const ended = once(nexus.events, 'end')
  // A slot that there is not, in whatever place comes next.
  for (let index = 0; index < 64; index++) {
    for (const lap of [1, 2]) bytes.submit(index, { lap, slot: 0xfff, generation: 1 })
  }
  const lost = nexus.unit(1).execute(hold())
  await assert.rejects(lost, { code: 'ERR_SGRING_NEXUS_LOST' })
  await ended
  assert.equal(waited, false)
  await server.close()
})

/** A nexus of two pairs, of which the second one ended, before its server did or after. */
async function ofTwoPairs(before: boolean) {
  const config = home()
  const units = [{ memory: 1 << 20 }]
  const first = await serve({ ...config, units })
  const nexus = await connect(config.listen, {
    ...SMALL,
    recovery: { waitMs: 100_000 * deadlineScale },
  })
  const other = await connect(config.listen, { ...SMALL, join: nexus.share() })
  const resumed = once(nexus.events, 'resumed')
  if (before) {
    await other.close()
    await until('the server knows', () => first.stats.pairs === 1)
  }
  await first.close()
  await other.close()
  const second = await serve({ ...config, units, maxNexusSlots: 4 })
  await resumed
  return { nexus, second, join: { ...SMALL, join: nexus.share() } }
}

test('have their slots in their nexus while they are waited for', async () => {
  const { nexus, second, join } = await ofTwoPairs(false)
  await assert.rejects(connect(second.listen, join), { code: 'ERR_SGRING_LIMIT' })
  await nexus.close()
  await second.close()
})

test('have their numbers to themselves, also those that have ended before', async () => {
  const { nexus, second, join } = await ofTwoPairs(true)
  await using joined = await connect(second.listen, join)
  assert.equal(joined.pair, 2)
  await nexus.close()
  await joined.close()
  await second.close()
})

/** A server of another user. Who listens is who the kernel names to whoever connects. */
async function servedBy(uid: number, listen: string): Promise<Server> {
  chmodSync(root, 0o777)
  // That of a dead target's user is not another's to ask whether it lives.
  for (const left of [listen, `${listen}.lock`]) rmSync(left)
  process.seteuid?.(uid)
  try {
    return await serve({ listen, allowedUids: [0], units: [{ memory: 512 }] })
  } finally {
    process.seteuid?.(0)
  }
}

test(
  'go to no other user than the first target was of, though their clients would talk to it',
  async () => {
    const config = home()
    const first = await ServerProcess.start(config)
    const nexus = await connect(config.listen, { ...SMALL, allowedUids: [0, NOBODY] })
    const ended = once(nexus.events, 'end')
    await first.killed()
    const second = await servedBy(NOBODY, config.listen)
    const [reason] = await ended
    assert.match(String(reason), /served by user 65534 now, not 0/)
    assert.equal(second.stats.nexuses, 0)
    await second.close()
  },
  process.geteuid?.() === 0 ? {} : { skip: 'to be another user takes root' },
)

/** Of this process: segments, and other processes. */
function kept(): { segments: number; processes: number } {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // That of the folder itself.
      return ''
    }
  })
  return {
    segments: links.filter((link) => link.includes('memfd:sgring')).length,
    processes: links.filter((link) => link.includes('pidfd')).length,
  }
}

for (const [name, state, options, count] of [
  ['one descriptor of each', true, {}, 1],
  ['none if they wait for nobody', true, { recovery: { waitMs: 0 } }, 0],
  ['none if their target keeps nothing', false, {}, 0],
] as readonly (readonly [string, boolean, ConnectOptions, number])[]) {
  test(`keep of their segment and its holder ${name}`, async () => {
    const { state: folder, graceMs, ...config } = home()
    const server = await ServerProcess.start({
      ...config,
      ...(state && folder && graceMs && { state: folder, graceMs }),
    })
    const before = kept()
    const nexus = await connect(config.listen, { ...SMALL, ...options })
    const { segments, processes } = kept()
    assert.deepEqual([segments - before.segments, processes - before.processes], [count, count])
    await nexus.close()
    assert.deepEqual(kept(), before)
    await server.close()
  })
}

test.run()
