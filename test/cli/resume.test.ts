import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import {
  type Answer,
  checkCondition,
  type Handler,
  parseBlockCdb,
  SenseKey,
  type Server,
  serve,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { type Ended, MAIN, Place } from './program.ts'

const MIB = 1 << 20
const BLOCKS = (24 * MIB) / 512
/** What lies from here on is not answered before the gate is opened. */
const GATE = BigInt((12 * MIB) / 512)
const JSON_STATE = /\.json$/

const FLUSHES: ReadonlySet<number> = new Set([0x35, 0x91])
const READ = 0x88
const WRITE = 0x8a
const MEDIUM_ERROR = checkCondition(SenseKey.MEDIUM_ERROR, 0x0c00)
const EARLIER_ERROR = checkCondition(SenseKey.MEDIUM_ERROR, 0x0c00, { deferred: true })
const MEDIUM_CHANGED = checkCondition(SenseKey.UNIT_ATTENTION, 0x2800)
const INVALID_FIELD = checkCondition(SenseKey.ILLEGAL_REQUEST, 0x2400)
const POWER_ON = checkCondition(SenseKey.UNIT_ATTENTION, 0x2900)

const test = suite('sgring copy, stopped and resumed')
let place: Place
let server: Server
let held: ((told?: Answer) => void)[]
let open: boolean
let gateAt: bigint
/** The gate is before everything. */
let hung: boolean
/** The second unit does. */
let knowsFua: boolean
/** The gate is for these only. */
let opcode: number | undefined
/** SYNCHRONIZE CACHEs that fail, before those that do not. */
let failing: number
let failure: Answer
/** SYNCHRONIZE CACHEs that came. */
let flushes: number
/** What the first command at the gate is answered. */
let answer: Answer | undefined
const data = randomBytes(BLOCKS * 512)

const gated: Handler = async (task, next) => {
  if (FLUSHES.has(task.cdb[0]!)) {
    flushes += 1
    if (failing-- > 0) return failure
  }
  if (answer !== undefined && parseBlockCdb(task.cdb)?.lba === GATE) {
    const told = answer
    answer = undefined
    return told
  }
  const gate = hung ? 0n : gateAt
  const isBefore = (parseBlockCdb(task.cdb)?.lba ?? (hung ? 0n : -1n)) < gate
  if (open || isBefore || (opcode ?? task.cdb[0]) !== task.cdb[0]) return next()
  const told = await new Promise<Answer | undefined>((resolve) => held.push(resolve))
  return told ?? next()
}

/** READ(16) with FUA is none of its, if it is so simple. */
const simple: Handler = ({ cdb }, next) =>
  knowsFua || cdb[0] !== 0x88 || (cdb[1]! & 0x08) === 0 ? next() : INVALID_FIELD

test.before.each(async () => {
  place = new Place()
  held = []
  gateAt = GATE
  open = true
  hung = false
  knowsFua = true
  opcode = undefined
  failing = 0
  failure = MEDIUM_ERROR
  flushes = 0
  answer = undefined
  server = await serve({
    listen: place.path('unit.sock'),
    units: [
      { memory: data.length, handler: gated },
      { memory: data.length, handler: simple },
    ],
  })
  await fill(data)
})
test.after.each(async () => {
  release()
  await server.close()
  await place.remove()
})

const unit = (lun: number) => `ring:${place.path('unit.sock')}?lun=${lun}`

async function fill(bytes: Uint8Array): Promise<void> {
  open = true
  const { code, stderr } = await place.sgring(['copy', '-', unit(0)], bytes)
  assert.equal(code, 0, stderr)
  open = false
}

function release(): void {
  open = true
  for (const go of held.splice(0)) go()
}

/** Copies until parts are held, which is after all that lies before the gate was begun, and stops it. */
async function stopped(...args: readonly string[]): Promise<Ended> {
  const copying = place.start(process.execPath, [MAIN, 'copy', ...args])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  copying.child.kill('SIGINT')
  const result = await ended
  assert.equal(result.signal, 'SIGINT')
  release()
  return result
}

const states = () => {
  const folder = place.path('state/sgring')
  return existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : []
}

test('Ctrl-C keeps what there is under another name, and says how to go on', async () => {
  const { stderr } = await stopped(unit(0), 'out file', '--verify')
  const [, said = ''] = stderr.split('; this goes on there:\n  ')
  assert.match(stderr, /\nstopped after 12\.0 MiB of 24\.0 MiB; this goes on there:\n/)
  assert.equal(said, `sgring copy '${unit(0)}' 'out file' --verify --resume\n`)
  assert.equal(existsSync(place.path('out file')), false)
  assert.equal(states().length, 1)
  const again = await place.shell(said)
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stderr, /^writing to out file\ngoing on after 12\.0 MiB\ncopied 12\.0 MiB in /)
  assert.ok(readFileSync(place.path('out file')).equals(data))
  assert.deepEqual([states(), existsSync(place.path('out file.part'))], [[], false])
})

