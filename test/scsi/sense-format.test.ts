import assert from 'node:assert/strict'
import { encodeSense, parseSense, type SenseInit } from '#dist/scsi/sense.js'
import { inDescriptorFormat } from '#dist/scsi/sense-format.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('the format of sense data')

test('is another one for the same words (spc-5 4.4)', () => {
  const field = { kind: 'field', byte: 2, bit: 7, inCdb: true } as const
  const cases: readonly (readonly [key: number, code: number, init: SenseInit])[] = [
    [0x5, 0x2400, { specific: field }],
    [0x3, 0x1100, { information: 0xffff_ffffn, fieldReplaceableUnit: 9, deferred: true }],
    [0xe, 0x1d00, { information: 0n, commandSpecific: 7n }],
    [0x0, 0x0001, { filemark: true }],
    [0x6, 0x2900, {}],
  ]
  for (const [key, code, init] of cases) {
    const turned = inDescriptorFormat(encodeSense(key, code, init))
    assert.deepEqual(turned, encodeSense(key, code, { ...init, descriptor: true }))
    assert.equal(inDescriptorFormat(turned), turned)
  }
})

test('loses nothing that sense data of 18 bytes say, and leaves what is neither as it is', () => {
  const next = generator(seed)
  for (let round = 0; round < 10_000; round++) {
    const bytes = randomBytes(next, 18)
    bytes[0] = [0x70, 0x71, 0xf0, 0xf1, 0x72, 0x00][round % 6]!
    bytes[7] = 10
    const turned = inDescriptorFormat(bytes)
    if ((bytes[0] & 0x7e) !== 0x70) {
      assert.equal(turned, bytes)
      continue
    }
    const before = parseSense(bytes)
    const after = parseSense(turned)
    const said = ({
      key,
      asc,
      ascq,
      deferred,
      valid,
      specific,
      fieldReplaceableUnit,
    }: typeof before) => [key, asc, ascq, deferred, valid, specific, fieldReplaceableUnit]
    assert.deepEqual(said(after), said(before), `seed ${seed}, round ${round}`)
    assert.equal(after.information, before.valid ? before.information : 0n)
    assert.equal(after.commandSpecific, before.commandSpecific)
  }
})

test.run()
