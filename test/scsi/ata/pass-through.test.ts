import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  identifyDevice,
  Protocol,
  parseStatusReturn,
  passThrough12,
  passThrough16,
  passThrough32,
  type StatusReturn,
  smartReadData,
  smartReturnStatus,
  TransferLength,
} from '#dist/scsi/ata/index.js'
import { parseSense } from '#dist/scsi/sense.js'
import { suite } from '../../harness/index.ts'
import { bytes, hex } from '../hex.ts'
import { generator, randomBytes, seed } from '../random.ts'

const test = suite('ATA PASS-THROUGH')

const refused = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }

/** Registers that are all different, in each of their two coats (sat-4 12.2.2.6, 12.2.2.7). */
const DESCRIPTOR = bytes('72 01 00 1d 00 00 00 0e 09 0c 01 11 22 33 44 55 66 77 88 99 aa bb')
const FIXED = bytes('f0 00 01 11 22 33 44 0a 85 66 77 88 00 1d 00 00 00 00')

test('makes the CDBs that tools of the field make (sat-4 12.2.2)', () => {
  const identify = { protocol: Protocol.PIO_DATA_IN, command: 0xec, count: 1, dataInLength: 512 }
  const expected: readonly (readonly [{ cdb: Uint8Array }, string])[] = [
    // As sg_sat_identify and hdparm do.
    [passThrough16(identify), '85080e0000000100000000000000ec00'],
    [passThrough12(identify), 'a1080e000100000000ec0000'],
    [identifyDevice(), '85080e0000000100000000000000ec00'],
    [identifyDevice({ cdbLength: 12, packet: true }), 'a1080e000100000000a10000'],
    // As smartctl does.
    [smartReadData(), '85080e00d000010000004f00c200b000'],
    [smartReturnStatus(), '85062000da00000000004f00c200b000'],
    // CHECK POWER MODE, as sg3_utils' sg_sat_chk_power does.
    [
      passThrough16({ protocol: Protocol.NON_DATA, command: 0xe5, ckCond: true }),
      '8506200000000000000000000000e500',
    ],
  ]
  for (const [command, cdb] of expected) assert.equal(hex(command.cdb), cdb)
})

test('puts every field where it belongs, upper halves before lower ones (sat-4 12.2.2 to 12.2.4)', () => {
  const options = {
    protocol: Protocol.NCQ,
    command: 0xa1,
    features: 0x1122,
    count: 0x3344,
    lba: 0xaabbccddeeff,
    device: 0x55,
    extend: true,
    ckCond: true,
    tType: true,
    offLine: 2,
    multipleCount: 5,
    dataOut: new Uint8Array(512),
    tLength: TransferLength.FEATURES,
  }
  assert.equal(hex(passThrough16(options).cdb), '85b9b511223344ccffbbeeaadd55a100')
  const wide = passThrough32({ ...options, icc: 0x66, auxiliary: 0x778899aa })
  assert.equal(hex(wide.cdb), '7f000000000000181ff0b9b50000aabbccddeeff1122334455a10066778899aa')
  assert.equal(wide.cdb.length, 32)
  assert.deepEqual([wide.dataInLength, wide.dataOut?.length], [0, 512])
  const short = passThrough12({
    protocol: Protocol.UDMA_DATA_IN,
    command: 0xc8,
    lba: 0x123456,
    count: 2,
    device: 0x4f,
    bytBlok: false,
    dataInLength: 2,
  })
  assert.equal(hex(short.cdb), 'a1140a00025634124fc80000')
})

test('refuses what the fields of a command do not hold', () => {
  const nothing = { protocol: Protocol.NON_DATA, command: 0 }
  assert.throws(() => passThrough16({ ...nothing, count: 256 }), argument)
  assert.throws(() => passThrough16({ ...nothing, lba: 2 ** 24 }), argument)
  assert.throws(() => passThrough16({ ...nothing, lba: 2 ** 48, extend: true }), argument)
  assert.throws(() => passThrough12({ ...nothing, extend: true }), argument)
  const both = { ...nothing, dataInLength: 1, dataOut: new Uint8Array(1) }
  assert.throws(() => passThrough16(both), /one way/)
})

test('reads the registers from either format (sat-4 12.2.2.6, 12.2.2.7)', () => {
  const registers = { error: 0x11, device: 0xaa, status: 0xbb, extend: true, truncated: false }
  assert.deepEqual(parseStatusReturn(parseSense(DESCRIPTOR)), {
    ...registers,
    count: 0x2233,
    lba: 0x886644_997755,
  })
  const short = DESCRIPTOR.slice()
  short[10] = 0
  assert.deepEqual(parseStatusReturn(parseSense(short)), {
    ...registers,
    extend: false,
    count: 0x33,
    lba: 0x997755,
  })
  assert.deepEqual(parseStatusReturn(parseSense(FIXED)), {
    error: 0x11,
    status: 0x22,
    device: 0x33,
    count: 0x44,
    lba: 0x887766,
    extend: true,
    truncated: false,
  })
})

test('says when fixed format has left something out', () => {
  for (const flag of [0x40, 0x20]) {
    const fixed = FIXED.slice()
    fixed[8] = 0x80 | flag
    assert.equal(parseStatusReturn(parseSense(fixed))?.truncated, true)
  }
})

