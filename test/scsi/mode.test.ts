import assert from 'node:assert/strict'
import {
  ALL_PAGES,
  encodeModeParameters,
  ModePageControl,
  type ModeParameters,
  modePage,
  modeSelect6,
  modeSelect10,
  modeSense6,
  modeSense10,
} from '#dist/scsi/mode.js'
import { CACHING } from '#dist/scsi/mode-block.js'
import { CONTROL, CONTROL_EXTENSION, POWER_CONDITION } from '#dist/scsi/mode-common.js'
import { modePageLayout } from '#dist/scsi/mode-names.js'
import { changeModePage, encodeModePage, fieldsWithin, readModePage } from '#dist/scsi/mode-page.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('mode parameters')

const response = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const parse6 = modeSense6({ page: ALL_PAGES }).parse
const parse10 = modeSense10({ page: ALL_PAGES }).parse

const caching = encodeModePage(CACHING, { wce: true })
const extension = encodeModePage(CONTROL_EXTENSION, { initialCommandPriority: 3 })
const disk = {
  mediumType: 0,
  deviceSpecific: 0x90,
  blockDescriptors: [{ blocks: 0x1234n, blockLength: 512 }],
  pages: [caching, extension],
}

test('asks for a page, its subpage and its values (spc-4 6.11, 6.12)', () => {
  assert.equal(hex(modeSense6({ page: 8 }).cdb), '1a000800ff00')
  const options = {
    page: 0x0a,
    subpage: 1,
    control: ModePageControl.SAVED,
    disableBlockDescriptors: true,
    allocationLength: 0x1234,
  }
  const { cdb, dataInLength } = modeSense10({ ...options, longLbaAccepted: true })
  assert.deepEqual([hex(cdb), dataInLength], ['5a18ca01000000123400', 0x1234])
  for (const wrong of [{ page: 64 }, { page: 8, subpage: 256 }, { page: 8, allocationLength: 3 }]) {
    assert.throws(() => modeSense6(wrong), argument)
    assert.throws(() => modeSense10(wrong), argument)
  }
})

test('sets pages with PF, saved or not, and reserved fields zero (spc-4 6.9, 6.10)', () => {
  const savable = modePage(Uint8Array.of(0x88, ...caching.bytes.subarray(1)))
  const six = modeSelect6({ pages: [savable], save: true })
  assert.deepEqual(
    [hex(six.cdb), hex(six.dataOut!)],
    ['151100001800', `00000000081204${'00'.repeat(17)}`],
  )
  const ten = modeSelect10({ ...disk, pages: [savable], longLba: true })
  assert.deepEqual(
    [hex(ten.cdb), hex(ten.dataOut!)],
    [
      '55100000000000002c00',
      `0000009001000010${'0000000000001234'}0000000000000200081204${'00'.repeat(17)}`,
    ],
  )
  assert.throws(() => modeSelect6({ pages: Array(20).fill(caching) }), argument)
})

test('reads back header, block descriptors and pages of both forms (spc-4 7.5)', () => {
  const short = { ...disk, longLba: false, vendorPage: undefined }
  const [descriptor] = disk.blockDescriptors
  const told = [{ ...descriptor, densityCode: 0 }]
  assert.deepEqual(parse6(encodeModeParameters(disk, 6)), { ...short, blockDescriptors: told })
  assert.deepEqual(parse10(encodeModeParameters(disk, 10)), { ...short, blockDescriptors: told })
  const long = { ...disk, longLba: true }
  assert.deepEqual(parse10(encodeModeParameters(long, 10)), { ...long, vendorPage: undefined })
})

test('reads the density of a tape, and saturates the blocks of a disk (spc-4 7.5.6, sbc-3 6.4.2)', () => {
  const tape = { blocks: 5n, blockLength: 0, densityCode: 0x5a }
  const [came] = parse6(
    encodeModeParameters({ blockDescriptors: [tape], pages: [] }, 6),
  ).blockDescriptors
  assert.deepEqual(came, { ...tape, blocks: 0x5a000005n })
  const large = { blocks: 1n << 40n, blockLength: 512 }
  const [cut] = parse6(
    encodeModeParameters({ blockDescriptors: [large], pages: [] }, 6),
  ).blockDescriptors
  assert.equal(cut?.blocks, 0xffff_ffffn)
})

