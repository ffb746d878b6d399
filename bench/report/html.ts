/** Markup that is well formed by construction: text is escaped, and a number that is none throws. */

/** What needs no escaping any more. */
export interface Markup {
  readonly markup: string
}

export type Child = Markup | string | undefined
export type Attributes = Readonly<Record<string, string | number | undefined>>

const VOID: ReadonlySet<string> = new Set(['meta', 'circle', 'line', 'path', 'rect', 'br'])

/**
 * An element of HTML or SVG. Attributes and children that are undefined are left out.
 *
 * @throws `RangeError` for an attribute that is not finite
 */
export function element(name: string, attributes: Attributes = {}, ...children: Child[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? decimal(value) : value!)}"`,
    )
  const head = `<${name}${written.join('')}`
  const inner = together(...children).markup
  // SVG's are closed; HTML's stand as they are.
  if (VOID.has(name) && inner === '') return { markup: `${head}${HTML_VOID.has(name) ? '' : '/'}>` }
  return { markup: `${head}>${inner}</${name}>` }
}

const HTML_VOID: ReadonlySet<string> = new Set(['meta', 'br'])

/** One after the other. */
export function together(...children: Child[]): Markup {
  const parts = children.map((child) =>
    child === undefined ? '' : typeof child === 'string' ? escaped(child) : child.markup,
  )
  return { markup: parts.join('') }
}

/** Text as it stands in an element or in a quoted attribute; what XML has no character for becomes U+FFFD. */
export function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A coordinate, to a hundredth. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is nowhere`)
  return String(Math.round(value * 100) / 100)
}
