/** One-bit fields of parameter data, by one table for both ways. */

/** The byte and the bit of a flag. */
export type Flag = readonly [byte: number, bit: number]

/** Every flag of the table; a byte that did not come reads as 0. */
export function readFlags<Name extends string>(
  data: Uint8Array,
  flags: Readonly<Record<Name, Flag>>,
): Record<Name, boolean> {
  const entries = Object.entries<Flag>(flags)
  return Object.fromEntries(
    entries.map(([name, [byte, bit]]) => [name, (((data[byte] ?? 0) >> bit) & 1) === 1]),
  ) as Record<Name, boolean>
}

/** Sets the bit of every flag that is true in `values`. */
export function writeFlags<Name extends string>(
  data: Uint8Array,
  flags: Readonly<Record<Name, Flag>>,
  values: Partial<Readonly<Record<NoInfer<Name>, boolean>>>,
): void {
  for (const [name, [byte, bit]] of Object.entries<Flag>(flags)) {
    if (values[name as Name] === true) data[byte]! |= 1 << bit
  }
}
