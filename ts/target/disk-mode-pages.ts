/** The mode pages that a disk has, and what of them can be changed. */

import { CACHING, type Caching } from '../scsi/mode-block.ts'
import {
  CONTROL,
  type Control,
  INFORMATIONAL_EXCEPTIONS_CONTROL,
  type InformationalExceptionsControl,
} from '../scsi/mode-common.ts'
import { encodeModePage, type ModePageLayout } from '../scsi/mode-page.ts'
import type { DiskModeValues } from './disk-mode.ts'
import { TASK_SET_CONTROL } from './identity.ts'

/** What there is under the mode parameters. */
export interface Medium {
  readonly blocks: number
  /** Bytes in one block. */
  readonly blockLength: number
  readonly readOnly: boolean
  /** Writes rest in a volatile cache until they are flushed, unless WCE is 0. */
  readonly volatileCache: boolean
}

/** A page of the disk. */
export interface DiskModePage {
  readonly layout:
    | ModePageLayout<Caching>
    | ModePageLayout<Control>
    | ModePageLayout<InformationalExceptionsControl>
  /** As MODE SENSE has it, with these values; PS is 1. */
  readonly bytes: Uint8Array
  /** Ones for what can be changed, under the same header. */
  readonly mask: Uint8Array
}

const PS = 0x80
/** QERR 10b (SPC-4 7.5.8). */
export const RESERVED_QERR = 2
/** MRIE: an informational exception is reported when REQUEST SENSE asks for it (SPC-4 7.5.11). */
const ON_REQUEST = 6

/** The pages in ascending order of their codes, as SPC-4 7.5.7 wants all of them. */
export function pagesOf(medium: Medium, values: DiskModeValues): readonly DiskModePage[] {
  const { wce, rcd, dSense, qErr, swp, tas, dexcpt, test } = values
  const { volatileCache } = medium
  return [
    diskPage(CACHING, { wce, rcd }, { wce: volatileCache, rcd: volatileCache }),
    diskPage(
      CONTROL,
      { ...TASK_SET_CONTROL, dSense, qErr, swp, tas },
      { dSense: true, qErr: 3, swp: true, tas: true },
    ),
    diskPage(
      INFORMATIONAL_EXCEPTIONS_CONTROL,
      { dexcpt, test, mrie: ON_REQUEST },
      { dexcpt: true, test: true },
    ),
  ]
}

function diskPage<P extends Caching | Control | InformationalExceptionsControl>(
  layout: ModePageLayout<P>,
  values: Partial<P>,
  changeable: Partial<P>,
): DiskModePage {
  const bytes = (fields: Partial<P>) => {
    const page = encodeModePage(layout, fields).bytes
    page[0]! |= PS
    return page
  }
  return {
    layout: layout as DiskModePage['layout'],
    bytes: bytes(values),
    mask: bytes(changeable),
  }
}
