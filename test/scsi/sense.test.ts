import assert from 'node:assert/strict'
import { encodeSense, parseSense, type SenseInit, SenseKey } from '#dist/scsi/sense.js'
import { SenseCode, senseCodeName } from '#dist/scsi/sense-code.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('sense data')

test('writes fixed format byte by byte (spc-5 4.4.3)', () => {
  const sense = encodeSense(SenseKey.ILLEGAL_REQUEST, 0x2400, {
    information: 0x01020304,
    commandSpecific: 0x05060708,
    fieldReplaceableUnit: 9,
    specific: { kind: 'field', byte: 0x1234, bit: 7, inCdb: true },
  })
  assert.equal(Buffer.from(sense).toString('hex'), 'f00005010203040a050607082400' + '09cf1234')
})

test('writes descriptor format byte by byte (spc-5 4.4.2)', () => {
  const sense = encodeSense(SenseKey.MEDIUM_ERROR, 0x1100, {
    descriptor: true,
    information: 0x0102030405060708n,
    specific: { kind: 'retries', retries: 5 },
    incorrectLength: true,
  })
  assert.equal(
    Buffer.from(sense).toString('hex'),
    '7203110000000018' + '000a80000102030405060708' + '0206000080000500' + '04020020',
  )
})

test('leaves INFORMATION invalid in fixed format beyond 32 bits (spc-5 4.4.3)', () => {
  const fits = parseSense(encodeSense(5, 0x2100, { information: 0xffff_ffff }))
  assert.deepEqual([fits.valid, fits.information], [true, 0xffff_ffffn])
  const wide = { information: 0x1_0000_0000n }
  assert.equal(parseSense(encodeSense(5, 0x2100, wide)).valid, false)
  const descriptor = parseSense(encodeSense(5, 0x2100, { ...wide, descriptor: true }))
  assert.deepEqual([descriptor.valid, descriptor.information], [true, 0x1_0000_0000n])
})

test('reads back what it writes, in both formats', () => {
  const inits: readonly (readonly [key: number, init: SenseInit])[] = [
    [SenseKey.NO_SENSE, { specific: { kind: 'progress', progress: 0x8000 } }],
    [SenseKey.NOT_READY, { deferred: true }],
    [SenseKey.HARDWARE_ERROR, { specific: { kind: 'retries', retries: 7 }, information: 0 }],
    [SenseKey.ILLEGAL_REQUEST, { specific: { kind: 'field', byte: 2, inCdb: false } }],
    [SenseKey.UNIT_ATTENTION, { specific: { kind: 'attentionQueue', overflow: true } }],
    [SenseKey.BLANK_CHECK, { filemark: true, endOfMedium: true, incorrectLength: true }],
    [SenseKey.MISCOMPARE, { commandSpecific: 77n, fieldReplaceableUnit: 3 }],
    [SenseKey.COPY_ABORTED, { specific: { kind: 'segment', byte: 9, bit: 2, inSegment: true } }],
    [SenseKey.COPY_ABORTED, { specific: { kind: 'segment', byte: 9, inSegment: false } }],
    [SenseKey.ABORTED_COMMAND, { specific: { kind: 'raw', bytes: Uint8Array.of(0x80, 1, 2) } }],
  ]
  for (const [key, init] of inits) {
    for (const descriptor of [false, true]) {
      const sense = parseSense(encodeSense(key, 0x4b03, { ...init, descriptor }))
      assert.equal(sense.responseCode, (descriptor ? 0x72 : 0x70) + (init.deferred ? 1 : 0))
      assert.deepEqual([sense.key, sense.asc, sense.ascq], [key, 0x4b, 0x03])
      assert.equal(sense.deferred, init.deferred ?? false)
      assert.equal(sense.valid, init.information !== undefined)
      assert.equal(sense.commandSpecific, BigInt(init.commandSpecific ?? 0))
      assert.equal(sense.fieldReplaceableUnit, init.fieldReplaceableUnit ?? 0)
      assert.equal(sense.filemark, init.filemark ?? false)
      assert.equal(sense.endOfMedium, init.endOfMedium ?? false)
      assert.equal(sense.incorrectLength, init.incorrectLength ?? false)
      assert.deepEqual(sense.specific, init.specific)
    }
  }
})

