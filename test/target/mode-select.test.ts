import assert from 'node:assert/strict'
import type { Sense } from '#dist/scsi/sense.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { caching, control, PF, PLAIN, Place, RCD, SP, SWP, TAS, WCE } from './mode-place.ts'
import { run } from './plain-nexus.ts'
import type { Outcome } from './plain-task.ts'

const test = suite('mode select')

/** Where a refused parameter list is wrong. */
function pointer({ sense }: Outcome): unknown {
  const { specific } = sense as Sense
  return specific?.kind === 'field'
    ? [specific.inCdb ? 'cdb' : 'list', specific.byte, specific.bit]
    : specific
}

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
    {
      ...{ wce: false, rcd: true, dSense: false, qErr: 0, swp: false, tas: true },
      ...{ dexcpt: false, test: false },
    },
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
  assert.equal(place.write().senseText, '7/27/02')
  assert.equal(place.page(8)[2], 0)
  assert.equal(place.page(8, 2)[2], WCE)
})

test('refuses saved values that no page can say', () => {
  const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
  for (const savedModes of [
    { qErr: 2 },
    { qErr: 4 },
    { swp: 'yes' as never },
    { test: true, dexcpt: true },
  ]) {
    assert.throws(() => new Place({ savedModes }), argument)
  }
})

test('takes the whole answer of MODE SENSE back, of either length', () => {
  const place = new Place()
  for (const [sense, select, dataOut] of [
    [[0x1a, 0, 0x3f, 0, 255, 0], [0x15, PF, 0, 0, 56, 0], 56],
    [[0x5a, 0x10, 0x3f, 0, 0, 0, 0, 0, 255, 0], [0x55, PF, 0, 0, 0, 0, 0, 0, 68, 0], 68],
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
    [place.select([0x1d, 10, ...new Array<number>(10).fill(0)]), ['list', 4, 5]],
    [place.select([0x08, 10, ...new Array<number>(10).fill(0)]), ['list', 5, 7]],
    [place.select(caching(0x80 | WCE)), ['list', 6, 7]],
    [place.select([...caching(0), ...control(0, 0x30)]), ['list', 27, 7]],
    [place.select(control(0, 0x14)), ['list', 7, 2]],
    [place.select(control(0, 0x10, 0, 0, 0, 0, 0, 1)), ['list', 12, 7]],
    [place.select(control(0, 0x10, 0, 0, 1)), ['list', 10, 0]],
    [place.select([0x1c, 10, 0x0c, 6, ...new Array<number>(8).fill(0)]), ['list', 6, 2]],
    [place.select([0x1c, 10, 0, 0, ...new Array<number>(8).fill(0)]), ['list', 7, 3]],
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
