import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { connect, type Nexus } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring admin')
const MIB = 1 << 20
/** Many processes, one after the other. */
const SLOW = { deadlineMs: 120_000 }

let place: Place
let nexus: Nexus
test.before.each(async () => {
  place = new Place()
  place.file(
    'disks.json',
    JSON.stringify({
      listen: 'disk',
      max_nexuses: 9,
      allow_paths: ['.'],
      units: [
        { memory: '4M', thin: true, serial: 'S-1' },
        { file: 'disk.img', create_bytes: '1M', lun: 5, block_length: 4096 },
      ],
    }),
  )
  await place.serve(['--config', 'disks.json'])
  nexus = await connect(place.path('sgring/disk.sock'))
  for (const lun of [0, 5]) await nexus.unit(lun).testUnitReady()
})
test.after.each(async () => {
  await nexus.close()
  await place.remove()
})

const admin = (...args: string[]) => place.sgring(['admin', 'ring:disk', ...args])

async function json(...args: string[]) {
  const { code, stdout, stderr } = await admin(...args, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout.toString())
}

/** What the next command of a nexus at a unit is told: ASC and ASCQ of a unit attention. */
async function told(lun: number): Promise<string> {
  const unit = nexus.unit(lun, { unitAttention: 'throw' })
  return unit.testUnitReady().then(
    () => '',
    ({ asc, ascq }) => `${asc.toString(16)}/${ascq}`,
  )
}

const blocks = async (lun: number) => Number((await nexus.unit(lun).readCapacity()).lastLba) + 1

test('shows a line a unit, with sizes as they are now', async () => {
  const { code, stdout } = await admin('show')
  assert.equal(code, 0)
  const lines = stdout.toString().trimEnd().split('\n')
  assert.match(lines.pop() ?? '', /^files: .*; new privileges: none; capabilities: /)
  const rows = lines.map((row) => row.split(/ {2,}/))
  assert.deepEqual(rows, [
    ['LUN', 'size', 'block', 'commands', 'backing', 'traits'],
    ['0', '4.0 MiB', '512', '0', 'memory', 'thin, serial S-1'],
    ['5', '1.0 MiB', '4096', '0', place.path('disk.img'), '-'],
  ])
})

test(
  'shows a configuration that serves the same again',
  async () => {
    await json('add', '--memory', '3M', '--removable', '--vendor', 'ACME', '--product', 'NEW')
    await json('add', '--file', 'more.img', '--create', '2M', '--lun', '3')
    await json('resize', '0', '6M')
    const shown = await json('show')
    assert.deepEqual(shown, {
      listen: 'disk',
      max_nexuses: 9,
      allow_paths: [place.folder],
      units: [
        { lun: 0, thin: true, serial: 'S-1', memory: 6 * MIB },
        { lun: 1, removable: true, vendor: 'ACME', product: 'NEW', memory: 3 * MIB },
        { lun: 3, file: place.path('more.img') },
        { lun: 5, block_length: 4096, file: place.path('disk.img') },
      ],
    })
    const again = { ...shown, listen: 'again', units: shown.units.slice(0, 2) }
    place.file('again.json', JSON.stringify(again))
    await place.serve(['--config', 'again.json'])
    const { stdout } = await place.sgring(['admin', 'ring:again', 'show', '--json'])
    assert.deepEqual(JSON.parse(stdout.toString()), again)
  },
  SLOW,
)

test(
  'saves it, and replaces a file only by --force',
  async () => {
    assert.equal((await admin('show', '--save', 'saved.json')).code, 0)
    const saved = readFileSync(place.path('saved.json'), 'utf8')
    assert.deepEqual(JSON.parse(saved), await json('show'))
    await json('resize', '0', '5M')
    const refused = await admin('show', '--save', 'saved.json')
    assert.equal(refused.code, 15)
    assert.match(refused.stderr, /saved\.json exists; --force replaces it/)
    assert.equal(readFileSync(place.path('saved.json'), 'utf8'), saved)
    assert.equal((await admin('show', '--save', 'saved.json', '--force')).code, 0)
    assert.deepEqual(JSON.parse(readFileSync(place.path('saved.json'), 'utf8')), await json('show'))
  },
  SLOW,
)

test('adds a unit, of which every nexus hears (SPC-4 6.33)', async () => {
  assert.deepEqual(await json('add', '--memory', '2M', '--thin'), {
    lun: 1,
    memory: 2 * MIB,
    thin: true,
  })
  assert.deepEqual([await told(0), await told(5), await told(0)], ['3f/14', '3f/14', ''])
  assert.deepEqual((await nexus.unit(0).reportLuns()).luns, [0, 1, 5])
  assert.equal(await blocks(1), 4096)
})

test('removes a unit, of which every nexus hears, and lets go of its file', async () => {
  assert.equal((await admin('remove', '5')).stdout.toString(), 'LUN 5 is gone\n')
  assert.equal(await told(0), '3f/14')
  assert.deepEqual((await nexus.unit(0).reportLuns()).luns, [0])
  // Its lock is free.
  assert.deepEqual((await json('add', '--file', 'disk.img', '--read-only')).lun, 1)
})

