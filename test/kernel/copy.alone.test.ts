// guest: --scsi-debug 'dev_size_mb=4 add_host=2 per_host_store=1 ndelay=20000'
/** Copies from one node of the kernel to another, whose parts do not come to JavaScript. */

import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openNode, parseSense, SenseKey } from '#dist/index.js'
import { copyNodes, type FailedPart, type NodeCopying } from '#dist/sg/node-copy.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { Disk, movers } from './disks.ts'
import { Folder } from './in-process.ts'
import { Opts, setDebug, withDebug } from './ways.ts'

const test = suite(`copies between devices of the kernel ${process.env.SGRING_GUEST}`)
const DISK_BYTES = 4 << 20
const PART = 64 << 10
const PARTS = ['--yes', '--json', '--part-bytes', String(PART)]
/** Where scsi_debug's medium is bad. */
const BAD = 0x1234
const SGRING = join(process.cwd(), 'dist/cli/main.js')

const from = new Disk('0:0:0:0')
const to = new Disk('1:0:0:0')
let folder: Folder
test.before.each(async () => {
  folder = new Folder()
  // After a test that failed, too: to fill a disk would take hours, which no deadline ends.
  await until('the disks are fast', () => settable('ndelay', '20000'))
})
test.after.each(() => folder.remove())

/** Whether scsi_debug takes it: not while commands wait. */
function settable(name: string, value: string): boolean {
  try {
    setDebug(name, value)
    return true
  } catch {
    return false
  }
}

/** Fills a disk with bytes of its own, and the other one with none of them. */
function fill(): Buffer {
  const data = randomBytes(DISK_BYTES)
  from.store(data)
  to.store(Buffer.alloc(DISK_BYTES))
  return data
}

for (const kind of ['bsg', 'sg'] as const) {
  test(`move every byte from ${kind} to ${kind}, and nothing else`, async () => {
    const data = fill()
    const [blocks, skip, seek] = [5000, 3000, 5]
    const range = ['--count', String(blocks), '--skip', String(skip), '--seek', String(seek)]
    const { code, stderr } = await folder.sgring('copy', from[kind], to[kind], ...PARTS, ...range)
    assert.equal(code, 0, stderr)
    const expected = Buffer.alloc(DISK_BYTES)
    data.copy(expected, seek * 512, skip * 512, (skip + blocks) * 512)
    assert.ok(to.stored(DISK_BYTES).equals(expected))
  })
}

test('do a part once more that was moved with an error recovered, and go on (spc-5 4.4.8)', async () => {
  const data = fill()
  // Each third command of those that move data, of both disks.
  await withDebug({ opts: Opts.RECOVERED_ERROR, every_nth: 3 }, async () => {
    const { code, stderr } = await folder.sgring('copy', from.bsg, to.sg, ...PARTS)
    assert.equal(code, 0, stderr)
  })
  assert.ok(to.stored(DISK_BYTES).equals(data))
})

test('end at a medium error, and go on later where all before was copied', async () => {
  const data = fill()
  const copy = ['copy', from.bsg, to.bsg, ...PARTS] as const
  const failed = await withDebug({ opts: Opts.MEDIUM_ERROR }, () => folder.sgring(...copy))
  assert.equal(failed.code, 3, failed.stderr)
  const [stopped = '', error = ''] = failed.stderr.trim().split('\n')
  const { sense_key, asc } = JSON.parse(error).error
  assert.deepEqual([sense_key, asc], [SenseKey.MEDIUM_ERROR, 0x11])
  const { bytes } = JSON.parse(stopped).stopped
  assert.ok(bytes > 0 && bytes <= BAD * 512 && bytes % PART === 0, stopped)
  assert.ok(to.stored(DISK_BYTES).subarray(0, bytes).equals(data.subarray(0, bytes)))
  const { code, stdout, stderr } = await folder.sgring(...copy, '--resume')
  assert.equal(code, 0, stderr)
  assert.equal(JSON.parse(String(stdout)).resumed_at, bytes)
  assert.ok(to.stored(DISK_BYTES).equals(data))
})

test('tell which part has failed, by which command, and where: others go on', async () => {
  const data = fill()
  const { copying, close } = await opened()
  const failed: FailedPart[] = []
  let moved = 0
  let frontier = 0
  await withDebug({ opts: Opts.MEDIUM_ERROR }, async () =>
    copyNodes({
      ...copying,
      redo: async (part) => void failed.push(part),
      moved: (bytes, all) => {
        moved += bytes
        frontier = all
      },
    }),
  )
  await close()
  const at = Math.floor((BAD * 512) / PART) * PART
  const [part, ...others] = failed
  assert.deepEqual(others, [])
  assert.deepEqual([part?.at, part?.length, part?.writing], [at, PART, false])
  assert.equal(Number(parseSense(part!.end.sense).information), BAD)
  assert.deepEqual([moved, frontier], [DISK_BYTES, DISK_BYTES])
  // Nobody has moved it otherwise.
  data.fill(0, at, at + PART)
  assert.ok(to.stored(DISK_BYTES).equals(data))
})

/** Two parts at a time, each of which takes long enough for others to see it. */
const SLOW_NS = 200_000_000
const SLOWLY = [...PARTS, '--depth', '2']

