import assert from 'node:assert/strict'
import { inquiry } from '#dist/scsi/inquiry.js'
import { Opcode } from '#dist/scsi/opcode.js'
import { reportLuns } from '#dist/scsi/report-luns.js'
import { SenseCode } from '#dist/scsi/sense-code.js'
import { Attentions } from '#dist/target/attention.js'
import { Target } from '#dist/target/target.js'
import { suite } from '../harness/index.ts'
import { command, KeptUnit, Kind, served } from './kept-unit.ts'
import { PlainNexus } from './plain-nexus.ts'

const test = suite('unit attention conditions')

const ready = (nexus: PlainNexus, at = 0): string =>
  nexus.send(command({ at, kind: Kind.INSTANT })).end
/** All that is told, up to the first GOOD. */
function told(nexus: PlainNexus, at = 0): string[] {
  const codes: string[] = []
  for (let end = ready(nexus, at); end !== 'GOOD'; end = ready(nexus, at)) codes.push(end)
  return codes
}

test('tells every nexus but the one that brought the change about (sam-5 5.14)', () => {
  const units = [new KeptUnit(), new KeptUnit()]
  const [first, second, third] = served(units, 3).nexuses
  units[0]!.context!.attention(SenseCode.MODE_PARAMETERS_CHANGED, { except: first!.nexus })
  assert.deepEqual(told(first!), [])
  for (const nexus of [second!, third!]) {
    assert.deepEqual([told(nexus), told(nexus, 1)], [['6/2a/01'], []])
  }
})

test('tells them in their order, each once (sam-5 5.14)', () => {
  const unit = new KeptUnit()
  const [nexus] = served([unit], 1).nexuses
  const codes = [0x3f0e, 0x2a09, 0x2a01, 0x3f03, 0x2f01, 0x2a09, 0x3f01, 0x2f01]
  for (const code of codes) unit.context!.attention(code)
  assert.deepEqual(told(nexus!), ['6/3f/01', '6/2f/01', '6/2a/01', '6/2a/09', '6/3f/03', '6/3f/0e'])
})

test('lets a reset clear what it outranks, and nothing else (sam-5 5.14)', () => {
  for (const [before, after] of [
    [[0x2a01, 0x2f00, 0x2903], ['6/29/03']],
    [
      [0x2903, 0x2a01],
      ['6/29/03', '6/2a/01'],
    ],
    [[0x2907, 0x2903], ['6/29/03']],
    [
      [0x2903, 0x2907],
      ['6/29/03', '6/29/07'],
    ],
    [[0x2f01, 0x2907], ['6/29/07']],
    [
      [0x3f01, 0x2903],
      ['6/3f/01', '6/29/03'],
    ],
    [[0x3f01, 0x2904, 0x2901], ['6/29/01']],
    // The loss of a nexus leaves the unit as it was, and a transceiver that changed its mode is no reset.
    [
      [0x2a09, 0x3f0e, 0x2907],
      ['6/29/07', '6/2a/09', '6/3f/0e'],
    ],
    [
      [0x2a09, 0x2905],
      ['6/29/05', '6/2a/09'],
    ],
  ] as const) {
    const unit = new KeptUnit()
    const [nexus] = served([unit], 1).nexuses
    for (const code of before) unit.context!.attention(code)
    assert.deepEqual(told(nexus!), after)
  }
})

test('lets the first 29h 00h stand for all before it (sam-5 5.14)', () => {
  const unit = new KeptUnit()
  const target = new Target([[0, unit]])
  const nexus = new PlainNexus(target)
  unit.context!.attention(0x2903)
  nexus.send({ cdb: inquiry().cdb, dataInLength: 36 })
  unit.context!.attention(0x2a01)
  assert.deepEqual(told(nexus), ['6/29/00'])
})

test('tells it as data of REQUEST SENSE, one at a time, and not in INQUIRY (sam-5 5.14)', () => {
  const unit = new KeptUnit()
  const [nexus] = served([unit], 1).nexuses
  unit.context!.attention(0x2a01)
  unit.context!.attention(0x2a09)
  const asked = nexus!.send(command({ opcode: Opcode.INQUIRY, kind: Kind.INSTANT }))
  assert.equal(asked.end, 'GOOD')
  const sense = { ...command(), cdb: Uint8Array.of(Opcode.REQUEST_SENSE, 0, 0, 0, 18, 0) }
  const { data } = nexus!.send(sense).outcome()
  assert.deepEqual([data[2], data[12], data[13]], [6, 0x2a, 1])
  assert.deepEqual(told(nexus!), ['6/2a/09'])
})

