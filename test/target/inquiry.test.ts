import assert from 'node:assert/strict'
import type { TypedCommand } from '#dist/scsi/command.js'
import { inquiry, inquiryCdb, parseInquiry, testUnitReady } from '#dist/scsi/inquiry.js'
import { reportLuns } from '#dist/scsi/report-luns.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { vpdDeviceIdentification, vpdSupportedPages, vpdUnitSerialNumber } from '#dist/scsi/vpd.js'
import { vpdBlockDeviceCharacteristics, vpdBlockLimits } from '#dist/scsi/vpd-block.js'
import { vpdExtendedInquiry } from '#dist/scsi/vpd-extended.js'
import { Disk, type DiskOptions } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { Status } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import { type Outcome, senseText } from './plain-task.ts'

const test = suite('inquiry, report luns and absent units')

/** A target with one disk at LUN 3, and what sends to it. */
function served(options: Partial<DiskOptions> = {}): {
  ask<T>(command: TypedCommand<T>): T
  send(cdb: Uint8Array, lun?: number, dataInLength?: number): Outcome
} {
  const backing = new PlainBacking(1 << 20, { kind: 'file' })
  const target = new Target([[3, new Disk({ backing, serial: 'S1', ...options })]])
  const nexus = new PlainNexus(target)
  const send = (cdb: Uint8Array, lun = 3, dataInLength = 4096): Outcome =>
    run(nexus, { cdb, lun: lun << 16, dataInLength })
  return { send, ask: (command) => command.parse(send(command.cdb, 3, command.dataInLength).data) }
}

test('says what it is in the standard data (spc-4 6.6.2)', () => {
  const { vendor, product, deviceType, qualifier, version, ...flags } = served().ask(inquiry())
  assert.deepEqual(
    [vendor, product, deviceType, qualifier, version],
    ['sgring', 'DISK IN A FILE', 0, 0, 7],
  )
  assert.deepEqual([flags.commandQueue, flags.normalAca, flags.hierarchical], [true, false, true])
})

test('serves the pages that page 00h lists, in ascending order, and no other (spc-4 7.8)', () => {
  const { ask, send } = served()
  const pages = ask(vpdSupportedPages())
  assert.deepEqual(pages, [0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1])
  for (let page = 0; page < 256; page++) {
    const answer = send(inquiryCdb(4096, page))
    if (pages.includes(page)) {
      assert.equal(answer.data[1], page)
    } else {
      assert.equal(answer.senseText, '5/24/00')
      assert.deepEqual(answer.sense?.specific, { kind: 'field', byte: 2, bit: 7, inCdb: true })
    }
  }
})

test('tells serial number, designators, limits and caches', () => {
  const { ask } = served({ blockLength: 4096, maxTransferBytes: 1 << 20 })
  assert.equal(ask(vpdUnitSerialNumber()), 'S1')
  const [naa, t10] = ask(vpdDeviceIdentification())
  assert.deepEqual([naa!.type, naa!.designator.length, naa!.designator[0]! >> 4], [3, 8, 3])
  assert.equal(Buffer.from(t10!.designator).toString(), 'sgring  S1')
  assert.equal(ask(vpdBlockLimits()).maxTransferLength, 256)
  assert.equal(ask(vpdBlockDeviceCharacteristics()).rotationRate, 0)
  const supported = Object.entries(ask(vpdExtendedInquiry())).filter(([, value]) => value === true)
  assert.deepEqual(
    new Set(supported.map(([name]) => name)),
    new Set(['headOfQueue', 'ordered', 'simple', 'priority', 'volatileCache', 'clearsPerNexus']),
  )
})

test('is the same unit again for the same path, and another for another', () => {
  const serial = (options: Partial<DiskOptions>): string =>
    new Disk({ backing: new PlainBacking(512), ...options }).serial
  assert.equal(serial({ path: '/a' }), serial({ path: '/a' }))
  assert.notEqual(serial({ path: '/a' }), serial({ path: '/b' }))
  assert.notEqual(serial({}), serial({}))
  assert.throws(() => serial({ serial: 'two words' }), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
})

test('cuts its data at the allocation length, which may be 0 (spc-4 4.2)', () => {
  const { send } = served()
  for (const [allocationLength, room, came] of [
    [0, 36, 0],
    [5, 36, 5],
    [36, 36, 36],
    [255, 255, 36],
    [36, 10, 10],
  ] as const) {
    const answer = send(inquiryCdb(allocationLength), 3, room)
    assert.equal(answer.status, Status.GOOD)
    assert.equal(answer.data.length, came)
  }
})

test('refuses a page code without EVPD, and CMDDT', () => {
  const { send } = served()
  assert.equal(send(Uint8Array.of(0x12, 0, 0x80, 0, 36, 0)).senseText, '5/24/00')
  assert.equal(send(Uint8Array.of(0x12, 2, 0, 0, 36, 0)).senseText, '5/24/00')
})

test('reports its units to any LUN, also one that has none (spc-4 6.33)', () => {
  const { send } = served()
  for (const lun of [0, 3, 0x7fff]) {
    for (const [select, luns] of [
      [0, [3]],
      [1, []],
      [2, [3]],
    ] as const) {
      const command = reportLuns({ select })
      assert.deepEqual(command.parse(send(command.cdb, lun).data).luns, luns)
    }
  }
})

test('reports its units on the short way too, to the unit addressed last', () => {
  const { send } = served()
  send(testUnitReady().cdb)
  assert.equal(send(testUnitReady().cdb).status, Status.GOOD)
  const { cdb, parse } = reportLuns()
  assert.deepEqual(parse(send(cdb).data).luns, [3])
})

test('refuses other reports (spc-4 6.33)', () => {
  const { send } = served()
  const { cdb } = reportLuns({ allocationLength: 16 })
  assert.equal(send(cdb).status, Status.GOOD)
  assert.equal(send(cdb.with(2, 0x10)).senseText, '5/24/00')
  assert.equal(send(cdb.with(2, 3)).senseText, '5/24/00')
})

test('cuts its report at any allocation length: 16 is what should be, not what must (spc-4 6.33, 4.2.5.6)', () => {
  const { send } = served()
  const { cdb } = reportLuns({ allocationLength: 16 })
  const whole = send(cdb).data
  for (const length of [0, 1, 4, 15]) {
    const { status, data } = send(cdb.with(9, length))
    assert.equal(status, Status.GOOD)
    assert.deepEqual(data, whole.subarray(0, length))
  }
})

test('says in INQUIRY and REQUEST SENSE that an absent unit is absent (spc-4 6.6, 6.39)', () => {
  const { send } = served()
  const absent = parseInquiry(send(inquiryCdb(36), 0).data)
  assert.deepEqual([absent.qualifier, absent.deviceType], [3, 0x1f])
  const { cdb, parse } = requestSense()
  const sense = send(cdb, 0)
  assert.equal(sense.status, Status.GOOD)
  assert.equal(senseText(parse(sense.data)), '5/25/00')
  assert.equal(send(inquiryCdb(255, 0x83), 0).senseText, '5/24/00')
})

test('ends every other command to an absent unit in LOGICAL UNIT NOT SUPPORTED', () => {
  const { send } = served()
  for (const cdb of [testUnitReady().cdb, new Uint8Array(16).fill(0x88, 0, 1)]) {
    for (const lun of [0, 4, 0x0103, 0xc101]) assert.equal(send(cdb, lun).senseText, '5/25/00')
  }
})

test.run()
