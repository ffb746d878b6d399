import assert from 'node:assert/strict'
import { write10 } from '#dist/scsi/block.js'
import {
  formatUnit,
  readDefectData12,
  sanitizeBlockErase,
  sanitizeExitFailureMode,
  sanitizeOverwrite,
} from '#dist/scsi/block-medium.js'
import {
  encodeDiagnosticPage,
  SelfTest,
  sendDiagnosticPage,
  sendSelfTest,
  supportedDiagnosticPages,
} from '#dist/scsi/diagnostic.js'
import { inquiry } from '#dist/scsi/inquiry.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import { senseText } from './plain-task.ts'
import { bytesOf, hex, type ServedDisk, servedDisk, TEST_UNIT_READY } from './served-disk.ts'

const test = suite('a disk that is formatted or sanitized')

const MIB = 1 << 20
const READ_DEFECT_10 = hex('37 00 18 00000000 00ff 00')

/** A disk of three steps, all of it written. */
function written(options = {}): ServedDisk {
  const disk = servedDisk(options, new PlainBacking(40 * MIB))
  disk.backing.put(0, new Uint8Array(40 * MIB).fill(0x77))
  return disk
}

function isZeros(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, new Uint8Array(bytes.length)) === 0
}

function sense({ send }: ServedDisk) {
  const command = requestSense()
  return command.parse(send(command).data)
}

for (const [name, command, inProgress] of [
  ['FORMAT UNIT', formatUnit, '2/04/04'],
  ['SANITIZE', sanitizeBlockErase, '2/04/1b'],
] as const) {
  test(`${name} keeps the unit to itself, and tells how far it has come (sbc-3 5.3, 4.11)`, () => {
    const disk = written()
    const { background } = disk.nexus
    const other = disk.other()
    const task = disk.begin(command({}))
    assert.equal(task.end, 'open')
    for (const [progress, what] of [
      [0, `fill 0 ${16 * MIB}`],
      [0x6666, `fill ${16 * MIB} ${16 * MIB}`],
      [0xcccc, `fill ${32 * MIB} ${8 * MIB}`],
    ] as const) {
      assert.equal(disk.backing.log.at(-1), what)
      const { specific, ...rest } = sense(disk)
      assert.equal(senseText({ specific, ...rest }), inProgress)
      assert.deepEqual(specific, { kind: 'progress', progress })
      assert.equal(other.send(TEST_UNIT_READY).end, inProgress)
      assert.equal(
        disk.end(write10({ lba: 0, data: new Uint8Array(512), blockLength: 512 })),
        inProgress,
      )
      assert.equal(disk.end(command({})), inProgress)
      assert.equal(other.send(inquiry()).end, 'GOOD')
      background.step()
    }
    assert.equal(disk.backing.log.at(-1), 'flush 0 0')
    background.finish()
    disk.nexus.flush()
    assert.equal(task.end, 'GOOD')
    assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
    assert.equal(senseText(sense(disk)), '0/00/00')
    assert.ok(isZeros(disk.backing.bytes))
  })

  test(`${name} with IMMED is answered at once, and goes on through an abort and a reset (sbc-3 5.3, 4.11)`, () => {
    const disk = written({ thin: true })
    assert.equal(disk.end(command({ immed: true })), 'GOOD')
    assert.equal(disk.end(TEST_UNIT_READY), inProgress)
    disk.nexus.send({ function: TaskFunction.LOGICAL_UNIT_RESET })
    assert.equal(disk.end(TEST_UNIT_READY), '6/29/03')
    assert.equal(disk.end(TEST_UNIT_READY), inProgress)
    disk.nexus.background.finish()
    assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
    assert.equal(disk.backing.allocated.size, 0)

    const waiting = disk.begin(command({}))
    disk.nexus.send({ function: TaskFunction.ABORT_TASK_SET })
    assert.equal(waiting.end, 'aborted')
    assert.equal(disk.end(TEST_UNIT_READY), inProgress)
    disk.nexus.background.finish()
    assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
  })
}

