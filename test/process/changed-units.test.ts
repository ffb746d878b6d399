/** Servers that follow one another with other units at the same LUNs, or the same ones on other media. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  connect,
  type DiskUnitOptions,
  type Nexus,
  type ServeOptions,
  type Server,
  serve,
} from '#dist/index.js'
import { KeptUnits } from '#dist/kept-units.js'
import { native } from '#dist/native.js'
import { listenOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const test = suite('a server with other units than the one before it')

const LENGTH = 1 << 20
const PATIENT = { recovery: { waitMs: 100_000 * deadlineScale } } as const
const root = temporaryFolder()

/** Two files of zeros, and the servers of one state folder. */
class Home {
  readonly folder = mkdtempSync(join(root, 'home-'))
  readonly listen = join(this.folder, 'target.sock')
  readonly state = join(this.folder, 'state')
  readonly files: readonly [string, string] = [join(this.folder, 'a'), join(this.folder, 'b')]

  constructor() {
    for (const file of this.files) writeFileSync(file, new Uint8Array(LENGTH))
  }

  start(units: readonly DiskUnitOptions[], options: Partial<ServeOptions> = {}) {
    const { listen, state } = this
    return serve({ listen, state, graceMs: 60_000, units, ...options })
  }

  /** What the first byte of each file is. */
  get bytes(): number[] {
    return this.files.map((file) => readFileSync(file)[0]!)
  }
}

const WRITE = {
  cdb: Uint8Array.of(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0),
  dataOut: new Uint8Array(4096).fill(9),
}
const READ = { cdb: Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), dataIn: 4096 }
const TEST_UNIT_READY = { cdb: new Uint8Array(6) }

/** The status, or the code of the error, of each. */
function outcomes(nexus: Nexus): Promise<unknown[]> {
  const unit = nexus.unit(0)
  return Promise.all(
    [WRITE, READ].map((command) =>
      unit.execute(command).then(
        ({ status }) => status,
        ({ code }) => code,
      ),
    ),
  )
}

/** What there is to tell of a unit. */
async function attentions(nexus: Nexus, lun = 0): Promise<string[]> {
  const told: string[] = []
  for (;;) {
    const { status, sense } = await nexus.unit(lun).execute(TEST_UNIT_READY)
    if (status === 0) return told
    told.push(Buffer.from(sense.subarray(12, 14)).toString('hex'))
  }
}

const UNKNOWN = 'ERR_SGRING_OUTCOME_UNKNOWN'

/** How it comes to be another unit, or another medium: the units before and behind, and what is done between them. */
type Change = (home: Home) => {
  readonly units: readonly DiskUnitOptions[]
  readonly next: readonly DiskUnitOptions[]
  readonly between?: () => void
}

const CHANGES: readonly (readonly [string, Change, string[]])[] = [
  [
    'units that have changed places',
    ({ files: [a, b] }) => ({
      units: [{ file: a }, { file: b }],
      next: [{ file: b }, { file: a }],
    }),
    ['2900', '2800', '3f03'],
  ],
  [
    'another file in the place of the first',
    ({ files: [a, b] }) => ({
      units: [{ file: a }],
      next: [{ file: a }],
      between: () => renameSync(b, a),
    }),
    ['2900', '2800'],
  ],
  [
    'a new disk in memory, because what was kept of it was removed',
    ({ state }) => ({
      units: [{ memory: LENGTH }],
      next: [{ memory: LENGTH }],
      between: () => rmSync(join(state, 'lun-0.memory')),
    }),
    ['2900', '2800'],
  ],
  [
    'memory in the place of a file',
    ({ files: [file] }) => ({ units: [{ file }], next: [{ memory: LENGTH }] }),
    ['2900', '2800', '3f03'],
  ],
  [
    'blocks of another length',
    ({ files: [file] }) => ({ units: [{ file }], next: [{ file, blockLength: 4096 }] }),
    ['2900', '2800'],
  ],
  [
    'more blocks',
    ({ files: [file] }) => ({
      units: [{ file }],
      next: [{ file }],
      between: () => truncateSync(file, 2 * LENGTH),
    }),
    ['2900', '2800'],
  ],
  [
    'another serial number',
    ({ files: [file] }) => ({ units: [{ file, serial: 'A' }], next: [{ file, serial: 'B' }] }),
    ['2900', '3f03'],
  ],
]