test('end by Ctrl-C, and say how to go on', async () => {
  const data = fill()
  setDebug('ndelay', String(SLOW_NS))
  const before = to.sent
  // Where `Folder` has it.
  const env = { ...process.env, XDG_STATE_HOME: join(folder.path, 'state') }
  const args = [SGRING, 'copy', from.bsg, to.bsg, ...SLOWLY]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const said: Buffer[] = []
  child.stderr.on('data', (bytes) => said.push(bytes))
  const closed = once(child, 'close')
  await until('parts were copied', () => to.sent > before + 16)
  assert.equal(movers(child.pid!), 2)
  child.kill('SIGINT')
  const [, signal] = await closed
  assert.equal(signal, 'SIGINT', String(Buffer.concat(said)))
  setDebug('ndelay', '20000')
  const { bytes, resume } = JSON.parse(String(Buffer.concat(said))).stopped
  assert.ok(bytes > 0 && bytes < DISK_BYTES && bytes % PART === 0)
  assert.ok(to.stored(DISK_BYTES).subarray(0, bytes).equals(data.subarray(0, bytes)))
  const [, ...words] = resume
  const { code, stdout, stderr } = await folder.sgring(...words, '--json')
  assert.equal(code, 0, stderr)
  assert.equal(JSON.parse(String(stdout)).resumed_at, bytes)
  assert.ok(to.stored(DISK_BYTES).equals(data))
})

/** All of a disk, by their bsg nodes. */
async function opened(): Promise<{
  copying: NodeCopying
  stop(): void
  close(): Promise<number[]>
}> {
  const nodes = [await openNode(from.bsg), await openNode(to.bsg)] as const
  const [one, other] = nodes.map((node) => ({ node, lba: 0n, blockLength: 512 }))
  const controller = new AbortController()
  const copying: NodeCopying = {
    from: one!,
    to: other!,
    length: DISK_BYTES,
    partBytes: PART,
    depth: 4,
    signal: controller.signal,
    redo: () => Promise.reject(new Error('a part has failed')),
    moved: () => {},
    lost: () => {},
  }
  const close = async () => {
    for (const node of nodes) await node.close()
    return nodes.map((node) => node.leftBehind)
  }
  return { copying, stop: () => controller.abort(), close }
}

test('wait for no device when they are aborted, and their nodes say what they leave behind', async () => {
  const { copying, stop, close } = await opened()
  const jiffies = 5 * Number(execFileSync('getconf', ['CLK_TCK']))
  // Five seconds at least, a command.
  setDebug('delay', String(jiffies * 10))
  const first = from.sent
  const copy = copyNodes(copying)
  const reading = until('four parts are read', () => from.sent >= first + 4)
  await Promise.all([assert.rejects(copy!, { name: 'AbortError' }), reading.finally(stop)])
  // They are the first node's, though the files of both stay open for as long.
  assert.deepEqual(await close(), [4, 0])
  const before = to.sent
  await until('they have ended', () => settable('delay', '0'))
  assert.equal(to.sent, before, 'what was read then is not written')
})

test('end with a node that is closed', async () => {
  setDebug('ndelay', String(SLOW_NS))
  const { copying, close } = await opened()
  const copy = copyNodes(copying)
  await Promise.all([assert.rejects(copy!, { code: 'ERR_SGRING_NEXUS_LOST' }), close()])
})

test('begin nothing on a node that was opened to read only', async () => {
  await using one = await openNode(from.bsg)
  await using other = await openNode(to.bsg, { readOnly: true })
  const { copying, close } = await opened()
  const blocks = { lba: 0n, blockLength: 512 }
  const ends = { from: { node: one, ...blocks }, to: { node: other, ...blocks } }
  const before = from.sent
  assert.equal(copyNodes({ ...copying, ...ends }), undefined)
  assert.equal(from.sent, before)
  await close()
})

test('are an ordinary user’s as far as the nodes are', async () => {
  const data = fill()
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, SGRING]
  const env = { ...process.env, XDG_STATE_HOME: '/nowhere' }
  const modes = (one: number, other: number) => {
    chmodSync(from.bsg, one)
    chmodSync(to.sg, other)
  }
  modes(0o444, 0o666)
  try {
    await promisify(execFile)('setpriv', [...nobody, 'copy', from.bsg, to.sg, ...PARTS], { env })
  } finally {
    modes(0o600, 0o600)
  }
  assert.ok(to.stored(DISK_BYTES).equals(data))
})

// The last: the device does not come back.
test('end with a device that vanishes under them', async () => {
  setDebug('ndelay', String(SLOW_NS))
  const before = to.sent
  const copy = folder.sgring('copy', from.bsg, to.bsg, ...SLOWLY)
  await until('parts were copied', () => to.sent > before + 16)
  writeFileSync(`/sys/bus/scsi/devices/${to.name}/delete`, '1')
  const { code, stderr } = await copy
  // Those that were on their way may yet come, or be ended by the host.
  assert.ok(code === 15 || code === 99, stderr)
  assert.match(stderr, /ERR_SGRING_(NO_DEVICE|HOST_STATUS|DELIVERY)/)
})

test.run()
