/** `sgring verify`: whether two ends have the same bytes. */

import { END, openReading, type Reading } from './copy-end.ts'
import { RANGE, rangeOf } from './copy-range.ts'
import { compare } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { Progress } from './progress.ts'
import { rate, size } from './quantity.ts'
import { unlessAborted } from './unless-aborted.ts'
import { type Call, CONNECTING, type Verb, verb } from './verb.ts'

const OPTIONS = { ...RANGE, ...CONNECTING } as const

export const verify: Verb = verb({
  name: 'sgring verify',
  summary: 'whether a unit, a file or a pipe has what another has',
  usage: 'A B [--bs BYTES] [--skip N] [--seek N] [--count N] [--timeout SECONDS] [--json]',
  about: [
    'Reads A to its end, and B, and compares them. B may be longer. The exit code is 14 where they differ, and the first byte that does is named. Nothing is written.',
  ],
  operands: { A: END, B: END },
  options: OPTIONS,
  examples: [
    ['sgring copy disk.img ring:disk && sgring verify disk.img ring:disk', 'an image and a unit'],
    ['sgring verify ring:disk ring:disk/1 --json', 'two units'],
    ['head -c 4096 disk.img | sgring verify - disk.img', 'a pipe and a file'],
  ],
  async run(call) {
    const [a = '', b = ''] = call.operands
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
    await compare(one, other, range, call.signal, (bytes) => progress.moved(bytes))
  } finally {
    progress.end()
  }
  const { bytes, seconds } = progress
  const told = `compared ${size(bytes)} in ${seconds.toFixed(2)} s, ${rate(bytes, seconds)}: the same\n`
  if (!call.json) process.stderr.write(told)
  else process.stdout.write(jsonLine({ a: one.name, b: other.name, bytes, seconds, same: true }))
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
