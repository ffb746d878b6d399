// guest: --scsi-debug 'dev_size_mb=8 max_luns=3 ndelay=20000 lbpu=1'
/** The command line on devices of a kernel. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { type Device, listDevices, open, parseSense, SenseKey } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { Folder } from './in-process.ts'
import { debugDisk, setDebug, withDebug } from './ways.ts'

const test = suite(`sgring on devices of the kernel ${process.env.SGRING_GUEST}`)
let folder: Folder
/** Nodes of the disks by their LUNs: the names of block nodes come in any order. */
let disks: readonly Nodes[]
test.before(async () => {
  disks = await Promise.all([0n, 1n, 2n].map(nodesOf))
})
test.before.each(() => {
  folder = new Folder()
})
test.after.each(() => folder.remove())

type Nodes = Readonly<Record<'bsg' | 'sg' | 'block', string>>

async function nodesOf(lun: bigint): Promise<Nodes> {
  return complete((await debugDisk(lun)).nodes) ?? assert.fail(`LUN ${lun} has not all nodes`)
}

function complete({ bsg, sg, block }: Device['nodes']): Nodes | undefined {
  return bsg && sg && block ? { bsg, sg, block } : undefined
}

/** The first disk of another host than scsi_debug's first, once it has its nodes. */
async function otherDisk(): Promise<Nodes> {
  const place = '/sys/bus/scsi/devices'
  const name = await until('a disk of another host', () =>
    readdirSync(place).find(
      (name) =>
        /^[1-9]\d*:0:0:0$/.test(name) &&
        ['bsg', 'scsi_generic', 'block'].every((kind) => existsSync(join(place, name, kind))),
    ),
  )
  const disk = (await listDevices()).find((device) => device.name === name)
  return (disk && complete(disk.nodes)) ?? assert.fail(`${name} has not all nodes`)
}

const DISK_BYTES = 8 << 20
const bytesOf = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { stdio: 'pipe', maxBuffer: DISK_BYTES })
const said = (program: string, ...args: readonly string[]) => String(bytesOf(program, ...args))

/** What stands on the stdout of a verb that went well. */
async function output(...args: readonly string[]): Promise<Buffer> {
  const { code, stdout, stderr } = await folder.sgring(...args)
  assert.equal(code, 0, stderr)
  return stdout
}

/** Sends nothing, and says why on stderr. */
async function refuses(code: number, why: RegExp, ...args: readonly string[]): Promise<void> {
  const ended = await folder.sgring(...args)
  assert.match(ended.stderr, why)
  assert.equal(ended.code, code)
}

test('list shows what lsblk shows', async () => {
  const columns = ['PATH', 'HCTL', 'SIZE', 'VENDOR', 'MODEL']
  const { blockdevices } = JSON.parse(
    said('lsblk', '--json', '--bytes', '--scsi', '--output', columns.join()),
  )
  const { devices } = JSON.parse(String(await output('list', '--json')))
  assert.equal(devices.length, 3)
  assert.deepEqual(
    devices.map((device: Record<string, unknown> & { nodes: { block: string } }) => ({
      path: device.nodes.block,
      hctl: device.name,
      size: Number(device.bytes),
      vendor: device.vendor,
      model: device.product,
    })),
    blockdevices
      .map((device: { hctl: string; vendor: string; model: string }) => ({
        ...device,
        vendor: device.vendor.trim(),
        model: device.model.trim(),
      }))
      .sort((one: { hctl: string }, other: { hctl: string }) => (one.hctl < other.hctl ? -1 : 1)),
  )
  const text = String(await output('list'))
  assert.match(text, /^\/dev\/bsg\/0:0:0:1 +direct access block +Linux +scsi_debug +8\.0 MiB/m)
})

test('inquiry and raw tell what sg_inq tells, byte by byte', async () => {
  for (const node of Object.values(disks[0]!)) {
    const told = JSON.parse(String(await output('inquiry', node, '--json')))
    const peer = said('sg_inq', node)
    for (const [name, field] of [
      ['Vendor identification', 'vendor'],
      ['Product identification', 'product'],
      ['Product revision level', 'revision'],
    ] as const) {
      assert.equal(new RegExp(`${name}: (.*?) *$`, 'm').exec(peer)?.[1], told[field])
    }
    const cdb = ['12', '00', '00', '00', '60', '00']
    const raw = await output('raw', node, ...cdb, '--in', '96', '--binary')
    assert.deepEqual(raw, bytesOf('sg_inq', '--raw', '--len=96', node))
  }
})

test('readcap tells what blockdev tells, and turs is silent', async () => {
  const { block } = disks[0]!
  const { bytes, block_length } = JSON.parse(String(await output('readcap', block, '--json')))
  assert.equal(bytes, said('blockdev', '--getsize64', block).trim())
  assert.equal(block_length, 512)
  for (const node of Object.values(disks[0]!)) {
    assert.equal(String(await output('turs', node)), '')
    const told = await output('turs', node, '--number', '5')
    assert.equal(String(told), said('sg_turs', '--number=5', node))
  }
})

test('what is written is read again, and is on the disk', async () => {
  const data = randomBytes(3 << 19)
  writeFileSync(join(folder.path, 'data.bin'), data)
  for (const node of Object.values(disks[0]!)) {
    await output('write', node, '--in', 'data.bin', '--lba', '16', '--yes')
    const range = ['--lba', '16', '--blocks', String(data.length / 512)]
    await output('read', node, '--out', 'back.bin', '--force', ...range)
    assert.deepEqual(readFileSync(join(folder.path, 'back.bin')), data)
    const there = bytesOf('sg_dd', `if=${disks[0]!.sg}`, 'of=-', 'bs=512', 'skip=16', 'count=3072')
    assert.deepEqual(there, data)
    data.reverse()
    writeFileSync(join(folder.path, 'data.bin'), data)
  }
})

