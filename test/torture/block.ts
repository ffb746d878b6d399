/** What blocks hold: each names the write that it is of, over all of its bytes. */

export const BLOCK_BYTES = 512

/** Which block of which write. */
export interface BlockName {
  readonly unit: number
  readonly lba: number
  /** Of the write: no two have the same. */
  readonly version: number
}

const WORDS = BLOCK_BYTES / 4
const MAGIC = 0x5347_5254

/** Fills a block's bytes. */
export function fillBlock(bytes: Uint8Array, name: BlockName): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES)
  for (let word = 0; word < WORDS; word++) view.setUint32(4 * word, wordOf(name, word))
}

/** The version that a block at this place holds, 0 if it is all zero; or, in words, what it holds that it must not. */
export function foundIn(bytes: Uint8Array, unit: number, lba: number): number | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES)
  const words = Array.from({ length: WORDS }, (_, word) => view.getUint32(4 * word))
  if (words.every((word) => word === 0)) return 0
  const [magic, ofUnit = 0, ofLba = 0, low = 0, high = 0] = words
  const version = high * 2 ** 32 + low
  if (magic !== MAGIC) return `bytes of no write: ${hex(words)}`
  const name = { unit: ofUnit, lba: ofLba, version }
  const torn = words.findIndex((word, index) => word !== wordOf(name, index))
  if (torn >= 0) return `${nameOf(name)} up to byte ${4 * torn}, and then ${hex(words.slice(torn))}`
  return ofUnit === unit && ofLba === lba ? version : nameOf(name)
}

function wordOf({ unit, lba, version }: BlockName, word: number): number {
  const [low, high] = [version >>> 0, Math.floor(version / 2 ** 32)]
  const head = [MAGIC, unit, lba, low, high][word]
  if (head !== undefined) return head
  const mixed =
    Math.imul(low ^ (high << 7) ^ (lba << 20) ^ (unit << 29), 0x9e37_79b1) ^ (word * 0x85eb_ca6b)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

function nameOf({ unit, lba, version }: BlockName): string {
  return `block ${lba} of unit ${unit}, version ${version}`
}

function hex(words: readonly number[]): string {
  const some = words.slice(0, 4).map((word) => word.toString(16).padStart(8, '0'))
  return `${some.join(' ')} …`
}