test('finds no registers in other sense data, and refuses a descriptor that is cut', () => {
  const other = FIXED.slice()
  other[13] = 0x00
  assert.equal(parseStatusReturn(parseSense(other)), undefined)
  assert.equal(parseStatusReturn(parseSense(DESCRIPTOR.subarray(0, 8))), undefined)
  const short = Uint8Array.of(...DESCRIPTOR.subarray(0, 8), 9, 11, ...new Uint8Array(11))
  short[7] = 13
  assert.throws(() => parseStatusReturn(parseSense(short)), refused)
})

test('takes registers that were asked for as a result, and none of a command that failed', () => {
  const { parse, parseCheckCondition } = passThrough16({
    protocol: Protocol.NON_DATA,
    command: 0xe5,
    ckCond: true,
  })
  const data = new Uint8Array(0)
  assert.deepEqual(parse(data), { data, registers: undefined })
  const told = (sense: Uint8Array) => parseCheckCondition?.(parseSense(sense), data)
  assert.equal(told(DESCRIPTOR)?.registers?.count, 0x2233)
  assert.equal(told(FIXED)?.registers?.lba, 0x887766)
  const aborted = DESCRIPTOR.slice()
  aborted.set([0x0b, 0x00, 0x00], 1)
  assert.equal(told(aborted), undefined)
  assert.equal(parseStatusReturn(parseSense(aborted))?.error, 0x11)
  const deferred = DESCRIPTOR.slice()
  deferred[0] = 0x73
  assert.equal(told(deferred), undefined)
})

test('tells by SMART RETURN STATUS whether a threshold is exceeded (acs-3 7.48.8)', () => {
  const { parse, parseCheckCondition } = smartReturnStatus()
  const status = (mid: number, high: number) => {
    const sense = DESCRIPTOR.slice()
    sense[10] = 0
    sense.set([0, mid, 0, high], 16)
    return parseCheckCondition?.(parseSense(sense), new Uint8Array(0))
  }
  assert.deepEqual(status(0x4f, 0xc2), { passed: true })
  assert.deepEqual(status(0xf4, 0x2c), { passed: false })
  const fixed = (lba: string) => {
    const sense = FIXED.slice()
    sense.set(bytes(`00${lba}`), 8)
    return parseCheckCondition?.(parseSense(sense), new Uint8Array(0))?.passed
  }
  assert.deepEqual(['004fc2', '00f42c', 'c24f00', '2cf400'].map(fixed), [true, false, true, false])
  assert.throws(() => status(0, 0), refused)
  assert.throws(() => parse(new Uint8Array(0)), refused)
})

test('gives registers, nothing or ERR_SGRING_RESPONSE for any sense data', () => {
  const next = generator(seed)
  let found = 0
  for (let round = 0; round < 20_000; round++) {
    const sense = randomBytes(next, 14 + (next() % 40))
    sense[0] = 0x70 | (next() & 3)
    if ((next() & 1) === 0) sense.set([0, 0x1d], 12)
    if ((next() & 1) === 0) sense.set([32, 9, 12], 7)
    try {
      if (parseStatusReturn(parseSense(sense)) !== undefined) found++
    } catch (error) {
      assert.equal(
        (error as { code?: string }).code,
        'ERR_SGRING_RESPONSE',
        `seed ${seed}: ${String(error)}`,
      )
    }
  }
  assert.ok(found > 100, `${found} registers`)
})

const skip =
  spawnSync('sg_decode_sense', ['--version']).error === undefined
    ? undefined
    : 'needs sg_decode_sense: apt-get install sg3-utils'

test(
  'reads registers as sg_decode_sense does',
  () => {
    const next = generator(seed)
    const vectors = 40
    for (let vector = 0; vector < vectors; vector++) {
      const fixed = (vector & 1) === 0
      const sense = (fixed ? FIXED : DESCRIPTOR).slice()
      for (let at = fixed ? 3 : 11; at < (fixed ? 7 : sense.length); at++) sense[at] = next()
      if (fixed) for (let at = 8; at < 12; at++) sense[at] = next()
      const read = parseStatusReturn(parseSense(sense))!
      const ran = spawnSync(
        'sg_decode_sense',
        [...sense].map((byte) => byte.toString(16)),
        { encoding: 'utf8' },
      )
      const said = ran.stdout.replace(/\s+/g, ' ')
      for (const part of fixed ? spelledFixed(read) : spelledDescriptor(read))
        assert.ok(said.includes(part), `${part}: ${said}`)
    }
    console.log(`ATA status returns compared with sg_decode_sense: ${vectors}`)
  },
  { skip },
)

function spelledDescriptor({ error, count, lba, device, status, extend }: StatusReturn): string[] {
  const x = (value: number) => `0x${value.toString(16)}`
  return [
    `extend=${extend ? 1 : 0} error=${x(error)} count=${x(count)} lba=0x`,
    `${lba.toString(16)} device=${x(device)} status=${x(status)}`,
  ]
}

/** It names the bytes of the LBA the wrong way round: byte 9 is LBA (7:0) (sat-4 12.2.2.7), which it calls high. */
function spelledFixed({ error, count, lba, device, status }: StatusReturn): string[] {
  const byte = (value: number) => `0x${(value & 0xff).toString(16)}`
  return [
    `error=${byte(error)}, status=${byte(status)}, device=${byte(device)}, count(7:0)=${byte(count)}`,
    `lba_high,mid,low(7:0)=${byte(lba)},${byte(lba >> 8)},${byte(lba >> 16)}`,
  ]
}

test.run()
