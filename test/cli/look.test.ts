import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring list, luns and sense')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

/** For a server that answers, on however slow a machine. */
const PATIENT = ['--timeout', '15']

const json = async (line: string) => {
  const { code, stdout, stderr } = await place.sgring([...line.split(' '), '--json'])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout.toString())
}

test('list tells each unit of each target on a line', async () => {
  await place.serve(['--listen', 'one', '--memory', '8M', '--memory', '1G'])
  await place.serve(['--listen', 'two.b', '--memory', '512'])
  const { code, stdout, stderr } = await place.sgring(['list', ...PATIENT])
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(targetLines(stdout), [
    'ring:one    direct access block  sgring  DISK IN MEMORY  8.0 MiB',
    'ring:one/1  direct access block  sgring  DISK IN MEMORY  1.0 GiB',
    'ring:two.b  direct access block  sgring  DISK IN MEMORY  512 B',
  ])
})

test('list tells a socket that nobody serves, and leaves it alone', async () => {
  const server = await place.serve(['--listen', 'gone', '--memory', '8M'])
  await place.serve(['--listen', 'here', '--memory', '8M'])
  server.child.kill('SIGKILL')
  await server.ended()
  for (let time = 0; time < 2; time++) {
    const { targets } = await json(['list', ...PATIENT].join(' '))
    assert.deepEqual(
      targets.map(({ address, stale, units }: never) => [address, stale, (units as []).length]),
      [
        ['ring:gone', true, 0],
        ['ring:here', false, 1],
      ],
    )
  }
  const { stdout } = await place.sgring(['list'])
  assert.match(stdout.toString(), /^ring:gone +stale: nobody serves .*\/sgring\/gone\.sock$/m)
})

test('list tells one that does not answer in time, and passes over what is no socket', async () => {
  await place.serve(['--listen', 'here', '--memory', '8M'])
  writeFileSync(place.path('sgring/file.sock'), '')
  const silent = createServer().listen(place.path('sgring/silent.sock'))
  try {
    const { stdout, code } = await place.sgring(['list', '--timeout', '5'])
    assert.equal(code, 0)
    const [here, quiet, ...more] = targetLines(stdout)
    assert.match(here!, /^ring:here .*8\.0 MiB$/)
    assert.match(quiet!, /^ring:silent +no answer: /)
    assert.deepEqual(more, [])
  } finally {
    silent.close()
  }
})

test('list says on stderr where there is nothing', async () => {
  const { code, stdout, stderr } = await place.sgring(['list'])
  const { devices, ...rest } = await json('list')
  assert.deepEqual(rest, { folder: place.path('sgring'), targets: [], transport_nodes: [] })
  assert.deepEqual([code, targetLines(stdout)], [0, []])
  const nothing = `no targets in ${place.path('sgring')}, and no SCSI devices\n`
  assert.equal(stderr, devices.length === 0 ? nothing : '')
})

/** Without the SCSI devices of this machine. */
function targetLines(stdout: Buffer): string[] {
  const lines = stdout.toString().split('\n')
  return lines.filter((line) => line.startsWith('ring:'))
}

test('luns tells a LUN a line, and well known ones by name (spc-4 6.33)', async () => {
  await place.serve(['--listen', 'disk', '--memory', '8M', '--memory', '8M'])
  const units = await place.sgring(['luns', 'ring:disk/1'])
  assert.equal(units.stdout.toString(), '0\n1\n')
  const all = await place.sgring(['luns', 'ring:disk', '--select', 'all'])
  assert.match(all.stdout.toString(), /^0\n1\n(c10[13]000000000000h {2}[A-Z ]+\n)+$/)
  const wrong = await place.sgring(['luns', 'ring:disk', '--select', 'some'])
  assert.deepEqual(
    [wrong.code, wrong.stderr],
    [1, "sgring: --select is units, well-known or all, not 'some'\n"],
  )
})

test('sense tells what a unit has to say: POWER ON to a new nexus (sam-5 5.14)', async () => {
  await place.serve(['--listen', 'disk', '--memory', '8M'])
  const { stdout } = await place.sgring(['sense', 'ring:disk'])
  assert.match(
    stdout.toString(),
    /^sense key +UNIT ATTENTION \(6h\)\nadditional sense +POWER ON.* \(29h 0[01]h\)\nformat +fixed, of this command\n/,
  )
  const descriptor = await json('sense ring:disk --descriptor')
  assert.deepEqual([descriptor.response_code, descriptor.key], [0x72, 6])
})

test('sense decodes bytes of either format, however they are written', async () => {
  for (const hex of [
    '72 05 20 00 00 00 00 14 02 06 00 00 c8 00 02 00 00 0a 80 00 00 00 00 00 00 00 12 34',
    '0x72,5,0x20,0,0,0,0,0x14 02060000c8000200 000a8000 0000000000001234',
  ]) {
    const { code, stdout } = await place.sgring(['sense', '--hex', hex])
    assert.equal(code, 0)
    const text = stdout.toString()
    assert.match(text, /^sense key +ILLEGAL REQUEST \(5h\)$/m)
    assert.match(text, /^additional sense +INVALID COMMAND OPERATION CODE \(20h 00h\)$/m)
    assert.match(text, /^information +4660 \(1234h\)$/m)
    assert.match(text, /^about +byte 2 bit 0 of the CDB is in error$/m)
  }
  const { stdout } = await place.sgring(['sense', '--hex', 'f00003000012340a00000000110005'])
  assert.match(stdout.toString(), /^replaceable unit +05h$/m)
})

test('sense tells what the descriptors of other types say (spc-5 4.4.2)', async () => {
  for (const [descriptor, pattern] of [
    [
      '090c00000050000100020003e050',
      /^ATA status return +status 50h, error 00h, device e0h, count 80, LBA 197121$/m,
    ],
    ['0a06020404008000', /^also going on +50\.0% done: NOT READY \(2h\), .*FORMAT IN PROGRESS/m],
    [
      '0c0a0102f00003000000000a',
      /^forwarded +from source 1h, with status 02h\n {2}sense key +MEDIUM ERROR/m,
    ],
    ['0c040002ffff', /^forwarded +from source 0h, with status 02h: ff ff$/m],
    ['0f060000000000 1e', /^microcode +activating it takes 30 s/m],
    ['80021234', /^descriptor +unknown \(80h\): 12 34$/m],
  ] as const) {
    const bytes = descriptor.replaceAll(' ', '')
    const length = (bytes.length / 2).toString(16).padStart(2, '0')
    const hex = `7205200000000000`.slice(0, 14) + length + bytes
    const { stdout, stderr } = await place.sgring(['sense', '--hex', hex])
    assert.match(stdout.toString(), pattern, stderr)
  }
})

test('sense refuses what is no sense data, or both or none of unit and bytes', async () => {
  for (const [line, code, message] of [
    [['sense', '--hex', '7f 00'], 97, /response code 7fh/],
    [['sense', '--hex', 'xyz'], 1, /--hex is bytes in hex, as "12 00 24", not 'xyz'/],
    [['sense', '--hex', '70', 'ring:disk'], 1, /--hex asks no unit/],
    [['sense'], 1, /a unit or --hex is missing/],
  ] as const) {
    const ended = await place.sgring(line)
    assert.equal(ended.code, code, ended.stderr)
    assert.match(ended.stderr, message)
  }
})

test.run()