test('lets TASK SET FULL and BUSY come first, and stays pending (sam-5 5.14)', () => {
  const unit = new KeptUnit({ maxTasks: 1 })
  const [first, second] = served([unit], 2).nexuses
  const running = first!.send(command())
  unit.context!.attention(0x2a09)
  assert.deepEqual([ready(first!), ready(second!)], ['status 28', 'status 8'])
  unit.finish(running)
  assert.deepEqual([told(first!), told(second!)], [['6/2a/09'], ['6/2a/09']])
})

test('tells of units that come and go at the others, until REPORT LUNS (spc-4 6.33, sam-5 5.14)', () => {
  const units = [new KeptUnit(), new KeptUnit()]
  const { target, nexuses } = served(units, 2)
  const [first, second] = nexuses
  target.addUnit(2, new KeptUnit())
  assert.deepEqual([told(first!), told(first!, 2)], [['6/3f/0e'], ['6/29/00']])
  const { cdb, dataInLength, parse } = reportLuns()
  const { data } = second!.send({ cdb, dataInLength }).outcome()
  assert.deepEqual(parse(data).luns, [0, 1, 2])
  assert.deepEqual([told(second!), told(second!, 1)], [[], []])
  assert.deepEqual(told(first!, 1), ['6/3f/0e'])
})

test('takes a unit away when its commands are over, and its attentions with it', async () => {
  const units = [new KeptUnit(), new KeptUnit()]
  const { target, nexuses } = served(units, 2)
  const [first, second] = nexuses
  const moving = first!.send(command({ kind: Kind.TRANSFER }))
  const kept = second!.send(command())
  units[0]!.context!.attention(0x2a09)
  let over = false
  const removed = target.removeUnit(0).then(() => {
    over = true
  })
  assert.equal(kept.end, 'aborted')
  assert.equal(ready(first!), '5/25/00')
  assert.deepEqual([told(first!, 1), told(second!, 1)], [['6/3f/0e'], ['6/3f/0e']])
  await Promise.resolve()
  assert.equal(over, false)
  moving.endTransfer()
  await removed
  target.addUnit(0, new KeptUnit())
  units[0]!.context!.attention(0x2a09)
  assert.deepEqual([told(first!), told(second!)], [['6/29/00'], ['6/29/00']])
})

test('refuses to take away what is not there, and takes away a unit at rest at once', async () => {
  const { target } = served([new KeptUnit()], 1)
  assert.throws(() => target.removeUnit(1), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
  await target.removeUnit(0)
  assert.throws(() => target.removeUnit(0), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
})

test('costs a nexus 2 KiB for what 16,384 units have told it, and as much for each condition', () => {
  const attentions = new Attentions()
  assert.ok(attentions.lengthBytes <= 4)
  for (let lun = 0; lun < 16_384; lun++) attentions.clearNext(lun)
  assert.equal(attentions.lengthBytes, 2048)
  for (let round = 0; round < 3; round++) {
    for (let lun = 0; lun < 16_384; lun++) attentions.establish(lun, 0x2903)
    attentions.establishEverywhere(0x3f0e)
  }
  assert.equal(attentions.lengthBytes, 3 * 2048)
  assert.deepEqual([attentions.next(16_383), attentions.hasMore(16_383)], [0x2903, true])
})

test('is none without a code: nothing is established, and nothing masked', () => {
  const unit = new KeptUnit()
  const [nexus] = served([unit], 1).nexuses
  for (const code of [0, -1, 0.5, 0x1_0000, Number.NaN, '10497', undefined]) {
    assert.throws(() => unit.context!.attention(code as number), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
  }
  unit.context!.attention(0x2a09)
  assert.deepEqual(told(nexus!), ['6/2a/09'])
})

test('costs nothing any more when it is told, cleared, or its unit is gone, whatever its code', () => {
  const attentions = new Attentions()
  attentions.clearNext(7)
  const atRest = attentions.lengthBytes
  for (let code = 1; code <= 2000; code++) {
    attentions.establish(7, code)
    attentions.clearNext(7)
  }
  assert.equal(attentions.lengthBytes, atRest)
  for (let code = 0x8000; code < 0x8100; code++) attentions.establish(7, code)
  attentions.establish(7, 0x2903)
  attentions.clearNext(7)
  attentions.establish(7, 0x8000)
  attentions.forget(7)
  assert.equal(attentions.lengthBytes, atRest)
})

test('is told at the unit that it is about, whichever that is', () => {
  const units = Array.from({ length: 70 }, () => new KeptUnit())
  const [nexus] = served(units, 1).nexuses
  for (const at of [0, 31, 32, 63, 64, 69]) {
    units[at]!.context!.attention(0x2a01)
    for (const other of units.keys()) {
      assert.equal(
        nexus!.send(command({ at: other, kind: Kind.INSTANT })).end,
        other === at ? '6/2a/01' : 'GOOD',
      )
    }
  }
})

test.run()
