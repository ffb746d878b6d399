import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, type Nexus, type ServeOptions, type Server, serve } from '#dist/index.js'
import { listenOptions, type PortOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const test = suite('limits of a nexus and of a user')

const folder = temporaryFolder()
let last = 0
let server: Server
let nexuses: Nexus[] = []
let refused: string[] = []
test.after.each(async () => {
  for (const nexus of nexuses) await nexus.close()
  await server.close()
  nexuses = []
  refused = []
})

async function serving(options: Partial<ServeOptions>): Promise<string> {
  const listen = join(folder, `${++last}.sock`)
  server = await serve({ listen, units: [{ memory: 1 << 20 }], ioThreads: 1, ...options })
  server.events.on('refused', ({ uid, pid }, reason) => {
    assert.deepEqual([uid, pid], [process.geteuid?.(), process.pid])
    refused.push(reason)
  })
  return listen
}

async function joined(...args: Parameters<typeof connect>): Promise<Nexus> {
  const nexus = await connect(...args)
  nexuses.push(nexus)
  return nexus
}

const LIMIT = { code: 'ERR_SGRING_LIMIT' }
const SMALL = { slots: 8, arenaBytes: 64 << 10 }
/** With those for functions. */
const SLOTS = 40

for (const [limit, options, second] of [
  ['maxNexuses', { maxNexuses: 1 }, 'opens'],
  ['maxUserNexuses', { maxUserNexuses: 1 }, 'opens'],
  ['maxPairs', { maxPairs: 1 }, 'joins'],
  ['maxUserPairs', { maxUserPairs: 1 }, 'joins'],
  ['maxNexusPairs', { maxNexusPairs: 1 }, 'joins'],
  ['maxNexusSlots', { maxNexusSlots: 15 }, 'joins'],
  ['maxNexusArenaBytes', { maxNexusArenaBytes: 100 << 10 }, 'joins'],
] as const) {
  test(`who passes ${limit} is refused, by its name, and what there is goes on`, async () => {
    const listen = await serving(options)
    const nexus = await joined(listen, SMALL)
    const share = second === 'joins' ? { join: nexus.share() } : {}
    await assert.rejects(connect(listen, { ...SMALL, ...share }), LIMIT)
    await until('the event', () => refused.length > 0)
    assert.match(refused[0]!, new RegExp(`^${limit} is \\d+$`))
    assert.equal(server.stats.refused, 1)
    assert.match(
      server.stats.recent[0]!,
      new RegExp(`^refused: user \\d+, process \\d+: ${limit} `),
    )
    await nexus.unit(0).testUnitReady()
    // What it held is free again.
    await nexus.close()
    await until('its end', () => server.stats.nexuses === 0)
    await joined(listen, SMALL)
  })
}

test('an arena, or slots, beyond what a nexus may have are refused at the door', async () => {
  const listen = await serving({ maxNexusSlots: 8, maxArenaBytes: 64 << 10 })
  await assert.rejects(connect(listen, { ...SMALL, slots: 9 }), LIMIT)
  await assert.rejects(connect(listen, { ...SMALL, arenaBytes: 68 << 10 }), LIMIT)
  await joined(listen, SMALL)
})

test('who connects faster than a user may is refused for a while, and counted', async () => {
  const listen = await serving({ maxUserConnects: 2 })
  const nexus = await joined(listen, SMALL)
  // All at once: on a slow machine one after the other might not be faster than that.
  const many = await Promise.allSettled(Array.from({ length: 20 }, () => connect(listen, SMALL)))
  for (const one of many) {
    if (one.status === 'fulfilled') await one.value.close()
    else assert.equal(one.reason.code, LIMIT.code)
  }
  assert.ok(many.some(({ status }) => status === 'rejected'))
  assert.ok(server.stats.refused >= 1)
  await nexus.unit(0).testUnitReady()
})

test('one of several users holds a part of what is being checked, where there is one nexus, too', () => {
  const pending = (options: PortOptions) =>
    listenOptions(resolvePortOptions({ maxNexuses: 1, ...options })).maxPendingPerUid
  assert.ok((pending({ allowedGids: [1] }) ?? 0) < (pending({}) ?? 0))
})

const RATE = 100
const BURST = RATE / 10

test('commands beyond the rate wait in their initiator’s slots, and all are answered', async () => {
  const listen = await serving({ maxNexusCommandRate: RATE })
  const started = performance.now()
  const nexus = await joined(listen, SMALL)
  let answered = 0
  const unit = nexus.unit(0, { unitAttention: 'throw' })
  await unit.testUnitReady().catch(() => {})
  const commands = Array.from({ length: 40 }, async () => {
    await unit.testUnitReady()
    answered++
    const seconds = (performance.now() - started) / 1000
    assert.ok(server.stats.commands <= BURST + SLOTS + RATE * seconds)
  })
  await Promise.all(commands)
  assert.equal(answered, 40)
})

test('a nexus that sends beyond its rate waits, and another is answered meanwhile', async () => {
  const listen = await serving({ maxNexusCommandRate: 20 })
  const flood = await joined(listen, { ...SMALL, slots: 64, maxWaiting: 1000 })
  let flooded = 0
  const closing = Array.from({ length: 500 }, () =>
    flood
      .unit(0)
      .execute({ cdb: new Uint8Array(6) })
      .then(
        () => flooded++,
        () => {},
      ),
  )
  const other = await joined(listen, SMALL)
  await other.unit(0).testUnitReady()
  assert.ok(flooded < 500)
  await flood.close()
  await Promise.all(closing)
})

test.run()
