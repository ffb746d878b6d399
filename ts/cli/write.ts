/** `sgring write`: a file into blocks of a unit. */

import { openPathReading, type Reading, type Writing } from './copy-end.ts'
import { PACE, PACE_USAGE } from './copy-pace.ts'
import { openUnitWriting } from './copy-unit.ts'
import { InputLengthError } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseCount, size } from './quantity.ts'
import { amount, between, tell, transfer } from './transfer.ts'
import { ADDRESS, type Call, CHANGING, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

const OPTIONS = {
  in: { type: 'string', value: 'FILE', help: 'where from; - is stdin' },
  lba: { type: 'string', value: 'N', help: 'the first block to be written; default: 0' },
  pad: { type: 'boolean', help: 'fill up the last block with zeros' },
  ...PACE,
  ...CHANGING,
  ...CONNECTING,
} as const

export const write: Verb = verb({
  name: 'sgring write',
  summary: 'a file into blocks of a unit',
  usage: `ADDRESS --in FILE|- [--lba N] [--pad] ${PACE_USAGE} [--yes] [--timeout SECONDS] [--json]`,
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
    ['sgring write /dev/sg1 --in disk.img --yes', 'a device, which is meant'],
  ],
  async run(call) {
    const path = call.values.in
    if (path === undefined)
      throw new CliError(ExitCode.SYNTAX, '--in is missing: a file, or - for stdin')
    const lba = parseCount('--lba', call.values.lba ?? '0')
    const [address = ''] = call.operands
    const ends = {
      from: () => openPathReading(path, call.signal),
      to: () => openUnitWriting(address, call, { lba }),
    }
    await between(call, ends, (from, to) => writeAll(call, from, to, lba))
  },
})

async function writeAll(
  call: Call<typeof OPTIONS>,
  from: Reading,
  to: Writing,
  lba: bigint,
): Promise<void> {
  const pad = call.values.pad === true
  checkInput(from, to, lba, pad)
  if (!call.json) process.stderr.write(`writing to ${to.announcement}\n`)
  const range = { skip: 0, seek: 0, length: from.size, done: 0 }
  try {
    const done = await transfer(call, { from, to, range, pad, label: 'written' })
    const { blockLength } = to
    const blocks = Math.ceil(done.bytes / blockLength)
    const facts = { bytes: blocks * blockLength, blocks: BigInt(blocks), blockLength, lba }
    tell(call, to, { ...facts, seconds: done.seconds, in: from.name }, `wrote ${amount(done)}`)
  } catch (error) {
    if (!(error instanceof InputLengthError)) throw error
    const { what, written } = error
    const message = `${from.name}: ${what}; ${size(written)} before that are written`
    throw new CliError(ExitCode.FILE, message, { cause: error })
  }
}

/** What is known before the first block is written. */
function checkInput(from: Reading, to: Writing, lba: bigint, pad: boolean): void {
  if (from.size === undefined) return
  const over = from.size % to.blockLength
  if (over !== 0 && !pad) {
    const message = `${from.name} ends ${over} bytes into a block of ${to.blockLength}; --pad fills it up`
    throw new CliError(ExitCode.FILE, message)
  }
  if (to.size === undefined || from.size <= to.size) return
  const message = `${from.name} has ${from.size} bytes, and the unit room for ${to.size} from block ${lba} on`
  throw new CliError(ExitCode.FILE, message)
}
