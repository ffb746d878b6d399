import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { DeviceType } from '#dist/scsi/inquiry.js'
import { encodeLogPage, type LogParameter, logSense } from '#dist/scsi/log.js'
import { type LogField, readLogPage } from '#dist/scsi/log-fields.js'
import { logPageLayout, logPageName } from '#dist/scsi/log-names.js'
import { readBackgroundScan, readSelfTestResults } from '#dist/scsi/log-results.js'
import { readPortLog } from '#dist/scsi/log-sas.js'
import { readTapeAlert } from '#dist/scsi/log-tape.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from './random.ts'

const skip =
  spawnSync('sg_logs', ['--version']).error === undefined
    ? undefined
    : 'needs sg_logs: apt-get install sg3-utils'
const test = suite('log pages against sg_logs')

const DISK = DeviceType.DIRECT_ACCESS_BLOCK
const TAPE = DeviceType.SEQUENTIAL_ACCESS
/** Every page that has a layout. */
const PAGES: readonly (readonly [page: number, deviceType: number])[] = [
  [0x02, DISK],
  [0x03, DISK],
  [0x04, TAPE],
  [0x05, DISK],
  [0x06, DISK],
  [0x0d, DISK],
  [0x0e, DISK],
  [0x11, DISK],
  [0x19, DISK],
  [0x2f, DISK],
  [0x0c, DISK],
  [0x0c, TAPE],
  [0x17, TAPE],
  [0x31, TAPE],
]

/** Fields that sg_logs shows in other words than the standard's, and how. All else is "label = value" or "label: value". */
const SHOWN: Readonly<Record<string, RegExp>> = {
  temperature: /current temperature = (\d+)/,
  'most recent temperature': /current temperature = (\d+)/,
  'informational exception asc': /ie asc = (0x[0-9a-f]+)/,
  'informational exception ascq': /ie asc = .*ascq = (0x[0-9a-f]+)/,
  'year of manufacture': /date of manufacture, year: (\d+)/,
  'week of manufacture': /date of manufacture, .*week: (\d+)/,
  'accounting year': /accounting date, year: (\d+)/,
  'accounting week': /accounting date, .*week: (\d+)/,
  'weighted read command processing plus write':
    /weighted read command processing plus write command processing = (\d+)/,
  'maximum native capacity in object buffer':
    /maximum native capacity in device object buffer: (\d+)/,
  'available LBA mapping resource count': /available lba mapping threshold resource count: (\d+)/,
  'used LBA mapping resource count': /used lba mapping threshold resource count: (\d+)/,
  'time interval exponent': /time interval negative exponent = (\d+)/,
}

/**
 * Fields whose number sg_logs does not show, so that there is nothing to compare:
 *
 *     0Ch   bytes of 0 to 3     shown in GB, rounded; compared as that
 *     0Ch   of disks: scope     shown as a sentence
 *     0Ch   0100h               shown as a sentence where it is not 0 (SSC-4 8.2.2: any value but 0)
 */
const HIDDEN = new Set([
  'cleaning action required',
  'scope of what is available',
  'scope of what is used',
])

