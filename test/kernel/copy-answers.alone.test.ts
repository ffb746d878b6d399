/** What devices may answer in the middle of a copy between nodes, whose parts are moved by native threads. */

// guest: --scsi-debug 'dev_size_mb=2 add_host=2 per_host_store=1 ndelay=20000' --modules 'virtio_scsi; target_core_mod'
// guest: --qemu '-device virtio-scsi-pci,id=virtio -drive if=none,id=v0,format=raw,file={disk} -device scsi-hd,drive=v0,bus=virtio.0,scsi-id=0,logical_block_size=4096,physical_block_size=4096'

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { pourBetweenNodes } from '#dist/cli/copy-nodes.js'
import { readerOf, writerOf } from '#dist/cli/copy-unit.js'
import { ExitCode } from '#dist/cli/exit-code.js'
import { listDevices, type OpenedNode, open, Status } from '#dist/index.js'
import { copyNodes, type FailedPart } from '#dist/sg/node-copy.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { Disk } from './disks.ts'
import { Folder } from './in-process.ts'
import { debugParameter, Opts, setDebug, withDebug, withErrors } from './ways.ts'

const test = suite(`answers in the middle of a copy on kernel ${process.env.SGRING_GUEST}`)
const BYTES = 2 << 20
const PART = 32 << 10
const PARTS = BYTES / PART
/** Bytes of a block of QEMU's disk, until somebody changes that. */
const LARGE = 4096

/** A guest's disks of a kind, each with a host of its own. */
async function disksOf(driver: string, blockLength?: number): Promise<Disk[]> {
  const disks = (await listDevices()).filter((device) => device.driver === driver)
  return disks.map(({ name }) => new Disk(name, blockLength))
}

// Disks are looked for in the background.
await until(
  'block nodes of all devices',
  () => readdirSync('/sys/class/block').filter((name) => /^sd[a-z]$/.test(name)).length === 3,
)
const [from, to] = (await disksOf('scsi_debug')) as [Disk, Disk]
const [large] = (await disksOf('virtio_scsi', LARGE)) as [Disk]

let folder: Folder
test.before.each(() => {
  folder = new Folder()
})
test.after.each(() => folder.remove())

/** Fills a disk with bytes of its own, and another one with none of them. */
function fill(source: Disk, sink: Disk): Buffer {
  const data = randomBytes(BYTES)
  source.store(data)
  sink.store(Buffer.alloc(BYTES))
  return data
}

/** A disk’s unit, whose unit attentions were told. */
async function ready(disk: Disk): Promise<OpenedNode> {
  const unit = await open(disk.bsg)
  await unit.testUnitReady()
  return unit
}

/** Commands of scsi_debug take so long that there is a middle of a copy. */
const slowly = { ndelay: 100_000_000 }

interface Pouring {
  readonly source: Disk
  readonly sink: Disk
  readonly depth: number
  /** Whose host keeps its commands meanwhile; it is a disk of scsi_debug. */
  readonly held: Disk
  /** What happens in the middle of the copy, while nothing is under way. */
  readonly change: () => unknown
}

/** As `sgring copy` has native threads copy all of a disk; resolves, or rejects, as the copy does. */
async function pour({ source, sink, depth, held, change }: Pouring): Promise<void> {
  await using one = await ready(source)
  await using other = await ready(sink)
  const [read, written] = [source.ended, sink.ended]
  const movedNow = () => sink.ended - written
  // Parts that were read, and wait to be written.
  const waiting = held === sink ? depth : 0
  const isQuiet = () =>
    source.sent === source.ended &&
    sink.sent === sink.ended &&
    source.ended - read === movedNow() + waiting
  await withDebug(slowly, async () => {
    const copy = between([one, source], [other, sink], depth)
    let isOver = false
    const ended = () => {
      isOver = true
    }
    copy.then(ended, ended)
    await until('parts were copied', () => isOver || movedNow() >= 8)
    if (isOver) return copy
    held.hold()
    try {
      await until('nothing is under way', () => isOver || isQuiet())
      await change()
    } finally {
      held.release()
    }
    await copy
  })
}

