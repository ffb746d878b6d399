import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { checkCondition, type Handler, SenseCode, SenseKey } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { BenchPlace } from './bench-place.ts'

const test = suite('sgring bench')
let place: BenchPlace
test.before.each(() => {
  place = new BenchPlace()
})
test.after.each(() => place.remove())

test('sends what it is told, and counts what it has sent', async () => {
  await place.serving()
  const report = await place.told(
    '--count',
    '500',
    '--size',
    '8K',
    '--offset',
    '1M',
    '--length',
    '2M',
  )
  const { code, commands, errors, bytes, operations, ended, seconds } = report
  assert.deepEqual([code, commands, errors, bytes, ended], [0, 500, 0, 500 * 8192, 'count'])
  assert.equal(place.met.length, 500)
  assert.ok(new Set(place.met.map(({ lba }) => lba)).size > 100)
  for (const { write, lba, blocks } of place.met) {
    assert.deepEqual([write, blocks, lba % 16], [false, 16, 0])
    assert.ok(lba >= 2048 && lba < 2048 + 4096)
  }
  assert.deepEqual(Object.keys(operations), ['read'])
  const { min, p50, p99, p99_9, max } = operations.read.latency_ns
  assert.ok(0 < min && min <= p50 && p50 <= p99 && p99 <= p99_9 && p99_9 <= max)
  assert.ok(max / 1e9 <= seconds)
  // Both are rounded.
  assert.ok(Math.abs((report.commands_per_s * seconds) / 500 - 1) < 1e-3)
})

test('sends the same commands for the same seed, in both forms', async () => {
  await place.serving()
  const job = ['--mode', 'randrw', '--count', '100', '--depth', '1', '--yes']
  const runs = []
  for (const more of [[], ['--form', 'promise'], ['--seed', '2']]) {
    place.met = []
    assert.equal((await place.bench(...job, ...more)).code, 0)
    runs.push(place.met)
  }
  assert.deepEqual(runs[0], runs[1])
  assert.notDeepEqual(runs[0], runs[2])
})

test('has no more commands under way than --depth says, and mostly as many', async () => {
  let [now, most] = [0, 0]
  await place.serving(async (_, next) => {
    most = Math.max(most, ++now)
    await pause(1)
    now--
    return next()
  })
  for (const form of ['batch', 'promise']) {
    most = 0
    assert.equal((await place.bench('--count', '200', '--depth', '9', '--form', form)).code, 0)
    assert.equal(most, 9)
  }
})