/** Copies until what lies before the gate is there and noted, and kills it. */
async function killed(gate: number, ...args: readonly string[]): Promise<void> {
  gateAt = BigInt(gate / 512)
  open = false
  const copying = place.start(process.execPath, [MAIN, 'copy', ...args, '--checkpoint', '0.001'])
  const ended = copying.ended()
  await until('a state, and parts that are held', () => {
    return held.length >= 8 && states().some((name) => JSON_STATE.test(name))
  })
  copying.child.kill('SIGKILL')
  assert.equal((await ended).signal, 'SIGKILL')
  release()
}

for (const [kind, to] of [
  ['file', () => 'out'],
  ['unit', () => unit(1)],
] as const) {
  test(`a copy to a ${kind} that was killed again and again ends with the same bytes`, async () => {
    await killed(3 * MIB, unit(0), to())
    await killed(9 * MIB, unit(0), to(), '--resume')
    // Of what was noted and what was written since, nothing is taken on trust.
    const { code, stdout, stderr } = await place.sgring([
      ...['copy', unit(0), to(), '--resume', '--json'],
    ])
    assert.equal(code, 0, stderr)
    const { bytes, resumed_at: at } = JSON.parse(stdout.toString())
    assert.ok(at > 0 && at <= 9 * MIB, `resumed at ${at}`)
    assert.equal(bytes, data.length - at)
    assert.equal((await place.sgring(['verify', unit(0), to()])).code, 0)
    assert.deepEqual(states(), [])
  })
}

test('it goes on from one unit to another', async () => {
  await stopped(unit(0), unit(1))
  const { code, stdout } = await place.sgring(['copy', unit(0), unit(1), '--resume', '--json'])
  const { bytes, resumed_at } = JSON.parse(stdout.toString())
  assert.deepEqual([code, bytes, resumed_at], [0, 12 * MIB, 12 * MIB])
  assert.equal((await place.sgring(['verify', unit(0), unit(1)])).code, 0)
})

test('it goes on at a unit that knows no FUA, and verifies there', async () => {
  knowsFua = false
  await stopped(unit(0), unit(1), '--verify')
  const again = ['copy', unit(0), unit(1), '--verify', '--resume', '--json']
  const { code, stdout, stderr } = await place.sgring(again)
  assert.equal(code, 0, stderr)
  assert.equal(JSON.parse(stdout.toString()).resumed_at, 12 * MIB)
})

test('a program learns from JSON on stderr how to go on', async () => {
  const { stderr } = await stopped(unit(0), 'out', '--json')
  const { bytes, resume } = JSON.parse(stderr).stopped
  assert.deepEqual([bytes, resume], [12 * MIB, ['sgring', 'copy', unit(0), 'out', '--resume']])
})

test('without --resume nothing of an earlier run is taken, or taken away unasked', async () => {
  await stopped(unit(0), 'out')
  const refused = await place.sgring(['copy', unit(0), 'out'])
  assert.equal(refused.code, 15)
  assert.match(refused.stderr, /out\.part is of a copy that did not end; --resume goes on, --force/)
  const wrong = await place.sgring(['copy', unit(0), 'out', '--resume', '--skip', '1'])
  assert.equal(wrong.code, 15)
  assert.match(wrong.stderr, /is of a copy with another --skip: 0, and now 512/)
  assert.equal(existsSync(place.path('out.part')), true)
  const anew = await place.sgring(['copy', unit(0), 'out', '--force', '--json'])
  assert.deepEqual([anew.code, JSON.parse(anew.stdout.toString()).bytes], [0, data.length])
  assert.deepEqual(states(), [])
})

