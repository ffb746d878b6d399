/** The parameter list of MODE SELECT of a disk (SPC-4 6.9, 6.10): checked whole before anything of it counts. */

import { getUint16, getUint24, getUint32, getUint64 } from '../scsi/bytes.ts'
import { type Field, readFields } from '../scsi/fields.ts'
import { modePage, modePageEnd } from '../scsi/mode.ts'
import { CACHING } from '../scsi/mode-block.ts'
import { CONTROL, INFORMATIONAL_EXCEPTIONS_CONTROL } from '../scsi/mode-common.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import type { Answer } from '../task/answer.ts'
import type { Task } from '../task/task.ts'
import type { DiskModeValues } from './disk-mode.ts'
import { type DiskModePage, type Medium, RESERVED_QERR } from './disk-mode-pages.ts'
import { illegalRequest, invalidField, invalidParameter } from './refusal.ts'

/** What the pages that came make of the values, or why they are refused. */
export type ModeSelectOutcome = Partial<DiskModeValues> | Answer

const PF = 0x10
const RTD = 0x02
const SP = 0x01
const LONGLBA = 0x01
/** NUMBER OF LOGICAL BLOCKS that asks for no change, besides the number that there are (SBC-3 6.4.2.2). */
const AS_MANY_AS_THERE_ARE = [0n, 0xffff_ffffn, 0xffff_ffff_ffff_ffffn]

/** A header, a block descriptor or a page that the parameter list does not hold whole (SPC-4 6.9). */
const CUT = illegalRequest(SenseCode.PARAMETER_LIST_LENGTH_ERROR)

/** PARAMETER LIST LENGTH. */
export function parameterListLength(cdb: Uint8Array): number {
  return cdb[0] === Opcode.MODE_SELECT_10 ? getUint16(cdb, 7) : cdb[4]!
}

/** SP: with the pages that came, all pages are saved as they are then. Without a parameter list nothing came, and nothing is saved. */
export function savesPages(cdb: Uint8Array): boolean {
  return (cdb[1]! & SP) !== 0 && parameterListLength(cdb) > 0
}

/**
 * Reads the parameter list of a MODE SELECT.
 *
 * @param pages those of the disk, with their current values
 */
export function readModeSelect(
  task: Task,
  medium: Medium,
  pages: readonly DiskModePage[],
): ModeSelectOutcome {
  const { cdb } = task
  const length = parameterListLength(cdb)
  // No change to ask for is no error (SPC-4 6.9).
  if (length === 0) return {}
  // Pages in a format of the vendor's own, and a return to the defaults, are none of this disk's.
  if ((cdb[1]! & PF) === 0) return invalidField(1, 4)
  if ((cdb[1]! & RTD) !== 0) return invalidField(1, 1)
  if (task.dataOutLength < length) {
    return illegalRequest(SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT)
  }
  const list = task.copyDataOut(length)
  const long = cdb[0] === Opcode.MODE_SELECT_10
  const headerLength = long ? 8 : 4
  if (list.length < headerLength) return CUT
  const mediumType = long ? 2 : 1
  if (list[mediumType] !== 0) return invalidParameter(mediumType, 7)
  // MODE DATA LENGTH is reserved, and WP and DPOFUA are not set this way: who sends them back as they were asks for nothing.
  const lengthAt = long ? 6 : 3
  const descriptorLength = long ? getUint16(list, lengthAt) : list[lengthAt]!
  const longLba = long && (list[4]! & LONGLBA) !== 0
  if (descriptorLength !== 0 && descriptorLength !== (longLba ? 16 : 8)) {
    return invalidParameter(lengthAt, 7)
  }
  const pagesAt = headerLength + descriptorLength
  if (list.length < pagesAt) return CUT
  return (
    (descriptorLength > 0 ? checkDescriptor(list, headerLength, longLba, medium) : undefined) ??
    readPages(list, pagesAt, pages)
  )
}

