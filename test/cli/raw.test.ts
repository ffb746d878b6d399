import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const NO_SG =
  spawnSync('sg_inq', ['--version']).error === undefined
    ? undefined
    : 'needs sg_inq: apt-get install sg3-utils'

const test = suite('sgring raw')
let place: Place
test.before.each(async () => {
  place = new Place()
  await place.serve([
    '--listen',
    'disk',
    '--memory',
    '8M',
    '--file',
    'locked.img',
    '--create',
    '1M',
  ])
})
test.after.each(() => place.remove())

const raw = (line: string, input?: Uint8Array) =>
  place.sgring(['raw', 'ring:disk', ...line.split(' ')], input)

test('names what it sends to where, and dumps what comes', async () => {
  const { code, stdout, stderr } = await raw('12 00 00 00 24 00 --in 36')
  assert.equal(code, 0)
  assert.equal(
    stderr,
    'sending to ring:disk, LUN 0: INQUIRY: 12 00 00 00 24 00, up to 36 bytes in\n',
  )
  assert.match(stdout.toString(), /^0000 {2}00 00 0[67] .* \.{8}sgring {2}\n0010 {2}44 49 53 4b/)
})

test('prints data as they came, or as hex alone', async () => {
  const binary = await raw('120000002400 --in 36 --binary')
  assert.equal(binary.stdout.length, 36)
  const hex = await raw('12,0,0,0,24,0 --in 36 --hex')
  const bytes = Buffer.from(hex.stdout.toString().replaceAll(/\s/g, ''), 'hex')
  assert.ok(bytes.equals(binary.stdout))
})

test(
  'prints hex that sg_inq takes by --inhex',
  async () => {
    const { stdout } = await place.shell(
      'sgring raw ring:disk 12 00 00 00 60 00 --in 96 --hex | sg_inq --inhex=-',
    )
    assert.match(stdout.toString(), /Product identification: DISK IN MEMORY/)
  },
  { skip: NO_SG },
)

test('sends data from a file, from stdin, or from the command line', async () => {
  const data = randomBytes(512)
  place.file('block', data)
  const write = '8a 00 00 00 00 00 00 00 00 07 00 00 00 01 00 00'
  const read = '88 00 00 00 00 00 00 00 00 07 00 00 00 01 00 00 --in 512 --binary'
  assert.equal((await raw(`${write} --out block`)).code, 0)
  assert.ok((await raw(read)).stdout.equals(data))
  assert.equal((await raw(`${write} --out -`, new Uint8Array(512).fill(3))).code, 0)
  assert.ok((await raw(read)).stdout.equals(Buffer.alloc(512, 3)))
  const { stderr } = await raw(`${write} --out hex:${data.toString('hex')}`)
  assert.match(stderr, /WRITE\(16\): 8a 00 .* 512 bytes out$/m)
  assert.ok((await raw(read)).stdout.equals(data))
})

test('ends with the exit code of the status, and tells sense data in words', async () => {
  const unknown = await raw('c1 00 00 00 00 00')
  assert.equal(unknown.code, 9)
  assert.match(unknown.stderr, /operation code c1h: c1 00/)
  assert.match(unknown.stderr, /^sense key +ILLEGAL REQUEST \(5h\)$/m)
  assert.match(unknown.stderr, /^sgring: ILLEGAL REQUEST: INVALID COMMAND OPERATION CODE/m)
  const beyond = await raw('28 00 ff ff ff ff 00 00 01 00 --in 512')
  assert.equal(beyond.code, 22)
})

test('tells all as JSON, the exit code beside it', async () => {
  const good = await raw('12 00 00 00 06 00 --in 36 --json')
  assert.deepEqual([good.code, good.stderr], [0, ''])
  const { data, ...rest } = JSON.parse(good.stdout.toString())
  assert.deepEqual(rest, {
    command: 'INQUIRY',
    status: 0,
    status_name: 'GOOD',
    sense: '',
    residual: 30,
    residual_out: 0,
  })
  assert.match(data, /^00 00 0[67]( [\da-f]{2}){3}$/)
  const bad = await raw('c1 00 00 00 00 00 --json')
  assert.equal(bad.code, 9)
  const told = JSON.parse(bad.stdout.toString())
  assert.deepEqual([told.status, told.status_name], [2, 'CHECK CONDITION'])
  assert.match(told.sense, /^7[02] /)
})

test('moves as much as is asked for, beyond what a nexus mostly has room for', async () => {
  const { code, stderr } = await raw(`12 00 00 00 24 00 --in 100M --json`)
  assert.equal(code, 0, stderr)
})

test('refuses what is no CDB, and two forms at once', async () => {
  for (const [line, message] of [
    ['', /a CDB has 6 to 260 bytes/],
    ['12 00', /a CDB has 6 to 260 bytes/],
    ['12 00 00 00 24 0x', /CDB is bytes in hex, as "12 00 24", not '0x'/],
    ['12 00 00 00 24 123', /not '123'/],
    ['120000002400 --hex --binary', /--hex and --binary exclude each other/],
    ['120000002400 --in 0', /--in is a number of bytes/],
  ] as const) {
    const { stderr, stdout, code } = await raw(line)
    assert.deepEqual([code, stdout.length], [1, 0])
    assert.match(stderr, message)
  }
  assert.equal((await raw('120000002400 --out nothing')).code, 15)
})

test.run()
