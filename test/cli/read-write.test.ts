import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { MAIN, Place, type Serving } from './program.ts'

const MIB = 1 << 20
const NO_LOOP = 'needs root and loop devices: losetup, of util-linux'
const test = suite('sgring read and write')
let place: Place
let server: Serving

test.before.each(async () => {
  place = new Place()
  place.file('locked.img', new Uint8Array(MIB))
  const locked = ['--file', 'locked.img', '--read-only']
  const large = ['--memory', '8M', '--block-length', '4096', '--memory', '96M']
  server = await place.serve(['--listen', 'disk', '--memory', '64M', ...locked, ...large])
})
test.after.each(() => place.remove())

test('write a file and read it back, at any block', async () => {
  const data = randomBytes(21 * MIB + 512)
  place.file('in', data)
  const written = await place.sgring([
    'write',
    'ring:disk',
    '--in',
    'in',
    '--lba',
    '0x10',
    '--json',
  ])
  assert.deepEqual([written.code, written.stderr], [0, ''])
  const { seconds, ...rest } = JSON.parse(written.stdout.toString())
  assert.equal(typeof seconds, 'number')
  const blocks = String(data.length / 512)
  assert.deepEqual(rest, { bytes: data.length, blocks, block_length: 512, lba: '16', in: 'in' })

  const range = ['--lba', '16', '--blocks', blocks]
  const back = await place.sgring(['read', 'ring:disk', '--out', 'out', ...range])
  assert.equal(back.code, 0)
  assert.match(back.stderr, /^read 21\.0 MiB in \d+\.\d\d s, [\d.]+ .?B\/s\n$/)
  assert.ok(readFileSync(place.path('out')).equals(data))
})

test('write says what it writes to before it does', async () => {
  place.file('in', new Uint8Array(512))
  const { code, stdout, stderr } = await place.sgring(['write', 'ring:disk', '--in', 'in'])
  assert.deepEqual([code, stdout.length], [0, 0])
  assert.match(
    stderr,
    /^writing to ring:disk, LUN 0: sgring DISK IN MEMORY, 64\.0 MiB\nwrote 512 B in /,
  )
})

test('pipe 5 MiB in and out, without a terminal in silence', async () => {
  const data = randomBytes(5 * MIB + 4096)
  const written = await place.sgring(['write', 'ring:disk/2', '--in', '-', '--json'], data)
  assert.equal(written.code, 0, written.stderr)
  const range = ['--blocks', String(data.length / 4096)]
  const back = await place.sgring(['read', 'ring:disk/2', '--out', '-', '--json', ...range])
  assert.ok(back.stdout.equals(data))
  // The data have stdout.
  const { bytes, out } = JSON.parse(back.stderr)
  assert.deepEqual([bytes, out], [data.length, '-'])
})

test('read never replaces a file without --force, and leaves nothing half done', async () => {
  place.file('out', 'precious')
  const refused = await place.sgring(['read', 'ring:disk', '--out', 'out'])
  assert.deepEqual(
    [refused.code, refused.stderr],
    [15, 'sgring: out exists; --force replaces it\n'],
  )
  assert.equal(readFileSync(place.path('out'), 'utf8'), 'precious')

  const forced = await place.sgring([
    'read',
    'ring:disk',
    '--out',
    'out',
    '--blocks',
    '2',
    '--force',
  ])
  assert.equal(forced.code, 0)
  assert.equal(statSync(place.path('out')).size, 1024)
  assert.deepEqual(
    readdirSync(place.folder).filter((name) => name.endsWith('.part')),
    [],
  )
})