function between(
  one: readonly [OpenedNode, Disk],
  other: readonly [OpenedNode, Disk],
  depth: number,
  length = BYTES,
): Promise<void> {
  const end = ([unit, { name, blockLength }]: typeof one) => {
    const blocks = { unit, node: unit.node, options: {}, blockLength, lba: 0n }
    const helper = { read: readerOf(blocks), write: writerOf(blocks), readBack: undefined }
    const place = { name, place: name, blockLength, size: BYTES, ordered: false }
    return { ...place, ...helper, direct: blocks, close: async () => {} }
  }
  const copy = pourBetweenNodes({
    ...{ from: end(one), to: end(other), pad: false, verify: false, moved: () => {} },
    range: { skip: 0, seek: 0, length, done: 0 },
    pace: { partBytes: PART, depth },
    signal: new AbortController().signal,
  })
  assert.ok(copy, 'native threads take it')
  return copy
}

async function reset({ sg }: Disk): Promise<void> {
  await using unit = await open(sg)
  await unit.node.reset('device', { noEscalate: true })
}

for (const [what, meets, held, change] of [
  // scsi_debug tells all of its disks.
  ['another capacity', [from, to], from, () => setDebug('virtual_gb', '1')],
  // Not of a host that recovers.
  ['a reset of the source', [from], to, () => reset(from)],
] as const) {
  test(`a unit attention for ${what} is heard, and all is copied (sam-5 5.14)`, async () => {
    const data = fill(from, to)
    const before = meets.map(({ sent }) => sent)
    const capacity = debugParameter('virtual_gb')
    await pour({ source: from, sink: to, depth: 4, held, change })
    for (const [at, disk] of meets.entries()) {
      // A command of the parts' was not carried out.
      assert.ok(disk.sent - before[at]! > PARTS + 1)
    }
    setDebug('virtual_gb', capacity)
    assert.ok(to.stored(BYTES).equals(data))
  })
}

test('a unit attention holds all threads until somebody has decided', async () => {
  const data = fill(from, to)
  await using one = await ready(from)
  await using other = await ready(to)
  await reset(to)
  const [source, sink] = [one, other].map(({ node }) => ({ node, lba: 0n, blockLength: 512 }))
  const failed: FailedPart[] = []
  const depth = 4
  const sent = () => from.sent + to.sent
  const redo = async (part: FailedPart) => {
    failed.push(part)
    // What the others have begun comes yet: a command each.
    const most = sent() + depth - 1
    for (let look = 0; look < 100; look += 1) {
      assert.ok(sent() <= most, 'they go on')
      await pause(10)
    }
  }
  await withDebug(slowly, async () =>
    copyNodes({
      ...{ from: source!, to: sink!, length: BYTES, partBytes: PART, depth, redo },
      signal: new AbortController().signal,
      moved: () => {},
      lost: () => {},
    }),
  )
  const [part, ...others] = failed
  assert.deepEqual([part?.writing, others.length], [true, 0])
  data.fill(0, part!.at, part!.at + PART)
  assert.ok(to.stored(BYTES).equals(data))
})

/** Has QEMU's disk have blocks of another length (hw/scsi/scsi-disk.c, `scsi_disk_emulate_mode_select`), and say nothing of it. */
async function setBlockLength(blockLength: number): Promise<void> {
  await using unit = await open(large.sg)
  const dataOut = Uint8Array.of(0, 0, 0, 8, 0, 0, 0, 0, 0, 0, blockLength >> 8, 0)
  const cdb = Uint8Array.of(0x15, 0x10, 0, 0, dataOut.length, 0)
  assert.equal((await unit.execute({ cdb, dataOut })).status, Status.GOOD)
}

/** The same with a unit attention condition. */
async function becomes(blockLength: number): Promise<void> {
  await setBlockLength(blockLength)
  await reset(large)
}

const changed = { code: 'ERR_SGRING_RESPONSE', message: /had 4096 bytes, and have 512 now/ }

test('blocks of another length are not written to', async () => {
  fill(from, large)
  let before: Buffer | undefined
  const change = async () => {
    before = large.stored(BYTES)
    await becomes(512)
  }
  const copy = pour({ source: from, sink: large, depth: 1, held: from, change })
  await assert.rejects(copy, changed).finally(() => setBlockLength(LARGE))
  assert.ok(large.stored(BYTES).equals(before!))
})