for (const [name, change, told] of CHANGES) {
  test(`${name}: what was sent to the former is carried out on none, and new commands are told (spc-4 5.14)`, async () => {
    const home = new Home()
    const { units, next, between } = change(home)
    const first = await home.start(units)
    const nexus = await connect(home.listen, PATIENT)
    assert.deepEqual(await attentions(nexus), ['2900'])
    const resumed = once(nexus.events, 'resumed')
    // The server is closed before it looks.
    const sent = outcomes(nexus)
    await first.close()
    between?.()
    await using _second = await home.start(next)
    await resumed
    assert.deepEqual(await sent, [UNKNOWN, UNKNOWN])
    assert.deepEqual(await attentions(nexus), told)
    assert.deepEqual(await outcomes(nexus), [0, 0])
    await nexus.close()
  })
}

test('the same units: what was sent to them is carried out, with nothing new to tell', async () => {
  const home = new Home()
  const units = [{ file: home.files[0] }, { memory: LENGTH }]
  let server = await home.start(units)
  const nexus = await connect(home.listen, PATIENT)
  assert.deepEqual(await attentions(nexus), ['2900'])
  for (let round = 0; round < 3; round++) {
    const resumed = once(nexus.events, 'resumed')
    const sent = outcomes(nexus)
    await server.close()
    server = await home.start(units)
    await resumed
    assert.deepEqual(await sent, [0, 0])
    assert.deepEqual(await attentions(nexus, 1), ['2900'])
  }
  assert.deepEqual(home.bytes, [9, 0])
  await nexus.close()
  await server.close()
})

for (const [name, units, expected, bytes] of [
  ['the same units: it is carried out', 'ab', [0, 0], [9, 0]],
  ['other units: it is carried out on none', 'ba', [UNKNOWN, UNKNOWN], [0, 0]],
] as const) {
  test(`what was sent to a target that died when it had let the pair in, behind it ${name}`, async () => {
    const home = new Home()
    const [a, b] = home.files
    await (await home.start([{ file: a }, { file: b }])).close()
    const { last } = JSON.parse(readFileSync(join(home.state, 'units'), 'utf8'))
    const token = new Uint8Array(16).fill(1)
    const path = join(home.state, 'ledgers', `${Buffer.from(token).toString('hex')}-0`)
    const options = listenOptions(resolvePortOptions({}))
    const listener = native().listen({ path: home.listen, ...options })
    const connecting = connect(home.listen, PATIENT)
    const pair = await until('a connection', () => listener.accept() ?? undefined)
    assert.ok(pair.welcome(1, 0, token, { path, units: last }))
    const nexus = await connecting
    const sent = outcomes(nexus)
    listener.close()
    const resumed = once(nexus.events, 'resumed')
    // All that it does is to let go of the segment, as the kernel does for a process that is killed.
    pair.release()
    const next = units === 'ab' ? [{ file: a }, { file: b }] : [{ file: b }, { file: a }]
    await using _next = await home.start(next)
    await resumed
    assert.deepEqual(await sent, expected)
    assert.deepEqual(home.bytes, bytes)
    await nexus.close()
  })
}

test('units that have changed places are others for who comes to a later server, too', async () => {
  const home = new Home()
  const [a, b] = home.files
  const first = await home.start([{ file: a }, { file: b }])
  const nexus = await connect(home.listen, PATIENT)
  await nexus.unit(0).testUnitReady()
  const resumed = once(nexus.events, 'resumed')
  const sent = outcomes(nexus)
  await first.close()
  const swapped = [{ file: b }, { file: a }]
  // It lets nobody in.
  await (await home.start(swapped)).close()
  await using _third = await home.start(swapped)
  await resumed
  assert.deepEqual(await sent, [UNKNOWN, UNKNOWN])
  assert.deepEqual(home.bytes, [0, 0])
  await nexus.close()
})

test('a unit that was added, removed or resized meanwhile is the same for the next server, once its commands know it', async () => {
  const home = new Home()
  const units = [{ file: home.files[0] }, { file: home.files[1] }]
  const first = await home.start([{ memory: LENGTH }, { file: home.files[1] }])
  const nexus = await connect(home.listen, PATIENT)
  await first.removeUnit(0)
  first.addUnit(0, { file: home.files[0] })
  first.resizeUnit(0, 2 * LENGTH)
  await attentions(nexus)
  const resumed = once(nexus.events, 'resumed')
  const sent = outcomes(nexus)
  await first.close()
  await using _second = await home.start(units)
  await resumed
  assert.deepEqual(await sent, [0, 0])
  assert.deepEqual(home.bytes, [9, 0])
  await nexus.close()
})

/** The server has looked for what this nexus has published, and found nothing: between two wakes it slept. LUN 0 is left alone. */
async function idle(server: Server, nexus: Nexus): Promise<void> {
  const wakes = server.stats.wakes + 2
  while (server.stats.wakes < wakes) {
    await nexus.unit(1).execute(TEST_UNIT_READY)
    // Behind its next look.
    await setImmediate()
  }
}

