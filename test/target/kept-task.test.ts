import assert from 'node:assert/strict'
import { read10, write10 } from '#dist/scsi/block.js'
import { lunWord, WellKnownLun } from '#dist/scsi/lun.js'
import { Opcode } from '#dist/scsi/opcode.js'
import { startStopUnit } from '#dist/scsi/start-stop.js'
import { BasicUnit } from '#dist/target/basic-unit.js'
import { Disk } from '#dist/target/disk.js'
import type { Handler, HandlerHooks } from '#dist/target/handler.js'
import { HandlerUnit } from '#dist/target/handler-unit.js'
import type { Repetition } from '#dist/target/repetition.js'
import { Target } from '#dist/target/target.js'
import type { Unit } from '#dist/target/unit.js'
import { ORDER_WORDS } from '#dist/target/write-order.js'
import { type Answer, checkCondition, status } from '#dist/task/answer.js'
import { TaskAttribute } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { command, KeptUnit, Kind, served } from './kept-unit.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus } from './plain-nexus.ts'
import type { Before, PlainCommand } from './plain-task.ts'
import { BLOCKS, servedDisk } from './served-disk.ts'

const test = suite('a command that an earlier target had')

const BEGUN: Before = { started: true, rerun: false, sequence: 1 }
const RERUN: Before = { ...BEGUN, rerun: true }
const NOT_BEGUN: Before = { started: false, rerun: false, sequence: 0 }

/** A full task set. */
function full(): PlainNexus {
  const [nexus] = served([new KeptUnit({ maxTasks: 1 })], 1).nexuses
  nexus!.send(command())
  return nexus!
}

/** What another initiator finds there. */
function busy(): PlainNexus {
  return new PlainNexus(full().target)
}

function overlapped(): PlainNexus {
  const [nexus] = served([new KeptUnit()], 1).nexuses
  nexus!.send(command({ tag: 7n }))
  return nexus!
}

/** Whose commands may be carried out again. */
class RepeatingUnit extends KeptUnit {
  repetition(): Repetition {
    return 'last'
  }
}

const one = () => served([new RepeatingUnit()], 1).nexuses[0]!
const reader = () => new PlainNexus(new Target([[0, new BasicUnit()]]), { readOnly: true })

/** In a new target, which says no before any unit has them. */
const REFUSALS: readonly (readonly [string, () => PlainNexus, PlainCommand, string])[] = [
  ['TASK SET FULL', full, command(), 'status 28'],
  ['BUSY', busy, command(), 'status 8'],
  ['no unit', one, command({ at: 1 }), '5/25/00'],
  ['a LUN of more levels', one, { ...command(), lun: 0xffff_ffff | 0 }, '5/25/00'],
  ['an overlapped tag', overlapped, command({ tag: 7n }), 'b/4e/00'],
  ['an attribute that is none', one, command({ attribute: TaskAttribute.ACA }), '5/49/00'],
  [
    'WRITE PROTECTED',
    reader,
    { cdb: Uint8Array.of(0xc0, 0, 0, 0, 0, 0), lun: lunWord(0) },
    '7/27/00',
  ],
]

for (const [name, nexus, what, refusal] of REFUSALS) {
  test(`is refused for ${name} if that one had not begun it, and nobody knows more if it had`, () => {
    assert.equal(nexus().send({ ...what, before: NOT_BEGUN }).end, refusal)
    for (const before of [BEGUN, RERUN]) {
      assert.equal(nexus().send({ ...what, before }).end, 'overtaken')
    }
  })
}

test('is carried out if that one had not begun it, or it is to be carried out again', () => {
  const kind = Kind.INSTANT
  assert.equal(one().send(command({ kind, before: NOT_BEGUN })).end, 'GOOD')
  assert.equal(one().send(command({ kind, before: RERUN })).end, 'GOOD')
  assert.equal(one().send(command({ kind, before: BEGUN })).end, 'unknown')
})

const writing = (lba = 0) =>
  write10({ lba, data: new Uint8Array(512).fill(0x77), blockLength: 512 })

/** What a disk that has changed since says of a WRITE. */
const SECOND_TIMES: readonly (readonly [
  string,
  () => ReturnType<typeof servedDisk>,
  PlainCommand,
  string,
])[] = [
  [
    'a medium that is write protected by now',
    () => servedDisk({}, new PlainBacking(BLOCKS * 512, { kind: 'file', readOnly: true })),
    writing(),
    '7/27/00',
  ],
  ['a disk that is shorter by now', () => servedDisk(), writing(BLOCKS), '5/21/00'],
  ['a unit that was stopped meanwhile', stopped, writing(), '2/04/02'],
]

function stopped(): ReturnType<typeof servedDisk> {
  const disk = servedDisk()
  disk.send(startStopUnit({ start: false }))
  return disk
}

for (const [name, disk, what, refusal] of SECOND_TIMES) {
  test(`is not refused by its unit either where it had been begun: of ${name} its initiator hears that nobody knows`, () => {
    assert.equal(disk().end({ ...what, before: NOT_BEGUN }), refusal)
    assert.equal(disk().end({ ...what, before: RERUN }), 'overtaken')
  })
}

test('tells of an error of the medium that it meets the second time: that denies nothing', () => {
  const disk = servedDisk()
  disk.backing.errno = 5
  assert.equal(disk.end({ ...writing(), before: RERUN }), '3/0c/00')
})