function shownBy(page: Uint8Array, deviceType: number): string {
  const input = Buffer.from(page).toString('hex').replaceAll(/../g, '$& ')
  const { status, stdout, stderr } = spawnSync('sg_logs', ['--in=-', `--pdt=${deviceType}`], {
    input,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return stdout.toLowerCase()
}

/** Parameters with values that every field of a page can have. */
function parametersOf(fields: readonly LogField[], next: () => number): LogParameter[] {
  const codes = [...new Set(fields.map(({ code }) => code))].sort((a, b) => a - b)
  return codes.map((code) => {
    const own = fields.filter((field) => field.code === code)
    const end = Math.max(...own.map(({ offset, length }) => offset + (length || 1 + (next() % 8))))
    const value = new Uint8Array(end)
    for (const { type, offset, length } of own) {
      const width = length || end
      const digits = String(next()).padStart(10, '1').slice(0, width)
      const bytes = Uint8Array.from({ length: width }, () => next() & 0x7f)
      value.set(type === 'text' ? Buffer.from(digits) : bytes, offset)
    }
    return { code, control: 0, value }
  })
}

function told(label: string, text: string): string | undefined {
  const words = label.toLowerCase().replaceAll(/[/()]/g, '\\$&')
  const plain = new RegExp(`^\\s*${words}[^=:\\n]*[=:] *(-?\\d+)`, 'm')
  return (SHOWN[label] ?? plain).exec(text)?.[1]
}

test(
  'agrees on the value of every field',
  () => {
    const next = generator(seed)
    let vectors = 0
    for (const [page, deviceType] of PAGES) {
      const layout = logPageLayout(page, 0, deviceType)
      assert.ok(layout !== undefined)
      const fields = Object.entries(layout.fields) as [string, LogField][]
      for (let round = 0; round < 8; round++) {
        const parameters = parametersOf(
          fields.map(([, field]) => field),
          next,
        )
        const encoded = encodeLogPage(page, parameters)
        const values = readLogPage(layout, logSense({ page }).parse(encoded))
        const text = shownBy(encoded, deviceType)
        for (const [name, { label, code }] of fields) {
          if (HIDDEN.has(label)) continue
          const value = BigInt(values[name]!)
          const scaled =
            deviceType === TAPE && page === 0x0c && code < 4 ? value / 1_000_000_000n : value
          assert.equal(
            BigInt(told(label, text) ?? -1),
            scaled,
            `seed ${seed}: page ${page.toString(16)}h ${label}\n${text}`,
          )
          vectors += 1
        }
      }
    }
    console.log(`  ${vectors} values of ${PAGES.length} pages compared with sg_logs`)
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'agrees on self-tests, background scans, SAS phys and TapeAlert',
  () => {
    const next = generator(seed + 1)
    // Odd: sg_logs leaves out some fields that are 0.
    const some = (length: number) => Uint8Array.from({ length }, () => (next() & 0x7f) | 1)
    const at = (number: number) => new RegExp(`parameter code = ${number},.*\\n(?:.*\\n){0,9}`)
    let vectors = 0
    const agree = (text: string, ...patterns: RegExp[]) => {
      for (const pattern of patterns) assert.match(text, pattern, `seed ${seed}`)
      vectors += patterns.length
    }
    const tests = Array.from({ length: 20 }, (_, index) => ({
      code: index + 1,
      control: 0,
      value: some(16).fill(0x15, 0, 1),
    }))
    const selfTests = encodeLogPage(0x10, tests)
    const selfTestText = shownBy(selfTests, DISK)
    for (const [index, one] of readSelfTestResults(
      logSense({ page: 0x10 }).parse(selfTests),
    ).entries()) {
      const [own = ''] = at(index + 1).exec(selfTestText) ?? []
      agree(
        own,
        new RegExp(`self-test code: .*\\[${one.code}\\]`),
        new RegExp(`self-test result: .*\\[${one.result}\\]`),
        new RegExp(`self-test number = ${one.number}\\b`),
        new RegExp(`power on hours: ${one.powerOnHours}\\b|= ${one.powerOnHours}\\b`),
        new RegExp(`address of first error = 0x0*${one.firstFailure.toString(16)}\\b`),
        new RegExp(`asc = 0x${one.asc.toString(16)}, ascq = 0x${one.ascq.toString(16)}\\b`),
      )
    }
    const scans = encodeLogPage(0x15, [
      { code: 0, control: 0, value: some(12) },
      { code: 1, control: 0, value: some(20) },
    ])
    const scan = readBackgroundScan(logSense({ page: 0x15 }).parse(scans))
    const [found] = scan.findings
    const scanText = shownBy(scans, DISK)
    agree(
      scanText,
      new RegExp(`accumulated power on minutes: ${scan.powerOnMinutes}\\b`),
      new RegExp(`background scans performed: ${scan.scans}\\n`),
      new RegExp(`medium scan progress: ${((scan.progress! * 100) / 65536).toFixed(2)} %`),
      new RegExp(`medium scans performed: ${scan.mediumScans}\\n`),
      new RegExp(`error detected: ${found!.powerOnMinutes}\\b`),
      new RegExp(
        `sk,asc,ascq: 0x${found!.senseKey.toString(16)},0x${found!.asc.toString(16)},0x${found!.ascq.toString(16)}\\]`,
      ),
      new RegExp(`lba .*: 0x0*${found!.lba.toString(16)}\\n`),
    )
    const phy = some(48)
    phy.set([0, 5, 0, 44])
    const ports = encodeLogPage(0x18, [
      { code: 1, control: 0, value: Uint8Array.of(6, 0, 0, 1, ...phy) },
    ])
    const [port] = readPortLog(logSense({ page: 0x18 }).parse(ports))
    const one = port!.phys[0]!
    agree(
      shownBy(ports, DISK),
      /relative target port id = 1\n/,
      /phy identifier = 5\n/,
      new RegExp(`\\n +sas address = 0x0*${one.sasAddress.toString(16)}\\n`),
      new RegExp(`attached sas address = 0x0*${one.attachedSasAddress.toString(16)}\\n`),
      new RegExp(`attached phy identifier = ${one.attachedPhyIdentifier}\\n`),
      new RegExp(`invalid dword count = ${one.invalidDwords}\\n`),
      new RegExp(`running disparity error count = ${one.runningDisparityErrors}\\n`),
      new RegExp(`loss of dword synchronization.* = ${one.lossesOfDwordSynchronization}\\n`),
      new RegExp(`phy reset problem.* = ${one.phyResetProblems}\\n`),
    )
    const alerts = encodeLogPage(
      0x2e,
      Array.from({ length: 64 }, (_, index) => ({
        code: index + 1,
        control: 0,
        value: Uint8Array.of(next() & 1),
      })),
    )
    const flags = shownBy(alerts, TAPE).match(/^ {2}.*: ([01])$/gm) ?? []
    const set = flags.flatMap((line, index) => (line.endsWith('1') ? [index + 1] : []))
    assert.deepEqual(
      [flags.length, readTapeAlert(logSense({ page: 0x2e }).parse(alerts))],
      [64, set],
    )
    console.log(`  ${vectors + 64} values of lists compared with sg_logs`)
  },
  { skip, deadlineMs: 60_000 },
)

/** Names that differ by more than spelling: what sg_logs has, and the standard's. */
const NAME_DIFFERENCES: Readonly<Record<string, string>> = {
  // SPC-4 7.3 writes them out.
  'write error': 'write error counters',
  'read error': 'read error counters',
  'read reverse error': 'read reverse error counters',
  'verify error': 'verify error counters',
  'non medium': 'non-medium error',
  'last n error': 'last n error events',
  'last n deferred error': 'last n deferred errors or asynchronous events',
}

test(
  'agrees on the names of pages',
  () => {
    const { stdout } = spawnSync('sg_logs', ['-eeee'], { encoding: 'utf8' })
    const plain = (text: string) => text.toLowerCase().replaceAll(/[- ]/g, '')
    let compared = 0
    for (const [, page, subpage = '0', name] of stdout.matchAll(
      /^ {2}\S+ +0x([0-9a-f]+)(?:,0x([0-9a-f]+))? +(\S.*)$/gm,
    )) {
      const code = [Number.parseInt(page!, 16), Number.parseInt(subpage, 16)] as const
      const ours = [DISK, TAPE, DeviceType.MEDIA_CHANGER].map((type) => logPageName(...code, type))
      const wanted = NAME_DIFFERENCES[name!.toLowerCase()] ?? name!
      if (ours.every((one) => one === undefined) || code[1] === 0xff) continue
      if (!ours.some((one) => plain(one ?? '') === plain(wanted))) {
        assert.ok(UNNAMED.has(name!), `${name}: ${ours.join(', ')}`)
        continue
      }
      compared += 1
    }
    assert.ok(compared > 35, `${compared} names`)
    console.log(`  ${compared} names compared with sg_logs`)
  },
  { skip },
)

/** Pages of other kinds of device, at codes that disks and tapes have for something else (ADC, SBC of a later draft). */
const UNNAMED = new Set(['Element statistics', 'Service buffers information'])

test.run()
