import assert from 'node:assert/strict'
import { type Handler, serve } from '#dist/index.js'
import { encodeVpd } from '#dist/scsi/vpd.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring inquiry --page')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

async function inquiry(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.sgring(['inquiry', 'ring:disk', ...args])
  assert.equal(code, 0, stderr)
  return stdout.toString()
}

test('lists the pages of a unit by their names (spc-4 7.8)', async () => {
  await place.serve(['--listen', 'disk', '--memory', '1M', '--thin'])
  assert.equal(
    await inquiry('--page', '0'),
    `supported pages (00h)
unit serial number (80h)
device identification (83h)
extended INQUIRY data (86h)
block limits (b0h)
block device characteristics (b1h)
logical block provisioning (b2h)
`,
  )
  const { pages } = JSON.parse(await inquiry('--page', '00h', '--json'))
  assert.deepEqual(pages[1], { page: 0x80, name: 'unit serial number' })
})

test('prints a page by the names of its fields, and as JSON with its bytes', async () => {
  await place.serve(['--listen', 'disk', '--memory', '1M', '--serial', 'S-1'])
  assert.equal(await inquiry('--page', '0x80'), 'unit serial number (80h)\nserial  S-1\n')
  const names = await inquiry('--page', '131')
  assert.match(
    names,
    /^device identification \(83h\)\nlogical unit {2}naa\.3[\da-f]{15}\nlogical unit {2}t10\.sgring {2}S-1\n$/,
  )
  assert.match(await inquiry('--page', '0xb0'), /^max transfer length +65536$/m)
  const { fields, bytes } = JSON.parse(await inquiry('--page', '0xb0', '--json'))
  assert.equal(fields.max_compare_and_write_length, 255)
  const cdb = '12 01 b0 00 40 00'.split(' ')
  const raw = await place.sgring(['raw', 'ring:disk', ...cdb, '--in', '64', '--binary'])
  assert.equal(bytes, raw.stdout.toString('hex', 4))
})

test('refuses a page that the unit has not as the unit does, and what is no page by itself', async () => {
  await place.serve(['--listen', 'disk', '--memory', '1M'])
  const absent = await place.sgring(['inquiry', 'ring:disk', '--page', '0xc0'])
  assert.deepEqual([absent.code, /INVALID FIELD IN CDB/.test(absent.stderr)], [5, true])
  for (const wrong of ['0x100', '83,1', 'names']) {
    assert.equal((await place.sgring(['inquiry', 'ring:disk', '--page', wrong])).code, 1, wrong)
  }
})

test('reads a page of any length whole, and says of a wrong one that it makes no sense', async () => {
  const long = new Uint8Array(3000).fill(0x41)
  const pages: Readonly<Record<number, Uint8Array>> = {
    128: encodeVpd(1, 0x80, long),
    // What is a block limits page of a disk is another of a tape (SSC-4 8.6.1).
    176: encodeVpd(1, 0xb0, Uint8Array.of(1, 2, 3, 4)),
    192: encodeVpd(1, 0xc1, Uint8Array.of(1)),
    193: encodeVpd(1, 0xc1, new Uint8Array(8)).subarray(0, 6),
  }
  const handler: Handler = (task, next) => {
    const page = task.cdb[0] === 0x12 && task.cdb[1] === 1 ? pages[task.cdb[2]!] : undefined
    return page === undefined ? next() : { status: 0, data: page }
  }
  const server = await serve({
    listen: place.path('disk.sock'),
    units: [{ handler, deviceType: 1 }],
  })
  try {
    const address = `ring:${place.path('disk.sock')}`
    const page = (code: string) => place.sgring(['inquiry', address, '--page', code])
    const { stdout } = await page('0x80')
    assert.equal(stdout.toString(), `unit serial number (80h)\nserial  ${'A'.repeat(3000)}\n`)
    assert.match(
      (await page('0xb0')).stdout.toString(),
      /^unknown page \(b0h\)\n0000 {2}01 02 03 04 /,
    )
    assert.equal((await page('0xc0')).code, 97)
    assert.equal((await page('0xc1')).code, 97)
  } finally {
    await server.close()
  }
})

test.run()
