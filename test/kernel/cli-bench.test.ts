// guest: --scsi-debug 'dev_size_mb=8 max_luns=3 ndelay=20000 lbpu=1'
/** `sgring bench` on devices of a kernel. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { suite } from '../harness/index.ts'
import { Folder } from './in-process.ts'
import { debugDisk } from './ways.ts'

/** scsi_debug's option SDEBUG_OPT_MEDIUM_ERR: READs of the ten blocks from 1234h on end in MEDIUM ERROR. */
const OPTS = '/sys/bus/pseudo/drivers/scsi_debug/opts'
const MEDIUM_ERRORS = '2'
const FIRST_BAD = 0x1234

const test = suite(`sgring bench on devices of the kernel ${process.env.SGRING_GUEST}`)
let folder: Folder
test.before.each(() => {
  folder = new Folder()
})
test.after.each(() => folder.remove())

async function nodesOf(lun: bigint) {
  const { bsg, sg, block } = (await debugDisk(lun)).nodes
  assert.ok(bsg && sg && block)
  return { bsg, sg, block }
}

async function told(...args: readonly string[]) {
  const { code, stdout, stderr } = await folder.sgring('bench', ...args, '--json')
  assert.notEqual(stdout.length, 0, stderr)
  return { code, ...JSON.parse(String(stdout)) }
}

test('writes blocks by one node, and finds them by each other', async () => {
  const { bsg, sg, block } = await nodesOf(1n)
  const part = ['--offset', '1M', '--length', '256K', '--count', '64', '--depth', '8', '--verify']
  assert.equal((await told(sg, '--mode', 'write', ...part, '--yes')).code, 0)
  const best = process.env.SGRING_GUEST === '6.1' ? 'ioctl' : 'io_uring'
  for (const [node, transport, ...how] of [
    [sg, 'sg', '--yes'],
    [sg, 'ioctl', '--form', 'promise'],
    [bsg, best, '--form', 'promise'],
    [block, best],
  ] as const) {
    const report = await told(node, '--mode', 'randread', ...part, ...how)
    assert.deepEqual([report.code, report.commands, report.errors], [0, 64, 0])
    assert.equal(report.transport, transport)
    // Its commands end after 20 µs.
    assert.ok(report.operations.read.latency_ns.min >= 20_000)
  }
})

test('counts errors by their sense', async () => {
  const { sg } = await nodesOf(0n)
  const bad = ['--offset', String(FIRST_BAD * 512), '--length', '4K']
  writeFileSync(OPTS, MEDIUM_ERRORS)
  try {
    const job = ['--mode', 'read', '--size', '512', '--count', '16', '--depth', '4']
    const report = await told(sg, ...bad, ...job)
    assert.deepEqual([report.code, report.commands, report.errors], [3, 0, 16])
    const [{ what, commands, sense_key, asc, ascq }] = report.failures
    assert.deepEqual([commands, sense_key, asc, ascq], [16, 3, 0x11, 0])
    assert.equal(what, 'MEDIUM ERROR: UNRECOVERED READ ERROR (11h 00h)')
  } finally {
    writeFileSync(OPTS, '0')
  }
})

test('overwrites nothing without --yes, and nothing that is mounted', async () => {
  const { sg, block } = await nodesOf(2n)
  const write = [sg, '--mode', 'randwrite', '--count', '1'] as const
  const unmeant = await folder.sgring('bench', ...write)
  assert.equal(unmeant.code, 1)
  assert.match(unmeant.stderr, /--yes overwrites 8\.0 MiB of \/dev\/sg\d+, .*: Linux scsi_debug/)
  const at = join(folder.path, 'mounted')
  mkdirSync(at)
  execFileSync('modprobe', ['ext4'])
  execFileSync('mkfs.ext4', ['-q', '-F', block])
  execFileSync('mount', [block, at])
  try {
    const used = await folder.sgring('bench', ...write, '--yes')
    assert.equal(used.code, 15)
    assert.match(used.stderr, new RegExp(`in use: ${basename(block)} is mounted on ${at}`))
    assert.equal((await told(sg, '--count', '10')).code, 0)
  } finally {
    execFileSync('umount', [at])
  }
})

test.run()