for (const [name, answer, end] of [
  ['BUSY', status(0x08), 'overtaken'],
  ['RESERVATION CONFLICT', status(0x18), 'overtaken'],
  ['sense data that are none', { status: 2, sense: Uint8Array.of(1, 2, 3) }, 'overtaken'],
  ['no sense data', { status: 2 }, 'overtaken'],
  ['ABORTED COMMAND', checkCondition(0xb, 0), 'overtaken'],
  ['RECOVERED ERROR', checkCondition(1, 0x1700), '1/17/00'],
  ['HARDWARE ERROR', checkCondition(4, 0x4400), '4/44/00'],
  ['CONDITION MET', status(4), 'status 4'],
] as readonly (readonly [string, Answer, string])[]) {
  test(`that is answered ${name} the second time ends so: ${end}`, () => {
    const unit: Unit = { repetition: () => 'last', execute: (task) => task.answer(answer) }
    assert.equal(on(unit).send(command({ before: RERUN })).end, end)
  })
}

test('whose unit throws the second time is answered by the port', () => {
  const nexus = served([new RepeatingUnit()], 1).nexuses[0]!
  assert.equal(nexus.send(command({ kind: Kind.THROWING, before: RERUN })).end, 'status 2')
  assert.equal(nexus.failures.length, 1)
})

test('can be aborted while it is carried out again', () => {
  const unit = new RepeatingUnit()
  const nexus = served([unit], 1).nexuses[0]!
  const task = nexus.send(command({ before: RERUN }))
  assert.equal(unit.running.size, 1)
  nexus.send({ function: TaskFunction.ABORT_TASK_SET })
  assert.deepEqual([task.end, unit.running.size], ['aborted', 0])
})

/** A unit whose first unit attention is over. */
function on(unit: Unit): PlainNexus {
  const nexus = new PlainNexus(new Target([[0, unit]]))
  assert.equal(nexus.send({ cdb: new Uint8Array(6) }).end, '6/29/00')
  return nexus
}

const READING = read10({ lba: 0, blocks: 1, blockLength: 512 })
const passing: Handler = (_task, next) => next()

function handled(hooks: HandlerHooks, failures: unknown[] = []): PlainNexus {
  const disk = new Disk({ backing: new PlainBacking(BLOCKS * 512) })
  return on(new HandlerUnit(passing, disk, (error) => failures.push(error), hooks))
}

test('is not carried out again where a handler stands before the disk, even one that only reads: who knows what that does', () => {
  for (const what of [READING, writing()]) {
    assert.equal(handled({}).send({ ...what, before: RERUN }).end, 'overtaken')
  }
})

test("is the disk's where the handler says that it passes it on, and else what the handler says", async () => {
  const pass = { repetition: () => undefined }
  const read = handled(pass).send({ ...READING, before: BEGUN })
  await until('the handler has answered', () => read.isOver)
  assert.equal(read.end, 'GOOD')
  assert.equal(handled(pass).send({ ...writing(), before: BEGUN }).end, 'unknown')
  const takes = {
    repetition: (cdb: Uint8Array) => (cdb[0] === 0x28 ? 'never' : undefined),
  } as const
  assert.equal(handled(takes).send({ ...READING, before: BEGUN }).end, 'overtaken')
})

test('is not carried out again where the handler fails over the question', () => {
  const failures: unknown[] = []
  const fails = handled({ repetition: () => assert.fail('as it was told') }, failures)
  assert.equal(fails.send({ ...READING, before: RERUN }).end, 'overtaken')
  assert.equal(failures.length, 1)
})

test('is not carried out again where its unit names blocks that are none', () => {
  for (const lba of [Number.NaN, -1, 0.5]) {
    const unit: Unit = { repetition: () => ({ lba, blocks: 8 }), execute: (task) => task.good() }
    assert.equal(on(unit).send(command({ before: RERUN })).end, 'overtaken')
  }
})

test('is not carried out, and has ended unknown, where its unit or medium was another when it was sent', () => {
  for (const changes of [
    { device: 3, medium: 1 },
    { device: 1, medium: 3 },
  ]) {
    const nexus = new PlainNexus(new Target([[0, new RepeatingUnit(), changes]]))
    const kind = Kind.INSTANT
    for (const before of [NOT_BEGUN, BEGUN, RERUN]) {
      assert.equal(nexus.send(command({ kind, before: { ...before, units: 2 } })).end, 'overtaken')
    }
    const before = { ...NOT_BEGUN, units: 3 }
    assert.equal(nexus.send(command({ kind, before })).end, 'GOOD')
  }
})

test('is in the order of all that outlive its target, also at the TARGET LOG PAGES unit', () => {
  const order = new Float64Array(ORDER_WORDS)
  const target = new Target([], { counters: () => assert.fail('nobody asks'), order })
  const logSelect = { cdb: new Uint8Array(10), lun: lunWord(WellKnownLun.TARGET_LOG_PAGES) }
  logSelect.cdb[0] = Opcode.LOG_SELECT
  assert.equal(new PlainNexus(target).send({ ...logSelect, before: NOT_BEGUN }).end, 'GOOD')
  assert.equal(order[0], 1)
})

test.run()
