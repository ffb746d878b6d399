/** `sgring read`: blocks of a unit into a file. */

import { openPathWriting } from './copy-end.ts'
import { PACE, PACE_USAGE } from './copy-pace.ts'
import { openUnitReading } from './copy-unit.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseCount } from './quantity.ts'
import { amount, between, tell, transfer } from './transfer.ts'
import { ADDRESS, CONNECTING, type Verb, verb } from './verb.ts'

const OPTIONS = {
  out: { type: 'string', value: 'FILE', help: 'where to; - is stdout' },
  lba: { type: 'string', value: 'N', help: 'the first block; default: 0' },
  blocks: { type: 'string', value: 'N', help: 'how many; default: all to the end of the unit' },
  ...PACE,
  force: { type: 'boolean', help: 'replace a file that exists; write to a block device' },
  ...CONNECTING,
} as const

export const read: Verb = verb({
  name: 'sgring read',
  summary: 'blocks of a unit into a file',
  usage: `ADDRESS --out FILE|- [--lba N] [--blocks N] ${PACE_USAGE} [--force] [--timeout SECONDS] [--json]`,
  about: [
    'Reads blocks, some commands at a time. A file gets its name only when it is whole, and an existing one is not replaced unless told so by --force. Progress is shown on a terminal.',
    'With --out -, the data go to stdout and what --json says to stderr.',
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring read ring:disk --out disk.img', 'the whole unit'],
    ['sgring read ring:disk --out boot.img --blocks 2048 --force', 'its first 2048 blocks'],
    ['sgring read /dev/sda --out sda.img', 'a whole disk of this machine'],
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
    const [address = ''] = call.operands
    const to = { force: call.values.force === true, resume: false, keeps: false, inPlace: false }
    const ends = {
      from: () => openUnitReading(address, call, { lba, blocks }),
      to: () => openPathWriting(out, to, call.signal),
    }
    await between(call, ends, async (from, to) => {
      const range = { skip: 0, seek: 0, length: from.size, done: 0 }
      const done = await transfer(call, { from, to, range, label: 'read' })
      const { blockLength } = from
      const facts = {
        bytes: done.bytes,
        blocks: BigInt(done.bytes / blockLength),
        blockLength,
        lba,
      }
      tell(call, to, { ...facts, seconds: done.seconds, out }, `read ${amount(done)}`)
    })
  },
})
