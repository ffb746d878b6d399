/** Log pages as tables: which parameter has a value, and where in it. */

import { getAscii, getUint64, setAscii, setUint64 } from './bytes.ts'
import type { LogPage, LogParameter } from './log.ts'

/** A value in a parameter. `T` is number for at most 4 bytes, bigint for more, and string for ASCII. */
export interface LogField<T extends number | bigint | string = number | bigint | string> {
  readonly type: T extends number ? 'number' : T extends bigint ? 'count' : 'text'
  /** PARAMETER CODE. */
  readonly code: number
  /** Where it begins in PARAMETER VALUE. */
  readonly offset: number
  /** Its bytes; 0 is all of the parameter, whatever its length. */
  readonly length: number
  /** What it is, in words. */
  readonly label: string
}

/** The values of `P`, each `undefined` where its parameter did not come, or is too short for it. */
export type LogFields<P> = {
  readonly [K in keyof P]: LogField<NonNullable<P[K]> & (number | bigint | string)>
}

/** A log page, and what it says. */
export interface LogPageLayout<P> {
  readonly page: number
  readonly subpage: number
  /** Its name in the standard. */
  readonly name: string
  readonly fields: LogFields<P>
}

/** A whole parameter as a count: 1 to 8 bytes, as long as the device likes. */
export function count(code: number, label: string): LogField<bigint> {
  return { type: 'count', code, offset: 0, length: 0, label }
}

/** 8 bytes of a parameter. */
export function countAt(code: number, offset: number, label: string): LogField<bigint> {
  return { type: 'count', code, offset, length: 8, label }
}

/** 1 to 4 bytes of a parameter. */
export function numberAt(
  code: number,
  offset: number,
  length: number,
  label: string,
): LogField<number> {
  return { type: 'number', code, offset, length, label }
}

/** ASCII in a parameter. */
export function textAt(
  code: number,
  offset: number,
  length: number,
  label: string,
): LogField<string> {
  return { type: 'text', code, offset, length, label }
}

/** Reads a page by its layout. */
export function readLogPage<P>(layout: LogPageLayout<P>, { parameters }: LogPage): P {
  const values = new Map(parameters.map(({ code, value }) => [code, value]))
  const fields = Object.entries<LogField>(layout.fields as Readonly<Record<string, LogField>>)
  const entries = fields.map(([name, field]) => [name, readLogField(field, values.get(field.code))])
  return Object.fromEntries(entries) as P
}

/** A count that has all of its parameter is written in so many bytes. */
const COUNT_BYTES = 8

/**
 * The parameters that say these values, in ascending order of their codes; where a parameter has further fields, they are 0. Of a parameter
 * without a value there is none.
 *
 * @param control the parameter control byte of all of them
 */
export function logParameters<P>(
  layout: LogPageLayout<P>,
  values: Partial<P>,
  control: number,
): LogParameter[] {
  const fields = Object.entries<LogField>(layout.fields as Readonly<Record<string, LogField>>)
  const given = new Set(
    fields.filter(([name]) => values[name as keyof P] !== undefined).map(([, { code }]) => code),
  )
  return [...given]
    .sort((one, other) => one - other)
    .map((code) => {
      const own = fields.filter(([, field]) => field.code === code)
      const value = new Uint8Array(Math.max(...own.map(([, field]) => endOf(field))))
      for (const [name, field] of own) writeLogField(value, field, values[name as keyof P])
      return { code, control, value }
    })
}

function endOf({ offset, length }: LogField): number {
  return offset + (length || COUNT_BYTES)
}

function writeLogField(bytes: Uint8Array, field: LogField, value: unknown): void {
  if (value === undefined) return
  const { type, offset, length } = field
  if (type === 'text') {
    setAscii(bytes, offset, length, value as string)
    return
  }
  const wide = new Uint8Array(COUNT_BYTES)
  setUint64(wide, 0, BigInt(value as number | bigint))
  bytes.set(wide.subarray(COUNT_BYTES - (length || COUNT_BYTES)), offset)
}

function readLogField(
  { type, offset, length }: LogField,
  value: Uint8Array | undefined,
): number | bigint | string | undefined {
  const end = length === 0 ? (value?.length ?? 0) : offset + length
  // More than 64 bits counts nothing that this page is about.
  if (value === undefined || end > value.length || end === offset || end - offset > 8) {
    return undefined
  }
  if (type === 'text') return getAscii(value, offset, end - offset)
  const wide = new Uint8Array(8)
  wide.set(value.subarray(offset, end), 8 - (end - offset))
  const all = getUint64(wide, 0)
  return type === 'count' ? all : Number(all)
}
