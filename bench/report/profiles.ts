/** Where the time goes of who falls short of a goal. */

import type { Profile, Results, Unprofiled } from '../results.ts'
import { tableMarkup } from './figures.ts'
import { element, type Markup } from './html.ts'

/** What is known of the contestants of some cases; nothing where none of them was looked into. */
export function profilesBelow(
  { profiles, unprofiled }: Pick<Results, 'profiles' | 'unprofiled'>,
  cases: readonly string[],
): Markup | undefined {
  const wanted = (one: { readonly case: string }) => cases.includes(one.case)
  const tables = profiles.filter(wanted).map(table)
  const sentences = unprofiled.filter(wanted).map(sentence)
  if (tables.length + sentences.length === 0) return undefined
  return element('div', { class: 'profiles' }, ...tables, ...sentences)
}

function table({ case: name, contestant, side, samples, idle, top }: Profile): Markup {
  const shown = top.reduce((sum, { share }) => sum + share, 0)
  return element(
    'div',
    {},
    element('h4', {}, `Where the time of ${name}, ${contestant}, goes: ${side}`),
    element(
      'p',
      { class: 'soft' },
      samples === 0
        ? `No sample was taken: it was idle for ${percent(idle)} of the time.`
        : `${top.length} functions by their own time: ${percent(shown)} of ${samples} samples. It was idle for ${percent(idle)} of the time.`,
    ),
    tableMarkup([
      ['function', 'own time', 'place'],
      ...top.map(({ name, place, share }) => [name, percent(share), place]),
    ]),
  )
}

function sentence({ case: name, contestant, why }: Unprofiled): Markup {
  return element('p', { class: 'soft' }, `No profile of ${name}, ${contestant}: ${why}.`)
}

function percent(share: number): string {
  return `${Math.round(share * 100)}\u00a0%`
}