test('read takes away what it has of a file that cannot be finished', async () => {
  place.file('out', 'precious')
  // Between what the nexus takes, a file too, and the length of LUN 3.
  const limit = `ulimit -f ${80 * 1024}`
  for (const line of ['--out new', '--out out --force']) {
    const { stdout, stderr } = await place.shell(
      `${limit}; sgring read ring:disk/3 ${line}; echo $?`,
    )
    assert.deepEqual(
      [stdout.toString(), stderr],
      ['15\n', 'sgring: EFBIG: file too large, write\n'],
    )
  }
  assert.equal(readFileSync(place.path('out'), 'utf8'), 'precious')
  assert.deepEqual(readdirSync(place.folder).sort(), ['bin', 'locked.img', 'out', 'sgring'])
})

test('read to a device needs no --force', async () => {
  assert.equal((await place.sgring(['read', 'ring:disk', '--out', '/dev/null'])).code, 0)
})

test('read ends quietly when nobody reads its output any more', async () => {
  const line = 'set -o pipefail; sgring read ring:disk --out - | head -c 1000 | wc -c; echo $?'
  const { stdout, stderr } = await place.shell(line)
  assert.deepEqual([stdout.toString(), stderr], ['1000\n141\n', ''])
})

test('read tells a stdout that takes no more, on one line', async () => {
  const line = 'sgring read ring:disk --blocks 2048 --out - > /dev/full; echo $? >&2'
  const { stderr } = await place.shell(line)
  assert.equal(stderr, 'sgring: ENOSPC: no space left on device, write\n15\n')
})

test(
  'read writes to a block device by --force, and never to one that is in use',
  async () => {
    place.file('backing.img', new Uint8Array(MIB))
    const loop = await place.shell('losetup --find --show backing.img')
    const device = loop.stdout.toString().trim()
    assert.equal(loop.code, 0, loop.stderr)
    try {
      const args = ['read', 'ring:disk', '--blocks', '2', '--out', device]
      await place.sgring(['write', 'ring:disk', '--in', '-'], new Uint8Array(1024).fill(9))
      assert.equal((await place.sgring(args)).code, 15)
      const user = openSync(device, constants.O_RDONLY | constants.O_EXCL)
      const busy = await place.sgring([...args, '--force'])
      closeSync(user)
      assert.equal(busy.code, 15)
      assert.match(busy.stderr, /^sgring: EBUSY: .*\n$/)
      assert.ok(readFileSync(place.path('backing.img')).every((byte) => byte === 0))
      const forced = await place.sgring([...args, '--force'])
      assert.equal(forced.code, 0, forced.stderr)
      const written = readFileSync(place.path('backing.img'))
      assert.ok(written.subarray(0, 1024).every((byte) => byte === 9))
    } finally {
      await place.shell(`losetup --detach ${device}`)
    }
  },
  { skip: existsSync('/dev/loop-control') && process.geteuid?.() === 0 ? undefined : NO_LOOP },
)

test('write refuses input that is too long or no whole block, a file before anything is written', async () => {
  place.file('odd', new Uint8Array(1000).fill(1))
  place.file('long', new Uint8Array(8 * MIB + 4096).fill(1))
  for (const [lun, name, message] of [
    [0, 'odd', 'odd ends 488 bytes into a block of 512; --pad fills it up'],
    [2, 'long', 'long has 8392704 bytes, and the unit room for 8388608 from block 0 on'],
  ] as const) {
    const refused = await place.sgring(['write', `ring:disk/${lun}`, '--in', name])
    assert.deepEqual([refused.code, refused.stderr], [15, `sgring: ${message}\n`])
    const { stdout } = await place.sgring([
      'read',
      `ring:disk/${lun}`,
      '--out',
      '-',
      '--blocks',
      '1',
    ])
    assert.ok(stdout.every((byte) => byte === 0))
  }
})

test('write tells of a pipe that is too long or no whole block, and what is written by then', async () => {
  for (const [bytes, message] of [
    [4096 + 1, 'the input ends 1 bytes into a block of 4096; 4.0 KiB before that are written'],
    [8 * MIB + 1, 'the input is longer than the unit has room; 8.0 MiB before that are written'],
  ] as const) {
    const ended = await place.sgring(['write', 'ring:disk/2', '--in', '-'], new Uint8Array(bytes))
    assert.equal(ended.code, 15)
    assert.ok(ended.stderr.endsWith(`sgring: -: ${message}\n`), ended.stderr)
  }
})

