/** `sgring readcap`: how large a unit is. */

import type { Capacity16 } from '../scsi/capacity.ts'
import { jsonLine, table } from './output.ts'
import { size } from './quantity.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, CONNECTING, type Verb, verb } from './verb.ts'

export const readcap: Verb = verb({
  name: 'sgring readcap',
  summary: 'how large a unit is',
  usage: 'ADDRESS [--timeout SECONDS] [--json]',
  about: [
    'Sends READ CAPACITY(16) (SBC-3 5.16). In JSON, last_lba, blocks and bytes are decimal strings.',
  ],
  operands: { ADDRESS },
  options: CONNECTING,
  examples: [
    ['sgring readcap ring:disk', 'LUN 0 of the target that serves the name "disk"'],
    ['sgring readcap ring:disk/1 --json', 'its LUN 1, as JSON'],
    ['sgring readcap /dev/sda', 'a disk of this machine'],
  ],
  async run(call) {
    const capacity = await withUnit(call, (unit, options) => unit.readCapacity(options))
    const blocks = capacity.lastLba + 1n
    const bytes = blocks * BigInt(capacity.blockLength)
    process.stdout.write(
      call.json ? jsonLine({ ...capacity, blocks, bytes }) : table(rows(capacity, blocks, bytes)),
    )
  },
})

function rows(capacity: Capacity16, blocks: bigint, bytes: bigint): [string, string][] {
  const { blockLength, logicalBlocksPerPhysicalBlock, lowestAlignedLba } = capacity
  const { protectionType, provisioning } = capacity
  return [
    ['capacity', `${size(Number(bytes))} (${bytes} bytes)`],
    ['blocks', `${blocks} of ${blockLength} bytes, the last is ${capacity.lastLba}`],
    ['physical block', `${logicalBlocksPerPhysicalBlock * blockLength} bytes`],
    ['first aligned', `block ${lowestAlignedLba}`],
    ['protection', protectionType === 0 ? 'none' : `type ${protectionType}`],
    ['thin provisioning', provisioning ? 'yes' : 'no'],
  ]
}
