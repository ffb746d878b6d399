import assert from 'node:assert/strict'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { native } from '#dist/native.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring serve')
/** Where files cannot be fenced, a server says so. */
const FENCED = native().landlockAbi() > 0
/** Many processes, one after the other. */
const SLOW = { deadlineMs: 120_000 }
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

test('numbers units in the order of their flags, and gives each the options after it', async () => {
  place.file('some.img', new Uint8Array(1 << 20))
  const server = await place.serve(
    '--listen ./s --memory 1M --block-length 4096 --file some.img --read-only --memory 512K --file new.img --create 3M --json'.split(
      ' ',
    ),
  )
  const { luns, pid, socket, address } = JSON.parse(server.line)
  assert.deepEqual(
    [pid, socket, address],
    [server.child.pid, place.path('s'), `ring:${place.path('s')}`],
  )
  assert.deepEqual(luns, [
    { lun: 0, block_length: 4096, memory: 1 << 20 },
    { lun: 1, block_length: 512, file: 'some.img', read_only: true },
    { lun: 2, block_length: 512, memory: 1 << 19 },
    { lun: 3, block_length: 512, file: 'new.img', create_bytes: 3 << 20 },
  ])
  assert.equal(statSync(place.path('new.img')).size, 3 << 20)
  const seen = await Promise.all(
    luns.map(async ({ lun }: { lun: number }) => {
      const { stdout } = await place.sgring(['readcap', `ring:${socket}?lun=${lun}`, '--json'])
      return JSON.parse(stdout.toString()).bytes
    }),
  )
  assert.deepEqual(seen, [1 << 20, 1 << 20, 1 << 19, 3 << 20].map(String))
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`ends with 0 on ${signal}, and takes its socket away`, async () => {
    const server = await place.serve(['--listen', 'disk', '--memory', '1M'])
    const socket = place.path('sgring/disk.sock')
    assert.equal(server.line, `serving ring:disk: LUN 0 1.0 MiB; process ${server.child.pid}`)
    assert.ok(existsSync(socket))
    server.child.kill(signal)
    const { code, stderr } = await server.ended()
    assert.deepEqual([code, stderr === '', existsSync(socket)], [0, FENCED, false])
  })
}

test('says that others need a path that they can enter, where they may connect', async () => {
  const others = ['--memory', '1M', '--allow-user', '65500']
  for (const [listen, cautioned] of [
    ['disk', 1],
    ['open/s', 0],
  ] as const) {
    mkdirSync(place.path('open'), { recursive: true })
    const server = await place.serve(['--listen', listen, ...others])
    server.child.kill('SIGTERM')
    const { stderr } = await server.ended()
    assert.equal(
      stderr.match(/others may connect, and cannot enter .*sgring: /g)?.length ?? 0,
      cautioned,
    )
  }
})

test('makes the folder of names for its user alone', async () => {
  await place.serve(['--listen', 'disk', '--memory', '1M'])
  assert.equal(statSync(place.path('sgring')).mode & 0o777, 0o700)
})

test('replaces the socket of a server that was killed, and leaves a live one alone', async () => {
  const args = ['--listen', 'disk', '--memory', '1M']
  const killed = await place.serve(args)
  killed.child.kill('SIGKILL')
  await killed.ended()
  assert.ok(existsSync(place.path('sgring/disk.sock')))
  await place.serve(args)
  const refused = await place.sgring(['serve', ...args, '--json'])
  assert.equal(refused.code, 15)
  assert.equal(JSON.parse(refused.stderr).error.code, 'ERR_SGRING_ADDRESS_IN_USE')
  assert.equal((await place.sgring(['inquiry', 'ring:disk'])).code, 0)
})

test('leaves alone what is no socket', async () => {
  const path = place.file('file.sock', 'precious')
  const { code } = await place.sgring(['serve', '--listen', path, '--memory', '1M'])
  assert.deepEqual([code, statSync(path).size], [15, 8])
})

