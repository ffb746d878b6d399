/** `--set FIELD=VALUE` of `sgring modes`. */

import type { ModePage } from '../scsi/mode.ts'
import { type AnyModePageLayout, modePageLayout } from '../scsi/mode-names.ts'
import { changeModePage, readModePage } from '../scsi/mode-page.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { pageTitle } from './page.ts'
import { parseCount } from './quantity.ts'

/** A field that is set, with what it was before. */
export interface FieldChange {
  readonly page: number
  readonly subpage: number
  /** Its name in the standard. */
  readonly field: string
  readonly before: number | boolean
  readonly after: number | boolean
}

/** Pages with their changes. */
export interface ChangedPages {
  /** Only those that have a field that was named. */
  readonly pages: readonly ModePage[]
  readonly changes: readonly FieldChange[]
}

/** @throws `ExitCode.SYNTAX` for a field that no page has, or several, and for a value that it cannot have */
export function changePages(
  pages: readonly ModePage[],
  deviceType: number,
  settings: readonly string[],
): ChangedPages {
  const changed = new Map<number, ModePage>()
  const changes: FieldChange[] = []
  for (const setting of settings) {
    const [, name = '', text = ''] = /^([^=]+)=([^=]+)$/.exec(setting) ?? []
    if (name === '') {
      throw new CliError(ExitCode.SYNTAX, `--set is FIELD=VALUE, as WCE=0, not '${setting}'`)
    }
    const { index, layout, key } = found(pages, deviceType, name)
    const field = layout.fields[key]!
    const number = Number(parseCount(field.label, text))
    if (number >= 2 ** field.width) {
      throw new CliError(
        ExitCode.SYNTAX,
        `${field.label} is 0 to ${2 ** field.width - 1}, not ${text}`,
      )
    }
    const after = field.type === 'flag' ? number !== 0 : number
    const page = changed.get(index) ?? pages[index]!
    const before = readModePage(layout, page)[key]!
    changed.set(index, changeModePage(layout, page, { [key]: after }))
    changes.push({ page: page.page, subpage: page.subpage, field: field.label, before, after })
  }
  const inOrder = [...changed].sort(([one], [other]) => one - other)
  return { pages: inOrder.map(([, page]) => page), changes }
}

interface Found {
  readonly index: number
  readonly layout: AnyModePageLayout
  readonly key: string
}

/** The page that has a field of this name, which is told as the standard writes it, whatever its case and punctuation. */
function found(pages: readonly ModePage[], deviceType: number, name: string): Found {
  const all: Found[] = pages.flatMap(({ page, subpage }, index) => {
    const layout = modePageLayout(page, subpage, deviceType)
    if (layout === undefined) return []
    return Object.entries(layout.fields)
      .filter(([key, { label }]) => [key, label].map(bare).includes(bare(name)))
      .map(([key]) => ({ index, layout, key }))
  })
  const [one, ...more] = all
  if (one === undefined) {
    throw new CliError(ExitCode.SYNTAX, `no page that this unit has has a field ${name}`)
  }
  if (more.length > 0) {
    const titles = all.map(({ layout }) => pageTitle(layout.name, layout.page, layout.subpage))
    throw new CliError(ExitCode.SYNTAX, `${name} is in ${titles.join(' and ')}: say --page`)
  }
  return one
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}
