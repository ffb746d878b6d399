import assert from 'node:assert/strict'
import type { Sense } from '#dist/scsi/sense.js'
import { Disk, type DiskOptions } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { Status } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import type { Outcome } from './plain-task.ts'

const test = suite('mode select')

const SP = 1
const PF = 0x10
const HEADER = [0, 0, 0, 0]
const caching = (flags: number) => [0x08, 18, flags, ...new Array<number>(17).fill(0)]
const control = (...bytes: number[]) => [
  0x0a,
  10,
  ...bytes,
  ...new Array<number>(10 - bytes.length).fill(0),
]
const WCE = 4
const RCD = 1
const D_SENSE = control(4, 0x10)
const SWP = control(0, 0x10, 8)
const TAS = control(0, 0x10, 0, 0x40)
const PLAIN = control(0, 0x10)

/** A disk with two nexuses that have heard of its power on. */
class Place {
  readonly backing: PlainBacking
  readonly target: Target
  readonly one: PlainNexus
  readonly other: PlainNexus

  constructor(options: Partial<DiskOptions> = {}, backing: { readOnly?: boolean } = {}) {
    this.backing = new PlainBacking(0x10000, { kind: 'file', ...backing })
    this.target = new Target([[0, new Disk({ backing: this.backing, ...options })]])
    this.one = new PlainNexus(this.target)
    this.other = new PlainNexus(this.target)
    for (const nexus of [this.one, this.other]) run(nexus, { cdb: new Uint8Array(6) })
  }

  select(pages: readonly number[], flags = PF, header: readonly number[] = HEADER): Outcome {
    const list = [...header, ...pages]
    return run(this.one, {
      cdb: Uint8Array.of(0x15, flags, 0, 0, list.length, 0),
      dataOut: Uint8Array.from(list),
    })
  }

  /** A page with its header, by PC. */
  page(code: number, pageControl = 0): number[] {
    const cdb = Uint8Array.of(0x1a, 8, (pageControl << 6) | code, 0, 255, 0)
    return [...run(this.one, { cdb, dataInLength: 255 }).data.subarray(4)]
  }

  ready(nexus: PlainNexus): string {
    return nexus.send({ cdb: new Uint8Array(6) }).end
  }

  write(): Outcome {
    const cdb = Uint8Array.of(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0)
    return run(this.one, { cdb, dataOut: new Uint8Array(512) })
  }

  read(): Outcome {
    const cdb = Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0)
    return run(this.one, { cdb, dataInLength: 512 })
  }

  get log(): string[] {
    return this.backing.log.splice(0)
  }
}

/** Where a refused parameter list is wrong. */
function pointer({ sense }: Outcome): unknown {
  const { specific } = sense as Sense
  return specific?.kind === 'field'
    ? [specific.inCdb ? 'cdb' : 'list', specific.byte, specific.bit]
    : specific
}

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

