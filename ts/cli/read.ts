/** `sgring read`: blocks of a unit into a file. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { Progress } from './progress.ts'
import { parseCount, rate, size } from './quantity.ts'
import { openSink } from './sink.ts'
import { readBlocks } from './transfer.ts'
import { checkRange, withUnit } from './unit.ts'
import { unlessAborted } from './unless-aborted.ts'
import { ADDRESS, type Call, CONNECTING, type Verb, verb } from './verb.ts'

const OPTIONS = {
  out: { type: 'string', value: 'FILE', help: 'where to; - is stdout' },
  lba: { type: 'string', value: 'N', help: 'the first block; default: 0' },
  blocks: { type: 'string', value: 'N', help: 'how many; default: all to the end of the unit' },
  force: { type: 'boolean', help: 'replace a file that exists; write to a block device' },
  ...CONNECTING,
} as const

export const read: Verb = verb({
  name: 'sgring read',
  summary: 'blocks of a unit into a file',
  usage: 'ADDRESS --out FILE|- [--lba N] [--blocks N] [--force] [--timeout SECONDS] [--json]',
  about: [
    'Reads blocks, some commands at a time. A file gets its name only when it is whole, and an existing one is not replaced unless told so by --force. Progress is shown on a terminal.',
    'With --out -, the data go to stdout and what --json says to stderr.',
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring read ring:disk --out disk.img', 'the whole unit'],
    ['sgring read ring:disk --out boot.img --blocks 2048 --force', 'its first 2048 blocks'],
    [
      'sgring read ring:disk/1 --lba 0x10 --blocks 8 --out - | od -A d -t x1',
      'eight blocks of LUN 1, to be looked at',
    ],
  ],
  async run(call) {
    const { out } = call.values
    if (out === undefined)
      throw new CliError(ExitCode.SYNTAX, '--out is missing: a file, or - for stdout')
    const lba = parseCount('--lba', call.values.lba ?? '0')
    const blocks =
      call.values.blocks === undefined ? undefined : parseCount('--blocks', call.values.blocks)
    await withUnit(call, async (unit, options) => {
      await readRange({ call, unit, options, out, lba, blocks })
    })
  },
})

interface Range {
  readonly call: Call<typeof OPTIONS>
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly out: string
  readonly lba: bigint
  readonly blocks: bigint | undefined
}

async function readRange({ call, unit, options, out, lba, blocks: asked }: Range): Promise<void> {
  const capacity = await unit.readCapacity(options)
  const { blockLength, lastLba } = capacity
  checkRange(capacity, lba, asked ?? 0n)
  const blocks = asked ?? lastLba + 1n - lba
  const sink = await openSink(out, { force: call.values.force === true })
  const total = Number(blocks) * blockLength
  const progress = new Progress({ label: 'read', total, silent: call.json })
  const moved = (bytes: number) => progress.moved(bytes)
  try {
    await unlessAborted(
      call.signal,
      readBlocks({ unit, lba, blockLength, options, moved }, blocks, sink),
    )
    await sink.commit()
  } finally {
    progress.end()
    await sink.discard()
  }
  const { bytes, seconds } = progress
  const done = { bytes, blocks, blockLength, lba, seconds, out }
  if (!call.json) {
    process.stderr.write(
      `read ${size(bytes)} in ${seconds.toFixed(2)} s, ${rate(bytes, seconds)}\n`,
    )
  } else (out === '-' ? process.stderr : process.stdout).write(jsonLine(done))
}
