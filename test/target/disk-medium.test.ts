import assert from 'node:assert/strict'
import { read10, write10 } from '#dist/scsi/block.js'
import { inquiry } from '#dist/scsi/inquiry.js'
import { preventAllowMediumRemoval } from '#dist/scsi/medium-removal.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { ejectMedium, loadMedium, PowerCondition, startStopUnit } from '#dist/scsi/start-stop.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { run } from './plain-nexus.ts'
import { senseText } from './plain-task.ts'
import { BLOCKS, type ServedDisk, servedDisk, TEST_UNIT_READY } from './served-disk.ts'

const test = suite('the medium of a disk')

const blockLength = 512
const removable = { removable: true }
const READ = read10({ lba: 0, blocks: 1, blockLength })

/** What REQUEST SENSE tells. */
function told({ send }: ServedDisk): string {
  const command = requestSense()
  return senseText(command.parse(send(command).data))
}

test('a unit that is stopped is NOT READY, INITIALIZING COMMAND REQUIRED, until it is started (sbc-3 5.25)', () => {
  const disk = servedDisk({}, new PlainBacking(BLOCKS * 512, { kind: 'file' }))
  assert.equal(disk.end(startStopUnit({})), 'GOOD')
  assert.deepEqual(disk.backing.log, ['flush'])
  for (const command of [TEST_UNIT_READY, READ]) assert.equal(disk.end(command), '2/04/02')
  assert.equal(told(disk), '2/04/02')
  assert.equal(disk.end(inquiry()), 'GOOD')
  assert.equal(disk.end(startStopUnit({ start: true })), 'GOOD')
  assert.equal(disk.end(READ), 'GOOD')
  assert.equal(told(disk), '0/00/00')
  disk.backing.log.length = 0
  assert.equal(disk.end(startStopUnit({ noFlush: true })), 'GOOD')
  assert.deepEqual(disk.backing.log, [])
  assert.equal(disk.end(TEST_UNIT_READY), '2/04/02')
})

test('LOGICAL UNIT RESET starts it (sam-5 6.3.3)', () => {
  const disk = servedDisk()
  disk.end(startStopUnit({}))
  disk.nexus.send({ function: TaskFunction.LOGICAL_UNIT_RESET })
  assert.equal(disk.end(TEST_UNIT_READY), '6/29/03')
  assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
})

test('low power is told by REQUEST SENSE, and ends when the medium is used (sbc-3 4.20, spc-4 5.12)', () => {
  const disk = servedDisk()
  const { IDLE, STANDBY, ACTIVE, LU_CONTROL } = PowerCondition
  for (const [powerCondition, modifier, code] of [
    [IDLE, 0, '0/5e/03'],
    [IDLE, 1, '0/5e/06'],
    [IDLE, 2, '0/5e/08'],
    [STANDBY, 0, '0/5e/04'],
    [STANDBY, 1, '0/5e/0a'],
  ] as const) {
    assert.equal(disk.end(startStopUnit({ powerCondition, modifier })), 'GOOD')
    assert.equal(disk.end(TEST_UNIT_READY), 'GOOD')
    assert.equal(told(disk), code)
    assert.equal(disk.end(READ), 'GOOD')
    assert.equal(told(disk), '0/00/00')
  }
  for (const powerCondition of [ACTIVE, LU_CONTROL]) {
    disk.end(startStopUnit({ powerCondition: IDLE }))
    assert.equal(disk.end(startStopUnit({ powerCondition })), 'GOOD')
    assert.equal(told(disk), '0/00/00')
  }
  const unknown = startStopUnit({ powerCondition: 5 as never })
  assert.deepEqual(disk.send(unknown).sense?.specific, {
    kind: 'field',
    byte: 4,
    bit: 7,
    inCdb: true,
  })
  const modifier = disk.send(startStopUnit({ powerCondition: IDLE, modifier: 3 }))
  assert.deepEqual(modifier.sense?.specific, { kind: 'field', byte: 3, bit: 3, inCdb: true })
})

test('a medium that is ejected is MEDIUM NOT PRESENT; one that is loaded, an attention for everyone (sbc-3 4.3)', () => {
  const disk = servedDisk(removable)
  const other = disk.other()
  assert.equal(disk.send(inquiry()).data[1], 0x80)
  assert.equal(
    disk.end(write10({ lba: 0, data: new Uint8Array(512).fill(3), blockLength })),
    'GOOD',
  )
  assert.equal(disk.end(ejectMedium()), 'GOOD')
  for (const command of [TEST_UNIT_READY, READ]) {
    assert.equal(disk.end(command), '2/3a/00')
    assert.equal(other.send(command).end, '2/3a/00')
  }
  assert.equal(told(disk), '2/3a/00')
  assert.equal(disk.end(startStopUnit({ start: true })), 'GOOD')
  assert.equal(disk.end(TEST_UNIT_READY), '2/3a/00')
  assert.equal(disk.end(loadMedium()), 'GOOD')
  assert.equal(disk.end(READ), '6/28/00')
  assert.equal(other.send(READ).end, '6/28/00')
  assert.equal(disk.send(READ).status, 0)
  // Nothing has changed for a medium that was there.
  assert.equal(disk.end(loadMedium()), 'GOOD')
  assert.equal(other.send(READ).end, 'GOOD')
})

test('a medium that cannot be taken out is neither ejected nor kept in', () => {
  const { send, end } = servedDisk()
  assert.deepEqual(send(ejectMedium()).sense?.specific, {
    kind: 'field',
    byte: 4,
    bit: 1,
    inCdb: true,
  })
  assert.equal(end(preventAllowMediumRemoval({ prevent: true })), '5/20/00')
})

test('each nexus that prevents removal keeps the medium in, until it allows it (spc-4 6.17)', () => {
  const disk = servedDisk(removable)
  const other = disk.other()
  const prevent = preventAllowMediumRemoval({ prevent: true })
  const allow = preventAllowMediumRemoval({ prevent: false })
  assert.equal(disk.end(prevent), 'GOOD')
  assert.equal(other.send(prevent).end, 'GOOD')
  assert.equal(disk.end(allow), 'GOOD')
  assert.equal(disk.end(ejectMedium()), '5/53/02')
  assert.equal(disk.end(startStopUnit({})), 'GOOD')
  assert.equal(disk.end(startStopUnit({ start: true })), 'GOOD')
  assert.equal(other.send(allow).end, 'GOOD')
  assert.equal(other.send(ejectMedium()).end, 'GOOD')
  assert.equal(disk.end(preventAllowMediumRemoval({ prevent: true, persistent: true })), '5/24/00')
})

for (const [what, end] of [
  ['nexus loss', (_, other) => other.lose()],
  ['I_T NEXUS RESET', (_, other) => other.send({ function: TaskFunction.I_T_NEXUS_RESET })],
  [
    'LOGICAL UNIT RESET',
    (disk) => {
      disk.nexus.send({ function: TaskFunction.LOGICAL_UNIT_RESET })
      disk.end(TEST_UNIT_READY)
    },
  ],
] as readonly (readonly [
  string,
  (disk: ServedDisk, other: ReturnType<ServedDisk['other']>) => void,
])[]) {
  test(`what a nexus prevented ends by ${what} (spc-4 6.17)`, () => {
    const disk = servedDisk(removable)
    const other = disk.other()
    run(other, preventAllowMediumRemoval({ prevent: true }))
    assert.equal(disk.end(ejectMedium()), '5/53/02')
    end(disk, other)
    assert.equal(disk.end(ejectMedium()), 'GOOD')
  })
}

test.run()