test('keeps nothing from being written but by DATA PROTECT, WRITE PROTECTED with SWP 1 (spc-4 7.5.8)', () => {
  const place = new Place()
  assert.equal(place.select(SWP).status, Status.GOOD)
  assert.deepEqual(place.log, ['flush'])
  assert.equal(place.write().senseText, '7/27/00')
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

test('tells every other nexus that mode parameters have changed, once something did (spc-4 5.11)', () => {
  const place = new Place()
  place.select(caching(WCE))
  assert.equal(place.ready(place.other), 'GOOD')
  place.select(caching(0))
  assert.equal(place.ready(place.one), 'GOOD')
  assert.equal(place.ready(place.other), '6/2a/01')
  assert.equal(place.ready(place.other), 'GOOD')
})

test('saves all pages with SP 1, and LOGICAL UNIT RESET goes back to what is saved (spc-4 5.11)', () => {
  const saved: unknown[] = []
  const place = new Place({ onSaved: (values) => saved.push(values) })
  place.select(TAS)
  place.select(caching(RCD), PF | SP)
  assert.deepEqual(saved, [
    { wce: false, rcd: true, dSense: false, qErr: 0, swp: false, tas: true },
  ])
  place.select([...caching(WCE), ...SWP])
  assert.deepEqual([place.page(8)[2], place.page(10)[4], place.page(10)[5]], [WCE, 8, 0])
  assert.deepEqual([place.page(8, 3)[2], place.page(10, 3)[5]], [RCD, 0x40])
  assert.deepEqual([place.page(8, 2)[2], place.page(10, 2)[5]], [WCE, 0])
  place.one.send({ function: TaskFunction.LOGICAL_UNIT_RESET })
  place.ready(place.one)
  assert.deepEqual([place.page(8)[2], place.page(10)[4], place.page(10)[5]], [RCD, 0, 0x40])
  place.log
  place.write()
  assert.deepEqual(place.log, ['write 0 512 fua'])
})

test('starts with the values that were saved before', () => {
  const place = new Place({ savedModes: { wce: false, swp: true } })
  assert.equal(place.write().senseText, '7/27/00')
  assert.equal(place.page(8)[2], 0)
  assert.equal(place.page(8, 2)[2], WCE)
})

test('takes the whole answer of MODE SENSE back, of either length', () => {
  const place = new Place()
  for (const [sense, select, dataOut] of [
    [[0x1a, 0, 0x3f, 0, 255, 0], [0x15, PF, 0, 0, 44, 0], 44],
    [[0x5a, 0x10, 0x3f, 0, 0, 0, 0, 0, 255, 0], [0x55, PF, 0, 0, 0, 0, 0, 0, 56, 0], 56],
  ] as const) {
    const { data } = run(place.one, { cdb: Uint8Array.from(sense), dataInLength: 255 })
    assert.equal(data.length, dataOut)
    const { end } = place.one.send({ cdb: Uint8Array.from(select), dataOut: data })
    assert.equal(end, 'GOOD')
  }
  assert.equal(place.ready(place.other), 'GOOD')
})

test('points at the field that is refused, by its first bit, and changes nothing then (spc-4 6.9)', () => {
  const place = new Place()
  const block = (...bytes: number[]) => place.select(bytes, PF, [0, 0, 0, 8])
  for (const [outcome, where] of [
    [place.select(caching(0), 0), ['cdb', 1, 4]],
    [place.select(caching(0), PF | 2), ['cdb', 1, 1]],
    [place.select(caching(0), PF, [0, 1, 0, 0]), ['list', 1, 7]],
    [place.select(caching(0), PF, [0, 0, 0, 7]), ['list', 3, 7]],
    [block(0, 0, 0, 5, 0, 0, 2, 0), ['list', 4, 7]],
    [block(0, 0, 0, 128, 0, 0, 4, 0), ['list', 9, 7]],
    [place.select([0x1c, 10, ...new Array<number>(10).fill(0)]), ['list', 4, 5]],
    [place.select([0x08, 10, ...new Array<number>(10).fill(0)]), ['list', 5, 7]],
    [place.select(caching(0x80 | WCE)), ['list', 6, 7]],
    [place.select([...caching(0), ...control(0, 0x30)]), ['list', 27, 7]],
    [place.select(control(0, 0x14)), ['list', 7, 2]],
    [place.select(control(0, 0x10, 0, 0, 0, 0, 0, 1)), ['list', 12, 7]],
    [place.select(control(0, 0x10, 0, 0, 1)), ['list', 10, 0]],
  ] as const) {
    assert.deepEqual(pointer(outcome), where)
    assert.equal(outcome.senseText, where[0] === 'cdb' ? '5/24/00' : '5/26/00')
  }
  assert.equal(place.page(8)[2], WCE)
  assert.equal(place.ready(place.other), 'GOOD')
})

test('refuses a list that cuts its header, its block descriptor or a page (spc-4 6.9)', () => {
  const place = new Place()
  for (let length = 1; length < 44; length++) {
    const list = [0, 0, 0, 8, 0, 0, 0, 128, 0, 0, 2, 0, ...caching(0), ...PLAIN].slice(0, length)
    const whole = length === 12 || length === 32
    const { senseText } = place.select(list, PF, [])
    assert.equal(senseText, whole ? '' : '5/1a/00', `${length} bytes`)
  }
})

test('takes no parameter list for no change, and refuses one that does not all come', () => {
  const place = new Place()
  assert.equal(place.one.send({ cdb: Uint8Array.of(0x15, 0, 0, 0, 0, 0) }).end, 'GOOD')
  const short = { cdb: Uint8Array.of(0x15, PF, 0, 0, 24, 0), dataOut: new Uint8Array(23) }
  assert.equal(place.one.send(short).end, '5/0e/03')
})

test('answers the error of a cache that cannot be flushed', () => {
  const place = new Place()
  place.backing.errno = 5
  assert.equal(place.select(caching(0)).senseText, '3/0c/00')
  place.backing.errno = 0
  place.log
  place.write()
  assert.deepEqual(place.log, ['write 0 512 fua'])
})

test.run()
