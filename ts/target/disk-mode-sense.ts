/** MODE SENSE of a disk (SPC-4 6.11, 6.12). */

import { getUint16 } from '../scsi/bytes.ts'
import {
  ALL_PAGES,
  ALL_SUBPAGES,
  encodeModeParameters,
  type ModeBlockDescriptor,
  ModePageControl,
} from '../scsi/mode.ts'
import { Opcode } from '../scsi/opcode.ts'
import { type Answer, good } from '../task/answer.ts'
import type { DiskModeValues } from './disk-mode.ts'
import { type Medium, pagesOf } from './disk-mode-pages.ts'
import { invalidField } from './refusal.ts'

/** The values that PC chooses from. */
export interface SensedValues {
  readonly current: DiskModeValues
  readonly default: DiskModeValues
  readonly saved: DiskModeValues
}

const DBD = 0x08
const LLBAA = 0x10
const WP = 0x80
const DPOFUA = 0x10

/** MODE SENSE(6) or (10), cut to the allocation length. */
export function answerModeSense(cdb: Uint8Array, medium: Medium, values: SensedValues): Answer {
  const control = cdb[2]! >> 6
  const code = cdb[2]! & 0x3f
  const subpage = cdb[3]!
  const chosen =
    control === ModePageControl.SAVED
      ? values.saved
      : control === ModePageControl.DEFAULT
        ? values.default
        : values.current
  const pages = pagesOf(medium, chosen)
    .filter(({ layout }) => code === ALL_PAGES || layout.page === code)
    .map(({ bytes, mask }) => ({ bytes: control === ModePageControl.CHANGEABLE ? mask : bytes }))
  if (pages.length === 0) return invalidField(2, 5)
  if (subpage !== 0 && subpage !== ALL_SUBPAGES) return invalidField(3, 7)

  const long = cdb[0] === Opcode.MODE_SENSE_10
  const longLba = long && (cdb[1]! & LLBAA) !== 0
  const data = encodeModeParameters(
    {
      deviceSpecific: DPOFUA | (medium.readOnly || values.current.swp ? WP : 0),
      longLba,
      blockDescriptors: (cdb[1]! & DBD) === 0 ? [blockDescriptorOf(medium)] : [],
      pages,
    },
    long ? 10 : 6,
  )
  return good(data.subarray(0, long ? getUint16(cdb, 7) : cdb[4]!))
}

/** The one block descriptor of a disk (SBC-3 6.4.2). */
export function blockDescriptorOf({ blocks, blockLength }: Medium): ModeBlockDescriptor {
  return { blocks: BigInt(blocks), blockLength }
}
