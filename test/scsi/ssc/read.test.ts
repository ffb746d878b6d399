import assert from 'node:assert/strict'
import { encodeSense, parseSense, type SenseInit, SenseKey } from '#dist/scsi/sense.js'
import { parseStreamEnd, read6, readResult, write6, writeFilemarks6 } from '#dist/scsi/ssc/index.js'
import { suite } from '../../harness/index.ts'
import { hex } from '../hex.ts'
import { generator, randomBytes, seed } from '../random.ts'

const test = suite('READ(6) and WRITE(6) of a tape')

const refused = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const { NO_SENSE, BLANK_CHECK, MEDIUM_ERROR, VOLUME_OVERFLOW, RECOVERED_ERROR } = SenseKey
const END_OF_DATA = 0x0005
const END_OF_PARTITION = 0x0002

/** A CHECK CONDITION in either format; a residual below zero is told in 32 bits, as a fixed format device does. */
function check(
  key: number,
  ascAscq: number,
  init: SenseInit,
  data: Uint8Array,
  descriptor = false,
) {
  return { status: 2, sense: encodeSense(key, ascAscq, { ...init, descriptor }), data }
}
const formats = [false, true]
const pattern = (length: number) => Uint8Array.from({ length }, (_, at) => at)

test('has FIXED, SILI and a transfer length of 24 bits (ssc-3 READ(6), WRITE(6))', () => {
  assert.equal(hex(read6({ length: 0x123456 }).cdb), '080012345600')
  assert.equal(hex(read6({ length: 512, sili: true }).cdb), '080200020000')
  const fixed = read6({ blocks: 0x102, blockLength: 512 })
  assert.deepEqual([hex(fixed.cdb), fixed.dataInLength], ['080100010200', 0x102 * 512])
  assert.equal(hex(write6({ data: new Uint8Array(1000) }).cdb), '0a000003e800')
  assert.equal(hex(write6({ data: new Uint8Array(1024), blockLength: 512 }).cdb), '0a0100000200')
  assert.throws(() => read6({ length: 2 ** 24 }), argument)
  assert.throws(() => read6({ blocks: 1, blockLength: 0 }), argument)
  assert.throws(() => write6({ data: new Uint8Array(1000), blockLength: 512 }), argument)
})

test('takes GOOD for all that was asked for, and less of it with SILI alone (ssc-3 READ(6))', () => {
  const good = (data: Uint8Array) => ({ status: 0, sense: new Uint8Array(0), data })
  const whole = readResult({ length: 4 }, good(pattern(4)))
  assert.deepEqual([whole?.data, whole?.residual, whole?.filemark], [pattern(4), 0, false])
  assert.throws(() => readResult({ length: 4 }, good(pattern(3))), refused)
  assert.equal(readResult({ length: 4, sili: true }, good(pattern(3)))?.residual, 1)
  assert.throws(() => readResult({ length: 4, sili: true }, good(pattern(5))), refused)
  assert.throws(() => readResult({ blocks: 2, blockLength: 4 }, good(pattern(4))), refused)
})

test('tells the length of a block by ILI and a signed residual (ssc-3 READ(6))', () => {
  for (const descriptor of formats) {
    const shorter = check(
      NO_SENSE,
      0,
      { incorrectLength: true, information: 400 },
      pattern(600),
      descriptor,
    )
    const read = readResult({ length: 1000 }, shorter)
    assert.deepEqual([read?.data, read?.residual], [pattern(600), 400])
    const over = { incorrectLength: true, information: 0xffff_ff9c }
    const longer = readResult({ length: 50 }, check(NO_SENSE, 0, over, pattern(50), descriptor))
    assert.deepEqual([longer?.data, longer?.residual], [pattern(50), -100])
  }
  const wide = { incorrectLength: true, information: 2n ** 64n - 100n }
  const sense = check(NO_SENSE, 0, wide, pattern(50), true)
  assert.equal(readResult({ length: 50 }, sense)?.residual, -100)
})

test('counts whole blocks before a filemark, a block of another length and the end of data', () => {
  const options = { blocks: 4, blockLength: 10 }
  const ends = [
    [NO_SENSE, 0x0001, { filemark: true }],
    [NO_SENSE, 0, { incorrectLength: true }],
    [BLANK_CHECK, END_OF_DATA, {}],
    [MEDIUM_ERROR, END_OF_PARTITION, { endOfMedium: true }],
  ] as const
  for (const [key, code, init] of ends) {
    for (const descriptor of formats) {
      const response = check(key, code, { ...init, information: 3 }, pattern(20), descriptor)
      const read = readResult(options, response)
      // What came beyond the blocks that were read is part of none.
      assert.deepEqual([read?.data, read?.residual], [pattern(10), 3])
      assert.equal(read?.endOfData, key === BLANK_CHECK)
      assert.equal(read?.filemark, code === 0x0001)
      assert.equal(read?.endOfMedium, key === MEDIUM_ERROR)
    }
  }
})

