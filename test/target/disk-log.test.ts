import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { read10, write10 } from '#dist/scsi/block.js'
import { getLbaStatus, unmap, writeSame16 } from '#dist/scsi/block-provisioning.js'
import { compareAndWrite, verify16, writeAndVerify16 } from '#dist/scsi/block-verify.js'
import {
  type LogPageName,
  logSelect,
  logSense,
  supportedLogPages,
  supportedLogSubpages,
} from '#dist/scsi/log.js'
import { READ_ERRORS, VERIFY_ERRORS, WRITE_ERRORS } from '#dist/scsi/log-error.js'
import { type LogPageLayout, readLogPage } from '#dist/scsi/log-fields.js'
import {
  INFORMATIONAL_EXCEPTIONS,
  PROVISIONING_STATISTICS,
  STATISTICS,
} from '#dist/scsi/log-health.js'
import { modeSelect10 } from '#dist/scsi/mode.js'
import { INFORMATIONAL_EXCEPTIONS_CONTROL } from '#dist/scsi/mode-common.js'
import { encodeModePage } from '#dist/scsi/mode-page.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { vpdLogicalBlockProvisioning } from '#dist/scsi/vpd-provisioning.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { senseText } from './plain-task.ts'
import { bytesOf, hex, type ServedDisk, servedDisk, TEST_UNIT_READY } from './served-disk.ts'

const test = suite('the log pages of a disk')

const blockLength = 512
const KIB = 1024

function page<P>({ send }: ServedDisk, layout: LogPageLayout<P>, control: 0 | 1 | 2 | 3 = 1): P {
  const command = logSense({ page: layout.page, control })
  return readLogPage(layout, command.parse(send(command).data))
}

/** Bytes and errors of an error counter page. */
function errors(disk: ServedDisk, layout: typeof READ_ERRORS) {
  const { bytesProcessed, uncorrected, ...rest } = page(disk, layout)
  assert.ok(Object.values(rest).every((value) => value === undefined))
  return [bytesProcessed, uncorrected]
}

test('are listed, with subpages and without, and each of them is there (spc-4 7.3.18, 7.3.19)', () => {
  const disk = servedDisk()
  const codes = supportedLogPages()
  assert.deepEqual(codes.parse(disk.send(codes).data), [0, 2, 3, 5, 0x19, 0x2f])
  const names = supportedLogSubpages()
  const listed: readonly LogPageName[] = names.parse(disk.send(names).data)
  assert.deepEqual(
    listed.map((one) => [one.page, one.subpage]),
    [[0, 0], [0, 0xff], ...[2, 3, 5, 0x19, 0x2f].map((code) => [code, 0])],
  )
  for (const one of listed.slice(2)) assert.equal(disk.end(logSense(one)), 'GOOD')
})

test('count bytes and medium errors of reads, writes and verifies, and no other error (spc-4 7.3.6)', () => {
  const disk = servedDisk()
  const { send, end, backing } = disk
  send(write10({ lba: 0, data: bytesOf(8 * KIB), blockLength }))
  send(read10({ lba: 0, blocks: 4, blockLength }))
  send(writeAndVerify16({ lba: 0, data: bytesOf(KIB), blockLength, compare: true }))
  send(verify16({ lba: 0, blocks: 8, blockLength }))
  send(writeSame16({ lba: 0, blocks: 2, data: bytesOf(512) }))
  const swapped = { lba: 0, expected: bytesOf(512), data: bytesOf(512, 1), blockLength }
  assert.equal(end(compareAndWrite(swapped)), 'GOOD')
  assert.deepEqual(errors(disk, WRITE_ERRORS), [BigInt(8 * KIB + KIB + KIB + 512), 0n])
  assert.deepEqual(errors(disk, READ_ERRORS), [BigInt(2 * KIB), 0n])
  assert.deepEqual(errors(disk, VERIFY_ERRORS), [BigInt(KIB + 4 * KIB), 0n])
  for (const [errno, more] of [
    [5, 1n],
    [28, 1n],
    [125, 1n],
  ] as const) {
    backing.errno = errno
    send(write10({ lba: 0, data: bytesOf(512), blockLength }))
    send(read10({ lba: 0, blocks: 1, blockLength }))
    send(verify16({ lba: 0, blocks: 1, blockLength }))
    backing.errno = 0
    assert.deepEqual(
      [WRITE_ERRORS, READ_ERRORS, VERIFY_ERRORS].map((layout) => errors(disk, layout)[1]),
      [more, more, more],
      `errno ${errno}`,
    )
  }
})

