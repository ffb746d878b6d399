import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const MIB = 1 << 20
const SIZE = 8 * MIB

const test = suite('sgring copy, with block devices')

/** What is missing here, if no loop device can be had. */
function missing(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root, to set up a loop device'
  if (spawnSync('losetup', ['--version']).error !== undefined) {
    return 'needs losetup (Debian: mount)'
  }
  return spawnSync('losetup', ['--find']).status === 0 ? undefined : 'needs a loop device'
}

const skip = missing()
let place: Place
let device = ''
const data = randomBytes(SIZE)

test.before.each(async () => {
  place = new Place()
  if (skip !== undefined) return
  const image = place.file('image', new Uint8Array(SIZE))
  device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim()
  await place.serve(['--listen', 'disk', '--memory', '8M'])
  const { code, stderr } = await place.sgring(['copy', place.file('in', data), 'ring:disk'])
  assert.equal(code, 0, stderr)
})
test.after.each(async () => {
  if (skip === undefined) spawnSync('losetup', ['--detach', device])
  await place.remove()
})

test(
  'a unit is copied to a device, and what is beyond it is not lost',
  async () => {
    const refused = await place.sgring(['copy', 'ring:disk', device])
    assert.equal(refused.code, 15)
    assert.match(refused.stderr, /exists; --force/)
    const { code, stderr } = await place.sgring([
      ...['copy', 'ring:disk', device, '--count', '8192', '--force', '--verify'],
    ])
    assert.equal(code, 0, stderr)
    execFileSync('blockdev', ['--flushbufs', device])
    const image = readFileSync(place.path('image'))
    assert.ok(image.subarray(0, SIZE / 2).equals(data.subarray(0, SIZE / 2)))
    assert.ok(image.subarray(SIZE / 2).every((byte) => byte === 0))
    const tooMuch = await place.sgring(['copy', 'ring:disk', device, '--seek', '1', '--force'])
    assert.equal(tooMuch.code, 15)
    assert.match(tooMuch.stderr, /8388608 bytes are to be copied, and .* has room for 8388096/)
  },
  { skip },
)

test(
  'a device is copied to a unit, and compared with it',
  async () => {
    execFileSync('dd', [`if=${place.path('in')}`, `of=${device}`, 'bs=1M', 'conv=fsync'], {
      stdio: 'ignore',
    })
    await place.serve(['--listen', 'other', '--memory', '8M'])
    const copied = await place.sgring(['copy', device, 'ring:other', '--json'])
    assert.equal(copied.code, 0, copied.stderr)
    assert.equal(JSON.parse(copied.stdout.toString()).bytes, SIZE)
    assert.equal((await place.sgring(['verify', device, 'ring:other'])).code, 0)
    assert.equal((await place.sgring(['verify', 'ring:disk', 'ring:other'])).code, 0)
  },
  { skip },
)

test.run()
