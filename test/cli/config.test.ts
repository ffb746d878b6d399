import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, configJson, parseConfig } from '#dist/cli/config/config.js'
import { nearest } from '#dist/cli/config/nearest.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('the configuration of sgring serve')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

const SCHEMA_FILE = join(process.cwd(), 'config.schema.json')
const SCHEMA = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'))

const read = (value: object) => parseConfig(JSON.stringify(value), 'it', '/folder')

/** The same of disks. */
async function disks(value: object): Promise<Config> {
  const config = await read(value)
  assert.ok('units' in config)
  return config
}

/** What is wrong with a value. */
async function problems(value: object): Promise<readonly string[]> {
  const error = await read(value).then(
    () => ({ problems: [] }),
    (error) => error,
  )
  return error.problems
}

/** Every key that there is, with a value that is not its default. */
const FULL = {
  listen: '/run/disk.sock',
  mode: '0660',
  allowed_uids: [0, 1000],
  allowed_gids: [6],
  read_only_uids: [65534],
  read_only_gids: [100, 101],
  owner: 1000,
  group: 6,
  max_nexuses: 3,
  max_user_nexuses: 2,
  max_user_pairs: 4,
  max_user_connects: 50,
  max_nexus_pairs: 2,
  max_nexus_slots: 512,
  max_nexus_arena_bytes: 1 << 22,
  max_nexus_command_rate: 1000,
  allow_paths: ['/images'],
  state: '/images/state',
  grace_ms: 700,
  confine: false,
  max_pairs: 5,
  max_arena_bytes: 1 << 20,
  spin_us: 7,
  io_threads: 2,
  units: [
    {
      lun: 4,
      memory: 1 << 20,
      block_length: 4096,
      thin: true,
      removable: true,
      vendor: 'ACME',
      product: 'A DISK',
      revision: 'B.2',
      serial: 'S-1',
      max_tasks: 8,
      max_running: 2,
      task_aborted_status: true,
      max_transfer_bytes: 1 << 16,
      saved_modes: { d_sense: true, q_err: 3, swp: true },
    },
    { lun: 2, file: '/images/disk.img', read_only: true, create_bytes: 4096 },
  ],
}

test('reads every key of the schema, and writes what it reads the same', async () => {
  const { $schema: _, ...keys } = SCHEMA.properties
  assert.deepEqual(Object.keys(FULL).sort(), Object.keys(keys).sort())
  const ofUnits = new Set(FULL.units.flatMap((unit) => Object.keys(unit)))
  const { device: _alone, ...ofUnit } = SCHEMA.$defs.unit.properties
  assert.deepEqual([...ofUnits].sort(), Object.keys(ofUnit).sort())
  assert.deepEqual(configJson(await disks(FULL)), FULL)
})

test('takes sizes by powers of 1024, and paths from the folder of the file', async () => {
  const { listen, state, units } = await disks({
    listen: './disk.sock',
    state: 'disk.state',
    units: [{ memory: '3k' }, { file: 'a/b.img', create_bytes: '999T' }, { memory: '64M' }],
  })
  assert.deepEqual([listen, state], ['/folder/disk.sock', '/folder/disk.state'])
  assert.deepEqual(units, [
    { memory: 3072 },
    { file: '/folder/a/b.img', createBytes: 999 * 2 ** 40 },
    { memory: 64 << 20 },
  ])
})

test('takes a device, alone and with nothing said of it that is its own', async () => {
  const alone = { listen: 'disk', mode: '0660', units: [{ device: '/dev/sg0', read_only: true }] }
  assert.deepEqual(await read(alone), {
    listen: 'disk',
    mode: 0o660,
    device: '/dev/sg0',
    readOnly: true,
  })
  const device = { device: '/dev/sg0' }
  assert.deepEqual(await problems({ listen: 'disk', units: [{ memory: 512 }, device] }), [
    'units[1].device: a device is served alone',
  ])
  assert.deepEqual(await problems({ listen: 'disk', max_nexuses: 2, units: [device] }), [
    'max_nexuses: a device is for 1 at a time, not for 2',
  ])
  const more = { device: 'sg0', memory: 512, lun: 3, thin: true, serial: 'S' }
  assert.deepEqual(await problems({ listen: 'disk', units: [more] }), [
    'units[0]: takes one of memory, file, device',
    'units[0].device: "sg0" is not a node in /dev',
    'units[0].lun: does not go with device',
    'units[0].thin: does not go with device',
    'units[0].serial: does not go with device',
  ])
})

