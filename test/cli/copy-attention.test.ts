import assert from 'node:assert/strict'
import { Attentions } from '#dist/cli/copy-attention.js'
import { encodeSense, parseSense, SenseKey } from '#dist/index.js'
import { tellsOfLoss } from '#dist/initiator/loss.js'
import { suite } from '../harness/index.ts'

const test = suite('unit attentions of what is copied')

const POWER_ON = [0x2900, 0x2901, 0x2902, 0x2903, 0x2904]
const OTHER_MEDIUM = [0x2800, 0x3f03]
const OTHERS = [0x2801, 0x2905, 0x2907, 0x2a01, 0x2a09, 0x3f0e]

const sense = (ascAscq: number, key: SenseKey = SenseKey.UNIT_ATTENTION) =>
  parseSense(encodeSense(key, ascAscq))

/** Those of all codes after which the copy cannot go on. */
function endedBy({ heard }: Attentions): number[] {
  return [...POWER_ON, ...OTHER_MEDIUM, ...OTHERS].filter((code) => {
    try {
      heard(sense(code))
      return false
    } catch (error) {
      assert.ok(tellsOfLoss(error))
      return true
    }
  })
}

test('what was pending before the unit was looked at ends nothing', () => {
  assert.deepEqual(endedBy(new Attentions('disk')), [])
})

test('another medium ends the copy', () => {
  const attentions = new Attentions('disk')
  attentions.known()
  assert.deepEqual(endedBy(attentions), OTHER_MEDIUM)
  assert.throws(() => attentions.heard(sense(0x2800)), {
    code: 'ERR_SGRING_CHECK_CONDITION',
    message: /^disk: UNIT ATTENTION: .+ \(28h 00h\): its medium may be another one now$/,
  })
})

test('a power failure ends it once something was written (sbc-3 4.15)', () => {
  const attentions = new Attentions('disk')
  attentions.known()
  attentions.written()
  assert.deepEqual(endedBy(attentions), [...POWER_ON, ...OTHER_MEDIUM])
  assert.throws(() => attentions.heard(sense(0x2901)), /\(29h 01h\): what was written may be lost/)
  attentions.heard(sense(0x2900, SenseKey.NOT_READY))
})

test.run()
