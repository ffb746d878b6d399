import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { encodeLun, parseLun } from '#dist/scsi/lun.js'
import {
  ExtendedMethod,
  encodeLunLevels,
  type LunLevel,
  parseLunLevels,
} from '#dist/scsi/lun-levels.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('luns of several levels')

const response = { code: 'ERR_SGRING_RESPONSE' }
const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const luns: readonly (readonly [hex: string, ...levels: LunLevel[]])[] = [
  ['0005000000000000', { method: 'peripheral', lun: 5 }],
  ['0305000700000000', { method: 'target', bus: 3, target: 5 }, { method: 'peripheral', lun: 7 }],
  ['4123000000000000', { method: 'flat', lun: 0x123 }],
  ['a2b4000000000000', { method: 'logicalUnit', bus: 5, target: 0x22, lun: 0x14 }],
  ['c101000000000000', { method: 'extended', extended: ExtendedMethod.WELL_KNOWN, value: 1n }],
  [
    'd212345600000000',
    { method: 'extended', extended: ExtendedMethod.EXTENDED_FLAT_SPACE, value: 0x12_3456n },
  ],
  [
    'e212345678900000',
    {
      method: 'extended',
      extended: ExtendedMethod.LONG_EXTENDED_FLAT_SPACE,
      value: 0x12_3456_7890n,
    },
  ],
  [
    'ffffffffffffffff',
    { method: 'extended', extended: ExtendedMethod.NOT_SPECIFIED, value: 2n ** 56n - 1n },
  ],
  [
    '030502060109c105',
    { method: 'target', bus: 3, target: 5 },
    { method: 'target', bus: 2, target: 6 },
    { method: 'target', bus: 1, target: 9 },
    { method: 'extended', extended: ExtendedMethod.WELL_KNOWN, value: 5n },
  ],
]

test('writes and reads every addressing method (sam-5 4.7)', () => {
  for (const [text, ...levels] of luns) {
    assert.equal(hex(encodeLunLevels(levels)), text)
    assert.deepEqual(parseLunLevels(Buffer.from(text, 'hex')), levels)
    assert.deepEqual(parseLunLevels(BigInt(`0x${text}`)), levels)
  }
})

test('agrees with the LUNs of one level', () => {
  for (const lun of [0, 255, 256, 16_383]) {
    const [level, ...more] = parseLunLevels(encodeLun(lun))
    assert.deepEqual(more, [])
    assert.deepEqual(level, { method: lun < 256 ? 'peripheral' : 'flat', lun })
    assert.equal(parseLun(encodeLunLevels([level!])), lun)
  }
})

test('refuses levels that end beyond eight bytes, and what is behind the last one', () => {
  for (const text of ['0001000000000001', '4001000100000000', 'c101000000000001']) {
    assert.throws(() => parseLunLevels(Buffer.from(text, 'hex')), response, text)
  }
  for (const text of ['0101f10000000000', '010101010101d200', '0101010101010101']) {
    assert.throws(() => parseLunLevels(Buffer.from(text, 'hex')), /beyond its 8 bytes/, text)
  }
  assert.throws(() => parseLunLevels(new Uint8Array(7)), response)
  assert.throws(() => parseLunLevels(2n ** 64n), invalid)
})

test('refuses values that their fields cannot hold', () => {
  const wrong: readonly LunLevel[] = [
    { method: 'peripheral', lun: 256 },
    { method: 'target', bus: 0, target: 1 },
    { method: 'flat', lun: 0x4000 },
    { method: 'logicalUnit', bus: 8, target: 0, lun: 0 },
    { method: 'extended', extended: ExtendedMethod.WELL_KNOWN, value: 256n },
  ]
  for (const level of wrong) assert.throws(() => encodeLunLevels([level]), invalid)
  assert.throws(() => encodeLunLevels([]), invalid)
  const five = new Array<LunLevel>(5).fill({ method: 'flat', lun: 1 })
  assert.throws(() => encodeLunLevels(five), invalid)
})

test('reads any eight bytes and writes them back, or refuses them', () => {
  const next = generator(seed)
  let read = 0
  for (let round = 0; round < 20_000; round++) {
    const bytes = randomBytes(next, next() % 16 === 0 ? next() % 16 : 8)
    try {
      const levels = parseLunLevels(bytes)
      assert.equal(hex(encodeLunLevels(levels)), hex(bytes), `seed ${seed}`)
      read += 1
    } catch (error) {
      assert.equal(
        (error as { code?: string }).code,
        'ERR_SGRING_RESPONSE',
        `seed ${seed}: ${error}`,
      )
    }
  }
  assert.ok(read > 100, `only ${read} were read: seed ${seed}`)
})

const skip =
  spawnSync('sg_luns', ['--version']).error === undefined
    ? undefined
    : 'needs sg_luns: apt-get install sg3-utils'

/** What sg_luns --test says of a level. Of extended methods it names those that SAM-5 names. */
function described(level: LunLevel): string {
  switch (level.method) {
    case 'peripheral':
      return `Peripheral device addressing: lun=${level.lun}`
    case 'target':
      return `Peripheral device addressing: bus_id=${level.bus}, target=${level.target}`
    case 'flat':
      return `Flat space addressing: lun=${level.lun}`
    case 'logicalUnit':
      return `Logical unit addressing: bus_id=${level.bus}, target=${level.target}, lun=${level.lun}`
    case 'extended': {
      const { extended, value } = level
      if (extended === ExtendedMethod.EXTENDED_FLAT_SPACE) {
        return `Extended flat space addressing: lun=${value}`
      }
      if (extended === ExtendedMethod.LONG_EXTENDED_FLAT_SPACE) {
        return `Long extended flat space addressing: lun=${value}`
      }
      if (extended === ExtendedMethod.NOT_SPECIFIED) return 'Logical unit _not_ specified'
      return value === 1n ? 'REPORT LUNS well known logical unit' : ''
    }
  }
}

test(
  'agrees with sg_luns',
  () => {
    const next = generator(seed)
    const random = (): LunLevel[] => {
      const levels: LunLevel[] = Array.from({ length: next() % 3 }, () => ({
        method: 'target',
        bus: 1 + (next() % 63),
        target: next() & 0xff,
      }))
      const flat = ExtendedMethod.EXTENDED_FLAT_SPACE
      const last: readonly LunLevel[] = [
        { method: 'peripheral', lun: next() & 0xff },
        { method: 'flat', lun: next() & 0x3fff },
        { method: 'logicalUnit', bus: next() & 7, target: next() & 0x3f, lun: next() & 0x1f },
        { method: 'extended', extended: flat, value: BigInt(next() & 0xff_ffff) },
      ]
      return [...levels, last[next() % last.length]!]
    }
    const all = [...luns.map(([, ...levels]) => levels), ...Array.from({ length: 150 }, random)]
    let compared = 0
    for (const levels of all) {
      // Of well known logical units the tool names other numbers otherwise.
      const wanted = levels.map(described)
      if (wanted.includes('')) continue
      const text = hex(encodeLunLevels(levels))
      const ran = spawnSync('sg_luns', [`--test=${text}`], { encoding: 'utf8' })
      const lines = ran.stdout.split('\n').map((line) => line.trim())
      assert.deepEqual(
        lines.filter((line) => line !== '' && !/^(Decoded|>>)/.test(line)),
        wanted,
        text,
      )
      compared += levels.length
    }
    console.log(`compared ${compared} levels of ${all.length} LUNs with sg_luns: 0 differ`)
  },
  { skip, deadlineMs: 60_000 },
)

test.run()
