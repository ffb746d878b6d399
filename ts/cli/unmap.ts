/** `sgring unmap`: blocks that nobody needs any more. */

import { SgringError } from '../errors.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { unmap as unmapCommand } from '../scsi/block-provisioning.ts'
import { vpdBlockLimits } from '../scsi/vpd-block.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { StatusLine } from './progress.ts'
import { least, parseCount, size } from './quantity.ts'
import { checkRange, unitText, withUnit } from './unit.ts'
import { ADDRESS, type Call, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

const OPTIONS = {
  lba: { type: 'string', value: 'N', help: 'the first block' },
  blocks: { type: 'string', value: 'N', help: 'how many' },
  yes: { type: 'boolean', help: 'this is meant: without it nothing is done' },
  ...CONNECTING,
} as const

/** One descriptor has a number of 32 bits. */
const MOST_BLOCKS = 0xffff_ffffn

export const unmap: Verb = verb({
  name: 'sgring unmap',
  summary: 'give the room of blocks back',
  usage: 'ADDRESS --lba N --blocks N --yes [--timeout SECONDS] [--json]',
  about: [
    'Sends UNMAP (SBC-3 5.28): THE BLOCKS LOSE THEIR CONTENTS, and a thin unit gives back the room that they took. It takes as many commands as the unit needs for them (VPD page B0h). Without --yes, what would be done is said, and nothing is.',
    DEVICES,
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring unmap ring:disk --lba 2048 --blocks 0x1000 --yes', '4096 blocks'],
    ['sgring unmap ring:disk/1 --lba 0 --blocks 8 --yes --json', 'the first eight of LUN 1'],
    ['sgring unmap /dev/sg1 --lba 2048 --blocks 8 --yes', 'eight blocks of a device'],
  ],
  async run(call) {
    const { lba, blocks, yes = false } = call.values
    if (lba === undefined || blocks === undefined) {
      throw new CliError(ExitCode.SYNTAX, '--lba and --blocks say which blocks are meant')
    }
    const range = { lba: parseCount('--lba', lba), blocks: parseCount('--blocks', blocks) }
    // Without --yes it only looks.
    await withUnit(call, (unit, options) => unmapRange(call, unit, options, { ...range, yes }), {
      writes: yes,
    })
  },
})

interface Meant {
  readonly lba: bigint
  readonly blocks: bigint
  readonly yes: boolean
}

async function unmapRange(
  call: Call<typeof OPTIONS>,
  unit: LogicalUnit,
  options: HelperOptions,
  { lba, blocks, yes }: Meant,
): Promise<void> {
  const capacity = await unit.readCapacity(options)
  checkRange(capacity, lba, blocks)
  const bytes = Number(blocks) * capacity.blockLength
  const what = `${blocks} blocks (${size(bytes)}) from ${lba} of ${call.operands[0]}, LUN ${unit.lun}: ${await unitText(unit, options, capacity)}`
  if (!yes) throw new CliError(ExitCode.SYNTAX, `--yes unmaps ${what}`)
  if (!call.json) process.stderr.write(`unmapping ${what}\n`)
  const most = await mostBlocks(unit, options)
  const line = new StatusLine({ silent: call.json })
  try {
    for (let done = 0n; done < blocks; ) {
      const count = least(blocks - done, most)
      await unit.run(unmapCommand([{ lba: lba + done, blocks: Number(count) }]), options)
      done += count
      line.show(`unmapped ${done} of ${blocks} blocks`)
    }
  } finally {
    line.end()
  }
  if (call.json) process.stdout.write(jsonLine({ lba, blocks, bytes }))
  else process.stderr.write(`unmapped ${size(bytes)}\n`)
}

/** Blocks that one command can unmap. A unit without limits, or without the page, has those of the command. */
async function mostBlocks(unit: LogicalUnit, options: HelperOptions): Promise<bigint> {
  try {
    const { maxUnmapLbaCount } = await unit.run(vpdBlockLimits(), options)
    return maxUnmapLbaCount === 0 ? MOST_BLOCKS : BigInt(maxUnmapLbaCount)
  } catch (error) {
    if (error instanceof SgringError && error.code === 'ERR_SGRING_CHECK_CONDITION') {
      return MOST_BLOCKS
    }
    throw error
  }
}
