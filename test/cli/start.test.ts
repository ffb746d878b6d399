import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, watch } from 'node:fs'
import { suite } from '../harness/index.ts'
import { Place, START } from './program.ts'

const test = suite('npm start')
let place: Place
let temporary: string
test.before.each(() => {
  place = new Place()
  temporary = place.path('tmp')
  mkdirSync(temporary)
})
test.after.each(() => place.remove())

/** In `tmp`, which must be empty afterwards. */
const start = (args: readonly string[]) =>
  place.start('/usr/bin/env', [`TMPDIR=${temporary}`, process.execPath, START, ...args])

test('ends with one line of JSON', async () => {
  place.file('in', randomBytes(3_000_001))
  const { code, stdout, stderr } = await start(['--input', 'in', '--json']).ended()
  assert.deepEqual([code, stderr], [0, ''])
  const line = stdout.toString()
  assert.equal(line.indexOf('\n'), line.length - 1)
  const { commands, commands_per_s, mb_per_s, p50_us, p99_us, p999_us, ...more } = JSON.parse(line)
  const { abort_p50_us, ready_p50_us, ...rest } = more
  assert.deepEqual(rest, {
    ok: true,
    bytes: 3_000_001,
    sha256_match: true,
    hung: 1001,
    aborted: 1001,
    service_response: 'FUNCTION COMPLETE',
    errors: 0,
  })
  for (const value of [commands, commands_per_s, mb_per_s, p50_us, abort_p50_us, ready_p50_us]) {
    assert.ok(value > 0)
  }
  assert.ok(p50_us <= p99_us && p99_us <= p999_us)
  assert.deepEqual(readdirSync(temporary), [])
})

test('ends with a summary for a person', async () => {
  place.file('in', randomBytes(1 << 20))
  const { code, stdout } = await start(['--input', 'in']).ended()
  assert.equal(code, 0)
  assert.match(stdout.toString(), /^input +in, 1\.0 MiB\n/)
  assert.match(stdout.toString(), /^SHA-256 +[\da-f]{64}, the same$/m)
  assert.match(
    stdout.toString(),
    /^aborts +1001 of 1001 commands that hung; ABORT TASK says FUNCTION COMPLETE$/m,
  )
  assert.match(stdout.toString(), /all is well\n$/)
})

test('takes everything down on Ctrl-C', async () => {
  place.file('in', randomBytes(1 << 20))
  const made = madeIn(temporary)
  const running = start(['--input', 'in'])
  const target = await made
  running.child.kill('SIGINT')
  assert.equal((await running.ended()).signal, 'SIGINT')
  assert.ok(target.startsWith('sgring-start-'))
  assert.deepEqual(readdirSync(temporary), [])
})

test('says what is wrong with its input, and leaves nothing behind', async () => {
  place.file('empty', '')
  for (const [path, message] of [
    ['empty', 'empty has no bytes'],
    ['nothing', "ENOENT: no such file or directory, stat 'nothing'"],
  ] as const) {
    const { code, stderr } = await start(['--input', path]).ended()
    assert.deepEqual([code, stderr], [15, `sgring: ${message}\n`])
  }
  assert.deepEqual(readdirSync(temporary), [])
})

test('tells how it is used', async () => {
  const { code, stdout } = await start(['--help']).ended()
  assert.equal(code, 0)
  assert.match(stdout.toString(), /^usage: npm start -- \[--input FILE\] \[--json\]\n/)
})

/** The first thing that is made in a folder from now on. */
async function madeIn(folder: string): Promise<string> {
  const watcher = watch(folder)
  try {
    const [, name] = await once(watcher, 'change')
    return name
  } finally {
    watcher.close()
  }
}

test.run()