test(
  'names what is wrong with its command line',
  async () => {
    place.file('there', new Uint8Array(512))
    for (const [line, code, message] of [
      ['--memory 1M', 1, /--listen is a name of letters/],
      ['--listen a:b --memory 1M', 1, /--listen is a name of letters/],
      ['--listen disk', 1, /no unit: --memory SIZE or --file PATH is missing/],
      ['--listen disk --memory 12X', 1, /--memory is a number of bytes, .* not '12X'/],
      ['--listen disk --memory 0', 1, /--memory is a number of bytes/],
      ['--listen disk --memory 1M --read-only', 1, /--read-only follows its --file/],
      ['--listen disk --create 1M --file x', 1, /--create follows its --file/],
      ['--listen disk --block-length 512 --memory 1M', 1, /--block-length follows/],
      [
        '--listen disk --memory 1M --block-length 520',
        1,
        /--block-length is 512 or 4096, not '520'/,
      ],
      ['--listen disk --file nothing', 15, /nothing/],
      [
        '--listen disk --device /dev/sg0 --max-nexuses 5',
        1,
        /--max-nexuses: .* for 1 .* not for 5/,
      ],
      ['--listen disk --memory 1M --grace 2', 1, /--grace goes with --state only/],
      ['--listen disk --device /dev/sg0 --state x', 1, /--device and --state do not go together/],
      ['--listen disk --memory 1M --state there', 15, /state folder .*there cannot be used/],
      ['--listen disk --memory 1M --allow-path nothing', 15, /nothing, .* is not there/],
      ['--listen disk --file there --create 1M', 15, /there/],
    ] as const) {
      const ended = await place.sgring(['serve', ...line.split(' ')])
      assert.equal(ended.code, code, `${line}: ${ended.stderr}`)
      assert.match(ended.stderr, message)
      assert.equal(ended.stderr.split('\n').length, 2)
    }
    assert.equal(existsSync(place.path('x')), false)
  },
  SLOW,
)

test(
  'refuses a path that leaves no room for the socket beside it, before anything is made',
  async () => {
    const listen = (bytes: number) => place.path('x'.repeat(bytes + 1 - place.path('x').length))
    for (const bytes of [102, 120]) {
      const unit = ['--file', 'new.img', '--create', '1M']
      const { code, stderr } = await place.sgring([
        'serve',
        '--listen',
        listen(bytes),
        ...unit,
        '--json',
      ])
      const { error } = JSON.parse(stderr)
      assert.deepEqual([code, error.code], [15, 'ERR_SGRING_PATH_TOO_LONG'])
      assert.match(error.message, new RegExp(`has ${bytes} bytes; at most 101 are possible`))
      assert.equal(existsSync(place.path('new.img')), false)
    }
    const name = 'n'.repeat(101 - place.path('sgring/.sock').length)
    assert.equal((await place.sgring(['serve', '--listen', `${name}n`, '--memory', '1M'])).code, 15)
    assert.equal(existsSync(place.path('sgring')), false)
    await place.serve(['--listen', name, '--memory', '1M'])
    assert.equal((await place.sgring(['admin', `ring:${name}`, 'show'])).code, 0)
  },
  { deadlineMs: 60_000 },
)

test('makes no file where the socket beside it cannot be', async () => {
  place.file('s.admin', 'precious')
  const unit = ['--file', 'new.img', '--create', '1M']
  const { code, stderr } = await place.sgring(['serve', '--listen', './s', ...unit])
  assert.deepEqual([code, /s\.admin exists and is no socket/.test(stderr)], [15, true])
  assert.equal(existsSync(place.path('new.img')), false)
})

test('ends where the folder of names cannot be made', async () => {
  const { stdout, stderr } = await place.shell(
    'XDG_RUNTIME_DIR=/proc/none sgring serve --listen disk --memory 1M; echo $?',
  )
  assert.match(stderr, /^sgring: ENOENT: .*\/proc\/none/)
  assert.equal(stdout.toString(), '15\n')
})

test('a unit is who its flags say that it is (spc-4 6.6, 7.8)', async () => {
  await place.serve(
    '--listen disk --memory 1M --vendor ACME --product DISK --revision 7.b --serial S-1'.split(' '),
  )
  const { stdout } = await place.sgring(['inquiry', 'ring:disk', '--json'])
  const { vendor, product, revision } = JSON.parse(stdout.toString())
  assert.deepEqual([vendor, product, revision], ['ACME', 'DISK', '7.b'])
  const serial = ['12', '01', '80', '00', '60', '00', '--in', '96', '--binary']
  const page = await place.sgring(['raw', 'ring:disk', ...serial])
  assert.equal(page.stdout.subarray(4).toString(), 'S-1')
})

test('a device of a file is meant to be changed, as one of a flag is', async () => {
  place.file('c.json', '{"listen": "disk", "units": [{"device": "/dev/none"}]}')
  const plain = await place.sgring(['serve', '--config', 'c.json', '--yes', '--json'])
  assert.equal(JSON.parse(plain.stderr).error.code, 'ERR_SGRING_NO_DEVICE')
  const flag = await place.sgring(['serve', '--listen', 'disk', '--device', 'none', '--yes'])
  assert.match(flag.stderr, /--device is a node in \/dev, not 'none'/)
})

test.run()
