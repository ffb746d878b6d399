import assert from 'node:assert/strict'
import { Status, TaskAttribute } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { caching, control, D_SENSE, PLAIN, Place, RCD, SWP, TAS, WCE } from './mode-place.ts'
import { PlainNexus, run } from './plain-nexus.ts'

const test = suite('what mode parameters do')

const { HEAD_OF_QUEUE } = TaskAttribute

test('makes every write go to the medium with WCE 0, and what rested in the cache first (sbc-3 6.4.5)', () => {
  const place = new Place()
  place.write()
  assert.deepEqual(place.log, ['write 0 512'])
  const { status, residualOut } = place.select(caching(0))
  assert.deepEqual([status, residualOut, place.log], [Status.GOOD, 0, ['flush']])
  place.write()
  assert.deepEqual(place.log, ['write 0 512 fua'])
  assert.equal(place.page(8)[2], 0)
  place.select(caching(WCE))
  place.write()
  assert.deepEqual(place.log, ['write 0 512'])
})

test('makes every read come from the medium with RCD 1 (sbc-3 6.4.5)', () => {
  const place = new Place()
  place.read()
  assert.deepEqual(place.log, ['read 0 512'])
  place.select(caching(WCE | RCD))
  place.read()
  assert.deepEqual(place.log, ['flush', 'read 0 512'])
})

test('answers what would write with DATA PROTECT, LOGICAL UNIT SOFTWARE WRITE PROTECTED with SWP 1 (spc-4 7.5.8)', () => {
  const place = new Place()
  assert.equal(place.select(SWP).status, Status.GOOD)
  assert.deepEqual(place.log, ['flush'])
  assert.equal(place.write().senseText, '7/27/02')
  assert.equal(place.read().status, Status.GOOD)
  const cdb = Uint8Array.of(0x1a, 8, 0x0a, 0, 255, 0)
  assert.equal(run(place.one, { cdb, dataInLength: 255 }).data[2], 0x90)
  place.select(PLAIN)
  assert.equal(place.write().status, Status.GOOD)
})

test('reports sense data in descriptor format with D_SENSE 1, whoever answers for the unit (spc-4 7.5.8)', () => {
  const place = new Place()
  place.select(D_SENSE)
  const told = (cdb: readonly number[], nexus = place.one, attribute = 0) =>
    run(nexus, { cdb: Uint8Array.from(cdb), attribute }).sense!
  assert.equal(told([0, 0, 0, 0, 0, 0], place.other).responseCode, 0x72)
  assert.equal(told([0xff, 0, 0, 0, 0, 0]).responseCode, 0x72)
  assert.equal(told([0, 0, 0, 0, 0, 4]).responseCode, 0x72)
  assert.equal(told([0, 0, 0, 0, 0, 0], place.one, 4).responseCode, 0x72)
  assert.equal(told([0xa0, 0, 7, 0, 0, 0, 0, 0, 0, 16, 0, 0]).responseCode, 0x72)
  const far = [0x88, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0, 0, 0, 1, 0, 0]
  assert.equal(told(far).information, 0x123456789abcdef0n)
  const field = told([0x1a, 0, 0x3e, 0, 255, 0])
  assert.deepEqual(field.specific, { kind: 'field', byte: 2, bit: 5, inCdb: true })
  place.select(PLAIN)
  assert.equal(told([0xff, 0, 0, 0, 0, 0]).responseCode, 0x70)
})

test('has CLEAR TASK SET end commands of others in TASK ABORTED with TAS 1, from when it is set (spc-4 7.5.8)', () => {
  const place = new Place()
  place.backing.slow = true
  const hang = () =>
    place.other.send({ cdb: Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), dataInLength: 512 })
  const clear = () => place.one.send({ function: TaskFunction.CLEAR_TASK_SET })
  const silent = hang()
  clear()
  silent.endTransfer()
  assert.equal(silent.end, 'aborted')
  place.select(TAS)
  while (place.ready(place.other) !== 'GOOD');
  const told = hang()
  clear()
  told.endTransfer()
  assert.equal(told.end, 'status 40')
})

test('has CHECK CONDITION end all other commands with QERR 01b, and those of its nexus with 11b (spc-4 7.5.8)', () => {
  const place = new Place({ maxRunning: 3 })
  const { backing, one, other } = place
  const hang = (nexus: PlainNexus) =>
    nexus.send({ cdb: Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), dataInLength: 512 })
  const ends = (qErr: number, tas = 0) => {
    backing.slow = false
    place.select(control(0, 0x10 | (qErr << 1), 0, tas))
    while (place.ready(other) !== 'GOOD');
    backing.slow = true
    backing.log.length = 0
    const running = [hang(one), hang(other)]
    const waiting = [hang(one), hang(one)]
    const failed = one.send({ cdb: Uint8Array.of(0xff, 0, 0, 0, 0, 0) })
    const head = one.send({ cdb: Uint8Array.of(0xff, 0, 0, 0, 0, 0), attribute: HEAD_OF_QUEUE })
    assert.equal(head.end, '5/20/00')
    const reads = backing.log.length
    for (const task of [...running, ...waiting]) if (task.transferring) task.endTransfer()
    for (const task of [...running, ...waiting]) if (task.transferring) task.endTransfer()
    return [reads, ...[...running, ...waiting, failed].map(({ end }) => end)]
  }
  const gone = 'aborted'
  assert.deepEqual(ends(0), [3, 'GOOD', 'GOOD', 'GOOD', 'GOOD', '5/20/00'])
  assert.deepEqual(ends(1), [3, gone, gone, gone, gone, gone])
  assert.equal(place.ready(other), '6/2f/00')
  assert.deepEqual(ends(1, 0x40), [3, gone, 'status 40', gone, gone, gone])
  assert.equal(place.ready(other), 'GOOD')
  assert.deepEqual(ends(3), [3, gone, 'GOOD', gone, gone, gone])
  assert.equal(place.ready(other), 'GOOD')
})

test('ends no command of others by QERR 01b where one of a nexus that only reads is refused, but its own (spc-4 7.5.8)', () => {
  const place = new Place({ maxRunning: 3 })
  const reader = new PlainNexus(place.one.target, { readOnly: true })
  place.select(control(0, 0x12))
  for (const nexus of [place.other, reader]) while (place.ready(nexus) !== 'GOOD');
  place.backing.slow = true
  const read = { cdb: Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), dataInLength: 512 }
  const reads = [place.one, place.other, reader].map((nexus) => nexus.send(read))
  const write = { cdb: Uint8Array.of(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), attribute: HEAD_OF_QUEUE }
  assert.equal(reader.send({ ...write, dataOut: new Uint8Array(512) }).end, '7/27/00')
  for (const task of reads) task.endTransfer()
  assert.deepEqual(
    reads.map(({ end }) => end),
    ['GOOD', 'GOOD', 'aborted'],
  )
})

test('starts no command instead of those that QERR ends', () => {
  const place = new Place({ maxRunning: 1 })
  place.select(control(0, 0x12))
  while (place.ready(place.other) !== 'GOOD');
  place.backing.slow = true
  place.log
  const cdb = Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0)
  const first = place.one.send({ cdb, dataInLength: 512 })
  const second = place.other.send({ cdb, dataInLength: 512 })
  place.backing.errno = 5
  first.endTransfer()
  assert.deepEqual([first.end, second.end, place.log], ['3/11/00', 'aborted', ['read 0 512']])
})

test.run()