for (const [name, command, inProgress] of [
  ['FORMAT UNIT', formatUnit, '2/04/04'],
  ['SANITIZE', sanitizeBlockErase, '2/04/1b'],
] as const) {
  test(`${name} begins when the last write that had begun is over, also an aborted one (sbc-3 4.11)`, () => {
    const disk = written()
    const { backing, nexus } = disk
    backing.slow = true
    const [one, other] = [0, 1].map((lba) =>
      disk.begin(write10({ lba, data: bytesOf(512), blockLength: 512 })),
    )
    nexus.send({ function: TaskFunction.ABORT_TASK_SET })
    const late = disk.begin(write10({ lba: 2, data: bytesOf(512), blockLength: 512 }))
    const logged = backing.log.length
    const task = disk.begin(command({}))
    assert.equal(disk.end(TEST_UNIT_READY), inProgress)
    for (const write of [one, other]) {
      write!.endTransfer()
      assert.equal(write!.end, 'aborted')
      assert.equal(backing.log.length, logged)
    }
    late.endTransfer()
    assert.equal(late.end, 'GOOD')
    assert.deepEqual(backing.log.slice(logged), [`fill 0 ${16 * MIB}`])
    nexus.background.finish()
    assert.equal(task.end, 'GOOD')
    assert.ok(isZeros(backing.bytes))
  })
}

test('a command of several steps is over before FORMAT UNIT begins (sbc-3 5.3)', () => {
  const size = 70 * MIB
  const disk = servedDisk({}, new PlainBacking(size))
  disk.backing.slow = true
  const filling = disk.begin({
    cdb: hex('93 00 0000000000000000 00000000 00 00'),
    dataOut: new Uint8Array(512).fill(0x77),
  })
  const task = disk.begin(formatUnit({ immed: true }))
  assert.equal(task.end, 'GOOD')
  while (!filling.isOver) {
    assert.equal(disk.backing.log.filter((line) => line.startsWith('fill 0 ')).length, 1)
    filling.endTransfer()
  }
  disk.nexus.background.finish()
  assert.ok(isZeros(disk.backing.bytes))
})

test('FORMAT UNIT that fails leaves a corrupted medium, which only another one mends (sbc-3 5.3)', () => {
  const disk = written()
  const task = disk.begin(formatUnit())
  disk.backing.errno = 5
  disk.nexus.background.finish()
  assert.equal(task.end, '3/31/01')
  disk.backing.errno = 0
  assert.equal(disk.end(TEST_UNIT_READY), '3/31/00')
  assert.equal(disk.end(formatUnit({ immed: true })), 'GOOD')
  disk.nexus.background.finish()
  assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
})

test('FORMAT UNIT fills with a pattern, repeated in each block (sbc-3 5.3.2.3)', () => {
  const disk = servedDisk()
  const pattern = bytesOf(100, 1)
  const task = disk.begin(formatUnit({ pattern }))
  disk.nexus.background.finish()
  assert.deepEqual([task.end, task.outcome().residualOut], ['GOOD', 0])
  const block = Uint8Array.from({ length: 512 }, (_, i) => pattern[i % 100]!)
  assert.deepEqual(disk.backing.bytes.subarray(7 * 512, 8 * 512), block)
})

test('FORMAT UNIT refuses protection, lists of defects, and options without FOV (sbc-3 5.3.2)', () => {
  const { end } = servedDisk()
  const send = (cdb: string, list = '') => end({ cdb: hex(cdb), dataOut: hex(list) })
  assert.equal(send('04 50 00 00 00 00', '00000000'), '5/24/00')
  assert.equal(send('04 08 00 00 00 00'), '5/24/00')
  assert.equal(send('04 10 00 00 00 00', '000000'), '5/0e/03')
  for (const list of [
    '01000000',
    '00400000',
    '00000008',
    '00880000 20010001 ff',
    '00880000 00000001 ff',
    '00880000 00010000',
    '00880000 00010201',
    '00880000 00020001 ff',
  ]) {
    assert.equal(send('04 10 00 00 00 00', list), '5/26/00', list)
  }
  assert.equal(send('04 30 00 00 00 00', '0000000000000010'), '5/26/00')
})