test('of blocks of another length nothing is written elsewhere', async () => {
  const data = fill(large, to)
  const change = () => becomes(512)
  const copy = pour({ source: large, sink: to, depth: 4, held: to, change })
  await assert.rejects(copy, changed).finally(() => setBlockLength(LARGE))
  const parts = mixed(to.stored(BYTES), data)
  assert.ok(parts > 0 && parts < PARTS)
})

/** How many parts hold what they should; the others must be as they were. */
function mixed(stored: Buffer, data: Buffer): number {
  const none = Buffer.alloc(PART)
  let moved = 0
  for (let at = 0; at < BYTES; at += PART) {
    const part = stored.subarray(at, at + PART)
    if (part.equals(data.subarray(at, at + PART))) moved += 1
    else assert.ok(part.equals(none), `bytes from elsewhere at ${at}`)
  }
  return moved
}

for (const [source, sink] of [
  [from, large],
  [large, from],
] as const) {
  test(`blocks of ${source.blockLength} bytes become some of ${sink.blockLength}`, async () => {
    const data = fill(source, sink)
    await using one = await ready(source)
    await using other = await ready(sink)
    await between([one, source], [other, sink], 4)
    assert.ok(sink.stored(BYTES).equals(data))
    const odd = BYTES - 512
    assert.throws(() => between([one, source], [other, sink], 4, odd), /native threads/)
  })
}

const COPY = ['--yes', '--json', '--part-bytes', String(PART)]

test('a part that meets a full task set is moved once more (sam-5 5.3.1)', async () => {
  const data = fill(from, to)
  writeFileSync(`/sys/bus/scsi/devices/${to.name}/queue_depth`, '2')
  await using one = await ready(from)
  await using other = await ready(to)
  const faults = { opts: Opts.RARE_TASK_SET_FULL, every_nth: 1, ndelay: 2_000_000 }
  const measure = other.readCapacity.bind(other)
  let measured = 0
  other.readCapacity = (options) => {
    measured += 1
    // Before parts are moved once more: then there is room again.
    setDebug('every_nth', '0')
    return measure(options)
  }
  await withDebug(faults, () => between([one, from], [other, to], 8))
  assert.ok(measured > 0)
  assert.ok(to.stored(BYTES).equals(data))
})

/** What scsi_debug answers where it is told to, which it knows since Linux 6.7. */
const INJECTED = [
  ['BUSY', Status.BUSY, ExitCode.BUSY],
  ['TASK SET FULL', Status.TASK_SET_FULL, ExitCode.TASK_SET_FULL],
] as const

for (const [name, status, code] of process.env.SGRING_GUEST === '6.1' ? [] : INJECTED) {
  // DID_PASSTHROUGH: the kernel does not send the command again by itself.
  const rule = (count: number, opcode: string) =>
    `2 ${count} ${opcode} 0xa 0 0x${status.toString(16)} 0 0 0`

  test(`after ${name} a part is read, or written, once more (sam-5 5.3.1)`, async () => {
    const data = fill(from, to)
    const copied = await withErrors(from, [rule(-1, '0x88')], () =>
      withErrors(to, [rule(-1, '0x8a')], () => folder.sgring('copy', from.bsg, to.bsg, ...COPY)),
    )
    assert.equal(copied.code, 0, copied.stderr)
    assert.ok(to.stored(BYTES).equals(data))
  })

  test(`${name} that goes on ends the copy`, async () => {
    fill(from, to)
    const copied = await withErrors(to, [rule(1, '0x8a')], () =>
      folder.sgring('copy', from.bsg, to.bsg, ...COPY),
    )
    assert.equal(copied.code, code, copied.stderr)
    assert.ok(to.stored(BYTES).equals(Buffer.alloc(BYTES)))
  })
}

