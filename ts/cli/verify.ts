/** `sgring verify`: whether two ends have the same bytes. */

import { END, openReading, type Reading } from './copy-end.ts'
import { PACE, PACE_USAGE, paceOf } from './copy-pace.ts'
import { RANGE, rangeOf } from './copy-range.ts'
import { compare } from './copying.ts'
import { isDevice } from './device-claim.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { Progress } from './progress.ts'
import { size } from './quantity.ts'
import { amount } from './transfer.ts'
import { withUnit } from './unit.ts'
import { unlessAborted } from './unless-aborted.ts'
import { type Call, CONNECTING, type Verb, verb } from './verb.ts'
import { blockInError, verifyMedium } from './verify-medium.ts'

const OPTIONS = { ...RANGE, ...PACE, ...CONNECTING } as const

export const verify: Verb = verb({
  name: 'sgring verify',
  summary: 'whether a unit can be read, or has what another has',
  usage: `A [B] [--bs BYTES] [--skip N] [--seek N] [--count N] ${PACE_USAGE} [--timeout SECONDS] [--json]`,
  about: [
    'With A alone, a unit, it reads its medium itself and says whether it could: VERIFY(16) (SBC-3 5.31), and no data come.',
    'With B, both are read, A to its end, and compared. B may be longer. The exit code is 14 where they differ, and the first byte that does is named. Nothing is written.',
  ],
  operands: { A: END, '[B]': END },
  options: OPTIONS,
  examples: [
    ['sgring verify ring:disk', 'the whole medium of a unit'],
    ['sgring copy disk.img ring:disk && sgring verify disk.img ring:disk', 'an image and a unit'],
    ['sgring verify ring:disk ring:disk/1 --json', 'two units'],
    ['sgring verify /dev/sg0', 'the whole medium of a device'],
    ['head -c 4096 disk.img | sgring verify - disk.img', 'a pipe and a file'],
  ],
  async run(call) {
    const [a = '', b] = call.operands
    if (b === undefined) return verifyUnit(call, a)
    if (a === '-' && b === '-')
      throw new CliError(ExitCode.SYNTAX, 'stdin can be but one of A and B')
    const one = await openReading(a, call)
    try {
      const other = await openReading(b, call)
      try {
        await unlessAborted(call.signal, compareEnds(call, one, other))
      } finally {
        await other.close()
      }
    } finally {
      await one.close()
    }
  },
})

async function compareEnds(
  call: Call<typeof OPTIONS>,
  one: Reading,
  other: Reading,
): Promise<void> {
  const range = rangeOf(call, one, other)
  checkLengths(one, other, range)
  const progress = new Progress({ label: 'compared', total: range.length, silent: call.json })
  try {
    const moved = (bytes: number) => progress.moved(bytes)
    const pace = paceOf(call, one, other)
    await compare({ from: one, to: other, range, pace, signal: call.signal, moved })
  } finally {
    progress.end()
  }
  const { bytes, seconds } = progress
  if (!call.json) process.stderr.write(`compared ${amount(progress)}: the same\n`)
  else process.stdout.write(jsonLine({ a: one.name, b: other.name, bytes, seconds, same: true }))
}

async function verifyUnit(call: Call<typeof OPTIONS>, address: string): Promise<void> {
  if (!address.startsWith('ring:') && !isDevice(address)) {
    throw new CliError(ExitCode.SYNTAX, 'B is missing: only a unit verifies itself')
  }
  await withUnit(call, async (unit, options) => {
    const { blockLength, lastLba } = await unit.readCapacity(options)
    const all = Number(lastLba + 1n) * blockLength
    // No data come, so nothing limits how many.
    const maxTransferBytes = Number.POSITIVE_INFINITY
    const end = { name: address, blockLength, size: all, maxTransferBytes }
    const range = rangeOf(call, end, end)
    const pace = paceOf(call, end, end)
    const progress = new Progress({ label: 'verified', total: range.length, silent: call.json })
    const moved = (count: number) => progress.moved(count)
    const { signal } = call
    try {
      await verifyMedium({ unit, options, blockLength, range, pace, signal, moved })
    } catch (error) {
      const block = blockInError(error)
      if (block !== undefined && !call.json) process.stderr.write(`block ${block} is in error\n`)
      throw error
    } finally {
      progress.end()
    }
    const { bytes, seconds } = progress
    if (call.json) process.stdout.write(jsonLine({ a: address, bytes, seconds, verified: true }))
    else process.stderr.write(`verified ${size(bytes)} in ${seconds.toFixed(2)} s\n`)
  })
}

/** What is known before the first byte is read. */
function checkLengths(one: Reading, other: Reading, range: ReturnType<typeof rangeOf>): void {
  const { seek, length } = range
  if (length === undefined || other.size === undefined || length <= other.size - seek) return
  throw new CliError(
    ExitCode.MISCOMPARE,
    `they differ in length: ${length} bytes of ${one.name}, and ${other.size - seek} of ${other.name}`,
  )
}
