import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseMountinfo } from '#dist/sg/device-uses.js'
import { type Device, deviceOfNumber, findDevice, listDevices } from '#dist/sg/discovery.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from '../scsi/random.ts'
import { MACHINE, plant, type Tree } from './fake-sysfs.ts'

const test = suite('SCSI devices in sysfs')
let root: string
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'sgring-sysfs-'))
})
test.after.each(() => rmSync(root, { recursive: true }))

test('lists devices by address, with what sysfs says of them', async () => {
  plant(root, MACHINE)
  const devices = await listDevices({ root })
  assert.deepEqual(
    devices.map(({ name }) => name),
    ['0:0:0:0', '1:0:3:0', '10:0:2:1'],
  )
  const [disk, enclosure, tape] = devices
  assert.deepEqual(
    { ...disk, uses: [] },
    {
      name: '0:0:0:0',
      address: { host: 0, channel: 0, target: 0, lun: 0n },
      deviceType: 0,
      vendor: 'ATA',
      product: 'QEMU HARDDISK',
      revision: '2.5+',
      wwid: 't10.ATA     QEMU HARDDISK                           QM00001',
      state: 'running',
      bytes: 1n << 30n,
      blockLength: 512,
      nodes: {
        bsg: '/dev/bsg/0:0:0:0',
        sg: '/dev/sg0',
        block: '/dev/sda',
        tape: null,
        changer: null,
      },
      transport: 'sata',
      driver: 'ahci',
      uses: [],
    },
  )
  assert.equal(enclosure?.deviceType, 13)
  assert.equal(enclosure.transport, 'sas')
  assert.equal(enclosure.bytes, null)
  assert.equal(tape?.nodes.tape, '/dev/nst0')
  assert.equal(tape.nodes.bsg, null)
  assert.equal(tape.transport, 'fc')
  assert.equal(tape.address.lun, 1n)
})

test('finds what uses a disk: mounts and swap of its partitions, and of what is built on them', async () => {
  plant(root, MACHINE)
  const [disk] = await listDevices({ root })
  assert.deepEqual(disk?.uses, [
    { kind: 'mount', device: 'sda1', by: '/boot disk' },
    { kind: 'swap', device: 'sda2', by: null },
    { kind: 'holder', device: 'sda2', by: 'dm-0 (vg-root)' },
    { kind: 'mount', device: 'dm-0', by: '/' },
  ])
})

test('finds a file system without a number of its own by its source', () => {
  const mounts = parseMountinfo('40 1 0:44 /@ /data rw - btrfs /dev/sdb3 rw,subvol=/@\n')
  assert.deepEqual(mounts.get('/dev/sdb3'), ['/data'])
})

test('finds the device of a node by its number, and knows a partition', async () => {
  plant(root, MACHINE)
  for (const number of ['block/8:0', 'char/21:0', 'char/250:0']) {
    const found = await deviceOfNumber(root, number)
    assert.equal(found?.name, '0:0:0:0', number)
    assert.equal(found.partition, null)
  }
  assert.equal((await deviceOfNumber(root, 'block/8:2'))?.partition, 'sda2')
  assert.equal(await deviceOfNumber(root, 'char/1:3'), undefined)
  for (const path of ['/dev/null', root, join(root, 'missing')]) {
    assert.equal(await findDevice(path, { root }), undefined)
  }
})

test('lists nothing where the kernel has no SCSI', async () => {
  assert.deepEqual(await listDevices({ root }), [])
})

test('a holder that holds itself is visited once', async () => {
  plant(root, { ...MACHINE, 'sys/devices/virtual/block/dm-0/holders/dm-0': 'x' })
  const [disk] = await listDevices({ root })
  assert.equal(disk?.uses.filter(({ kind }) => kind === 'holder').length, 2)
})

test(
  'takes null for what is missing, too long or odd, whatever the files hold',
  async () => {
    const draw = generator(seed)
    const next = (below: number) => draw() % below
    const contents: readonly (() => string | Uint8Array)[] = [
      () => '',
      () => '\n\n\n',
      () => Uint8Array.from({ length: next(64) }, () => next(256)),
      () => 'x'.repeat(10_000),
      () => '-1\n',
      () => '184467440737095516160\n',
      () => '18446744073709551615\n',
      () => '1e9\n',
      () => '\u0000\u0007vendor',
    ]
    for (let round = 0; round < 60; round++) {
      const folder = join(root, String(round))
      const odd = Object.entries(MACHINE).flatMap(([path, content]) => {
        if (typeof content !== 'string' || next(3) > 0) return [[path, content] as const]
        if (next(4) === 0) return []
        // A folder where there should be a file.
        if (next(8) === 0) return [[`${path}/folder`, ''] as const]
        return [[path, contents[next(contents.length)]!()] as const]
      })
      plant(folder, Object.fromEntries(odd) as Tree)
      const devices = await listDevices({ root: folder })
      assert.equal(devices.length, 3, `seed ${seed}`)
      for (const device of devices) assertWellTyped(device, `seed ${seed}`)
    }
  },
  { deadlineMs: 60_000 },
)

function assertWellTyped(device: Device, seed: string): void {
  const { deviceType, vendor, product, revision, wwid, state, bytes, blockLength, uses } = device
  assert.ok(deviceType === null || (deviceType >= 0 && deviceType <= 31), seed)
  for (const text of [vendor, product, revision, wwid, state]) {
    assert.ok(text === null || /^[\x20-\x7e]{1,256}$/.test(text), seed)
  }
  assert.ok(bytes === null || bytes >= 0n, seed)
  assert.ok(blockLength === null || Number.isSafeInteger(blockLength), seed)
  for (const use of uses) assert.match(use.kind, /^(mount|swap|holder)$/, seed)
}

test.run()
