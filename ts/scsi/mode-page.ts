/** Mode pages with a type: a page's interface, and the table of where its fields stand. */

import { SgringError } from '../errors.ts'
import { endOf, type Fields, readFields, writeFields } from './fields.ts'
import { emptyModePage, type ModePage, modePage } from './mode.ts'

/** Where the fields of a page stand, and how long it is. */
export interface ModePageLayout<P> {
  readonly page: number
  readonly subpage: number
  /** All of the page, header included, in the newest version of its standard; devices have shorter ones, too. */
  readonly lengthBytes: number
  /** Its name in the standard. */
  readonly name: string
  readonly fields: Fields<P>
}

/** Reads a page by its layout: fields that a shorter page does not have are 0 and false. */
export function readModePage<P>(layout: ModePageLayout<P>, page: ModePage): P {
  checkIsFor(layout, page)
  return readFields(layout.fields, page.bytes)
}

/**
 * A page that says `values`, and 0 elsewhere.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for values that their fields cannot hold
 */
export function encodeModePage<P>(layout: ModePageLayout<P>, values: Partial<P>): ModePage {
  const bytes = emptyModePage(layout.page, layout.subpage, layout.lengthBytes)
  writeFields(layout.fields, bytes, values)
  return modePage(bytes)
}

/**
 * The same page with other values: everything else in it stays as the device had it, and so does its length.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for values that their fields cannot hold, and for fields that this device's page does not have
 * @example
 * const { pages } = await unit.run(modeSense10({ page: CONTROL.page }))
 * await unit.run(modeSelect10({ pages: [changeModePage(CONTROL, pages[0]!, { swp: true })] }))
 */
export function changeModePage<P>(
  layout: ModePageLayout<P>,
  page: ModePage,
  values: Partial<P>,
): ModePage {
  checkIsFor(layout, page)
  const bytes = page.bytes.slice()
  writeFields(layout.fields, bytes, values)
  return modePage(bytes)
}

/** Which of the fields a page of this length has, whole. */
export function fieldsWithin<P>({ fields }: ModePageLayout<P>, bytes: Uint8Array): Set<keyof P> {
  const names = Object.keys(fields) as (keyof P & string)[]
  return new Set(names.filter((name) => endOf(fields[name]) <= bytes.length))
}

function checkIsFor<P>(layout: ModePageLayout<P>, { page, subpage }: ModePage): void {
  if (page === layout.page && subpage === layout.subpage) return
  throw new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `mode page ${page.toString(16)}h,${subpage.toString(16)}h is no ${layout.name} page`,
  )
}
