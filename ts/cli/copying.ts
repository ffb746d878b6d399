/** Moving bytes from one end to the other, several parts at a time. */

import type { Reading, Writing } from './copy-end.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { size } from './quantity.ts'

/** One part has about this many bytes, and so many are under way. */
const PART_BYTES = 1 << 20
const DEPTH = 8

/** Which bytes. All are multiples of the ends' block lengths, except a length that is to be padded. */
export interface Range {
  /** The first byte that is read. */
  readonly skip: number
  /** The first byte that is written. */
  readonly seek: number
  /** How many; undefined is up to the end, which is where the reading ends. */
  readonly length: number | undefined
  /** So many of them are there already. */
  readonly done: number
}

export interface Copying {
  readonly from: Reading
  readonly to: Writing
  readonly range: Range
  readonly signal: AbortSignal
  /** Fills up the last block with zeros. */
  readonly pad: boolean
  /** Reads back what was written, and compares. */
  readonly verify: boolean
  /** Called when further bytes are written; `frontier` is the offset in the range before which all are. */
  moved(bytes: number, frontier: number): void
}

/** The length of a part that fits both ends. */
export function partLength(
  from: Pick<Reading, 'blockLength'>,
  to: Pick<Reading, 'blockLength'>,
): number {
  const least = leastCommonMultiple(from.blockLength, to.blockLength)
  return Math.max(1, Math.floor(PART_BYTES / least)) * least
}

/** Copies to the end of the range. Resolves when every byte was taken; rejects when nothing is under way any more. */
export async function pour({
  from,
  to,
  range,
  signal,
  pad,
  verify,
  moved,
}: Copying): Promise<void> {
  const frontier = new Frontier(range.done)
  const room = to.size === undefined ? Number.POSITIVE_INFINITY : to.size - range.seek
  const turns = new Turns()
  const end = await inParts(range, partLength(from, to), from, signal, async (at, length) => {
    const turn = to.ordered ? turns.take() : undefined
    try {
      const data = await from.read(range.skip + at, length)
      signal.throwIfAborted()
      if (data.length > 0 && at + data.length > room) {
        throw new CliError(
          ExitCode.FILE,
          `${from.name} is longer than ${to.name} has room: ${size(room)}`,
        )
      }
      const whole = wholeBlocks(data, to, pad)
      await turn?.mine
      await to.write(range.seek + at, whole)
      if (verify) await compareBack(to, range.seek + at, whole)
      moved(data.length, frontier.reach(at, data.length))
      turn?.over()
      return data.length
    } catch (error) {
      turn?.over(error)
      throw error
    }
  })
  checkEnd(from, range, end)
}

/**
 * Compares two ends; rejects with exit code 14 and the first byte that differs.
 *
 * @param range what `skip` is to one is `seek` to the other
 */
export async function compare(
  a: Reading,
  b: Reading,
  range: Range,
  signal: AbortSignal,
  moved: (bytes: number) => void,
): Promise<void> {
  let first = Number.POSITIVE_INFINITY
  const end = await inParts(range, partLength(a, b), a, signal, async (at, length) => {
    if (at > first) return 0
    const start = range.seek + at
    const wanted = Math.ceil(length / b.blockLength) * b.blockLength
    const there = Math.max(0, Math.min(wanted, (b.size ?? Number.POSITIVE_INFINITY) - start))
    // Both at once: what can be read but once is read in the order of the calls.
    const [one, other] = await Promise.all([a.read(range.skip + at, length), b.read(start, there)])
    signal.throwIfAborted()
    const differs = firstDifference(one, other.subarray(0, one.length))
    if (differs >= 0) first = Math.min(first, at + differs)
    moved(one.length)
    return one.length
  })
  if (first === Number.POSITIVE_INFINITY) {
    checkEnd(a, range, end)
    return
  }
  const of = (end: Reading, at: number) =>
    end.blockLength === 1
      ? `byte ${at} of ${end.name}`
      : `block ${Math.floor(at / end.blockLength)} of ${end.name}`
  throw new CliError(
    ExitCode.MISCOMPARE,
    `they differ at byte ${first}: ${of(a, range.skip + first)}, ${of(b, range.seek + first)}`,
  )
}

