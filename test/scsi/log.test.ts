import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  BINARY_LIST,
  encodeLogPage,
  encodeSupportedLogPages,
  LogPageControl,
  logSense,
  supportedLogPages,
} from '#dist/scsi/log.js'
import { COUNTERS_PAGE, encodeCounters, targetCounters } from '#dist/task/counters.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('log pages')

const response = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }

const parameter = (code: number, ...value: number[]) => ({
  code,
  control: BINARY_LIST,
  value: Uint8Array.from(value),
})

const counters = {
  nexuses: 1,
  pairs: 2,
  tasks: 3,
  commands: 2 ** 53 - 1,
  fetches: 2 ** 32,
  wakes: 6,
  aborted: 7,
  lateAnswers: 0,
  refused: 11,
  ended: 12,
  arenaBytes: 9,
  residentBytes: 10,
  recent: ['ended: nexus 3 of user 0, process 7: a CDB of 5 bytes', 'refused: user 1'],
}

test('asks for a page, its subpage, its values and its first parameter (spc-4 6.8)', () => {
  const { cdb, dataInLength } = logSense({
    page: 0x3e,
    subpage: 0xfe,
    control: LogPageControl.DEFAULT_CUMULATIVE,
    parameterPointer: 0x1234,
    allocationLength: 0xabcd,
  })
  assert.equal(Buffer.from(cdb).toString('hex'), '4d00fefe001234abcd00')
  assert.equal(dataInLength, 0xabcd)
})

test('asks for cumulative values and all parameters where nothing is said', () => {
  const { cdb } = logSense({ page: 0x18 })
  assert.equal(Buffer.from(cdb).toString('hex'), '4d005800000000100000')
})

test('refuses what has no room in the CDB', () => {
  for (const options of [
    { page: 0x40 },
    { page: 0, subpage: 256 },
    { page: 0, parameterPointer: 65_536 },
    { page: 0, allocationLength: 3 },
    { page: 0, allocationLength: 65_536 },
  ]) {
    assert.throws(() => logSense(options), argument)
  }
  assert.throws(() => encodeLogPage(0x30, [parameter(1, ...new Uint8Array(256))]), argument)
})

test('reads back a page of parameters, also one without a value (spc-4 7.3.2)', () => {
  const parameters = [parameter(0), parameter(1, 7), parameter(0xffff, ...new Uint8Array(255))]
  assert.deepEqual(logSense({ page: 0x30 }).parse(encodeLogPage(0x30, parameters)), {
    page: 0x30,
    subpage: 0,
    parameters,
  })
})

test('reads the list of pages (spc-4 7.3.18)', () => {
  const { cdb, parse } = supportedLogPages()
  assert.equal(cdb[2], 0x40)
  assert.deepEqual(parse(encodeSupportedLogPages([0, 0x18, 0x30])), [0, 0x18, 0x30])
})

test('refuses another page or subpage, and pages and parameters that are cut', () => {
  const page = encodeLogPage(0x30, [parameter(1, 1, 2)])
  assert.throws(
    () => logSense({ page: 0x31 }).parse(page),
    /log page 31h 00h: 30h 00h came instead/,
  )
  assert.throws(() => logSense({ page: 0x30, subpage: 1 }).parse(page), response)
  assert.throws(() => supportedLogPages().parse(page), response)
  const sub = Uint8Array.of(0x70, 1, 0, 0)
  assert.deepEqual(logSense({ page: 0x30, subpage: 1 }).parse(sub).parameters, [])
  assert.throws(() => logSense({ page: 0x30 }).parse(sub), response)
  const { parse } = logSense({ page: 0x30 })
  for (let length = 0; length < page.length; length++) {
    assert.throws(() => parse(page.subarray(0, length)), response)
  }
  for (const [at, value] of [
    [3, 3],
    [7, 3],
  ] as const) {
    const wrong = page.slice()
    wrong[at] = value
    assert.throws(() => parse(wrong), response)
  }
})

test('carries the counters of a target, and passes over codes that it does not know', () => {
  const known = encodeCounters(counters)
  const { parse } = targetCounters()
  assert.deepEqual(parse(encodeLogPage(COUNTERS_PAGE, known)), counters)
  assert.deepEqual(parse(encodeLogPage(COUNTERS_PAGE, [...known, parameter(0x200, 1)])), counters)
})

test('refuses counters that are missing, or of another length', () => {
  const [first, ...rest] = encodeCounters(counters)
  const { parse } = targetCounters()
  assert.throws(() => parse(encodeLogPage(COUNTERS_PAGE, rest)), /nexuses is missing/)
  const short = { ...first!, value: first!.value.subarray(4) }
  assert.throws(() => parse(encodeLogPage(COUNTERS_PAGE, [short, ...rest])), response)
})

test('gives a page or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  const next = generator(seed)
  const commands = [logSense({ page: 0x30 }), supportedLogPages(), targetCounters()]
  let results = 0
  for (let round = 0; round < 30_000; round++) {
    const command = commands[round % commands.length]!
    const data = randomBytes(next, next() % 100)
    if (data.length > 3 && (next() & 1) === 0) data.set([command.cdb[2]! & 0x3f, 0, 0, next() % 64])
    try {
      command.parse(data)
      results += 1
    } catch (error) {
      const { code } = error as { code?: string }
      assert.equal(code, 'ERR_SGRING_RESPONSE', `seed ${seed}, round ${round}: ${String(error)}`)
    }
  }
  assert.ok(results > 1_000, `only ${results} were read: seed ${seed}`)
})

const skip =
  spawnSync('sg_logs', ['--version']).error === undefined
    ? undefined
    : 'needs sg_logs: apt-get install sg3-utils'

/** What sg_logs makes of a page. */
function decoded(page: Uint8Array): string {
  const input = Buffer.from(page).toString('hex').replaceAll(/../g, '$& ')
  const ran = spawnSync('sg_logs', ['--in=-', '--pcb'], { input, encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout + ran.stderr
}

test(
  'makes pages that sg_logs reads as they are meant',
  () => {
    const supported = decoded(encodeSupportedLogPages([0, 0x18, COUNTERS_PAGE]))
    for (const pattern of [/0x00 +Supported log pages/, /0x18 +Protocol specific port/, /0x36/]) {
      assert.match(supported, pattern)
    }
    assert.match(decoded(encodeLogPage(0x18, [parameter(1, 0xf)])), /Protocol identifier: 15/)
    assert.match(decoded(encodeLogPage(COUNTERS_PAGE, encodeCounters(counters))), /page=0x36/)
    // The only page of parameters that it spells out for any vendor: the caching page of Seagate.
    const spelled = decoded(encodeLogPage(0x37, [parameter(0, 0, 0, 0, 5)]))
    assert.match(spelled, /= 5\n +<du=0 .*tsd=1 .*format\+linking=3/)
  },
  { skip },
)

test.run()