test('count commands and blocks, and say that no time is measured (spc-4 7.3.8)', () => {
  const disk = servedDisk({ thin: true })
  const { send } = disk
  send(write10({ lba: 0, data: bytesOf(4 * KIB), blockLength }))
  send(read10({ lba: 0, blocks: 3, blockLength }))
  send(read10({ lba: 5000, blocks: 3, blockLength }))
  send(writeAndVerify16({ lba: 0, data: bytesOf(KIB), blockLength }))
  send(unmap([{ lba: 0, blocks: 1 }]))
  send(getLbaStatus({ lba: 0 }))
  const counters = {
    readCommands: 2n,
    writeCommands: 3n,
    blocksReceived: 10n,
    blocksTransmitted: 3n,
    readIntervals: 0n,
    writeIntervals: 0n,
    weightedCommands: 0n,
    weightedIntervals: 0n,
    idleIntervals: 0n,
    intervalExponent: 0,
    intervalInteger: 0,
  }
  assert.deepEqual(page(disk, STATISTICS), counters)
  const none = { readCommands: 0n, writeCommands: 0n, blocksReceived: 0n, blocksTransmitted: 0n }
  for (const control of [0, 2, 3] as const) {
    assert.deepEqual(page(disk, STATISTICS, control), { ...counters, ...none })
  }
})

test('go back to 0 by PCR or default values, those that are named, and others are told (spc-4 6.7.2)', () => {
  const disk = servedDisk()
  const { send, end } = disk
  const move = () => {
    send(write10({ lba: 0, data: bytesOf(512), blockLength }))
    send(read10({ lba: 0, blocks: 1, blockLength }))
  }
  const bytes = () => [WRITE_ERRORS, READ_ERRORS].map((layout) => Number(errors(disk, layout)[0]))
  const other = disk.other()
  move()
  assert.equal(end(logSelect({ reset: true, only: { page: 3, subpage: 0 } })), 'GOOD')
  assert.deepEqual(bytes(), [512, 0])
  assert.equal(other.send(TEST_UNIT_READY).end, '6/2a/02')
  assert.equal(end(TEST_UNIT_READY), 'GOOD')
  move()
  assert.deepEqual([bytes(), page(disk, STATISTICS).readCommands], [[1024, 512], 2n])
  assert.equal(end(logSelect({ control: 3 })), 'GOOD')
  assert.deepEqual([bytes(), page(disk, STATISTICS).readCommands], [[0, 0], 0n])
  move()
  assert.equal(end({ cdb: hex('4c 03 80 00 000000 0000 00') }), 'GOOD')
  assert.deepEqual(bytes(), [0, 0])
  move()
  for (const cdb of ['4c 00 00', '4c 00 40', '4c 00 80', '4c 01 80']) {
    assert.equal(end({ cdb: hex(`${cdb} 00 000000 0000 00`) }), 'GOOD', cdb)
  }
  for (const [cdb, byte, bit] of [
    ['4c 01 00 00 000000 0000 00', 1, 0],
    ['4c 03 40 00 000000 0000 00', 1, 0],
    ['4c 02 4d 00 000000 0000 00', 2, 5],
    ['4c 02 42 01 000000 0000 00', 3, 7],
    ['4c 02 40 00 000000 0004 00', 1, 1],
    ['4c 00 42 00 000000 0004 00', 2, 5],
  ] as const) {
    const { senseText: text, sense } = send({ cdb: hex(cdb), dataOut: new Uint8Array(4) })
    assert.deepEqual(
      [text, sense?.specific],
      ['5/24/00', { kind: 'field', byte, bit, inCdb: true }],
      cdb,
    )
  }
  const set = hex('4c 00 40 00 000000 0004 00')
  assert.equal(end({ cdb: set, dataOut: hex('02000000') }), '5/26/00')
  assert.deepEqual(bytes(), [512, 512])
})

test('are asked for as they are: saved by nobody, and from the parameter on that is pointed at (spc-4 6.8)', () => {
  const { send } = servedDisk()
  const ask = (cdb: string) => {
    const { senseText: text, sense, data } = send({ cdb: hex(cdb), dataInLength: 255 })
    return sense === undefined
      ? Buffer.from(data).toString('hex')
      : [text, (sense.specific as { byte: number }).byte]
  }
  assert.deepEqual(ask('4d 01 42 00 00 0000 00ff 00'), ['5/24/00', 1])
  assert.deepEqual(ask('4d 02 42 00 00 0000 00ff 00'), ['5/24/00', 1])
  assert.deepEqual(ask('4d 00 4d 00 00 0000 00ff 00'), ['5/24/00', 2])
  assert.deepEqual(ask('4d 00 42 01 00 0000 00ff 00'), ['5/24/00', 3])
  assert.deepEqual(ask('4d 00 42 00 00 0007 00ff 00'), ['5/24/00', 5])
  assert.equal(ask('4d 00 42 00 00 0006 00ff 00'), `8200000c00062208${'00'.repeat(8)}`)
  assert.equal(ask('4d 00 42 00 00 0000 0004 00'), '82000018')
})

