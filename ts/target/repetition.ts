/** What becomes of a command that its target had begun when it died: whether, and when, it can be carried out once more. */

import { blockCount, blockLba } from '../scsi/block.ts'
import { onlyReads } from '../scsi/effect.ts'
import { DeviceType } from '../scsi/inquiry.ts'
import { Opcode } from '../scsi/opcode.ts'

/** Blocks that a command gives new contents, the same however often it is carried out. */
export interface Extent {
  readonly lba: number
  readonly blocks: number
  /** All the same it must not be carried out again: the second time differs from the first. */
  readonly once?: boolean
}

/**
 * `'free'`: always, and without a word, because it changes nothing. Blocks: while no later command has begun to change some of them. `'last'`:
 * while no later one has begun to change anything at the unit. `'never'`: the second time differs from the first, or nobody knows.
 */
export type Repetition = 'free' | 'last' | 'never' | Extent

/**
 * Of a command of any unit. One that changes something can be repeated if it is known that its second time changes nothing more: most differ
 * then. EXCHANGE MEDIUM and XPWRITE undo themselves, MOVE MEDIUM finds its source empty, PERSISTENT RESERVE OUT finds another key, WRITE USING
 * TOKEN a token that is used, and what writes a tape, or at a zone's write pointer, writes elsewhere.
 *
 * A tape's position outlasts the command that moves it: what reads there only may be free elsewhere.
 */
export function repetitionOf(
  cdb: Uint8Array,
  length: number,
  deviceType: number | undefined,
): Repetition {
  const tellsKind = deviceType !== DeviceType.SEQUENTIAL_ACCESS
  // First: most commands to a target with a state folder go no further.
  if (onlyReads(cdb, length, tellsKind ? deviceType : undefined)) return 'free'
  const onBlocks = deviceType === DeviceType.DIRECT_ACCESS_BLOCK
  return (onBlocks ? repetitionOnBlocks(cdb) : undefined) ?? 'never'
}

/** Of the commands of a direct-access block device (SBC-3) that change something, and change nothing more the second time. */
function repetitionOnBlocks(cdb: Uint8Array): Repetition | undefined {
  switch (cdb[0]) {
    case Opcode.WRITE_6:
    case Opcode.WRITE_10:
    case Opcode.WRITE_12:
    case Opcode.WRITE_16:
    case Opcode.WRITE_AND_VERIFY_10:
    case Opcode.WRITE_AND_VERIFY_12:
    case Opcode.WRITE_AND_VERIFY_16:
    // Of no blocks it is one of all up to the last (SBC-3 5.43), which no extent tells.
    case Opcode.WRITE_SAME_10:
    case Opcode.WRITE_SAME_16:
    // The bits that it sets are set.
    case Opcode.ORWRITE_16:
      return { lba: blockLba(cdb), blocks: blockCount(cdb) }
    // The second comparison is with what the first one has written.
    case Opcode.COMPARE_AND_WRITE:
      return { lba: blockLba(cdb), blocks: cdb[13]!, once: true }
    // What is in a cache is on its way to the medium anyway.
    case Opcode.SYNCHRONIZE_CACHE_10:
    case Opcode.SYNCHRONIZE_CACHE_16:
      return 'free'
    // The same blocks have the same contents, or none; an operation that failed has the unit waiting for another.
    case Opcode.UNMAP:
    case Opcode.FORMAT_UNIT:
    case Opcode.SANITIZE:
    // What they set, they set to a value that they name.
    case Opcode.MODE_SELECT_6:
    case Opcode.MODE_SELECT_10:
    case Opcode.START_STOP_UNIT:
    case Opcode.PREVENT_ALLOW_MEDIUM_REMOVAL:
    // Counters go to zero, where a target that has just come up has them.
    case Opcode.LOG_SELECT:
      return 'last'
    default:
      return undefined
  }
}

/** What a unit says of a command: `'never'` if that is no repetition, such as blocks by a number that none has. */
export function checkedRepetition(said: Repetition): Repetition {
  if (typeof said !== 'object' || said === null) {
    return said === 'free' || said === 'last' ? said : 'never'
  }
  const { lba, blocks } = said
  return isCount(lba) && isCount(blocks) && isCount(lba + blocks) ? said : 'never'
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
