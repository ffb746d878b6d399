/** Pages as tables of fields: where each one stands, and what it is, in one place for reading, writing and showing it. */

import { SgringError } from '../errors.ts'
import { checkUint } from './bytes.ts'

/** A field of at most 32 bits, big-endian. `T` is boolean for one bit that is a flag. */
export interface Field<T extends boolean | number = boolean | number> {
  readonly type: T extends boolean ? 'flag' : 'number'
  /** The byte of its most significant bit, counted from the start of the page. */
  readonly byte: number
  /** Its most significant bit: 7 is the byte's own. */
  readonly bit: number
  /** Bits. */
  readonly width: number
  /** Its name in the standard: an acronym as it stands, else in words. */
  readonly label: string
}

/** The fields of `P`, under the names that `P` has for them. */
export type Fields<P> = {
  readonly [K in keyof P]: Field<P[K] extends boolean ? boolean : P[K] & (boolean | number)>
}

/** Any fields. */
export type AnyFields = Readonly<Record<string, Field<boolean> | Field<number>>>

/** One bit. */
export function flag(byte: number, bit: number, label: string): Field<boolean> {
  return { type: 'flag', byte, bit, width: 1, label }
}

/** `width` bits from `bit` of `byte` on: whole bytes begin at bit 7. */
export function number(byte: number, bit: number, width: number, label: string): Field<number> {
  return { type: 'number', byte, bit, width, label }
}

/** Reads the fields; of bytes that did not come they are 0 and false. */
export function readFields<P>(fields: Fields<P>, bytes: Uint8Array): P {
  const entries = entriesOf(fields).map(([name, field]) => {
    const value = readBits(bytes, field)
    return [name, field.type === 'flag' ? value !== 0 : value]
  })
  return Object.fromEntries(entries) as P
}

/**
 * Writes those fields that `values` has.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for a value that its field cannot hold, and for a field beyond the end of `bytes`
 */
export function writeFields<P>(fields: Fields<P>, bytes: Uint8Array, values: Partial<P>): void {
  for (const [name, field] of entriesOf(fields)) {
    const value = values[name as keyof P] as boolean | number | undefined
    if (value !== undefined) writeBits(bytes, field, bitsOf(name, field, value))
  }
}

/** The first byte behind a field. */
export function endOf({ byte, bit, width }: Field): number {
  return byte + Math.ceil((7 - bit + width) / 8)
}

function entriesOf<P>(fields: Fields<P>): [string, Field][] {
  return Object.entries<Field>(fields as Readonly<Record<string, Field>>)
}

function bitsOf(name: string, { type, width }: Field, value: boolean | number): number {
  if (type === 'number') return checkUint(name, value as number, 2 ** width - 1)
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `${name} is true or false, not ${value}`)
}

function readBits(bytes: Uint8Array, field: Field): number {
  let value = 0
  // At most 40 bits: exact as a double.
  for (let at = field.byte; at < endOf(field); at++) value = value * 256 + (bytes[at] ?? 0)
  return Math.floor(value / 2 ** below(field)) % 2 ** field.width
}

function writeBits(bytes: Uint8Array, field: Field, value: number): void {
  const end = endOf(field)
  if (end > bytes.length) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `${field.label} stands in byte ${end - 1}, and there are ${bytes.length} bytes`,
    )
  }
  let shifted = BigInt(value) << BigInt(below(field))
  let mask = ((1n << BigInt(field.width)) - 1n) << BigInt(below(field))
  for (let at = end - 1; at >= field.byte; at--) {
    bytes[at] = (bytes[at]! & ~Number(mask & 0xffn)) | Number(shifted & 0xffn)
    shifted >>= 8n
    mask >>= 8n
  }
}

/** Bits of the last byte below the field. */
function below(field: Field): number {
  return endOf(field) * 8 - field.byte * 8 - (7 - field.bit) - field.width
}