for (const kind of ['bsg', 'sg'] as const) {
  test(`what a short READ by ${kind} has left out is read, too (sam-5 5.4.3)`, async () => {
    const data = fill(from, to)
    // One part at a time: a READ that makes up for it is not short itself.
    const one = ['copy', from[kind], to[kind], ...COPY, '--depth', '1'] as const
    const before = from.sent
    const copied = await withDebug({ opts: Opts.SHORT_TRANSFER, every_nth: 40 }, () =>
      folder.sgring(...one),
    )
    assert.equal(copied.code, 0, copied.stderr)
    assert.ok(from.sent > before + PARTS)
    assert.ok(to.stored(BYTES).equals(data))
  })
}

test('nothing is written of parts whose READs stay short', async () => {
  fill(from, to)
  // One part at a time: scsi_debug notes that it is to shorten the next READ in one place for all, and of two at once may leave one whole.
  const one = ['copy', from.bsg, to.bsg, ...COPY, '--depth', '1'] as const
  const copied = await withDebug({ opts: Opts.SHORT_TRANSFER, every_nth: 1 }, () =>
    folder.sgring(...one),
  )
  assert.equal(copied.code, ExitCode.MALFORMED, copied.stderr)
  assert.match(copied.stderr, /left \d+ out/)
  assert.ok(to.stored(BYTES).equals(Buffer.alloc(BYTES)))
})

const TARGET = '/sys/kernel/config/target'

/** A unit that knows persistent reservations, in memory of the kernel's target: a disk for each of two I_T nexuses. */
async function reservable(): Promise<readonly [Disk, Disk]> {
  // What it keeps of them is written by the kernel's own threads, which have another `/`.
  mkdirSync('/dev/sgring/pr', { recursive: true })
  writeFileSync(`${TARGET}/dbroot`, '/dev/sgring')
  execFileSync('modprobe', ['tcm_loop'])
  const backing = `${TARGET}/core/rd_mcp_0/sgring`
  mkdirSync(backing, { recursive: true })
  writeFileSync(`${backing}/control`, `rd_pages=${BYTES / 4096}`)
  writeFileSync(`${backing}/enable`, '1')
  for (const port of ['1', '2']) {
    const portal = `${TARGET}/loopback/naa.600140500000000${port}/tpgt_1`
    mkdirSync(portal, { recursive: true })
    writeFileSync(`${portal}/nexus`, `naa.600140510000000${port}`)
    mkdirSync(`${portal}/lun/lun_0`)
    symlinkSync(backing, `${portal}/lun/lun_0/backing`)
  }
  const disks = await disksOf('tcm_loopback')
  for (const disk of disks) await (await ready(disk)).close()
  return disks as [Disk, Disk]
}

const [owners, reserved] = await reservable()
const KEY = ['--param-rk=1', '--param-sark=1']

/** Types of persistent reservations (SPC-4 table 210). */
const [WRITE_EXCLUSIVE, EXCLUSIVE_ACCESS] = [1, 3]

for (const [source, sink, type] of [
  [from, reserved, WRITE_EXCLUSIVE],
  [reserved, from, EXCLUSIVE_ACCESS],
] as const) {
  const whose = sink === reserved ? 'destination' : 'source'
  test(`a reservation of the ${whose} by another I_T nexus ends the copy (spc-4 5.9.1)`, async () => {
    const data = fill(source, sink)
    const persist = (...args: readonly string[]) =>
      execFileSync('sg_persist', ['--out', ...args, owners.sg], { stdio: 'pipe' })
    persist('--register', '--param-sark=1')
    const before = sink.ended
    const run = ['copy', source.bsg, sink.bsg, ...COPY, '--depth', '2']
    const copied = await withDebug(slowly, async () => {
      const copy = folder.sgring(...run)
      await until('parts were copied', () => sink.ended > before + 16)
      persist('--reserve', ...KEY, `--prout-type=${type}`)
      return copy
    })
    persist('--clear', ...KEY)
    assert.equal(copied.code, ExitCode.RESERVATION_CONFLICT, copied.stderr)
    const parts = mixed(sink.stored(BYTES), data)
    assert.ok(parts > 0 && parts < PARTS)
    const again = await folder.sgring(...run)
    assert.equal(again.code, 0, again.stderr)
    assert.ok(sink.stored(BYTES).equals(data))
  })
}

test.run()