test('SANITIZE OVERWRITE writes its pattern as often as it is asked to, inverted every second time (sbc-3 5.24.2.2)', () => {
  const disk = servedDisk()
  const task = disk.begin(
    sanitizeOverwrite({ pattern: Uint8Array.of(0x0f, 0xaa), passes: 2, invert: true }),
  )
  disk.nexus.background.step()
  assert.deepEqual(Array.from(disk.backing.bytes.subarray(0, 4)), [0x0f, 0xaa, 0x0f, 0xaa])
  disk.nexus.background.finish()
  assert.equal(task.end, 'GOOD')
  assert.deepEqual(Array.from(disk.backing.bytes.subarray(510, 514)), [0xf0, 0x55, 0xf0, 0x55])
  assert.equal(disk.backing.log.filter((line) => line.startsWith('fill')).length, 2)
})

test('SANITIZE refuses lists that its service action has not, and patterns that are none (sbc-3 5.24)', () => {
  const { end } = servedDisk()
  const send = (action: string, length: string, list = '') =>
    end({ cdb: hex(`48 ${action} 00000000 00 ${length} 00`), dataOut: hex(list) })
  assert.equal(send('01', '0004', '01000001'), '5/24/00')
  assert.equal(send('01', '0205', '01'), '5/24/00')
  assert.equal(send('01', '0005', '01000001'), '5/0e/03')
  assert.equal(send('02', '0001', '00'), '5/24/00')
  assert.equal(send('1f', '0001', '00'), '5/24/00')
  assert.equal(send('03', '0000'), '5/24/00')
  assert.equal(send('01', '0005', '00000001 ff'), '5/26/00')
  assert.equal(send('01', '0005', '21000001 ff'), '5/26/00')
  assert.equal(send('01', '0005', '01000000 ff'), '5/26/00')
  assert.equal(send('01', '0005', '01000201 ff'), '5/26/00')
  assert.equal(send('01', '0005', '01000002 ff'), '5/1a/00')
})

test('SANITIZE that fails leaves a unit that is left by EXIT FAILURE MODE only where AUSE allowed it (sbc-3 4.11.3)', () => {
  for (const unrestrictedExit of [false, true]) {
    const disk = servedDisk()
    assert.equal(disk.end(sanitizeExitFailureMode()), 'GOOD')
    const task = disk.begin(sanitizeBlockErase({ unrestrictedExit }))
    disk.backing.errno = 5
    disk.nexus.background.finish()
    assert.equal(task.end, '3/31/03')
    disk.backing.errno = 0
    assert.equal(disk.end(TEST_UNIT_READY), '3/31/03')
    assert.equal(disk.end(formatUnit()), '3/31/03')
    assert.equal(disk.end(sanitizeExitFailureMode()), unrestrictedExit ? 'GOOD' : '5/24/00')
    assert.equal(disk.end(TEST_UNIT_READY), unrestrictedExit ? 'GOOD' : '3/31/03')
    disk.begin(sanitizeBlockErase())
    disk.nexus.background.finish()
    assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
  }
})

test('SANITIZE that is refused does not allow what the failed one did not (sbc-3 4.11.3)', () => {
  const disk = servedDisk()
  disk.begin(sanitizeBlockErase({ unrestrictedExit: false }))
  disk.backing.errno = 5
  disk.nexus.background.finish()
  disk.backing.errno = 0
  const control = disk.send({ cdb: hex('1a 08 0a 00 ff 00'), dataInLength: 255 }).data.slice()
  control[0] = 0
  control[4 + 4]! |= 0x08
  assert.equal(
    disk.end({ cdb: hex(`15 10 0000 ${control.length.toString(16)} 00`), dataOut: control }),
    'GOOD',
  )
  assert.equal(disk.end(sanitizeBlockErase({ unrestrictedExit: true })), '7/27/02')
  assert.equal(disk.end(sanitizeExitFailureMode()), '5/24/00')
})

