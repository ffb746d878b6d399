/** Inputs that a parser has failed over, a file each. No two have the same name, so that none is ever overwritten. */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes one, if it is not there. Its path. */
export function save(folder: string, parser: string, input: Uint8Array): string {
  const digest = createHash('sha256').update(input).digest('hex').slice(0, 16)
  const path = join(folder, beginningOf(parser) + digest)
  mkdirSync(folder, { recursive: true })
  if (!existsSync(path)) writeFileSync(path, input, { flag: 'wx' })
  return path
}

/** Those of a parser, whether it fails over them still or not. */
export function saved(folder: string, parser: string): Uint8Array[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.startsWith(beginningOf(parser)))
  return names.map((name) => Uint8Array.from(readFileSync(join(folder, name))))
}

/** Of a file's name. `.` stands in no other parser's. */
function beginningOf(parser: string): string {
  return `parsers-${parser.replaceAll(/[^A-Za-z0-9]+/g, '-')}.`
}
