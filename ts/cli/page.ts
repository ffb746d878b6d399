/** `--page P[,SP]`, and how pages are named. */

import { CliError, ExitCode } from './exit-code.ts'
import { hexByte } from './hex.ts'

/** A page and, if it was named, a subpage. */
export interface PageAddress {
  readonly page: number
  readonly subpage: number | undefined
}

/** Reads `8`, `0x08`, `08h`, and after a comma a subpage in the same ways. */
export function parsePage(text: string): PageAddress {
  return parseAddress(text, 0x3f)
}

/** Reads the code of a VPD page in the same ways. */
export function parseVitalPage(text: string): number {
  const { page, subpage } = parseAddress(text, 0xff)
  if (subpage === undefined) return page
  throw new CliError(ExitCode.SYNTAX, `VPD pages have no subpages, as in '${text}'`)
}

function parseAddress(text: string, most: number): PageAddress {
  const [page, subpage, ...more] = text.split(',')
  const wrong = new CliError(
    ExitCode.SYNTAX,
    `--page is a page code and perhaps a subpage code, as 0x0a or 0x0a,1, not '${text}'`,
  )
  if (more.length > 0) throw wrong
  const code = (part: string, max: number) => {
    const [, hex = '', decimal = ''] = /^(?:0x([\da-f]{1,2})|(\d{1,3}))$/i.exec(part) ?? []
    const suffixed = /^([\da-f]{1,2})h$/i.exec(part)?.[1]
    const value = Number.parseInt(suffixed ?? (hex || decimal), suffixed || hex ? 16 : 10)
    if (!(value <= max)) throw wrong
    return value
  }
  return {
    page: code(page ?? '', most),
    subpage: subpage === undefined ? undefined : code(subpage, 0xff),
  }
}

/** `caching (08h)`, `control extension (0ah,01h)`. */
export function pageTitle(name: string | undefined, page: number, subpage: number): string {
  const code = subpage === 0 ? hexByte(page) : `${hexByte(page)},${hexByte(subpage)}`
  return `${name ?? 'unknown page'} (${code})`
}