test('reads sense data that was cut, as far as it goes', () => {
  const whole = encodeSense(6, 0x2900, {
    information: 1,
    specific: { kind: 'attentionQueue', overflow: true },
  })
  const cut = parseSense(whole.subarray(0, 13))
  assert.deepEqual([cut.key, cut.asc, cut.ascq, cut.valid], [6, 0x29, 0, true])
  assert.equal(cut.specific, undefined)
  assert.equal(parseSense(whole.subarray(0, 5)).valid, false)
  const descriptors = encodeSense(3, 0x1100, {
    descriptor: true,
    information: 1,
    fieldReplaceableUnit: 4,
  })
  assert.equal(parseSense(descriptors.subarray(0, -1)).descriptors.length, 1)
})

test('believes the additional length where more bytes came', () => {
  const padded = new Uint8Array(252).fill(0xff)
  padded.set(encodeSense(5, 0x2400, { descriptor: true }))
  assert.deepEqual(parseSense(padded).descriptors, [])
})

test('refuses what is no sense data with ERR_SGRING_RESPONSE', () => {
  for (const bytes of [[], [0x70], [0x70, 0], [0x72, 5, 0x24], [0x7f, 0, 0, 0], [0, 0, 0, 0, 0]]) {
    assert.throws(() => parseSense(Uint8Array.from(bytes)), { code: 'ERR_SGRING_RESPONSE' })
  }
})

test('reads any bytes or refuses them with ERR_SGRING_RESPONSE', () => {
  const next = generator(seed)
  for (let round = 0; round < 20_000; round++) {
    const bytes = randomBytes(next, next() % 64)
    if (bytes.length > 0 && round % 2 === 0) bytes[0] = 0x70 | (next() & 0x83)
    try {
      parseSense(bytes)
    } catch (error) {
      const code = (error as { code?: string }).code
      assert.equal(code, 'ERR_SGRING_RESPONSE', `seed ${seed}, round ${round}: ${String(error)}`)
    }
  }
})

test('refuses values that their fields cannot hold', () => {
  const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
  assert.throws(() => encodeSense(16, 0), invalid)
  assert.throws(() => encodeSense(5, 0x1_0000), invalid)
  assert.throws(() => encodeSense(5, 0, { information: 2 ** 53 }), invalid)
  assert.throws(() => encodeSense(5, 0, { information: -1n }), invalid)
  assert.throws(() => encodeSense(5, 0, { commandSpecific: 2 ** 32 }), invalid)
  assert.throws(
    () => encodeSense(5, 0, { specific: { kind: 'field', byte: 70_000, inCdb: true } }),
    invalid,
  )
})

test('names every code in use as T10 does', () => {
  for (const [name, code] of Object.entries(SenseCode)) {
    const named = senseCodeName(code >> 8, code & 0xff) ?? ''
    assert.equal(named.replaceAll(/[^A-Z0-9]+/g, '_').replace(/_$/, ''), name)
  }
})

test('names codes by the list, its ranges and its blocks, and no others (spc-5 annex f)', () => {
  const names: readonly (readonly [asc: number, ascq: number, name: string | undefined])[] = [
    [0x29, 0x00, 'POWER ON, RESET, OR BUS DEVICE RESET OCCURRED'],
    [0x40, 0x7f, undefined],
    [0x40, 0x80, 'DIAGNOSTIC FAILURE ON COMPONENT 80h'],
    [0x4d, 0x07, 'TAGGED OVERLAPPED COMMANDS (07h = TASK TAG)'],
    [0x5d, 0x10, 'HARDWARE IMPENDING FAILURE GENERAL HARD DRIVE FAILURE'],
    [0x5d, 0x6c, 'FIRMWARE IMPENDING FAILURE DRIVE CALIBRATION RETRY COUNT'],
    [0x5d, 0x6d, undefined],
    [0x70, 0xab, 'DECOMPRESSION EXCEPTION SHORT ALGORITHM ID OF ABh'],
    [0x80, 0x00, undefined],
    [0xfe, 0xed, undefined],
  ]
  for (const [asc, ascq, name] of names) assert.equal(senseCodeName(asc, ascq), name)
})

test.run()
