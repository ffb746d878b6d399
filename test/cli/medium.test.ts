import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { checkCondition, type Handler, SenseCode, SenseKey, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const MIB = 1 << 20
const test = suite('sgring opcodes, unmap and verify of a medium')
let place: Place
test.before.each(async () => {
  place = new Place()
  const units = ['--memory', '32M', '--thin', '--memory', '32M', '--block-length', '4096']
  await place.serve(['--listen', 'disk', ...units])
})
test.after.each(() => place.remove())

const sgring = (line: string, input?: Uint8Array) => place.sgring(line.split(' '), input)

test('opcodes tells every command on a line, and as JSON (spc-4 6.35)', async () => {
  const { code, stdout, stderr } = await sgring('opcodes ring:disk')
  assert.equal(code, 0, stderr)
  const lines = stdout.toString().trimEnd().split('\n')
  for (const line of lines) assert.match(line, /^[\da-f]{2}h {2}[ \da-fh]{4} {2}[ \d]{3} {2}\S/)
  for (const line of [
    '00h          6  TEST UNIT READY',
    '28h         10  READ(10)',
    '9eh   10h   16  SERVICE ACTION IN(16): READ CAPACITY(16)',
    'a3h    ch   12  MAINTENANCE IN: REPORT SUPPORTED OPERATION CODES',
  ]) {
    assert.ok(lines.includes(line), line)
  }
  const json = await sgring('opcodes ring:disk --timeouts --json')
  const { commands } = JSON.parse(json.stdout.toString())
  assert.equal(commands.length, lines.length)
  const { name, opcode, cdb_length, timeouts } = commands[0]
  assert.deepEqual([name, opcode, cdb_length], ['TEST UNIT READY', 0, 6])
  assert.equal(typeof timeouts.nominal, 'number')
})

test('opcodes tells which bits of one command count, and by 36 that there is no such command', async () => {
  const inquiry = await sgring('opcodes ring:disk --one 12')
  assert.equal(inquiry.code, 0)
  assert.match(
    inquiry.stdout.toString(),
    /^command +INQUIRY\nsupported +as its standard says\nCDB bits +12 0[13] ff ff ff [\da-f]{2}\n$/,
  )
  const unknown = await sgring('opcodes ring:disk --one 0xc1')
  assert.deepEqual(
    [unknown.code, unknown.stdout.toString()],
    [36, 'command    operation code c1h\nsupported  no\n'],
  )
  assert.equal((await sgring('opcodes ring:disk --one 9e,12 --json')).code, 0)
  const wrong = await sgring('opcodes ring:disk --one read')
  assert.match(wrong.stderr, /--one is an operation code in hex, as 42 or 9e,10, not 'read'/)
})

test('unmap does nothing without --yes, and says what it would do', async () => {
  const data = randomBytes(MIB)
  await sgring('copy - ring:disk', data)
  const { code, stderr } = await sgring('unmap ring:disk --lba 8 --blocks 16')
  assert.deepEqual(
    [code, stderr],
    [
      1,
      'sgring: --yes unmaps 16 blocks (8.0 KiB) from 8 of ring:disk, LUN 0: sgring DISK IN MEMORY, 32.0 MiB\n',
    ],
  )
  const { stdout } = await sgring(`copy ring:disk - --bs 1M --count 1`)
  assert.ok(stdout.equals(data))
})

test('unmap takes the contents of blocks, and of no others', async () => {
  const data = randomBytes(MIB)
  await sgring('copy - ring:disk', data)
  const { code, stderr } = await sgring('unmap ring:disk --lba 8 --blocks 16 --yes')
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^unmapping 16 blocks .* 32\.0 MiB\nunmapped 8\.0 KiB\n$/)
  const { stdout } = await sgring('copy ring:disk - --bs 1M --count 1')
  assert.ok(stdout.equals(data.fill(0, 8 * 512, 24 * 512)))
  const all = await sgring('unmap ring:disk --lba 0 --blocks 65536 --yes --json')
  assert.deepEqual(JSON.parse(all.stdout.toString()), {
    lba: '0',
    blocks: '65536',
    bytes: 32 * MIB,
  })
  const after = await sgring('copy ring:disk - --bs 1M --count 1')
  assert.ok(after.stdout.every((byte) => byte === 0))
})

test('unmap refuses what is beyond the unit, and a unit that is not thin', async () => {
  assert.equal((await sgring('unmap ring:disk --lba 65536 --blocks 1 --yes')).code, 22)
  assert.equal((await sgring('unmap ring:disk --lba 0 --yes')).code, 1)
  const thick = await sgring('unmap ring:disk/1 --lba 0 --blocks 1 --yes')
  assert.ok([5, 9].includes(thick.code ?? 0), thick.stderr)
})

test('verify of a unit alone has the unit read its medium (sbc-3 5.31)', async () => {
  const { code, stderr } = await sgring('verify ring:disk')
  assert.deepEqual([code, /^verified 32\.0 MiB in /.test(stderr)], [0, true])
  const part = await sgring('verify ring:disk/1 --skip 16 --count 8 --json')
  const { bytes, verified } = JSON.parse(part.stdout.toString())
  assert.deepEqual([part.code, bytes, verified], [0, 8 * 4096, true])
  assert.equal((await sgring('verify notes.txt')).code, 1)
})

test('verify names the block that the medium lost', async () => {
  const worn: Handler = (task, next) =>
    task.cdb[0] === 0x8f
      ? checkCondition(SenseKey.MEDIUM_ERROR, SenseCode.UNRECOVERED_READ_ERROR, {
          information: 77,
        })
      : next()
  const server = await serve({
    listen: place.path('worn.sock'),
    units: [{ memory: MIB, handler: worn }],
  })
  try {
    const { code, stderr } = await sgring(`verify ring:${server.listen}`)
    assert.equal(code, 3)
    assert.match(stderr, /^block 77 is in error\nsgring: MEDIUM ERROR: UNRECOVERED READ ERROR/)
  } finally {
    await server.close()
  }
})

test.run()