test('tells all errors at once, each with its place', async () => {
  const unit = (more: object) => ({ memory: '1M', ...more })
  assert.deepEqual(
    await problems({
      lisen: 'disk',
      mode: '888',
      io_threads: 0,
      units: [
        unit({ block_lenght: 4096, lun: -1 }),
        unit({ file: 'x', lun: 16_384 }),
        { read_only: true },
        7,
        unit({ memory: '12X', thin: 'yes', block_length: 520 }),
        unit({ memory: 1.5, vendor: 'NINE CHARS', zzz: 1, serial: 'a b' }),
      ],
    }),
    [
      'listen: is missing',
      'lisen: there is no such key; did you mean listen?',
      'mode: "888" is not permission bits in octal, as "0660"',
      'io_threads: 0 is less than 1',
      'units[0].block_lenght: there is no such key; did you mean block_length?',
      'units[0].lun: -1 is less than 0',
      'units[1]: takes one of memory, file, device',
      'units[1].lun: 16384 is more than 16383',
      'units[2]: takes one of memory, file, device',
      'units[3]: 7 is not a unit',
      'units[4].memory: "12X" is not a size: bytes, or 512K, 64M, 1G by powers of 1024',
      'units[4].block_length: 520 is not 512 or 4096',
      'units[4].thin: "yes" is not true or false',
      'units[5].zzz: there is no such key',
      'units[5].memory: 1.5 is not a size: bytes, or 512K, 64M, 1G by powers of 1024',
      'units[5].vendor: "NINE CHARS" is not 1 to 8 printable ASCII characters',
      'units[5].serial: "a b" is not 1 to 64 printable ASCII characters without blanks',
    ],
  )
})

test('tells a LUN that two units have, by its place or by what they say', async () => {
  const units = [{ memory: 512 }, { memory: 512 }, { memory: 512, lun: 1 }]
  assert.deepEqual(await problems({ listen: 'disk', units }), [
    'units[2].lun: LUN 1 is that of units[1]',
  ])
})

test('takes no size that is no safe number of bytes', async () => {
  for (const memory of ['9999999999999999', '1000T', '0', '-1', '', 2 ** 53, 0]) {
    const [problem, ...more] = await problems({ listen: 'disk', units: [{ memory }] })
    assert.match(problem ?? '', /^units\[0\]\.memory: /)
    assert.deepEqual(more, [])
  }
})

test('says where a file is no JSON', async () => {
  const error = await parseConfig('{\n  "listen": disk }', 'disks.json', '/').catch((e) => e)
  assert.match(error.message, /^disks\.json: (line 2, column 13: )?no JSON: /)
})

test('knows what may have been meant', () => {
  const names = ['memory', 'file', 'read_only', 'block_length']
  assert.equal(nearest('memroy', names), 'memory')
  assert.equal(nearest('readonly', names), 'read_only')
  assert.equal(nearest('fil', names), 'file')
  assert.equal(nearest('size', names), undefined)
})

test('is told line by line on stderr, and as JSON', async () => {
  place.file(
    'bad.json',
    '{"listen": "disk", "units": [{"memory": 0}, {"lun": "x", "memory": 512}]}',
  )
  const plain = await place.sgring(['serve', '--config', 'bad.json'])
  assert.deepEqual(
    [plain.code, plain.stderr.split('\n')],
    [
      1,
      [
        'sgring: bad.json has 2 errors',
        '  units[0].memory: 0 is less than 1',
        '  units[1].lun: "x" is not a whole number',
        '',
      ],
    ],
  )
  const json = await place.sgring(['serve', '--config', 'bad.json', '--json'])
  const { error } = JSON.parse(json.stderr)
  assert.deepEqual([error.exit_code, error.problems.length], [1, 2])
  place.file('one.json', '{"listen": "disk", "units": [{"memory": 0}]}')
  const one = await place.sgring(['serve', '--config', 'one.json'])
  assert.equal(one.stderr, 'sgring: one.json: units[0].memory: 0 is less than 1\n')
  assert.equal((await place.sgring(['serve', '--config', 'none.json'])).code, 15)
  const piped = await place.shell('cat one.json | sgring serve --config /dev/stdin')
  assert.match(piped.stderr, /^sgring: \/dev\/stdin is no regular file: /)
})

