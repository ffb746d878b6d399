/** What a benchmark's disk holds: every block names itself, so that data from a wrong place, or none, shows itself. */

export const BLOCK_BYTES = 512
const BLOCK_WORDS = BLOCK_BYTES / 4

/** The blocks from `lba` on: each begins with its LBA and ends with the LBA's complement, and none is zero between. */
export function blocks(lba: number, count: number): Uint8Array {
  const words = new Uint32Array(count * BLOCK_WORDS)
  for (let block = 0; block < count; block++) {
    const first = block * BLOCK_WORDS
    words.fill(Math.imul(lba + block, 0x9e37_79b1) | 1, first, first + BLOCK_WORDS)
    words[first] = lba + block
    words[first + BLOCK_WORDS - 1] = ~(lba + block)
  }
  return new Uint8Array(words.buffer)
}

/** Looks at the two ends of what was read from `lba` on: cheap enough to stand in a measured loop. */
export function checkEnds(data: Uint8Array, lba: number): void {
  const last = lba + data.length / BLOCK_BYTES - 1
  if (wordAt(data, 0) !== lba || wordAt(data, data.length - 4) !== ~last >>> 0) {
    throw new Error(`block ${lba} reads as block ${wordAt(data, 0)}`)
  }
}

/** Looks at every byte. */
export function checkWhole(data: Uint8Array, lba: number): void {
  const expected = blocks(lba, data.length / BLOCK_BYTES)
  if (Buffer.compare(data, expected) !== 0) throw new Error(`block ${lba}: wrong data`)
}

function wordAt(data: Uint8Array, at: number): number {
  return (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0
}
