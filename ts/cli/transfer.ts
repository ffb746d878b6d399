/** Moving many blocks: some commands at a time, in order, whatever is at the other end. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import type { Sink } from './sink.ts'
import type { Source } from './source.ts'

/** One command moves this much, and so many are under way. */
const CHUNK_BYTES = 1 << 20
const DEPTH = 8

export interface Transfer {
  readonly unit: LogicalUnit
  /** First block. */
  readonly lba: bigint
  /** Bytes in a block. */
  readonly blockLength: number
  /** For every command. */
  readonly options: HelperOptions
  /** Called with the bytes that have been moved since the last call. */
  moved(bytes: number): void
}

/** Reads blocks into a sink, in order. The sink stays the caller's to close. */
export async function readBlocks(
  { unit, lba, blockLength, options, moved }: Transfer,
  blocks: bigint,
  sink: Pick<Sink, 'write'>,
): Promise<void> {
  const end = lba + blocks
  const underWay: Promise<Uint8Array>[] = []
  const start = () => {
    const count = least(BigInt(chunkBlocks(blockLength)), end - lba)
    if (count === 0n) return
    const reading = unit.read({ ...options, lba, blocks: Number(count) })
    // It is awaited in its turn; another may have failed by then.
    reading.catch(() => {})
    underWay.push(reading)
    lba += count
  }
  for (let depth = 0; depth < DEPTH; depth++) start()
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const data = await next
    start()
    await sink.write(data)
    moved(data.length)
  }
}

/** What a source had that was no whole number of blocks, or too long. */
export class InputLengthError extends Error {
  override readonly name: string = 'InputLengthError'
}

export interface WriteLimits {
  /** How many blocks may be written. */
  readonly blocks: bigint
  /** Fills up the last block with zeros. */
  readonly pad: boolean
}

/**
 * Writes a source to its end. The source stays the caller's to close; it is closed early when a write fails, so that nobody waits for input.
 *
 * @throws InputLengthError for input that does not fit; all whole blocks before are written then
 */
export async function writeBlocks(
  { unit, lba, blockLength, options, moved }: Transfer,
  { blocks, pad }: WriteLimits,
  source: Source,
): Promise<void> {
  const end = lba + blocks
  const chunk = chunkBlocks(blockLength) * blockLength
  const buffers = Array.from({ length: DEPTH }, () => new Uint8Array(chunk))
  const writing: Promise<void>[] = []
  let failure: { readonly error: unknown } | undefined

  const write = async (data: Uint8Array, at: bigint) => {
    try {
      await unit.write({ ...options, lba: at, data })
      moved(data.length)
    } catch (error) {
      failure ??= { error }
      await source.close()
    }
  }
  const pour = async () => {
    for (let turn = 0; ; turn = (turn + 1) % DEPTH) {
      await writing[turn]
      const buffer = buffers[turn]!
      const length = await source.fill(buffer)
      if (failure !== undefined || length === 0) return
      const room = Number(least(BigInt(chunk), (end - lba) * BigInt(blockLength)))
      const { data, wrong } = wholeBlocks(buffer, length, { blockLength, room, pad })
      if (data.length > 0) writing[turn] = write(data, lba)
      lba += BigInt(data.length / blockLength)
      if (wrong !== undefined) throw new InputLengthError(wrong)
    }
  }

  try {
    await pour()
  } catch (error) {
    failure ??= { error }
  }
  await Promise.all(writing)
  if (failure !== undefined) throw failure.error
}

/** What of a buffer can be written, and what is wrong with the rest. */
function wholeBlocks(
  buffer: Uint8Array,
  length: number,
  { blockLength, room, pad }: { blockLength: number; room: number; pad: boolean },
): { data: Uint8Array; wrong?: string } {
  if (length > room) {
    return { data: buffer.subarray(0, room), wrong: 'the input is longer than the unit has room' }
  }
  const over = length % blockLength
  if (over === 0) return { data: buffer.subarray(0, length) }
  if (!pad) {
    const wrong = `the input ends ${over} bytes into a block of ${blockLength}`
    return { data: buffer.subarray(0, length - over), wrong }
  }
  const padded = length - over + blockLength
  return { data: buffer.subarray(0, padded).fill(0, length) }
}

function chunkBlocks(blockLength: number): number {
  return Math.max(1, Math.floor(CHUNK_BYTES / blockLength))
}

/** The smaller one. */
export function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}
