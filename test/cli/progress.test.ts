import assert from 'node:assert/strict'
import { CliError, ExitCode, exitCodeOf } from '#dist/cli/exit-code.js'
import { Progress } from '#dist/cli/progress.js'
import { clock, parseSize, rate, size } from '#dist/cli/quantity.js'
import {
  CheckConditionError,
  encodeSense,
  parseSense,
  ScsiStatusError,
  SenseKey,
  SgringError,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'

const test = suite('progress, quantities and exit codes')

class FakeScreen {
  readonly columns: number
  readonly isTTY: boolean
  text = ''

  constructor(isTTY: boolean, columns = 80) {
    this.isTTY = isTTY
    this.columns = columns
  }

  write(text: string): void {
    this.text += text
  }
}

function drawn(screen: FakeScreen, total?: number): string[] {
  let ms = 0
  const progress = new Progress({ label: 'read', total, screen, now: () => ms })
  for (ms = 10; ms <= 250; ms += 10) progress.moved(1 << 20)
  progress.end()
  progress.end()
  return screen.text.split('\r\x1b[K')
}

test('is one line, drawn ten times a second and taken away at the end', () => {
  assert.deepEqual(drawn(new FakeScreen(true), 100 << 20), [
    '',
    'read  10.0 MiB of 100.0 MiB  10%  104.9 MB/s  ETA 0:01',
    'read  20.0 MiB of 100.0 MiB  20%  104.9 MB/s  ETA 0:01',
    '',
  ])
})

test('has no ETA without a total, and never more than the screen is wide', () => {
  assert.deepEqual(drawn(new FakeScreen(true)), [
    '',
    'read  10.0 MiB  104.9 MB/s',
    'read  20.0 MiB  104.9 MB/s',
    '',
  ])
  assert.deepEqual(drawn(new FakeScreen(true, 10)), ['', 'read  10.', 'read  20.', ''])
  // What script(1) makes without a terminal of its own.
  assert.deepEqual(drawn(new FakeScreen(true, 0)), drawn(new FakeScreen(true)))
})

test('is silent where there is no terminal', () => {
  assert.deepEqual(drawn(new FakeScreen(false), 100 << 20), [''])
})

test('writes sizes by 1024, rates by 1000, and times', () => {
  assert.deepEqual(
    [0, 1023, 1024, 1.5 * 1024 ** 3].map((bytes) => size(bytes)),
    ['0 B', '1023 B', '1.0 KiB', '1.5 GiB'],
  )
  assert.equal(size(1024 ** 2 - 1), '1.0 MiB')
  assert.deepEqual([rate(2_000_000, 2), rate(1, 0)], ['1.0 MB/s', '0 B/s'])
  assert.deepEqual(
    [0, 59.2, 60, 3600 + 65].map((seconds) => clock(seconds)),
    ['0:00', '1:00', '1:00', '1:01:05'],
  )
})

test('reads sizes by powers of 1024, and nothing else', () => {
  const sizes = ['1', '512K', '64m', '1G', '2T'].map((text) => parseSize('--memory', text))
  assert.deepEqual(sizes, [1, 512 * 1024, 64 << 20, 2 ** 30, 2 ** 41])
  for (const text of ['', 'K', '0', '-1', '1.5G', '1KB', '9999999T', '0x10']) {
    assert.throws(() => parseSize('--memory', text), { exitCode: ExitCode.SYNTAX })
  }
})

test('ends with the exit codes of sg_err_category_sense', () => {
  const sense = (key: number, asc = 0, ascq = 0) =>
    new CheckConditionError(parseSense(encodeSense(key, (asc << 8) | ascq)), '')
  const { ILLEGAL_REQUEST, MEDIUM_ERROR, ABORTED_COMMAND, VENDOR_SPECIFIC, MISCOMPARE } = SenseKey
  for (const [error, code] of [
    [sense(MEDIUM_ERROR, 0x11), 3],
    [sense(SenseKey.HARDWARE_ERROR, 0x44), 3],
    [sense(SenseKey.NOT_READY, 4), 2],
    [sense(SenseKey.UNIT_ATTENTION, 0x29), 6],
    [sense(ILLEGAL_REQUEST, 0x24), 5],
    [sense(ILLEGAL_REQUEST, 0x20), 9],
    [sense(ILLEGAL_REQUEST, 0x20, 1), 5],
    [sense(ILLEGAL_REQUEST, 0x21), 22],
    [sense(ABORTED_COMMAND, 0x47), 11],
    [sense(ABORTED_COMMAND, 0x10, 1), 40],
    [sense(MISCOMPARE, 0x1d), 14],
    [sense(VENDOR_SPECIFIC), 98],
    [new ScsiStatusError(0x18, false, ''), 24],
    [new ScsiStatusError(0x08, true, ''), 26],
    [new ScsiStatusError(0x28, true, ''), 27],
    [new SgringError('ERR_SGRING_TIMEOUT'), 33],
    [new SgringError('ERR_SGRING_RESPONSE'), 97],
    [new SgringError('ERR_SGRING_NEXUS_LOST'), 99],
    [new CliError(ExitCode.FILE, ''), 15],
    [new TypeError('a mistake of ours'), 99],
  ] as const) {
    assert.equal(exitCodeOf(error), code)
  }
})

test.run()
