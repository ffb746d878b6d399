import assert from 'node:assert/strict'
import { good, SenseKey, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring modes and logs')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

const out = async (line: string) => {
  const { code, stdout, stderr } = await place.sgring(line.split(' '))
  assert.equal(code, 0, stderr)
  return stdout.toString()
}
const json = async (line: string) => JSON.parse(await out(`${line} --json`))
const refused = async (line: string) => {
  const { code, stdout, stderr } = await place.sgring(line.split(' '))
  assert.equal(stdout.toString(), '')
  return [code, stderr]
}

test('tells the fields of all pages, and which can be changed', async () => {
  const file = place.file('disk.img', new Uint8Array(1 << 20))
  await place.serve(['--listen', 'disk', '--file', file])
  const text = await out('modes ring:disk')
  assert.match(text, /^write protected +no\nDPO and FUA +yes\nblocks +2048 of 512 bytes\n\ncaching/)
  assert.match(text, /^caching \(08h\)\n(?: {2}.*\n)* {2}WCE +1 {2}changeable$/m)
  assert.match(text, /^control \(0ah\)\n(?: {2}.*\n)* {2}QUEUE ALGORITHM MODIFIER +1$/m)
})

test('sets fields by their names, and saves them', async () => {
  const file = place.file('disk.img', new Uint8Array(1 << 20))
  await place.serve(['--listen', 'disk', '--file', file])
  assert.equal(
    await out('modes ring:disk --set wce=0 --set D_SENSE=1 --save'),
    'WCE      1 -> 0  caching (08h)\nD_SENSE  0 -> 1  control (0ah)\nsaved\n',
  )
  const saved = await json('modes ring:disk --page 8 --saved')
  assert.equal(saved.pages[0].fields.wce, false)
  const { pages } = await json('modes ring:disk')
  assert.deepEqual(
    pages.map(({ page, savable, fields, changeable }: never) => [
      page,
      savable,
      (fields as { d_sense?: boolean }).d_sense,
      changeable,
    ]),
    [
      [8, true, undefined, ['WCE', 'RCD']],
      [10, true, true, ['D_SENSE', 'QERR', 'SWP', 'TAS']],
      [28, true, undefined, ['DEXCPT', 'TEST']],
    ],
  )
  const factory = await json('modes ring:disk --page 0ah --default')
  assert.equal(factory.pages[0].fields.d_sense, false)
  const { changes } = await json('modes ring:disk --page 10 --set d_sense=0')
  assert.deepEqual(changes, [
    { page: 10, subpage: 0, field: 'D_SENSE', before: true, after: false },
  ])
  assert.equal(await out('modes ring:disk --save'), 'saved\n')
})

test('names what is wrong with what is set', async () => {
  await place.serve(['--listen', 'disk', '--memory', '8M'])
  for (const [line, message] of [
    ['--set WCE', "--set is FIELD=VALUE, as WCE=0, not 'WCE'"],
    ['--set FOO=1', 'no page that this unit has has a field FOO'],
    ['--set TST=8', 'TST is 0 to 7, not 8'],
    ['--set TAS=1 --saved', '--set and --save are about the current values'],
    ['--saved --default', '--changeable, --default and --saved exclude each other'],
    ['--page 64', "--page is a page code and perhaps a subpage code, as 0x0a or 0x0a,1, not '64'"],
  ] as const) {
    assert.deepEqual(await refused(`modes ring:disk ${line}`), [1, `sgring: ${message}\n`])
  }
  const [code, stderr] = await refused('modes ring:disk --set TST=1')
  assert.equal(code, 5)
  assert.match(String(stderr), /^changing ring:disk, LUN 0: TST=1\nsgring: ILLEGAL REQUEST/)
})

test('uses the 6-byte commands where there are no others', async () => {
  const sent: number[] = []
  const server = await serve({
    listen: place.path('old.sock'),
    units: [
      {
        memory: 1 << 20,
        handler: (task, next) => {
          const opcode = task.cdb[0]!
          sent.push(opcode)
          return opcode === 0x5a || opcode === 0x55
            ? {
                status: 2,
                sense: Uint8Array.of(0x72, SenseKey.ILLEGAL_REQUEST, 0x20, 0, 0, 0, 0, 0),
              }
            : next()
        },
      },
    ],
  })
  try {
    const text = await out(`modes ring:${place.path('old.sock')} --set SWP=1`)
    assert.equal(text, 'SWP  0 -> 1  control (0ah)\n')
    assert.deepEqual(
      sent.filter((opcode) => opcode !== 0x12),
      [0x5a, 0x1a, 0x15],
    )
  } finally {
    await server.close()
  }
})

test('tells the log pages of a disk, and what they say', async () => {
  const file = place.path('thin.img')
  await place.serve(['--listen', 'disk', '--file', file, '--create', '64M', '--thin'])
  await out('read ring:disk --blocks 8 --out /dev/null')
  assert.equal(
    await out('logs ring:disk'),
    [
      'supported log pages (00h)',
      'supported subpages (00h,ffh)',
      'write error counters (02h)',
      'read error counters (03h)',
      'verify error counters (05h)',
      'logical block provisioning (0ch)',
      'general statistics and performance (19h)',
      'informational exceptions (2fh)',
      '',
    ].join('\n'),
  )
  assert.match(await out('logs ring:disk --page 3'), /^ *total bytes processed +4096$/m)
  const { fields } = await json('logs ring:disk --page 0ch')
  assert.deepEqual([fields.used, fields.used_scope], [0, 1])
})

test('tells the log pages of a target, and what one of them says', async () => {
  await place.serve(['--listen', 'disk', '--memory', '8M'])
  assert.match(
    await out('logs ring:disk --target'),
    /^supported log pages \(00h\)\nsupported subpages \(00h,ffh\)\nprotocol specific port \(18h\)\n/,
  )
  const { name, list } = await json('logs ring:disk --target --page 18h')
  assert.deepEqual(
    [name, list],
    ['protocol specific port', [{ relative_target_port: 1, protocol: 15, phys: [], other: '' }]],
  )
})

test('tells the values of a log page by their names, or its parameters where it has none', async () => {
  const pages = new Map([
    [0x0d, Uint8Array.of(0x0d, 0, 0, 12, 0, 0, 3, 2, 0, 37, 0, 1, 3, 2, 0, 60)],
    [0x3a, Uint8Array.of(0x3a, 0, 0, 6, 0x12, 0x34, 3, 2, 0xab, 0xcd)],
  ])
  const server = await serve({
    listen: place.path('own.sock'),
    units: [
      {
        vendor: 'ACME',
        product: 'LOGS',
        handler: (task, next) =>
          task.cdb[0] === 0x4d ? good(pages.get(task.cdb[2]! & 0x3f)) : next(),
      },
    ],
  })
  try {
    const unit = `ring:${place.path('own.sock')}`
    assert.equal(
      await out(`logs ${unit} --page 0x0d`),
      'temperature (0dh)\ntemperature            37\nreference temperature  60\n',
    )
    assert.equal(await out(`logs ${unit} --page 0x3a`), 'unknown page (3ah)\n1234h  ab cd\n')
    const { fields, parameters } = await json(`logs ${unit} --page 13`)
    assert.deepEqual(fields, { temperature: 37, reference_temperature: 60 })
    assert.deepEqual(parameters[0], { code: 0, control: 3, value: '0025' })
  } finally {
    await server.close()
  }
})

test.run()
