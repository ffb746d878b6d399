import assert from 'node:assert/strict'
import { DeviceType } from '#dist/scsi/inquiry.js'
import { BasicUnit } from '#dist/target/basic-unit.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import type { Unit } from '#dist/target/unit.js'
import { Status } from '#dist/task/command.js'
import { ServiceResponse, TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'

const test = suite('a nexus that only reads')

/** Both kinds of nexus at one unit, whose first unit attention is over. */
function nexuses(unit: Unit): { reader: PlainNexus; writer: PlainNexus } {
  const target = new Target([[0, unit]])
  const reader = new PlainNexus(target, { readOnly: true })
  const writer = new PlainNexus(target)
  for (const nexus of [reader, writer]) run(nexus, { cdb: new Uint8Array(6) })
  return { reader, writer }
}

const disk = () => new Disk({ backing: new PlainBacking(64 * 512), removable: true, thin: true })
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** DATA PROTECT, WRITE PROTECTED (SPC-4 4.5.6, annex D). */
const PROTECTED = [Status.CHECK_CONDITION, 7, 0x27, 0x00]

function said(nexus: PlainNexus, cdb: string, dataOut = new Uint8Array(0)) {
  const { status, sense } = run(nexus, { cdb: hex(cdb), dataOut, dataInLength: 4096 })
  return sense === undefined ? [status] : [status, sense.key, sense.asc, sense.ascq]
}

for (const [name, cdb, bytes] of [
  ['WRITE(6)', '0a 00 00 00 01 00', 512],
  ['WRITE(10)', '2a 00 00000000 00 0001 00', 512],
  ['WRITE(16)', '8a 00 0000000000000000 00000001 00 00', 512],
  ['COMPARE AND WRITE', '89 00 0000000000000000 000000 01 00 00', 1024],
  ['UNMAP', '42 00 00000000 00 0008 00', 8],
  ['WRITE SAME(16)', '93 00 0000000000000000 00000001 00 00', 512],
  ['FORMAT UNIT', '04 00 0000 00 00', 0],
  ['SANITIZE', '48 02 00000000 00 0000 00', 0],
  ['MODE SELECT(6)', '15 10 0000 00 00', 0],
  ['START STOP UNIT', '1b 00 00 00 02 00', 0],
  ['PREVENT ALLOW MEDIUM REMOVAL', '1e 00 00 00 01 00', 0],
  ['LOG SELECT', '4c 02 00 00 000000 0000 00', 0],
  ['a command that no standard has', 'c0 00 00 00 00 00', 0],
] as const) {
  test(`is refused ${name} with WRITE PROTECTED (sbc-3 4.12)`, () => {
    const { reader } = nexuses(disk())
    assert.deepEqual(said(reader, cdb, new Uint8Array(bytes)), PROTECTED)
  })
}

test('reads, and asks whatever there is to ask', () => {
  const { reader } = nexuses(disk())
  for (const cdb of [
    '00 00 00 00 00 00',
    '03 00 00 00 ff 00',
    '08 00 00 00 01 00',
    '12 00 00 00 ff 00',
    '1a 00 3f 00 ff 00',
    '25 00 00000000 0000 00 00',
    '28 00 00000000 00 0001 00',
    '2f 00 00000000 00 0001 00',
    '4d 00 40 00 00 0000 00ff 00',
    '88 00 0000000000000000 00000001 00 00',
    '9e 10 0000000000000000 000000ff 00 00',
    '9e 12 0000000000000000 000000ff 00 00',
    'a0 00 00 000000 000000ff 00 00',
    'a3 0c 00 00 0000 00000fff 00 00',
  ]) {
    assert.deepEqual(said(reader, cdb), [Status.GOOD], cdb)
  }
})

test('finds WP set in MODE SENSE, where another nexus does not (sbc-3 6.4.1)', () => {
  const { reader, writer } = nexuses(disk())
  const senseOf = (nexus: PlainNexus) =>
    run(nexus, { cdb: hex('1a 00 0a 00 ff 00'), dataInLength: 255 }).data[2]! & 0x80
  assert.deepEqual([senseOf(reader), senseOf(writer)], [0x80, 0])
})

test('changes nothing for others: they go on writing, and meet no unit attention of its making', () => {
  const { reader, writer } = nexuses(disk())
  said(reader, '15 10 0000 00 00')
  said(reader, '2a 00 00000000 00 0001 00', new Uint8Array(512).fill(9))
  assert.deepEqual(said(writer, '2a 00 00000000 00 0001 00', new Uint8Array(512).fill(3)), [
    Status.GOOD,
  ])
  const { data } = run(reader, { cdb: hex('28 00 00000000 00 0001 00'), dataInLength: 512 })
  assert.deepEqual(data, new Uint8Array(512).fill(3))
})

test('meets a unit attention before it is refused (sam-5 5.14)', () => {
  const target = new Target([[0, disk()]])
  const reader = new PlainNexus(target, { readOnly: true })
  const write = '2a 00 00000000 00 0001 00'
  assert.deepEqual(said(reader, write, new Uint8Array(512)), [Status.CHECK_CONDITION, 6, 0x29, 0])
  assert.deepEqual(said(reader, write, new Uint8Array(512)), PROTECTED)
})

test('ends no command of others: CLEAR TASK SET and LOGICAL UNIT RESET are rejected (sam-5 7)', () => {
  const held: Unit = { execute: () => {} }
  const { reader, writer } = nexuses(held)
  const command = writer.publish({ cdb: new Uint8Array(6) })
  writer.fetch()
  for (const [code, response] of [
    [TaskFunction.CLEAR_TASK_SET, ServiceResponse.FUNCTION_REJECTED],
    [TaskFunction.LOGICAL_UNIT_RESET, ServiceResponse.FUNCTION_REJECTED],
    [TaskFunction.ABORT_TASK_SET, ServiceResponse.FUNCTION_COMPLETE],
  ] as const) {
    assert.equal(reader.send({ function: code, lun: 0 }).result()?.response, response)
  }
  assert.equal(command.isOver, false)
})

test('is refused by what a unit is: a unit that does not say has what every kind of device reads by', () => {
  const seen: number[] = []
  const unit: Unit = {
    execute: (task) => {
      seen.push(task.cdb[0]!)
      task.good()
    },
  }
  const { reader } = nexuses(unit)
  assert.deepEqual(said(reader, '28 00 00000000 00 0001 00'), PROTECTED)
  assert.deepEqual(said(reader, '12 00 00 00 ff 00'), [Status.GOOD])
  assert.deepEqual(seen, [0x12])

  const tape = nexuses({ ...unit, deviceType: DeviceType.SEQUENTIAL_ACCESS })
  assert.deepEqual(said(tape.reader, '08 00 000001 00'), [Status.GOOD])
  assert.deepEqual(said(tape.reader, '0a 00 000001 00'), PROTECTED)
  assert.equal(new BasicUnit({ deviceType: 5 }).deviceType, 5)
})

test.run()
