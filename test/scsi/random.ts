/** Random bytes that can be had again: a test that fails names its seed, and `SGRING_SEED` runs with it. */

/** The seed of this run. */
export const seed: number = Number(process.env.SGRING_SEED ?? Date.now() % 2 ** 31)

/** A generator of 32-bit numbers (mulberry32). */
export function generator(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** Bytes of any values, of which many are 0, FFh or small, as lengths in real data are. */
export function randomBytes(next: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => {
    const word = next()
    const kind = word & 3
    if (kind === 0) return 0
    if (kind === 1) return (word >>> 8) & 0x1f
    return kind === 2 && (word & 4) !== 0 ? 0xff : (word >>> 8) & 0xff
  })
}