test('write pads the last block with zeros', async () => {
  const data = randomBytes(1000)
  await place.sgring(['write', 'ring:disk', '--in', '-'], new Uint8Array(2048).fill(7))
  assert.equal((await place.sgring(['write', 'ring:disk', '--in', '-', '--pad'], data)).code, 0)
  const { stdout } = await place.sgring(['read', 'ring:disk', '--out', '-', '--blocks', '4'])
  const after = Buffer.concat([data, Buffer.alloc(24), Buffer.alloc(1024, 7)])
  assert.ok(stdout.equals(after))
})

test('end with the exit codes of sg3_utils', async () => {
  place.file('in', new Uint8Array(512))
  for (const [line, code, message] of [
    ['write ring:disk/1 --in in', 7, /DATA PROTECT: WRITE PROTECTED \(27h 00h\)/],
    ['read ring:disk/9 --out x', 5, /ILLEGAL REQUEST: LOGICAL UNIT NOT SUPPORTED/],
    ['read ring:disk --out x --lba 131072 --blocks 1', 22, /not within the unit, which has 131072/],
    ['write ring:disk --in in --lba 131073', 22, /block 131073 is not within the unit/],
    ['write ring:disk --in nothing', 15, /ENOENT/],
    ['read ring:disk --out no/such/folder', 15, /ENOENT/],
    ['read ring:disk --out /dev/full', 15, /ENOSPC/],
    ['read ring:disk', 1, /--out is missing/],
    ['read ring:disk --out x --lba many', 1, /--lba is a number, as 2048 or 0x800, not 'many'/],
    ['read ring:disk --out x --blocks 0x1ffffffffffffffff', 1, /--blocks is a number/],
  ] as const) {
    const ended = await place.sgring(line.split(' '))
    assert.equal(ended.code, code, `${line}: ${ended.stderr}`)
    assert.match(ended.stderr.trimEnd().split('\n').at(-1) ?? '', message)
    assert.equal(existsSync(place.path('x')), false)
  }
})

test('read gives up on Ctrl-C though its reader has stopped reading', async () => {
  const reading = place.start(process.execPath, [MAIN, 'read', 'ring:disk', '--out', '-'])
  const stdout = reading.child.stdout!.pause()
  // The pipe is full soon after its first bytes, which nobody takes.
  await until('bytes', () => stdout.readableLength > 0)
  reading.child.kill('SIGINT')
  assert.equal((await reading.over()).signal, 'SIGINT')
})

test('write gives up on Ctrl-C while it waits for input', async () => {
  const writing = place.start(process.execPath, [MAIN, 'write', 'ring:disk', '--in', '-'])
  await once(writing.child.stderr!, 'data')
  writing.child.kill('SIGINT')
  assert.equal((await writing.over()).signal, 'SIGINT')
})

test('give up on a target that has stopped after --timeout', async () => {
  server.child.kill('SIGSTOP')
  const late = await place.sgring(['read', 'ring:disk', '--out', 'x', '--timeout', '0.2'])
  server.child.kill('SIGCONT')
  assert.equal(late.code, 33, late.stderr)
  assert.equal(existsSync(place.path('x')), false)
})

test('write ends when its target dies while it waits for input', async () => {
  const writing = place.start(process.execPath, [MAIN, 'write', 'ring:disk', '--in', '-'])
  await once(writing.child.stderr!, 'data')
  server.child.kill('SIGKILL')
  await server.ended()
  writing.child.stdin!.on('error', () => {}).write(new Uint8Array(2 * MIB))
  assert.equal((await writing.over()).code, 99)
})

test.run()
