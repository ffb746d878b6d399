/** INQUIRY as the device server answers it (SPC-4 6.6). */

import { getUint16 } from '../scsi/bytes.ts'
import { encodeInquiry, type InquiryInit } from '../scsi/inquiry.ts'
import { encodeVpd, VpdPage } from '../scsi/vpd.ts'
import { type Answer, good } from '../task/answer.ts'
import { invalidField } from './refusal.ts'

/** All that a unit answers to INQUIRY. */
export interface InquiryPages {
  readonly standard: Uint8Array
  /** Vital product data pages with their headers, by page code. */
  readonly vital: ReadonlyMap<number, Uint8Array>
}

/** The standard data, and the pages of `bodies`, which are in ascending order, as page 00h must list them (SPC-4 7.8). */
export function inquiryPages(
  standard: InquiryInit,
  bodies: readonly (readonly [page: number, body: Uint8Array])[],
): InquiryPages {
  const data = encodeInquiry(standard)
  const codes = Uint8Array.of(VpdPage.SUPPORTED_PAGES, ...bodies.map(([page]) => page))
  const pages = [[VpdPage.SUPPORTED_PAGES, codes] as const, ...bodies]
  return {
    standard: data,
    vital: new Map(pages.map(([page, body]) => [page, encodeVpd(data[0]!, page, body)])),
  }
}

/** The page that the CDB asks for, cut to the allocation length; INVALID FIELD IN CDB for one that there is not. */
export function answerInquiry(pages: InquiryPages, cdb: Uint8Array): Answer {
  const pageCode = cdb[2]!
  // CMDDT, obsolete since SPC-3: who asks for command support data must not be given something else.
  if ((cdb[1]! & 2) !== 0) return invalidField(1, 1)
  const evpd = (cdb[1]! & 1) !== 0
  if (!evpd && pageCode !== 0) return invalidField(2, 7)
  const page = evpd ? pages.vital.get(pageCode) : pages.standard
  return page === undefined ? invalidField(2, 7) : good(page.subarray(0, getUint16(cdb, 3)))
}