/** The size of a disk and of its blocks is not set this way: only what there is already is taken. */
function checkDescriptor(
  list: Uint8Array,
  at: number,
  longLba: boolean,
  { blocks, blockLength }: Medium,
): Answer | undefined {
  const wantedBlocks = longLba ? getUint64(list, at) : BigInt(getUint32(list, at))
  if (wantedBlocks !== BigInt(blocks) && !AS_MANY_AS_THERE_ARE.includes(wantedBlocks)) {
    return invalidParameter(at, 7)
  }
  const wantedLength = longLba ? getUint32(list, at + 12) : getUint24(list, at + 5)
  return wantedLength === blockLength ? undefined : invalidParameter(at + (longLba ? 12 : 5), 7)
}

function readPages(
  list: Uint8Array,
  first: number,
  pages: readonly DiskModePage[],
): ModeSelectOutcome {
  let values: Partial<DiskModeValues> = {}
  for (let at = first; at < list.length; ) {
    const sent = list.subarray(at)
    const header = modePage(sent)
    const known = pages.find(
      ({ layout }) => layout.page === header.page && layout.subpage === header.subpage,
    )
    if (known === undefined) return invalidParameter(at, 5)
    if (sent.length < 2) return CUT
    // The length that MODE SENSE tells, and no other (SPC-4 6.9).
    if (sent[1] !== known.bytes[1]) return invalidParameter(at + 1, 7)
    const end = modePageEnd(sent)
    if (sent.length < end) return CUT
    const refused = refusedAt(known, sent.subarray(0, end))
    if (refused !== undefined) return invalidParameter(at + refused.byte, refused.bit)
    values = { ...values, ...valuesOf(known, sent.subarray(0, end)) }
    at += end
  }
  return values
}

/** What can be changed, as a page says it. */
function valuesOf({ layout }: DiskModePage, sent: Uint8Array): Partial<DiskModeValues> {
  if (layout.page === CACHING.page) {
    const { wce, rcd } = readFields(CACHING.fields, sent)
    return { wce, rcd }
  }
  if (layout.page === INFORMATIONAL_EXCEPTIONS_CONTROL.page) {
    const { dexcpt, test } = readFields(INFORMATIONAL_EXCEPTIONS_CONTROL.fields, sent)
    return { dexcpt, test }
  }
  const { dSense, qErr, swp, tas } = readFields(CONTROL.fields, sent)
  return { dSense, qErr, swp, tas }
}

/** The first field that a page would change and must not; of bits that are no field's, the byte and the bit (SPC-5 4.4.2.4.2). */
function refusedAt(
  { layout, bytes, mask }: DiskModePage,
  sent: Uint8Array,
): { byte: number; bit: number } | undefined {
  for (let byte = 2; byte < sent.length; byte++) {
    const wrong = (sent[byte]! ^ bytes[byte]!) & ~mask[byte]!
    if (wrong === 0) continue
    const bit = 31 - Math.clz32(wrong)
    return fieldAt(layout.fields, byte, bit) ?? { byte, bit }
  }
  if (layout.page === CONTROL.page) {
    const { qErr } = readFields(CONTROL.fields, sent)
    return qErr === RESERVED_QERR ? CONTROL.fields.qErr : undefined
  }
  if (layout.page !== INFORMATIONAL_EXCEPTIONS_CONTROL.page) return undefined
  // A failure to be told, and nothing to be told (SPC-4 7.5.11).
  const { fields } = INFORMATIONAL_EXCEPTIONS_CONTROL
  const { dexcpt, test } = readFields(fields, sent)
  return dexcpt && test ? fields.test : undefined
}

/** The field in which a bit stands: its most significant bit is the one that is named. */
function fieldAt(
  fields: Readonly<Record<string, Field>>,
  byte: number,
  bit: number,
): Field | undefined {
  const place = byte * 8 + 7 - bit
  return Object.values(fields).find((field) => {
    const start = field.byte * 8 + 7 - field.bit
    return place >= start && place < start + field.width
  })
}