test('stands alone: a flag beside it that says what is served is refused by name', async () => {
  place.file('c.json', '{"listen": "disk", "units": []}')
  for (const flag of [['--listen', 'other'], ['--memory', '1M'], ['--thin']]) {
    const { code, stderr } = await place.sgring(['serve', '--config', 'c.json', ...flag])
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`--config and ${flag[0]} do not go together`))
  }
})

test('says what is served: the schema is printed as it stands in the package', async () => {
  const { code, stdout } = await place.sgring(['serve', '--schema'])
  assert.deepEqual([code, stdout.toString()], [0, readFileSync(SCHEMA_FILE, 'utf8')])
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  assert.equal(manifest.exports['./config.schema.json'], './config.schema.json')
})

test('serves what it says: LUNs, identities, permissions', async () => {
  place.file(
    'disks.json',
    JSON.stringify({
      $schema: './config.schema.json',
      listen: 'disk',
      mode: '0660',
      units: [
        { memory: '2M', serial: 'S-1', vendor: 'ACME', product: 'FAST', block_length: 4096 },
        { file: 'images/a.img', create_bytes: '1M', lun: 9 },
      ],
    }),
  )
  await place.shell('mkdir images')
  const server = await place.serve(['--config', 'disks.json', '--json'])
  const { luns, address } = JSON.parse(server.line)
  assert.equal(address, 'ring:disk')
  assert.deepEqual(
    luns.map(({ lun }: { lun: number }) => lun),
    [0, 9],
  )
  const { targets } = JSON.parse(
    (await place.sgring(['list', '--timeout', '15', '--json'])).stdout.toString(),
  )
  const seen = targets[0].units.map(({ lun, is }: { lun: number; is: Record<string, unknown> }) => [
    lun,
    is.vendor,
    is.product,
    is.size,
  ])
  assert.deepEqual(seen, [
    [0, 'ACME', 'FAST', { blocks: '512', block_length: 4096 }],
    [9, 'sgring', 'DISK IN A FILE', { blocks: '2048', block_length: 512 }],
  ])
  const { stdout } = await place.shell(
    'stat -c %a sgring/disk.sock sgring/disk.sock.admin images/a.img',
  )
  assert.match(stdout.toString(), /^660\n600\n/)
})

test('names the LUN of a unit that cannot be served', async () => {
  const units = [{ memory: 1 << 20 }, { file: 'nothing.img' }]
  place.file('c.json', JSON.stringify({ listen: 'disk', units }))
  const { code, stderr } = await place.sgring(['serve', '--config', 'c.json'])
  assert.equal(code, 15)
  assert.match(stderr, /^sgring: LUN 1: .*nothing\.img/)
})

test(
  'serves 16,384 units from one file',
  async () => {
    const units = Array.from({ length: 16_384 }, (_, lun) => ({ lun, memory: '1M' }))
    place.file('c.json', JSON.stringify({ listen: 'disk', units }))
    const { line } = await place.serve(['--config', 'c.json'])
    assert.match(line, /LUN 7 1\.0 MiB, 16376 more; process \d+$/)
    const luns = JSON.parse((await place.sgring(['luns', 'ring:disk', '--json'])).stdout.toString())
    assert.equal(luns.luns.length, 16_384)
    assert.equal((await place.sgring(['turs', 'ring:disk/16383'])).code, 0)
    const shown = await place.sgring(['admin', 'ring:disk', 'show', '--json'])
    assert.equal(JSON.parse(shown.stdout.toString()).units.length, 16_384)
    // Without the units, a server takes some 60 MiB.
    const stat = await place.sgring(['stat', 'ring:disk', '--json'])
    const { resident_bytes: bytes } = JSON.parse(stat.stdout.toString())
    assert.ok(bytes < 640 << 20, `${bytes} bytes`)
  },
  { deadlineMs: 120_000 },
)

test.run()