test('leaves page 00h as it is, which has no format (spc-4 7.5.1)', () => {
  const vendor = Uint8Array.of(0x80, 7, 1, 2, 3)
  const list = encodeModeParameters({ pages: [caching, { bytes: vendor }] }, 6)
  const { pages, vendorPage } = parse6(list)
  assert.deepEqual([pages, vendorPage], [[caching], vendor])
})

test('changes fields and nothing else, in a page as long as it came', () => {
  const bytes = new Uint8Array(12).fill(0xff)
  bytes.set([0x08, 10])
  const changed = changeModePage(CACHING, modePage(bytes), { wce: false, maximumPrefetch: 0x102 })
  assert.equal(hex(changed.bytes), '080afbffffffffff0102ffff')
  assert.throws(() => changeModePage(CACHING, modePage(bytes), { nvDis: true }), argument)
  assert.throws(() => changeModePage(CONTROL, modePage(bytes), { swp: true }), argument)
  assert.throws(() => changeModePage(CACHING, caching, { writeRetentionPriority: 16 }), argument)
  assert.ok(fieldsWithin(CACHING, bytes).has('maximumPrefetchCeiling'))
  assert.ok(!fieldsWithin(CACHING, bytes).has('fsw'))
})

test('reads as 0 and false what a shorter page does not have', () => {
  const { wce, nvDis, cacheSegmentSize } = readModePage(
    CACHING,
    modePage(Uint8Array.of(0x08, 1, 0xff)),
  )
  assert.deepEqual([wce, nvDis, cacheSegmentSize], [true, false, 0])
})

test('writes and reads every value that a field can hold', () => {
  const timers = { idleATimer: 0xffff_ffff, standbyYTimer: 0x8000_0001, ccfIdle: 3, idleC: true }
  const read = readModePage(POWER_CONDITION, encodeModePage(POWER_CONDITION, timers))
  assert.deepEqual(read, { ...readModePage(POWER_CONDITION, EMPTY), ...timers })
})

const EMPTY = encodeModePage(POWER_CONDITION, {})

test('refuses lists that are cut, and lengths that contradict each other', () => {
  for (const [form, parse] of [
    [6, parse6],
    [10, parse10],
  ] as const) {
    const whole = encodeModeParameters(disk, form)
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => parse(whole.subarray(0, length)), response)
    }
    const wrong = whole.slice()
    wrong[form === 6 ? 3 : 7] = 9
    assert.throws(() => parse(wrong), response)
    wrong[form === 6 ? 3 : 7] = 0xf8
    assert.throws(() => parse(wrong), response)
  }
})

test('gives parameters or ERR_SGRING_RESPONSE for any bytes, and what it gives can be sent back', () => {
  const next = generator(seed)
  let results = 0
  let typed = 0
  for (let round = 0; round < 30_000; round++) {
    const form = round % 2 === 0 ? 6 : 10
    const data = randomBytes(next, next() % 80)
    if (data.length > 8 && (next() & 1) === 0) {
      data.set(form === 6 ? [data.length - 1, 0, 0, 0] : [0, data.length - 2, 0, 0, 0, 0, 0, 0])
    }
    let parameters: ModeParameters
    try {
      parameters = form === 6 ? parse6(data) : parse10(data)
    } catch (error) {
      const { code } = error as { code?: string }
      assert.equal(code, 'ERR_SGRING_RESPONSE', `seed ${seed}, round ${round}: ${String(error)}`)
      continue
    }
    results += 1
    for (const page of parameters.pages) {
      const layout = modePageLayout(page.page, page.subpage, next() % 10)
      if (layout === undefined) continue
      const again = changeModePage(layout, page, {})
      assert.deepEqual(readModePage(layout, again), readModePage(layout, page))
      typed += 1
    }
    const again = encodeModeParameters(parameters, form)
    assert.deepEqual((form === 6 ? parse6 : parse10)(again).pages, parameters.pages)
  }
  assert.ok(results > 1_000 && typed > 100, `only ${results} were read, ${typed}: seed ${seed}`)
})

test.run()
