/** What goes to stdout and stderr. */

import { CheckConditionError } from '../initiator/status-error.ts'
import { ServiceResponse } from '../task/function.ts'
import { exitCodeOf, problemsOf } from './exit-code.ts'
import { hexBytes } from './hex.ts'

/** One line of JSON: keys in snake_case, bigints as decimal strings, and bytes as pairs of hex digits. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(snakeCase(value))}\n`
}

/** Rows of a name and a value, in two columns. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}

/** A row for each value within a value, under the names that lead to it: `smartUsed` is `smart used`. */
export function valueRows(value: unknown, name = ''): [string, string][] {
  if (value === undefined) return []
  if (value instanceof Uint8Array) return value.length === 0 ? [] : [[name, hexBytes(value)]]
  if (typeof value !== 'object' || value === null) return [[name, String(value)]]
  return Object.entries(value).flatMap(([key, inner]) => {
    const words = key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    return valueRows(inner, name === '' ? words : `${name} ${words}`)
  })
}

/** Columns as wide as they must be. The last cell of a row pads nothing, and makes none wide. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
  return rows.map((row) => `${line(row).join('  ')}\n`).join('')
}

/** A service response by its name in SAM-5. */
export function responseName(response: ServiceResponse): string {
  return nameOf(ServiceResponse, response)
}

/** The name that a standard's table gives to a value. */
export function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  const name = Object.keys(names).find((name) => names[name] === value)
  // I_T NEXUS keeps its own.
  return name?.replaceAll(/(?<!^I)_/g, ' ') ?? 'unknown'
}

/** What a verb threw: one line for a program, and for a person, too, if there are not several things wrong with a file. */
export function errorLine(error: unknown, json: boolean): string {
  const message = error instanceof Error ? error.message : String(error)
  const problems = problemsOf(error)
  if (!json) {
    const lines = problems === undefined || problems.length === 1 ? [] : problems
    return `sgring: ${[message.replaceAll(/\s*\n\s*/g, ' '), ...lines].join('\n  ')}\n`
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const sense =
    error instanceof CheckConditionError
      ? { senseKey: error.senseKey, asc: error.asc, ascq: error.ascq }
      : {}
  return jsonLine({ error: { code, message, exitCode: exitCodeOf(error), problems, ...sense } })
}

/** A value with all its keys in snake_case, ready for JSON: see `jsonLine`. */
export function snakeCase(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return hexBytes(value)
  if (Array.isArray(value)) return value.map(snakeCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCase(inner),
    ]),
  )
}
