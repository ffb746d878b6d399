/** What MODE SENSE tells of a disk (SPC-4 6.11, SBC-3 6.4). */

import { type ModeBlockDescriptor, ModePageControl } from '../scsi/mode.ts'
import type { Answer } from '../task/answer.ts'
import type { DiskModeValues } from './disk-mode.ts'
import { type Medium, pagesOf } from './disk-mode-pages.ts'
import { answerModeSense } from './mode-sense.ts'

/** The values that PC chooses from. */
export interface SensedValues {
  readonly current: DiskModeValues
  readonly default: DiskModeValues
  readonly saved: DiskModeValues
}

const WP = 0x80
const DPOFUA = 0x10

/**
 * MODE SENSE(6) or (10), cut to the allocation length.
 *
 * @param readOnly whoever asks may not write, whatever the medium takes from others: WP is set (SBC-3 6.4.1)
 */
export function answerDiskModeSense(
  cdb: Uint8Array,
  medium: Medium,
  values: SensedValues,
  readOnly: boolean,
): Answer {
  const protects = readOnly || medium.readOnly || values.current.swp
  return answerModeSense(cdb, {
    deviceSpecific: DPOFUA | (protects ? WP : 0),
    blockDescriptors: [blockDescriptorOf(medium)],
    pages: (control) =>
      pagesOf(medium, chosen(control, values)).map(({ layout, bytes, mask }) => ({
        page: layout.page,
        bytes: control === ModePageControl.CHANGEABLE ? mask : bytes,
      })),
  })
}

function chosen(control: ModePageControl, values: SensedValues): DiskModeValues {
  if (control === ModePageControl.SAVED) return values.saved
  return control === ModePageControl.DEFAULT ? values.default : values.current
}

/** The one block descriptor of a disk (SBC-3 6.4.2). */
export function blockDescriptorOf({ blocks, blockLength }: Medium): ModeBlockDescriptor {
  return { blocks: BigInt(blocks), blockLength }
}