test('resizes a disk in memory and one on a file (SBC-3 4.7.2)', async () => {
  await nexus.unit(0).write({ lba: 7, data: new Uint8Array(512).fill(7) })
  assert.deepEqual(await json('resize', '0', '64M'), { lun: 0, bytes: 64 * MIB })
  assert.deepEqual(await json('resize', '5', '3M'), { lun: 5, bytes: 3 * MIB })
  assert.deepEqual([await told(0), await told(5)], ['2a/9', '2a/9'])
  assert.deepEqual([await blocks(0), await blocks(5)], [64 * 2048, 3 * 256])
  assert.equal(statSync(place.path('disk.img')).size, 3 * MIB)
  const read = await nexus.unit(0).read({ lba: 7, blocks: 1 })
  assert.deepEqual(read, new Uint8Array(512).fill(7))
})

test('cuts a disk only by --force', async () => {
  const refused = await admin('resize', '0', '1M')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /LUN 0 has 4\.0 MiB: what is beyond 1\.0 MiB would be lost; --force/)
  assert.equal(await blocks(0), 8192)
  assert.equal((await admin('resize', '0', '1M', '--force')).code, 0)
  assert.equal(await blocks(0), 2048)
})

test(
  'names what is wrong, and changes nothing',
  async () => {
    place.file('there', 'x')
    const before = await json('show')
    for (const [line, code, message] of [
      ['', 1, /ACTION is missing/],
      ['list', 1, /ACTION is show, add, resize, remove, not 'list'/],
      ['show 1', 1, /show: unexpected argument '1'/],
      ['show --memory 1M', 1, /show takes no --memory/],
      ['add', 1, /no unit: --memory SIZE or --file PATH is missing/],
      ['add --memory 1M --memory 1M', 1, /one --memory or --file at a time/],
      ['add --memory 1M --lun 5', 1, /LUN 5 has a unit already/],
      ['add --memory 1M --lun 16384', 1, /unit\.lun: 16384 is more than 16383/],
      ['add --memory 1M --vendor NINECHARS', 1, /unit\.vendor: "NINECHARS" is not 1 to 8/],
      ['add --memory 100', 15, /LUN 1: 100 bytes are too few/],
      ['add --file nothing', 15, /LUN 1: .*nothing/],
      ['add --file there --create 1M', 15, /LUN 1: .*there/],
      ['add --file disk.img', 15, /LUN 1: .*disk\.img/],
      ['remove', 1, /remove: LUN is missing/],
      ['remove x', 1, /LUN is a number of 0 to 16383, not 'x'/],
      ['remove 1', 1, /there is no unit at LUN 1/],
      ['remove 99999', 1, /lun: 99999 is more than 16383/],
      ['resize 0', 1, /resize: SIZE is missing/],
      ['resize 0 12X', 1, /SIZE is a number of bytes/],
      ['resize 1 1M', 1, /there is no unit at LUN 1/],
      ['resize 5 100 --force', 1, /LUN 5 cannot have 100 bytes/],
    ] as const) {
      const ended = await admin(...line.split(' ').filter((word) => word !== ''))
      assert.equal(ended.code, code, `${line}: ${ended.stderr}`)
      assert.match(ended.stderr, message)
      assert.equal(ended.stdout.length, 0)
    }
    assert.deepEqual(await json('show'), before)
  },
  SLOW,
)

test('needs a server that sgring serve runs', async () => {
  const at = (address: string) => place.sgring(['admin', address, 'show', '--json'])
  const absent = await at('ring:none')
  assert.equal(absent.code, 15)
  assert.equal(JSON.parse(absent.stderr).error.code, 'ERR_SGRING_NO_TARGET')
  assert.equal((await at('ring:disk/5')).code, 1)
  assert.equal((await at(`ring:${place.path('sgring/disk.sock')}`)).code, 0)
})

test('leaves nothing behind when the server ends', async () => {
  const server = await place.serve(['--listen', './own.sock', '--memory', '1M'])
  const control = place.path('own.sock.admin')
  assert.ok(existsSync(control))
  const shown = await place.sgring(['admin', `ring:${place.path('own.sock')}`, 'show', '--json'])
  // Wherever it is saved, it is served there again.
  assert.equal(JSON.parse(shown.stdout.toString()).listen, place.path('own.sock'))
  server.child.kill('SIGTERM')
  const { code, stderr } = await server.ended()
  assert.deepEqual([code, stderr, existsSync(control)], [0, '', false])
})

test(
  'shows what MODE SELECT has saved, and it is served again so (spc-4 5.11)',
  async () => {
    const { code, stderr } = await place.sgring([
      'modes',
      'ring:disk/5',
      '--set',
      'SWP=1',
      '--save',
    ])
    assert.equal(code, 0, stderr)
    await place.sgring(['modes', 'ring:disk', '--set', 'D_SENSE=1'])
    const { units } = await json('show', '--save', 'saved.json')
    assert.deepEqual([units[0].saved_modes, units[1].saved_modes.swp], [undefined, true])
    assert.match((await admin('show')).stdout.toString(), /disk\.img {2}saved-modes$/m)
    await json('remove', '5')
    const saved = JSON.parse(readFileSync(place.path('saved.json'), 'utf8'))
    place.file('again.json', JSON.stringify({ ...saved, listen: 'again' }))
    await place.serve(['--config', 'again.json'])
    const modes = await place.sgring(['modes', 'ring:again/5', '--page', '0x0a', '--json'])
    assert.equal(JSON.parse(modes.stdout.toString()).pages[0].fields.swp, true)
  },
  SLOW,
)

test.run()