test('a disk that is cut while it is formatted is whole at its new length (sbc-3 5.3)', () => {
  const backing = new PlainBacking(40 * MIB)
  const unit = new Disk({ backing })
  const target = new Target([[0, unit]])
  const nexus = new PlainNexus(target)
  run(nexus, TEST_UNIT_READY)
  backing.put(0, new Uint8Array(40 * MIB).fill(0x77))
  const task = nexus.send(formatUnit())
  nexus.background.step()
  // What is under way is beyond the end then, in part.
  backing.cut(20 * MIB)
  unit.resized()
  nexus.background.finish()
  nexus.flush()
  assert.equal(task.end, 'GOOD')
  assert.equal(backing.log.at(-2), `fill ${16 * MIB} ${4 * MIB}`)
  assert.ok(isZeros(backing.bytes))
})

test('neither happens to a disk that is read-only', () => {
  const { end } = servedDisk({}, new PlainBacking(65_536, { kind: 'file', readOnly: true }))
  assert.equal(end(formatUnit()), '7/27/00')
  assert.equal(end(sanitizeBlockErase()), '7/27/00')
})

test('READ DEFECT DATA has lists without a defect (sbc-3 5.17, 5.18)', () => {
  const { send, end } = servedDisk()
  const twelve = readDefectData12(3)
  assert.deepEqual(twelve.parse(send(twelve).data), {
    lengthBytes: 0,
    primary: true,
    grown: true,
    format: 3,
  })
  assert.deepEqual(
    Array.from(send({ cdb: READ_DEFECT_10, dataInLength: 255 }).data),
    [0, 0x18, 0, 0],
  )
  assert.equal(end(readDefectData12(6)), '5/24/00')
})

test('the self-test reads from the medium, and fails with it (spc-4 6.42)', () => {
  const { end, backing } = servedDisk()
  for (const command of [sendSelfTest(), sendSelfTest({ test: SelfTest.FOREGROUND_SHORT })])
    assert.equal(end(command), 'GOOD')
  assert.deepEqual(backing.log.slice(0, 2), ['verify 0 512', 'verify 523776 512'])
  for (const cdb of [
    '1d 20 00 0000 00',
    '1d 80 00 0000 00',
    '1d 04 00 0001 00',
    '1d a4 00 0000 00',
  ]) {
    assert.equal(end({ cdb: hex(cdb) }), '5/24/00', cdb)
  }
  backing.errno = 5
  assert.equal(end({ cdb: hex('1d 04 00 0000 00') }), '4/3e/03')
})

test('the diagnostic page says that there is no other (spc-4 7.2)', () => {
  const { send, end } = servedDisk()
  assert.equal(end(sendDiagnosticPage(encodeDiagnosticPage(0, new Uint8Array(0)))), 'GOOD')
  const pages = supportedDiagnosticPages()
  assert.deepEqual(pages.parse(send(pages).data), [0])
  assert.equal(end({ cdb: hex('1d 10 00 0000 00') }), 'GOOD')
  for (const [cdb, list, expected] of [
    ['1d 00 00 0004 00', '00000000', '5/24/00'],
    ['1d 10 00 0004 00', '40000000', '5/26/00'],
    ['1d 10 00 0005 00', '0000000100', '5/26/00'],
    ['1d 10 00 0003 00', '000000', '5/1a/00'],
    ['1d 10 00 0004 00', '000000', '5/0e/03'],
  ] as const) {
    assert.equal(end({ cdb: hex(cdb), dataOut: hex(list) }), expected, cdb)
  }
  for (const cdb of ['1c 00 00 00ff 00', '1c 01 00 00ff 00']) {
    assert.deepEqual(Array.from(send({ cdb: hex(cdb), dataInLength: 255 }).data), [0, 0, 0, 1, 0])
  }
  assert.equal(end({ cdb: hex('1c 01 40 00ff 00') }), '5/24/00')
})

test.run()
