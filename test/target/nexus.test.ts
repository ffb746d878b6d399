import assert from 'node:assert/strict'
import { inquiry, testUnitReady } from '#dist/scsi/inquiry.js'
import { lunWord } from '#dist/scsi/lun.js'
import { reportLuns } from '#dist/scsi/report-luns.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { Status, TaskAttribute } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import { senseText } from './plain-task.ts'

const test = suite('nexuses and unit attention')

const ready = testUnitReady().cdb
const disks = (count: number): Target =>
  new Target(
    Array.from({ length: count }, () => new Disk({ backing: new PlainBacking(4096) })).entries(),
  )

test('tells each nexus of power on, once for each unit (sam-5 5.14)', () => {
  const target = disks(2)
  for (const nexus of [new PlainNexus(target), new PlainNexus(target)]) {
    for (const lun of [0, 1].map(lunWord)) {
      const first = run(nexus, { cdb: ready, lun })
      assert.deepEqual([first.status, first.senseText], [Status.CHECK_CONDITION, '6/29/00'])
      assert.equal(run(nexus, { cdb: ready, lun }).status, Status.GOOD)
    }
    assert.equal(run(nexus, { cdb: ready }).status, Status.GOOD)
  }
})

test('neither tells nor clears it in INQUIRY and REPORT LUNS (sam-5 5.14)', () => {
  const target = disks(1)
  const nexus = new PlainNexus(target)
  for (const { cdb, dataInLength } of [inquiry(), reportLuns(), inquiry()]) {
    assert.equal(run(nexus, { cdb, dataInLength }).status, Status.GOOD)
  }
  assert.equal(run(nexus, { cdb: ready }).senseText, '6/29/00')
})

test('tells it as data of REQUEST SENSE, in the format asked for, and clears it (spc-4 6.39)', () => {
  for (const descriptor of [false, true]) {
    const target = disks(1)
    const nexus = new PlainNexus(target)
    const { cdb, dataInLength, parse } = requestSense({ descriptor })
    const answer = run(nexus, { cdb, dataInLength })
    assert.equal(answer.status, Status.GOOD)
    assert.equal(senseText(parse(answer.data)), '6/29/00')
    assert.equal(parse(answer.data).responseCode, descriptor ? 0x72 : 0x70)
    assert.equal(run(nexus, { cdb: ready }).status, Status.GOOD)
    assert.equal(senseText(parse(run(nexus, { cdb, dataInLength }).data)), '0/00/00')
  }
})

test('is told of a unit once, whichever way its LUN is written (sam-5 4.7)', () => {
  const target = disks(2)
  const nexus = new PlainNexus(target)
  assert.equal(run(nexus, { cdb: ready, lun: 0x0001_0000 }).senseText, '6/29/00')
  assert.equal(run(nexus, { cdb: ready, lun: 0x4001_0000 }).status, Status.GOOD)
})

test('gives nexuses numbers that do not come again', () => {
  const target = disks(1)
  const first = new PlainNexus(target)
  first.lose()
  assert.notEqual(new PlainNexus(target).nexus.id, first.nexus.id)
})

test('keeps apart 16 nexuses on 16,384 units', () => {
  const disk = new Disk({ backing: new PlainBacking(4096) })
  const target = new Target(Array.from({ length: 16_384 }, (_, lun) => [lun, disk] as const))
  const nexuses = Array.from({ length: 16 }, () => new PlainNexus(target))
  for (const nexus of nexuses) {
    const lun = lunWord(16_383)
    assert.equal(run(nexus, { cdb: ready, lun }).senseText, '6/29/00')
    assert.equal(run(nexus, { cdb: ready, lun }).status, Status.GOOD)
  }
  const { cdb, dataInLength, parse } = reportLuns({ allocationLength: 8 + 16_384 * 8 })
  const { luns } = parse(run(nexuses[0]!, { cdb, dataInLength }).data)
  assert.deepEqual([luns.length, luns[256], luns[16_383]], [16_384, 256, 16_383])
})

test('refuses ACA without an ACA, and attributes that SAM-5 does not have (sam-5 8.7)', () => {
  const target = disks(1)
  const nexus = new PlainNexus(target)
  run(nexus, { cdb: ready })
  for (const attribute of [TaskAttribute.ACA, 3, 7, 15]) {
    assert.equal(run(nexus, { cdb: ready, attribute }).senseText, '5/49/00')
  }
})

test('refuses NACA and CDBs that are too short, naming the bit (sam-5 5.2)', () => {
  const target = disks(1)
  const nexus = new PlainNexus(target)
  run(nexus, { cdb: ready })
  const naca = run(nexus, { cdb: Uint8Array.of(0, 0, 0, 0, 0, 4) })
  assert.equal(naca.senseText, '5/24/00')
  assert.deepEqual(naca.sense?.specific, { kind: 'field', byte: 5, bit: 2, inCdb: true })
  const short = run(nexus, { cdb: Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1) })
  assert.equal(short.senseText, '5/24/00')
  const longer = new Uint8Array(16)
  assert.equal(run(nexus, { cdb: longer }).status, Status.GOOD)
})

test('refuses LUNs beyond 16,383 and LUNs named twice', () => {
  const disk = new Disk({ backing: new PlainBacking(4096) })
  const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
  assert.throws(() => new Target([[16_384, disk]]), invalid)
  assert.throws(() => new Target([[-1, disk]]), invalid)
  assert.throws(
    () =>
      new Target([
        [0, disk],
        [0, disk],
      ]),
    invalid,
  )
})

test.run()
