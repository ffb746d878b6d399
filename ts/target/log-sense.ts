/** LOG SENSE of any unit (SPC-4 6.8), and which pages a LOG SELECT is about (SPC-4 6.7.2). */

import { getUint16 } from '../scsi/bytes.ts'
import {
  encodeLogPage,
  encodeSupportedLogPages,
  encodeSupportedLogSubpages,
  LogPageCode,
  LogPageControl,
  type LogPageName,
  type LogParameter,
} from '../scsi/log.ts'
import { type Answer, good } from '../task/answer.ts'
import { invalidField } from './refusal.ts'

/** A page of parameters. */
export interface LoggedPage extends LogPageName {
  /**
   * @param cumulative whether the current values of counters are asked for: thresholds, and all defaults, are 0. Lists have but one value
   * @returns in ascending order of their codes, and one at least
   */
  parameters(cumulative: boolean): readonly LogParameter[]
}

const SP = 1
const PPC = 2
const ALL_SUBPAGES = 0xff
const SUPPORTED: LogPageName = { page: LogPageCode.SUPPORTED_PAGES, subpage: 0 }
const SUPPORTED_SUBPAGES: LogPageName = { ...SUPPORTED, subpage: ALL_SUBPAGES }

/**
 * LOG SENSE, cut to the allocation length.
 *
 * @param pages in ascending order; the lists of pages are made of them
 */
export function answerLogSense(cdb: Uint8Array, pages: readonly LoggedPage[]): Answer {
  // Nothing is saved; and who asks for changed parameters only, by the obsolete PPC, must not be given all.
  if ((cdb[1]! & SP) !== 0) return invalidField(1, 0)
  if ((cdb[1]! & PPC) !== 0) return invalidField(1, 1)
  const page = cdb[2]! & 0x3f
  const subpage = cdb[3]!
  const pointer = getUint16(cdb, 5)
  const allocationLength = getUint16(cdb, 7)
  if (page === LogPageCode.SUPPORTED_PAGES) {
    if (subpage !== 0 && subpage !== ALL_SUBPAGES) return invalidField(3, 7)
    if (pointer !== 0) return invalidField(5, 7)
    return good(listOf(pages, subpage !== 0).subarray(0, allocationLength))
  }
  const ofPage = pages.filter((one) => one.page === page)
  if (ofPage.length === 0) return invalidField(2, 5)
  const found = ofPage.find((one) => one.subpage === subpage)
  if (found === undefined) return invalidField(3, 7)
  const cumulative = cdb[2]! >> 6 === LogPageControl.CUMULATIVE
  const wanted = found.parameters(cumulative).filter(({ code }) => code >= pointer)
  if (wanted.length === 0) return invalidField(5, 7)
  return good(encodeLogPage(page, wanted, subpage).subarray(0, allocationLength))
}

/** The supported pages, this list among them; with subpages, both lists. */
function listOf(pages: readonly LogPageName[], subpages: boolean): Uint8Array {
  if (subpages) return encodeSupportedLogSubpages([SUPPORTED, SUPPORTED_SUBPAGES, ...pages])
  return encodeSupportedLogPages([...new Set([SUPPORTED, ...pages].map(({ page }) => page))])
}

/** The pages that a LOG SELECT without a parameter list names (SPC-4 table 185), or why there are none. */
export function selectedPages<P extends LogPageName>(
  cdb: Uint8Array,
  pages: readonly P[],
): readonly P[] | Answer {
  const page = cdb[2]! & 0x3f
  const subpage = cdb[3]!
  if (page === 0 && (subpage === 0 || subpage === ALL_SUBPAGES)) return pages
  const ofPage = pages.filter((one) => one.page === page)
  if (ofPage.length === 0) return invalidField(2, 5)
  if (subpage === ALL_SUBPAGES) return ofPage
  const found = ofPage.filter((one) => one.subpage === subpage)
  return found.length === 0 ? invalidField(3, 7) : found
}