test('it is refused where the last part that was copied is not there any more', async () => {
  await stopped(unit(0), 'out')
  const part = readFileSync(place.path('out.part'))
  writeFileSync(place.path('out.part'), part.fill(0, 12 * MIB - 1, 12 * MIB))
  const changed = await place.sgring(['copy', unit(0), 'out', '--resume'])
  assert.equal(changed.code, 15)
  assert.match(changed.stderr, /out does not have what was copied before byte 12582912/)
  truncateSync(place.path('out.part'), 5 * MIB)
  assert.equal((await place.sgring(['copy', unit(0), 'out', '--resume'])).code, 15)
})

/** Copies a file to the unit until parts are held, presses Ctrl-C, and ends what is held after the unit was told to flush its cache: the first so. */
async function endedAtUnit(args: readonly string[], first?: Answer): Promise<Ended> {
  place.file('in', data)
  flushes = 0
  const copying = place.start(process.execPath, [MAIN, 'copy', 'in', unit(0), ...args])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  copying.child.kill('SIGINT')
  await until('a SYNCHRONIZE CACHE', () => flushes > 0)
  for (const [at, go] of held.splice(0).entries()) go(at === 0 ? first : undefined)
  return ended
}

test('it is refused where the source is another one', async () => {
  const copied = await endedAtUnit([])
  assert.equal(copied.signal, 'SIGINT')
  assert.match(copied.stderr, /\nstopped after 12\.0 MiB/)
  place.file('in', data)
  const { code, stderr } = await place.sgring(['copy', 'in', unit(0), '--resume'])
  assert.equal(code, 15)
  assert.match(stderr, /is of a copy with another source/)
})

test('it is refused where the state makes no sense', async () => {
  await stopped(unit(0), 'out')
  const [path = ''] = states()
  const state = JSON.parse(readFileSync(path, 'utf8'))
  for (const text of ['', '{', 'null', '[]', JSON.stringify({ ...state, done: 1e9 })]) {
    writeFileSync(path, text)
    const { code, stderr } = await place.sgring(['copy', unit(0), 'out', '--resume'])
    assert.equal(code, 15)
    assert.match(stderr, /is no state of a copy; without --resume the copy begins anew/)
  }
})

for (const [what, option, held] of [
  ['WRITE', [], WRITE],
  ['READ back', ['--verify'], READ],
  ['WRITE with a deadline', ['--timeout', '60'], WRITE],
] as const) {
  test(`a ${what} that Ctrl-C met, and that tells of an earlier write, leaves nothing to go on with (spc-4 4.5.7)`, async () => {
    opcode = held
    const { signal, stderr } = await endedAtUnit(option, EARLIER_ERROR)
    assert.equal(signal, 'SIGINT')
    assert.doesNotMatch(stderr, /stopped after/)
    assert.match(stderr, /\nsgring: .*MEDIUM ERROR/)
    assert.deepEqual(states(), [])
  })
}

test('Ctrl-C leaves nothing to go on with where a WRITE does not end', async () => {
  place.file('in', data)
  const copying = place.start(process.execPath, [MAIN, 'copy', 'in', unit(0)])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  flushes = 0
  copying.child.kill('SIGINT')
  const { signal, stderr } = await ended
  assert.deepEqual([signal, flushes, states()], ['SIGINT', 1, []])
  assert.doesNotMatch(stderr, /stopped after|sgring:/)
})

test('a WRITE that has no answer in time leaves nothing to go on with', async () => {
  place.file('in', data)
  const copying = place.start(process.execPath, [MAIN, 'copy', 'in', unit(0), '--timeout', '2'])
  const { code, stderr } = await copying.ended()
  assert.equal(code, 33, stderr)
  assert.doesNotMatch(stderr, /stopped after/)
  assert.deepEqual(states(), [])
})

test('what the last SYNCHRONIZE CACHE tells is told, though Ctrl-C ended the copy', async () => {
  for (const told of [MEDIUM_ERROR, EARLIER_ERROR]) {
    failing = 1
    failure = told
    const { signal, stderr } = await endedAtUnit([])
    assert.equal(signal, 'SIGINT')
    assert.match(stderr, /\nsgring: .*MEDIUM ERROR/)
    assert.deepEqual(states(), [])
  }
})