for (const who of ['who had it', 'a pair that joins']) {
  test(`a unit is another for ${who} until that was told, however many servers die before (spc-4 5.14)`, async () => {
    const home = new Home()
    const [a, b] = home.files
    const other = { memory: LENGTH }
    let server = await home.start([{ file: a }, other])
    const nexus = await connect(home.listen, PATIENT)
    assert.deepEqual(await attentions(nexus), ['2900'])
    for (let deaths = 0; deaths < 2; deaths++) {
      const resumed = once(nexus.events, 'resumed')
      await server.close()
      server = await home.start([{ file: b }, other], { spinUs: 0 })
      await resumed
      await idle(server, nexus)
    }
    const joins = who === 'a pair that joins'
    const user = joins ? await connect(home.listen, { ...PATIENT, join: nexus.share() }) : nexus
    await idle(server, user)
    const resumed = Promise.all([nexus, user].map(({ events }) => once(events, 'resumed')))
    const sent = outcomes(user)
    await server.close()
    server = await home.start([{ file: b }, other], { spinUs: 0 })
    await resumed
    assert.deepEqual(await sent, [UNKNOWN, UNKNOWN])
    assert.deepEqual(home.bytes, [0, 0])
    assert.deepEqual(await attentions(user), ['2900', '2800', '3f03'])
    // From then on it is the one that its nexus knows.
    await idle(server, user)
    const again = Promise.all([nexus, user].map(({ events }) => once(events, 'resumed')))
    const known = outcomes(user)
    await server.close()
    await using _last = await home.start([{ file: b }, other])
    await again
    assert.deepEqual(await known, [0, 0])
    assert.deepEqual(home.bytes, [0, 9])
    assert.deepEqual(await attentions(user), ['2900'])
    if (joins) await user.close()
    await nexus.close()
  })
}

test('a unit that took the place of another while it was served is another until that was told', async () => {
  const home = new Home()
  const [a, b] = home.files
  const other = { memory: LENGTH }
  const first = await home.start([{ file: a }, other], { spinUs: 0 })
  const nexus = await connect(home.listen, PATIENT)
  assert.deepEqual(await attentions(nexus), ['2900'])
  await first.removeUnit(0)
  first.addUnit(0, { file: b })
  await idle(first, nexus)
  const resumed = once(nexus.events, 'resumed')
  const sent = outcomes(nexus)
  await first.close()
  await using _second = await home.start([{ file: b }, other])
  await resumed
  assert.deepEqual(await sent, [UNKNOWN, UNKNOWN])
  assert.deepEqual(home.bytes, [0, 0])
  assert.deepEqual(await attentions(nexus), ['2900', '2800', '3f03'])
  await nexus.close()
})

const DISK = { device: 'a disk', medium: 'a file', made: false }

test('changes are numbered: a unit that stays has the number that it had, whoever changes beside it', () => {
  const path = join(mkdtempSync(join(root, 'units-')), 'units')
  const open = (lost: () => void = () => assert.fail('it is there')) => new KeptUnits(path, lost)
  let lost = 0
  const first = open(() => lost++).enter(
    new Map([
      [0, DISK],
      [1, DISK],
    ]),
  )
  assert.equal(lost, 1)
  const { medium: before } = first.get(0)!
  const next = open().enter(
    new Map([
      [0, DISK],
      [1, { ...DISK, medium: 'another' }],
    ]),
  )
  assert.deepEqual(next.get(0), first.get(0))
  assert.equal(next.get(1)!.device, before)
  assert.ok(next.get(1)!.medium > before)
  // Absent for a while, and there again.
  open().enter(new Map())
  assert.deepEqual(
    open()
      .enter(new Map([[0, DISK]]))
      .get(0),
    first.get(0),
  )
  const made = open().enter(new Map([[0, { ...DISK, made: true }]]))
  assert.ok(made.get(0)!.medium > next.get(1)!.medium)
  open().forget(0)
  assert.ok(
    open()
      .enter(new Map([[0, DISK]]))
      .get(0)!.device > made.get(0)!.medium,
  )
})

test('what nobody can make sense of is nothing that a server has left', () => {
  const path = join(mkdtempSync(join(root, 'units-')), 'units')
  for (const left of ['', '{', 'null', '[]', '{"last":1}', '{"last":1,"units":{"0":{}}}', '\0\0']) {
    writeFileSync(path, left)
    let lost = 0
    const units = new KeptUnits(path, () => lost++)
    assert.equal(lost, 1, left)
    assert.deepEqual(units.enter(new Map([[0, DISK]])).get(0), { device: 1, medium: 1 })
  }
})

test.run()
