import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { connect as connectTo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Control, controlSocketOf } from '#dist/cli/admin/control.js'
import { Daemon } from '#dist/cli/admin/daemon.js'
import { connect, type Handler, type Nexus, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { Place } from './program.ts'

const test = suite('the control socket of sgring serve')
const MIB = 1 << 20
const HANG = 0xc0
const hangs: Handler = (task, next) =>
  task.cdb[0] === HANG ? new Promise<never>(() => {}) : next()

let place: Place
let listen: string
let path: string
let server: Server
let daemon: Daemon
let control: Control
let nexus: Nexus
test.before.each(async () => {
  place = new Place()
  listen = place.path('disk.sock')
  path = controlSocketOf(listen)
  server = await serve({ listen, units: [{ memory: MIB, handler: hangs }] })
  daemon = new Daemon({ listen }, server, new Map([[0, { memory: MIB }]]))
  control = await Control.listen(listen, daemon)
  nexus = await connect(listen)
})
test.after.each(async () => {
  await control.close()
  await nexus.close()
  await server.close()
  await place.remove()
})

async function connected(to = path): Promise<Socket> {
  const socket = connectTo({ path: to, allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Everything that comes back for these bytes, after which the client closes its side. */
async function replies(bytes: string | Uint8Array) {
  const socket = await connected()
  socket.end(bytes)
  const lines = (await text(socket)).split('\n')
  assert.equal(lines.pop(), '')
  return lines.map((line) => JSON.parse(line))
}

const show = () => place.sgring(['admin', `ring:${listen}`, 'show', '--json'])

test('is for its user alone', () => {
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('answers each line in turn, also to who has closed its side', async () => {
  const [first, second, third] = await replies(
    '{"do":"add","unit":{"memory":"1M"}}\n{"do":"resize","lun":1,"bytes":2097152}\n{"do":"show"}\n{"do":"sh',
  )
  assert.deepEqual(first, { result: { lun: 1 } })
  assert.deepEqual(second, { result: { lun: 1, bytes: 2 * MIB } })
  assert.deepEqual(
    third.result.units.map(({ bytes }: { bytes: number }) => bytes),
    [MIB, 2 * MIB],
  )
})

test('answers what is no request with what is wrong, and goes on', async () => {
  const wrong = [
    ['x', /no JSON/],
    ['7', /7 is not a request/],
    ['{}', /: do: is missing/],
    ['{"do":"stop"}', /"stop" is not known/],
    ['{"do":"remove"}', /lun: is missing/],
    ['{"do":"remove","lun":"0"}', /lun: "0" is not a whole number/],
    [
      '{"do":"add","unit":{"memory":1,"device":"/dev/sg0"}}',
      /unit: takes one of memory, file, device/,
    ],
    ['{"do":"show","all":true}', /all: there is no such key/],
    ['{"do":"resize","lun":0,"bytes":"9999T"}', /bytes: "9999T" is not a size/],
    ['{"do":"add","unit":{"memory":1,"fil":"x"}}', /unit\.fil: .*did you mean file\?/],
    ['{"do":"add","unit":{}}', /unit: takes one of memory, file, device/],
    ['{"do":"add","unit":{"device":"/dev/sg0"}}', /a device has a server to itself/],
    ['', /no JSON/],
  ] as const
  const answered = await replies(wrong.map(([line]) => `${line}\n`).join(''))
  assert.equal(answered.length, wrong.length)
  for (const [index, [line, message]] of wrong.entries()) {
    assert.equal(answered[index].error.code, 'ERR_SGRING_INVALID_ARGUMENT', line)
    assert.match(answered[index].error.message, message)
  }
})

test('does not take a unit away while a command is under way, unless it is forced', async () => {
  const cdb = Uint8Array.of(HANG, 0, 0, 0, 0, 0)
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  const hung = unit.execute({ cdb, timeoutMs: 0 }).then(
    () => 'answered',
    ({ code }) => code,
  )
  await unit.testUnitReady()
  const remove = (...force: string[]) =>
    place.sgring(['admin', `ring:${listen}`, 'remove', '0', ...force])
  const refused = await remove()
  assert.equal(refused.code, 26)
  assert.match(refused.stderr, /a command is under way at LUN 0; --force aborts what is/)
  await unit.testUnitReady()
  assert.equal((await remove('--force')).code, 0)
  assert.equal(await hung, 'ERR_SGRING_ABORTED')
  assert.deepEqual(JSON.parse((await show()).stdout.toString()).units, [])
})

test('refuses a line that is too long, or no text, and ends that connection alone', async () => {
  const long = await replies('x'.repeat(70_000))
  assert.match(long[0].error.message, /a line has 65536 bytes at most/)
  const bytes = await replies(Uint8Array.of(0xff, 0xfe, 0x0a))
  assert.match(bytes[0].error.message, /not UTF-8/)
  assert.equal((await show()).code, 0)
})

test('takes no socket away that somebody serves', async () => {
  const named = controlSocketOf(path)
  const other = await serve({ listen: named, units: [{ memory: MIB }] })
  try {
    for (const target of [path, listen]) {
      await assert.rejects(Control.listen(target, daemon), { code: 'ERR_SGRING_ADDRESS_IN_USE' })
    }
    const across = await connect(named)
    await across.close()
    assert.equal((await show()).code, 0)
  } finally {
    await other.close()
  }
})

test('closes a connection on which nothing happens, and takes a few at a time', async () => {
  const brief = place.path('brief')
  const other = await Control.listen(brief, daemon, 200)
  try {
    const idle = await Promise.all(
      Array.from({ length: 8 }, () => connected(controlSocketOf(brief))),
    )
    idle[0]?.write('{"do":')
    const more = await connected(controlSocketOf(brief))
    for (const socket of [...idle, more]) {
      socket.resume()
      // What has not been read when it is closed makes a reset of the end.
      await until('the end', () => socket.readableEnded || socket.errored !== null)
      socket.destroy()
    }
  } finally {
    await other.close()
  }
})

test('survives clients that leave at any time', async () => {
  for (let round = 0; round < 20; round++) {
    const socket = await connected()
    socket.write('{"do":"show"}\n'.repeat(round))
    socket.destroy()
  }
  const line = '{"do":"show"}\n'
  const deaf = await connected()
  // It never reads: what it gets is bounded by what it is asked, and by its time.
  deaf.write(line.repeat(1000))
  assert.equal((await show()).code, 0)
  deaf.destroy()
})

test('replaces the socket of a server that was killed, and nothing else', async () => {
  await control.close()
  writeFileSync(path, 'precious')
  await assert.rejects(Control.listen(listen, daemon), { code: 'ERR_SGRING_NOT_A_SOCKET' })
  const long = { code: 'ERR_SGRING_PATH_TOO_LONG' }
  await assert.rejects(Control.listen(`/tmp/${'x'.repeat(110)}`, daemon), long)

  const args = ['--listen', './killed.sock', '--memory', '1M']
  const killed = await place.serve(args)
  killed.child.kill('SIGKILL')
  await killed.ended()
  assert.ok(statSync(place.path('killed.sock.admin')).isSocket())
  await place.serve(args)
  const address = `ring:${place.path('killed.sock')}`
  assert.equal((await place.sgring(['admin', address, 'show'])).code, 0)
})

for (const [what, answer] of [
  ['no JSON', 'hello\n'],
  ['another result', '{"result":{"lun":1}}\n'],
  ['nothing', ''],
] as const) {
  test(`is not believed when it answers ${what}`, async () => {
    const path = place.path('other.sock.admin')
    const other = createServer((socket) => socket.end(answer).resume()).listen(path)
    await once(other, 'listening')
    const address = `ring:${place.path('other.sock')}`
    const { code, stderr } = await place.sgring(['admin', address, 'show', '--json'])
    other.close()
    assert.deepEqual([code, JSON.parse(stderr).error.code], [97, 'ERR_SGRING_RESPONSE'])
  })
}

test.run()
