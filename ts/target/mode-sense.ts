/** MODE SENSE of any unit (SPC-4 6.11, 6.12). */

import { getUint16 } from '../scsi/bytes.ts'
import {
  ALL_PAGES,
  ALL_SUBPAGES,
  encodeModeParameters,
  type ModeBlockDescriptor,
  type ModePage,
  type ModePageControl,
} from '../scsi/mode.ts'
import { Opcode } from '../scsi/opcode.ts'
import { type Answer, good } from '../task/answer.ts'
import { invalidField } from './refusal.ts'

/** What a unit has to say. */
export interface SensedModes {
  /** DEVICE-SPECIFIC PARAMETER of the header. */
  readonly deviceSpecific: number
  readonly blockDescriptors: readonly ModeBlockDescriptor[]
  /** The pages with the values that PC asks for, in ascending order of their codes, as SPC-4 7.5.7 wants all of them. */
  pages(control: ModePageControl): readonly Pick<ModePage, 'page' | 'bytes'>[]
}

const DBD = 0x08
const LLBAA = 0x10

/** MODE SENSE(6) or (10), cut to the allocation length. */
export function answerModeSense(cdb: Uint8Array, modes: SensedModes): Answer {
  const code = cdb[2]! & 0x3f
  const subpage = cdb[3]!
  const pages = modes
    .pages((cdb[2]! >> 6) as ModePageControl)
    .filter(({ page }) => code === ALL_PAGES || page === code)
  if (pages.length === 0) return invalidField(2, 5)
  if (subpage !== 0 && subpage !== ALL_SUBPAGES) return invalidField(3, 7)

  const long = cdb[0] === Opcode.MODE_SENSE_10
  const longLba = long && (cdb[1]! & LLBAA) !== 0
  const blockDescriptors = (cdb[1]! & DBD) === 0 ? modes.blockDescriptors : []
  const { deviceSpecific } = modes
  const data = encodeModeParameters(
    { deviceSpecific, longLba, blockDescriptors, pages },
    long ? 10 : 6,
  )
  return good(data.subarray(0, long ? getUint16(cdb, 7) : cdb[4]!))
}