test(
  'a whole disk is copied to another: they have the same hash',
  async () => {
    const { bsg, sg, block } = disks[0]!
    said('dd', 'if=/dev/urandom', `of=${block}`, 'bs=1M', 'count=8', 'oflag=direct', 'status=none')
    // Disks of one host share their blocks.
    await withDebug({ per_host_store: 1 }, async () => {
      setDebug('add_host', '1')
      try {
        const to = await otherDisk()
        const hash = (path: string) => said('sha256sum', path).split(' ')[0]
        assert.notEqual(hash(to.block), hash(block))
        const told = await output('copy', bsg, to.sg, '--yes', '--json')
        assert.equal(Number(JSON.parse(String(told)).bytes), DISK_BYTES)
        await output('verify', sg, to.bsg)
        said('blockdev', '--flushbufs', to.block)
        assert.equal(hash(to.block), hash(block))
      } finally {
        setDebug('add_host', '-1')
      }
    })
  },
  { deadlineMs: 60_000 },
)

test('a device is not written to without --yes', async () => {
  writeFileSync(join(folder.path, 'data.bin'), new Uint8Array(512))
  for (const node of Object.values(disks[1]!)) {
    const why = new RegExp(`--yes changes ${node}: Linux scsi_debug, 8\\.0 MiB`)
    await refuses(1, why, 'write', node, '--in', 'data.bin')
    await refuses(1, why, 'raw', node, '35000000000000000000')
    await refuses(1, /--yes resets/, 'reset', node)
  }
})

test('a device that is mounted is not written to, by any of its nodes', async () => {
  writeFileSync(join(folder.path, 'data.bin'), new Uint8Array(512))
  const at = join(folder.path, 'mounted')
  mkdirSync(at)
  const { sg, block } = disks[2]!
  said('modprobe', 'ext4')
  said('mkfs.ext4', '-q', '-F', block)
  said('mount', block, at)
  try {
    const why = new RegExp(`in use: ${basename(block)} is mounted on ${at}; nothing was sent`)
    for (const node of Object.values(disks[2]!)) {
      await refuses(15, why, 'write', node, '--in', 'data.bin', '--yes')
    }
    await output('read', sg, '--out', 'all.bin')
    assert.match(String(await output('list')), new RegExp(`${basename(block)} is mounted on ${at}`))
  } finally {
    said('umount', at)
  }
})

const noDmsetup = existsSync('/sbin/dmsetup') ? undefined : 'needs dmsetup: apt-get install dmsetup'
const write = ({ sg }: Nodes) => ['write', sg, '--in', 'data.bin', '--yes'] as const

test(
  'a device that another is built on is not written to',
  async () => {
    writeFileSync(join(folder.path, 'data.bin'), new Uint8Array(512))
    said('modprobe', 'dm-mod')
    const table = ['--table', `0 ${DISK_BYTES / 512} linear ${disks[2]!.block} 0`]
    said('dmsetup', 'create', 'held', '--noudevsync', ...table)
    try {
      await refuses(15, /sd. is held by dm-0 \(held\); nothing was sent/, ...write(disks[2]!))
    } finally {
      said('dmsetup', 'remove', '--noudevsync', 'held')
    }
  },
  { skip: noDmsetup },
)

test('a device that somebody has for himself is not written to', async () => {
  writeFileSync(join(folder.path, 'data.bin'), new Uint8Array(512))
  const file = openSync(disks[2]!.block, constants.O_RDONLY | constants.O_EXCL)
  try {
    await refuses(15, /somebody has \/dev\/sd. for himself; nothing was sent/, ...write(disks[2]!))
  } finally {
    closeSync(file)
  }
  await output(...write(disks[2]!))
})

test('reset resets by the node that knows how, and the unit tells of it', async () => {
  await using unit = await open('/dev/sg0')
  await unit.testUnitReady()
  const args = ['/dev/bsg/0:0:0:0', '--no-escalate', '--yes'] as const
  assert.equal(String(await output('reset', ...args)), '/dev/sg0 is reset\n')
  const { sense } = await unit.execute({ cdb: new Uint8Array(6) })
  const { key, asc } = parseSense(sense)
  assert.deepEqual([key, asc], [SenseKey.UNIT_ATTENTION, 0x29])
  const json = await output('reset', '/dev/sg0', '--scope', 'target', '--yes', '--json')
  assert.deepEqual(JSON.parse(String(json)), {
    node: '/dev/sg0',
    scope: 'target',
    no_escalate: false,
  })
  await unit.testUnitReady()
})

test('reset keeps its functions for rings, and its scopes for devices', async () => {
  await refuses(1, /--nexus is for a ring/, 'reset', '/dev/sg0', '--nexus')
  await refuses(1, /--scope is one of device, target, bus, host/, 'reset', '/dev/sg0', '--scope=x')
  await refuses(1, /--scope is for a device/, 'reset', 'ring:disk', '--scope=bus')
  await refuses(15, /\/dev\/null is no node of a SCSI device/, 'reset', '/dev/null', '--yes')
})

test('doctor says by which transport commands go, and why not by a better one', async () => {
  const { stdout } = await folder.sgring('doctor')
  const found = /^.*kernel nodes +(.*)$/m.exec(String(stdout))?.[1] ?? ''
  const newest = /^\/dev\/bsg\/0:0:0:0 by io_uring$/
  const older = /^\/dev\/bsg\/0:0:0:0 by ioctl; not by io_uring: \S/
  assert.match(found, process.env.SGRING_GUEST === '6.1' ? older : newest)
})

test.run()
