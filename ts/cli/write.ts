/** `sgring write`: a file into blocks of a unit. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import type { Capacity16 } from '../scsi/capacity.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { Progress } from './progress.ts'
import { parseCount, rate, size } from './quantity.ts'
import { openSource, type Source } from './source.ts'
import { InputLengthError, writeBlocks } from './transfer.ts'
import { checkRange, unitText, withUnit } from './unit.ts'
import { ADDRESS, type Call, CHANGING, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

const OPTIONS = {
  in: { type: 'string', value: 'FILE', help: 'where from; - is stdin' },
  lba: { type: 'string', value: 'N', help: 'the first block to be written; default: 0' },
  pad: { type: 'boolean', help: 'fill up the last block with zeros' },
  ...CHANGING,
  ...CONNECTING,
} as const

export const write: Verb = verb({
  name: 'sgring write',
  summary: 'a file into blocks of a unit',
  usage: 'ADDRESS --in FILE|- [--lba N] [--pad] [--yes] [--timeout SECONDS] [--json]',
  about: [
    'OVERWRITES blocks of the unit, some commands at a time, and ends when they are on the medium (SYNCHRONIZE CACHE). What it is about to write to is said on stderr; progress is shown on a terminal.',
    'Input that is too long, or no whole number of blocks without --pad, is refused: a file before anything is written, a pipe when it turns out.',
    DEVICES,
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring write ring:disk --in disk.img', 'a file, from the first block on'],
    [
      'sgring write ring:disk --in notes.txt --lba 2048 --pad',
      'a file of any length, from block 2048 on',
    ],
    ['tar -c notes.txt | sgring write ring:disk/1 --in -', 'a pipe, to LUN 1'],
  ],
  async run(call) {
    const path = call.values.in
    if (path === undefined)
      throw new CliError(ExitCode.SYNTAX, '--in is missing: a file, or - for stdin')
    const lba = parseCount('--lba', call.values.lba ?? '0')
    const source = await openSource(path)
    const close = () => void source.close()
    call.signal.addEventListener('abort', close, { once: true })
    try {
      await withUnit(
        call,
        (unit, options) => writeRange({ call, unit, options, path, source, lba }),
        { writes: true },
      )
    } finally {
      call.signal.removeEventListener('abort', close)
      await source.close()
    }
  },
})

interface Range {
  readonly call: Call<typeof OPTIONS>
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly path: string
  readonly source: Source
  readonly lba: bigint
}

async function writeRange({ call, unit, options, path, source, lba }: Range): Promise<void> {
  const capacity = await unit.readCapacity(options)
  const { blockLength } = capacity
  const pad = call.values.pad === true
  checkInput(path, source.size, { capacity, lba, pad })
  if (!call.json) {
    const what = await unitText(unit, options, capacity)
    process.stderr.write(`writing to ${call.operands[0]}, LUN ${unit.lun}: ${what}\n`)
  }

  const progress = new Progress({ label: 'written', total: source.size, silent: call.json })
  const moved = (bytes: number) => progress.moved(bytes)
  try {
    const limits = { blocks: capacity.lastLba + 1n - lba, pad }
    await writeBlocks({ unit, lba, blockLength, options, moved }, limits, source)
    call.signal.throwIfAborted()
    await unit.synchronizeCache(options)
  } catch (error) {
    if (!(error instanceof InputLengthError)) throw error
    const before = `${size(progress.bytes)} before that are written`
    throw new CliError(ExitCode.FILE, `${path}: ${error.message}; ${before}`, { cause: error })
  } finally {
    progress.end()
  }
  const { bytes, seconds } = progress
  const blocks = bytes / blockLength
  process[call.json ? 'stdout' : 'stderr'].write(
    call.json
      ? jsonLine({ bytes, blocks: BigInt(blocks), blockLength, lba, seconds, in: path })
      : `wrote ${size(bytes)} in ${seconds.toFixed(2)} s, ${rate(bytes, seconds)}\n`,
  )
}

/** What is known before the first block is written. */
function checkInput(
  path: string,
  bytes: number | undefined,
  { capacity, lba, pad }: { capacity: Capacity16; lba: bigint; pad: boolean },
): void {
  checkRange(capacity, lba, 0n)
  if (bytes === undefined) return
  const { blockLength, lastLba } = capacity
  const over = bytes % blockLength
  if (over !== 0 && !pad) {
    const message = `${path} ends ${over} bytes into a block of ${blockLength}; --pad fills it up`
    throw new CliError(ExitCode.FILE, message)
  }
  const room = (lastLba + 1n - lba) * BigInt(blockLength)
  if (BigInt(bytes) > room) {
    const message = `${path} has ${bytes} bytes, and the unit room for ${room} from block ${lba} on`
    throw new CliError(ExitCode.FILE, message)
  }
}
