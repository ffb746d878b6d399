/** The diagnostic pages of enclosures, which SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS carry (`../diagnostic.ts`). */

import { badResponse, getUint32, needBytes } from '../bytes.ts'

export {
  type DiagnosticOptions,
  receiveDiagnosticPage,
  sendDiagnosticPage,
  supportedDiagnosticPages,
} from '../diagnostic.ts'

export const Opcode = { RECEIVE_DIAGNOSTIC_RESULTS: 0x1c, SEND_DIAGNOSTIC: 0x1d } as const

/** Diagnostic pages (SPC-4 7.2, SES-3 6.1). */
export const DiagnosticPage = {
  SUPPORTED_DIAGNOSTIC_PAGES: 0x00,
  CONFIGURATION: 0x01,
  ENCLOSURE_STATUS: 0x02,
  HELP_TEXT: 0x03,
  STRING: 0x04,
  THRESHOLD: 0x05,
  ELEMENT_DESCRIPTOR: 0x07,
  SHORT_ENCLOSURE_STATUS: 0x08,
  ENCLOSURE_BUSY: 0x09,
  ADDITIONAL_ELEMENT_STATUS: 0x0a,
  SUBENCLOSURE_HELP_TEXT: 0x0b,
  SUBENCLOSURE_STRING: 0x0c,
  SUPPORTED_SES_DIAGNOSTIC_PAGES: 0x0d,
  DOWNLOAD_MICROCODE: 0x0e,
  SUBENCLOSURE_NICKNAME: 0x0f,
} as const
export type DiagnosticPage = (typeof DiagnosticPage)[keyof typeof DiagnosticPage]

/** GENERATION CODE, which SES pages have behind their header; a page that does not fit the configuration is refused. */
export function checkGeneration(page: Uint8Array, generation: number): void {
  needBytes('a SES page', page, 8)
  const came = getUint32(page, 4)
  if (came === generation) return
  throw badResponse(`SES page: of generation ${came}, the configuration is of ${generation}`)
}