test('tell a failure that TEST asks for as REQUEST SENSE does, unless DEXCPT is set (spc-4 7.5.11, 7.3.10)', () => {
  const disk = servedDisk()
  const { send, end } = disk
  const set = (values: { test?: boolean; dexcpt?: boolean }) => {
    const pages = [encodeModePage(INFORMATIONAL_EXCEPTIONS_CONTROL, { mrie: 6, ...values })]
    return end(modeSelect10({ pages }))
  }
  const told = () => {
    const sense = requestSense()
    const { asc, ascq, temperature } = page(disk, INFORMATIONAL_EXCEPTIONS)
    return [senseText(sense.parse(send(sense).data)), asc, ascq, temperature]
  }
  assert.deepEqual(told(), ['0/00/00', 0, 0, 255])
  assert.equal(set({ test: true }), 'GOOD')
  assert.deepEqual(told(), ['0/5d/ff', 0x5d, 0xff, 255])
  assert.equal(end(TEST_UNIT_READY), 'GOOD')
  assert.equal(set({ test: true, dexcpt: true }), '5/26/00')
  assert.equal(set({ dexcpt: true }), 'GOOD')
  assert.deepEqual(told(), ['0/00/00', 0, 0, 255])
})

/** A thin disk of 64 MiB that knows what it takes. */
function thin(usage: PlainBacking['usage']): ServedDisk {
  return servedDisk({ thin: true }, new PlainBacking(0, { claimed: 64 << 20, usage }))
}

test('tell the room of a thin unit, as soon as that is known, in threshold sets (sbc-3 6.3.4)', async () => {
  const usage = { usedBytes: 5 * KIB * KIB + 1, availableBytes: 100 * KIB * KIB }
  const disk = thin(async () => usage)
  const vpd = vpdLogicalBlockProvisioning()
  assert.equal(vpd.parse(disk.send(vpd).data).thresholdExponent, 11)
  const command = logSense({ page: PROVISIONING_STATISTICS.page })
  const asked = async () => {
    const task = disk.begin(command)
    while (!task.isOver) await undefined
    return readLogPage(PROVISIONING_STATISTICS, command.parse(task.outcome().data))
  }
  assert.deepEqual(await asked(), { available: 59, availableScope: 2, used: 6, usedScope: 1 })
  usage.availableBytes = 3 * KIB * KIB
  assert.equal((await asked()).available, 3)
  const failing = thin(() => Promise.reject(Object.assign(new Error(), { errno: -5 })))
  const failed = failing.begin(command)
  while (!failed.isOver) await undefined
  assert.equal(failed.end, '3/11/00')
  const aborted = disk.begin(command)
  aborted.abort(undefined)
  assert.equal(aborted.end, 'aborted')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
})

const skip =
  spawnSync('sg_logs', ['--version']).error === undefined
    ? undefined
    : 'needs sg_logs: apt-get install sg3-utils'

test(
  'say to sg_logs what they say here',
  () => {
    const disk = servedDisk()
    disk.send(write10({ lba: 0, data: bytesOf(4 * KIB), blockLength }))
    disk.send(read10({ lba: 0, blocks: 3, blockLength }))
    const shown = (code: number, subpage = 0) => {
      const { data } = disk.send(logSense({ page: code, subpage }))
      const input = Buffer.from(data).toString('hex').replaceAll(/../g, '$& ')
      const { stdout, status } = spawnSync('sg_logs', ['--in=-', '--pdt=0'], {
        input,
        encoding: 'utf8',
      })
      assert.equal(status, 0)
      return stdout
    }
    let compared = 0
    for (const [code, subpage, ...expected] of [
      [0, 0, /0x2f +Informational exceptions/],
      [0, 0xff, /0x2f +Informational exceptions/],
      [2, 0, /Total bytes processed = 4096/, /Total uncorrected errors = 0/],
      [3, 0, /Total bytes processed = 1536/],
      [5, 0, /Total bytes processed = 0/],
      [0x19, 0, /number of read commands = 1/, /number of logical blocks received = 8/],
      [0x19, 0, /time interval integer = 0/],
      [0x2f, 0, /IE asc = 0x0, ascq = 0x0/],
    ] as const) {
      const text = shown(code, subpage)
      for (const pattern of expected) assert.match(text, pattern)
      compared += expected.length
    }
    console.log(`  ${compared} values of a disk's log pages compared with sg_logs`)
  },
  { skip },
)

test.run()
