/** Who a logical unit is: its serial number, and the names that are made of it (SPC-4 7.8). */

import { createHash, randomBytes } from 'node:crypto'
import { SgringError } from '../errors.ts'
import { setAscii } from '../scsi/bytes.ts'
import type { InquiryInit } from '../scsi/inquiry.ts'
import type { Control } from '../scsi/mode-common.ts'
import { Association, CodeSet, type Designator, DesignatorType } from '../scsi/vpd.ts'
import type { ExtendedInquiry } from '../scsi/vpd-extended.ts'

const VENDOR = 'sgring'

/** What standard INQUIRY data say of every unit of this package. */
export const ANY_UNIT: Omit<InquiryInit, 'qualifier' | 'deviceType' | 'product'> = {
  removable: false,
  version: 0x07, // SPC-5
  normalAca: false,
  hierarchical: true,
  targetPortGroups: 0,
  thirdPartyCopy: false,
  protect: false,
  multiPort: false,
  commandQueue: true,
  vendor: VENDOR,
  revision: '0.1',
}

/** What VPD page 86h says of every unit: the task attributes, priority and attentions are the target's. */
export const TASK_SET: Partial<ExtendedInquiry> = {
  headOfQueue: true,
  ordered: true,
  simple: true,
  priority: true,
  clearsPerNexus: true,
}

/** What the control mode page says of every unit: SIMPLE commands in any order. One task set for all nexuses is TST 0, which needs no word. */
export const TASK_SET_CONTROL: Partial<Control> = { queueAlgorithmModifier: 1 }

export interface IdentityOptions {
  /** 1 to 64 printable ASCII characters. The same serial number means the same logical unit, whatever serves it. */
  readonly serial?: string
  /** Where the unit's bytes live, as an absolute path: without `serial`, the serial number is made of it. */
  readonly path?: string
}

/** The serial number: the one given, or made of the path and so the same after a restart, or random for what ends with the process. */
export function serialOf(options: IdentityOptions): string {
  if (options.serial === undefined) {
    return options.path === undefined
      ? randomBytes(8).toString('hex')
      : hash(`path ${options.path}`).subarray(0, 8).toString('hex')
  }
  if (!/^[\x21-\x7e]{1,64}$/.test(options.serial)) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      'serial must have 1 to 64 printable ASCII characters',
    )
  }
  return options.serial
}

/**
 * A field of the standard INQUIRY data that a caller chooses, 1 to `most` characters of printable ASCII.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for anything else
 */
export function checkText(name: string, text: string, most: number): string {
  if (/^[\x20-\x7e]+$/.test(text) && text.length <= most) return text
  throw new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `${name} must have 1 to ${most} printable ASCII characters`,
  )
}

/**
 * The designators of a logical unit: NAA 3h, locally assigned, since the project owns no IEEE company identifier, with 60 bits of a
 * hash; and the T10 vendor ID form, whose text is exact.
 */
export function designatorsOf(serial: string, vendor: string = VENDOR): readonly Designator[] {
  const name = vendor === VENDOR ? serial : `${vendor} ${serial}`
  const naa = Uint8Array.from(hash(`naa ${name}`).subarray(0, 8))
  naa[0] = 0x30 | (naa[0]! & 0x0f)
  const t10 = new Uint8Array(8 + serial.length)
  setAscii(t10, 0, 8, vendor)
  setAscii(t10, 8, serial.length, serial)
  const unit = { association: Association.LOGICAL_UNIT, protocol: undefined }
  return [
    { ...unit, type: DesignatorType.NAA, codeSet: CodeSet.BINARY, designator: naa },
    { ...unit, type: DesignatorType.T10_VENDOR_ID, codeSet: CodeSet.ASCII, designator: t10 },
  ]
}

function hash(text: string): Buffer {
  return createHash('sha256').update(`sgring ${text}`).digest()
}
