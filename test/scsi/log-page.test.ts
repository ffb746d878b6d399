import assert from 'node:assert/strict'
import {
  encodeLogPage,
  encodeSupportedLogPages,
  type LogPage,
  logSelect,
  logSense,
  supportedLogSubpages,
} from '#dist/scsi/log.js'
import { readLogPage } from '#dist/scsi/log-fields.js'
import { SOLID_STATE_MEDIA, START_STOP_CYCLES, TEMPERATURE } from '#dist/scsi/log-health.js'
import { logPageLayout, logPageName } from '#dist/scsi/log-names.js'
import { readBackgroundScan, readSelfTestResults } from '#dist/scsi/log-results.js'
import { readPortLog } from '#dist/scsi/log-sas.js'
import { readTapeAlert, VOLUME_STATISTICS } from '#dist/scsi/log-tape.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('typed log pages')

const response = { code: 'ERR_SGRING_RESPONSE' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const pageOf = (page: number, ...parameters: [code: number, ...value: number[]][]): LogPage => ({
  page,
  subpage: 0,
  parameters: parameters.map(([code, ...value]) => ({
    code,
    control: 0,
    value: Uint8Array.from(value),
  })),
})

test('asks for the pages and subpages that there are (spc-4 7.3.19)', () => {
  const { cdb, parse } = supportedLogSubpages()
  assert.equal(hex(cdb), '4d0040ff000000100000')
  const list = Uint8Array.of(0x40, 0xff, 0, 4, 0x00, 0xff, 0x15, 0x01)
  assert.deepEqual(parse(list), [
    { page: 0, subpage: 0xff },
    { page: 0x15, subpage: 1 },
  ])
  assert.throws(() => parse(encodeSupportedLogPages([0])), response)
})

test('sets parameters, or sets them back (spc-4 6.7)', () => {
  const back = logSelect({ reset: true, save: true, only: { page: 0x15, subpage: 1 } })
  assert.deepEqual([hex(back.cdb), back.dataOut], ['4c035501000000000000', undefined])
  const set = logSelect({ control: 0, pages: [{ ...pageOf(0x06, [0, 1, 2]), subpage: 3 }] })
  assert.deepEqual(
    [hex(set.cdb), hex(set.dataOut!)],
    ['4c000000000000000a00', '46030006000000020102'],
  )
  const { parse } = logSense({ page: 0x06, subpage: 3 })
  assert.equal(parse(set.dataOut!).parameters[0]?.value.length, 2)
})

test('reads what came, and leaves out what did not', () => {
  assert.deepEqual(readLogPage(TEMPERATURE, pageOf(0x0d, [0, 0, 37])), {
    temperature: 37,
    referenceTemperature: undefined,
  })
  const { enduranceUsed } = readLogPage(SOLID_STATE_MEDIA, pageOf(0x11, [1, 0, 0, 0, 7]))
  assert.equal(enduranceUsed, 7)
  assert.equal(readLogPage(SOLID_STATE_MEDIA, pageOf(0x11, [1, 0, 0])).enduranceUsed, undefined)
  const date = pageOf(0x0e, [1, ...Buffer.from('202447')], [4, 0xff, 0xff, 0xff, 0xff])
  const { manufactureYear, manufactureWeek, cycles } = readLogPage(START_STOP_CYCLES, date)
  assert.deepEqual([manufactureYear, manufactureWeek, cycles], ['2024', '47', 0xffff_ffff])
})

test('reads counts of 1 to 8 bytes whole, and none of more', () => {
  const { threads, writeRetries, dataSetsRead } = readLogPage(
    VOLUME_STATISTICS,
    pageOf(0x17, [1, 9], [3, ...Array<number>(8).fill(0xff)], [7, ...Array<number>(9).fill(1)]),
  )
  assert.deepEqual([threads, writeRetries, dataSetsRead], [9n, 2n ** 64n - 1n, undefined])
})

test('reads the list pages, and refuses parameters that are cut', () => {
  assert.deepEqual(readTapeAlert(pageOf(0x2e, [1, 0], [3, 1], [64, 0xff], [65, 1])), [3, 64])
  assert.throws(() => readTapeAlert(pageOf(0x2e, [1])), response)
  assert.throws(
    () => readSelfTestResults(pageOf(0x10, [1, ...Array<number>(14).fill(0)])),
    response,
  )
  assert.throws(() => readBackgroundScan(pageOf(0x15, [0, 0])), response)
  assert.throws(() => readBackgroundScan(pageOf(0x15, [1, ...Array<number>(19).fill(0)])), response)
  assert.equal(readBackgroundScan(pageOf(0x15)).status, undefined)
  assert.deepEqual(readPortLog(pageOf(0x18, [2, 0x0f, 1, 2])), [
    { relativeTargetPort: 2, protocol: 15, phys: [], other: Uint8Array.of(1, 2) },
  ])
  assert.throws(() => readPortLog(pageOf(0x18, [1])), response)
  assert.throws(
    () => readPortLog(pageOf(0x18, [1, 6, 0, 0, 1, ...Array<number>(47).fill(0)])),
    response,
  )
})

test('goes from phy to phy by the lengths that they say (spl-3 9.2.8.1)', () => {
  const phy = (identifier: number, length: number) => {
    const bytes = Array<number>(length).fill(0)
    bytes[1] = identifier
    bytes[3] = length - 4
    return bytes
  }
  const [port] = readPortLog(pageOf(0x18, [1, 6, 0, 0, 2, ...phy(4, 100), ...phy(5, 52)]))
  assert.deepEqual(
    port?.phys.map(({ phyIdentifier }) => phyIdentifier),
    [4, 5],
  )
})

test('tells pages of one code apart by the kind of device', () => {
  assert.deepEqual(
    [0, 1].map((type) => logPageName(0x17, 0, type)),
    ['non-volatile cache', 'volume statistics'],
  )
  assert.equal(logPageLayout(0x17, 0, 0), undefined)
  assert.equal(logPageName(0x3e, 0, 0), undefined)
})

test('gives values or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  const next = generator(seed)
  const readers = [readSelfTestResults, readBackgroundScan, readPortLog, readTapeAlert]
  let results = 0
  for (let round = 0; round < 30_000; round++) {
    const page = next() % 0x32
    const parameters = Array.from({ length: next() % 4 }, () => ({
      code: next() % 20,
      control: next() & 0xff,
      value: randomBytes(next, next() % 70),
    }))
    try {
      if (round % 3 === 0) supportedLogSubpages().parse(randomBytes(next, next() % 20))
      const read = logSense({ page }).parse(encodeLogPage(page, parameters))
      const layout = logPageLayout(page, 0, next() % 2)
      if (layout !== undefined) readLogPage(layout, read)
      readers[round % readers.length]!(read)
      results += 1
    } catch (error) {
      const { code } = error as { code?: string }
      assert.equal(code, 'ERR_SGRING_RESPONSE', `seed ${seed}, round ${round}: ${String(error)}`)
    }
  }
  assert.ok(results > 1_000, `only ${results} were read: seed ${seed}`)
})

test.run()