test('names what it overwrites, and wants --yes', async () => {
  await place.serving()
  const write = ['--mode', 'write', '--size', '64K', '--count', '20', '--offset', '7M']
  const refused = await place.bench(...write)
  const what = `1.0 MiB from 7.0 MiB on of ${place.address}, LUN 0: sgring DISK IN MEMORY, 8.0 MiB\n`
  assert.deepEqual([refused.code, refused.stderr], [1, `sgring: --yes overwrites ${what}`])
  assert.equal(place.met.length, 0)
  const { code, stdout, stderr } = await place.bench(...write, '--yes')
  assert.deepEqual([code, stderr], [0, `overwriting ${what}`])
  assert.match(stdout.toString(), /^write of 64\.0 KiB, 32 at a time, batch form, ring: [\d.]+ s$/m)
  assert.match(stdout.toString(), /^write +20 +\d+ +[\d.]+ [kMG]?B\/s +0$/m)
  assert.match(stdout.toString(), /^write( +[\d.]+ [nµm]?s){9}$/m)
  assert.match(stdout.toString(), /^a command: [\d.]+ [µm]s of this process's CPU, /m)
  const lbas = place.met.map(({ lba }) => lba)
  assert.deepEqual(
    lbas,
    Array.from({ length: 20 }, (_, step) => 7 * 2048 + (step % 16) * 128),
  )
})

test('finds blocks that are not what was written, by their LBA and the seed', async () => {
  await place.serving()
  const all = ['--size', '64K', '--count', '128', '--verify', '--seed', '9']
  assert.equal((await place.bench('--mode', 'write', ...all, '--yes')).code, 0)
  for (const form of ['batch', 'promise']) {
    const mixed = ['--mode', 'randrw', '--verify', '--seed', '9', '--yes', '--form', form]
    assert.equal((await place.bench(...mixed, '--count', '2000')).code, 0)
  }
  const block = new Uint8Array(512).fill(1)
  const args = ['write', place.address, '--in', '-', '--lba', '4711']
  assert.equal((await place.sgring(args, block)).code, 0)
  const wrong = await place.told('--mode', 'read', ...all)
  assert.deepEqual([wrong.code, wrong.commands, wrong.errors], [14, 127, 1])
  assert.deepEqual(wrong.failures, [
    { what: 'blocks that do not carry their LBA and the seed', commands: 1 },
  ])
  const { message } = JSON.parse(wrong.stderr).error
  assert.equal(message, 'block 4711 does not carry its LBA and the seed')
  assert.equal((await place.told('--count', '50', '--verify', '--seed', '8')).errors, 50)
})

test('reaches blocks beyond 2^32 by READ(16) and WRITE(16)', async () => {
  const opcodes = new Set<number>()
  const note: Handler = (task, next) => {
    opcodes.add(task.cdb[0]!)
    return next()
  }
  await place.serving(note, { file: place.path('large.img'), createBytes: 3 * 2 ** 40 })
  const job = ['--offset', '2T', '--length', '256K', '--count', '64', '--verify']
  assert.equal((await place.bench('--mode', 'write', ...job, '--yes')).code, 0)
  assert.equal((await place.bench('--mode', 'randread', ...job)).code, 0)
  assert.deepEqual([...opcodes], [0x8a, 0x88])
  assert.ok(place.met.every(({ lba }) => lba >= 2 ** 32))
})

test('counts errors by their sense, and ends with the exit code of the first', async () => {
  const bad = checkCondition(SenseKey.MEDIUM_ERROR, SenseCode.UNRECOVERED_READ_ERROR)
  const attention = checkCondition(SenseKey.UNIT_ATTENTION, 0x2a09)
  await place.serving((_, next) => {
    if (place.met.length % 10 === 4) return bad
    return place.met.length % 10 === 7 ? attention : next()
  })
  for (const form of ['batch', 'promise']) {
    place.met = []
    const report = await place.told('--count', '100', '--depth', '1', '--form', form)
    assert.deepEqual([report.code, report.commands, report.errors], [3, 80, 20])
    assert.deepEqual(report.failures, [
      {
        what: 'MEDIUM ERROR: UNRECOVERED READ ERROR (11h 00h)',
        commands: 10,
        sense_key: 3,
        asc: 0x11,
        ascq: 0,
      },
      {
        what: 'UNIT ATTENTION: CAPACITY DATA HAS CHANGED (2ah 09h)',
        commands: 10,
        sense_key: 6,
        asc: 0x2a,
        ascq: 9,
      },
    ])
    assert.equal(JSON.parse(report.stderr).error.sense_key, 3)
  }
  place.met = []
  const { stdout } = await place.bench('--count', '10', '--depth', '1')
  assert.match(stdout.toString(), /^errors\n {2}1 {2}MEDIUM ERROR: .*\n {2}1 {2}UNIT ATTENTION: /m)
})

test('sends TEST UNIT READY, and leaves out what counts as warm-up', async () => {
  const server = await place.serving()
  const report = await place.told(
    '--mode',
    'tur',
    '--time',
    '1',
    '--warm-up',
    '0.3',
    '--depth',
    '4',
  )
  assert.deepEqual([report.code, report.bytes, Object.keys(report.operations)], [0, 0, ['tur']])
  assert.ok(report.commands > 0 && report.commands < server.stats.commands)
  assert.ok(report.seconds >= 1)
  assert.equal(place.met.length, 0)
})

test('refuses what makes no sense, and what lies beyond the end', async () => {
  await place.serving()
  const wrong = await place.bench('--mode', 'trim')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /^sgring: --mode is one of read, write, .*, tur, not 'trim'\n$/)
  const large = await place.bench('--depth', '4064', '--size', '1M')
  assert.equal(large.code, 1)
  assert.match(large.stderr, /--depth 4064 of --size 1\.0 MiB: together they are 2\.0 GiB at most/)
  const beyond = await place.bench('--offset', '8M')
  assert.deepEqual([beyond.code, place.met.length], [22, 0])
})

/** Paths of all fields, as `docs/bench.md` writes them. */
function* paths(value: unknown, path: string): Generator<string> {
  if (Array.isArray(value)) {
    for (const first of value.slice(0, 1)) yield* paths(first, `${path}[]`)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      yield* paths(inner, path === '' ? key : `${path}.${key}`)
    }
  } else yield path.replace(/^operations\.(tur|read|write)\./, 'operations.KIND.')
}

test('prints as JSON what docs/bench.md lists, and nothing else', async () => {
  await place.serving((_, next) =>
    place.met.length === 3
      ? checkCondition(SenseKey.MEDIUM_ERROR, SenseCode.UNRECOVERED_READ_ERROR)
      : next(),
  )
  const job = ['--count', '50', '--rate', '5000']
  const [open, closed] = [
    await place.bench(...job, '--mode', 'rw', '--yes', '--json'),
    await place.bench('--mode', 'tur', '--count', '1', '--json'),
  ]
  const printed = new Set(
    [open, closed].flatMap(({ stdout }) => [...paths(JSON.parse(String(stdout)), '')]),
  )
  printed.add('operations.KIND.latency_ns')
  const text = readFileSync(join(process.cwd(), 'docs/bench.md'), 'utf8')
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`(.*?)`/g)].map(([, name]) => name!),
  )
  assert.deepEqual([...printed].sort(), listed.sort())
})

test.run()