/** The first index at which they differ; -1 if they do not. */
export function firstDifference(one: Uint8Array, other: Uint8Array): number {
  if (Buffer.compare(one, other) === 0) return -1
  const at = one.findIndex((byte, index) => byte !== other[index])
  return at < 0 ? one.length : at
}

/**
 * Runs `move` over all parts of a range, some at a time; it resolves with the bytes there were, fewer than asked for at the end. After a
 * failure no further part is started, and a reading that waits is ended. Resolves with the end.
 */
async function inParts(
  range: Range,
  part: number,
  from: Reading,
  signal: AbortSignal,
  move: (at: number, length: number) => Promise<number>,
): Promise<number> {
  let next = range.done
  let end = range.length ?? Number.POSITIVE_INFINITY
  let failure: { readonly error: unknown } | undefined
  const lane = async () => {
    while (failure === undefined && next < end) {
      const at = next
      const length = Math.min(part, end - at)
      next += length
      try {
        signal.throwIfAborted()
        const came = await move(at, length)
        if (came < length) end = Math.min(end, at + came)
      } catch (error) {
        failure ??= { error }
        // Nobody is left who would take what it waits for.
        if (from.place === undefined) await from.close()
      }
    }
  }
  await Promise.all(Array.from({ length: DEPTH }, lane))
  if (failure !== undefined) throw failure.error
  return end
}

/** What knows its size has to keep it; anything else may end before it was asked to. */
function checkEnd(from: Reading, { length }: Range, end: number): void {
  if (length === undefined || from.size === undefined || end >= length) return
  throw new CliError(ExitCode.FILE, `${from.name} has become shorter: it ended after ${end} bytes`)
}

function wholeBlocks(data: Uint8Array, { name, blockLength }: Writing, pad: boolean): Uint8Array {
  const over = data.length % blockLength
  if (over === 0) return data
  if (!pad) {
    throw new CliError(
      ExitCode.FILE,
      `the input ends ${over} bytes into a block of ${blockLength} of ${name}; --pad fills it up`,
    )
  }
  const padded = new Uint8Array(data.length - over + blockLength)
  padded.set(data)
  return padded
}

async function compareBack(to: Writing, at: number, data: Uint8Array): Promise<void> {
  const back = (await to.readBack?.(at, data.length)) ?? data
  const differs = firstDifference(data, back)
  if (differs < 0) return
  throw new CliError(
    ExitCode.MISCOMPARE,
    `${to.name} reads back another byte than was written at ${at + differs}`,
  )
}

/** Writing in the order in which the parts were begun. After a failure nobody's turn comes any more. */
class Turns {
  #last: Promise<void> = Promise.resolve()

  take(): { readonly mine: Promise<void>; over(error?: unknown): void } {
    const mine = this.#last
    let over: (error?: unknown) => void = () => {}
    this.#last = new Promise((resolve, reject) => {
      over = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Whoever comes next may have failed before it waits.
    this.#last.catch(() => {})
    return { mine, over: (error) => over(error) }
  }
}

/** How far all is done, where parts end in any order. */
class Frontier {
  readonly #beyond = new Map<number, number>()
  #at: number

  constructor(at: number) {
    this.#at = at
  }

  /** A part is done; returns where everything before is. */
  reach(at: number, length: number): number {
    this.#beyond.set(at, length)
    for (
      let more = this.#beyond.get(this.#at);
      more !== undefined;
      more = this.#beyond.get(this.#at)
    ) {
      this.#beyond.delete(this.#at)
      this.#at += more
    }
    return this.#at
  }
}

function leastCommonMultiple(one: number, other: number): number {
  let [a, b] = [one, other]
  while (b !== 0) [a, b] = [b, a % b]
  return (one / a) * other
}