test('the second Ctrl-C leaves, whatever a target still owes', async () => {
  place.file('in', data)
  const copying = place.start(process.execPath, [MAIN, 'copy', 'in', unit(0)])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  hung = true
  copying.child.kill('SIGINT')
  await until('a SYNCHRONIZE CACHE that is held', () => held.length >= 9)
  copying.child.kill('SIGINT')
  const { signal, stderr } = await ended
  assert.deepEqual([signal, stderr.includes('stopped'), states()], ['SIGINT', false, []])
})

test('one Ctrl-C ends it though its target hangs', async () => {
  place.file('in', data)
  const copying = place.start(process.execPath, [MAIN, 'copy', 'in', unit(0)])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  hung = true
  copying.child.kill('SIGINT')
  const { signal } = await ended
  assert.deepEqual([signal, states()], ['SIGINT', []])
})

test('what the medium has failed to take is not noted as copied, though it takes all that is asked next', async () => {
  place.file('in', data)
  failing = 1
  gateAt = BigInt((6 * MIB) / 512)
  const copying = place.start(process.execPath, [
    ...[MAIN, 'copy', 'in', unit(0), '--checkpoint', '0.001'],
  ])
  const ended = copying.ended()
  // It fails while later parts are under way, or before they are begun: neither may be noted.
  await until('a failure', () => failing <= 0)
  release()
  const { code, stderr } = await ended
  assert.equal(code, 3, stderr)
  assert.doesNotMatch(stderr, /stopped after/)
  assert.deepEqual(states(), [])
})

test('a copy that lost an earlier write goes on after nothing that may be that one (spc-4 4.5.7)', async () => {
  place.file('in', data)
  open = true
  answer = EARLIER_ERROR
  const { code, stderr } = await place.sgring(['copy', 'in', unit(0)])
  assert.equal(code, 3, stderr)
  assert.doesNotMatch(stderr, /stopped after/)
  assert.deepEqual(states(), [])
})

for (const [end, ends] of [
  ['source', () => [unit(0), unit(1)]],
  ['destination', () => [unit(1), unit(0)]],
] as const) {
  test(`a ${end} whose medium may have changed ends it, and nothing is noted after that`, async () => {
    open = true
    answer = MEDIUM_CHANGED
    const { code, stderr } = await place.sgring(['copy', ...ends()])
    assert.equal(code, 6, stderr)
    assert.doesNotMatch(stderr, /stopped after/)
    assert.match(stderr, /its medium may be another one now/)
    assert.deepEqual(states(), [])
  })
}

test('a ring that tells of a POWER ON, as each target after a dead one does, ends no copy', async () => {
  open = true
  answer = POWER_ON
  const { code, stderr } = await place.sgring(['copy', unit(1), unit(0)])
  assert.equal(code, 0, stderr)
  assert.equal((await place.sgring(['verify', unit(0), unit(1)])).code, 0)
})

test('where no state can be written the copy is made all the same, and says so', async () => {
  place.file('state', 'no folder')
  place.file('in', data)
  open = true
  const { code, stderr } = await place.sgring(['copy', 'in', unit(1), '--checkpoint', '0.001'])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /\nhow far it is cannot be noted: .+\ncopied 24\.0 MiB/)
  assert.equal((await place.sgring(['verify', 'in', unit(1)])).code, 0)
})

test('a copy whose name is taken meanwhile is kept under its other one, and told how to go on', async () => {
  const copying = place.start(process.execPath, [MAIN, 'copy', unit(0), 'out'])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  place.file('out', 'precious')
  release()
  const { code, stderr } = await ended
  assert.equal(code, 15)
  assert.match(stderr, /stopped after 24\.0 MiB of 24\.0 MiB; .*\n.* out --resume\n/)
  assert.match(stderr, /sgring: out exists; --force replaces it\n$/)
  assert.equal(readFileSync(place.path('out'), 'utf8'), 'precious')
  const again = await place.sgring(['copy', unit(0), 'out', '--resume', '--force', '--json'])
  assert.deepEqual([again.code, JSON.parse(again.stdout.toString()).bytes], [0, 0])
  assert.ok(readFileSync(place.path('out')).equals(data))
})

test('a target that goes away leaves a state too', async () => {
  const copying = place.start(process.execPath, [MAIN, 'copy', unit(0), 'out'])
  const ended = copying.ended()
  await until('parts that are held', () => held.length >= 8)
  await server.close()
  const { code, stderr } = await ended
  assert.equal(code, 99)
  assert.match(stderr, /stopped after 12\.0 MiB of 24\.0 MiB/)
})

test.run()
