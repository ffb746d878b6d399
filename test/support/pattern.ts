/** Bytes that differ from block to block and from seed to seed. */
export function pattern(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = (seed * 0x9e37_79b9 + 1) >>> 0
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[index] = state ^ (state >>> 15)
  }
  return new Uint8Array(words.buffer, 0, length)
}