test('believes no residual that cannot be: too large, below zero, or with bytes that did not come', () => {
  const fixed = { blocks: 4, blockLength: 10 }
  for (const information of [5, 0xffff_ffff]) {
    const response = check(NO_SENSE, 1, { filemark: true, information }, pattern(40))
    assert.throws(() => readResult(fixed, response), refused)
  }
  const missing = check(NO_SENSE, 1, { filemark: true, information: 1 }, pattern(29))
  assert.throws(() => readResult(fixed, missing), refused)
  const far = check(
    NO_SENSE,
    0,
    { incorrectLength: true, information: 2n ** 63n },
    pattern(9),
    true,
  )
  assert.throws(() => readResult({ length: 9 }, far), refused)
})

test('counts what came where INFORMATION is not valid', () => {
  const read = readResult(
    { blocks: 4, blockLength: 10 },
    check(NO_SENSE, 1, { filemark: true }, pattern(25)),
  )
  assert.deepEqual([read?.data, read?.residual], [pattern(20), 2])
})

test('takes no error for an end, and none of an earlier command', () => {
  const nothing = new Uint8Array(0)
  const failed = [
    check(MEDIUM_ERROR, 0x1100, { information: 1 }, nothing),
    check(MEDIUM_ERROR, 0x1100, { information: 1, endOfMedium: true }, nothing),
    check(SenseKey.HARDWARE_ERROR, 0, { filemark: true, information: 1 }, nothing),
    check(NO_SENSE, 0x0001, { filemark: true, deferred: true, information: 1 }, nothing),
    check(NO_SENSE, 0, {}, nothing),
    { status: 8, sense: nothing, data: nothing },
    { status: 2, sense: nothing, data: nothing },
  ]
  for (const response of failed) assert.equal(readResult({ length: 1 }, response), undefined)
})

test('takes early warning for success of a write, and nothing that was left unwritten (ssc-3 WRITE(6))', () => {
  for (const { parse, parseCheckCondition } of [write6({ data: pattern(9) }), writeFilemarks6()]) {
    const told = (key: number, init: SenseInit) =>
      parseCheckCondition?.(parseSense(encodeSense(key, END_OF_PARTITION, init)), pattern(0))
    assert.deepEqual(parse(pattern(0)), { endOfMedium: false })
    for (const key of [NO_SENSE, RECOVERED_ERROR]) {
      assert.deepEqual(told(key, { endOfMedium: true, information: 0 }), { endOfMedium: true })
    }
    assert.equal(told(NO_SENSE, { endOfMedium: true, information: 1 }), undefined)
    assert.equal(told(VOLUME_OVERFLOW, { endOfMedium: true, information: 0 }), undefined)
    assert.equal(told(NO_SENSE, { endOfMedium: true, deferred: true }), undefined)
  }
})

test('says what stopped a SPACE, and how far from where (ssc-3 SPACE(6))', () => {
  const sense = parseSense(encodeSense(NO_SENSE, 0x0001, { filemark: true, information: 4 }))
  assert.deepEqual(parseStreamEnd(sense), {
    filemark: true,
    endOfMedium: false,
    endOfData: false,
    incorrectLength: false,
    residual: 4,
  })
})

test('says how many were left of a SPACE(16), which counts further than 32 bits', () => {
  for (const left of [2n ** 40n, 2n ** 53n - 1n]) {
    const init = { filemark: true, information: left, descriptor: true }
    assert.equal(parseStreamEnd(parseSense(encodeSense(NO_SENSE, 1, init)))?.residual, Number(left))
  }
})

test('gives a result, nothing or ERR_SGRING_RESPONSE for any sense data and data', () => {
  const next = generator(seed)
  const seen = { results: 0, failures: 0, refusals: 0 }
  for (let round = 0; round < 20_000; round++) {
    const sense = randomBytes(next, next() % 40)
    if (sense.length > 0 && (next() & 3) !== 0) sense[0] = 0xf0 | (next() & 3)
    if (sense.length > 2 && (next() & 1) !== 0) sense[2] = (next() & 0xe0) | (next() & 8)
    const options =
      (next() & 1) === 0
        ? { length: next() % 300 }
        : { blocks: next() % 30, blockLength: 1 + (next() % 10) }
    try {
      const data = randomBytes(next, next() % 300)
      const result = readResult(options, { status: 2, sense, data })
      seen[result === undefined ? 'failures' : 'results']++
      if (result !== undefined) assert.ok(result.data.length <= data.length)
    } catch (error) {
      assert.equal(
        (error as { code?: string }).code,
        'ERR_SGRING_RESPONSE',
        `seed ${seed}: ${String(error)}`,
      )
      seen.refusals++
    }
  }
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 100, `${what}: ${count}`)
})

test.run()
