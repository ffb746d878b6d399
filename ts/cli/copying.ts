/** Moving bytes from one end to the other, several parts at a time. */

import { TransportError } from '../errors.ts'
import { mayBeLost, tellsOfLoss } from '../initiator/loss.ts'
import type { LentParts, Reading, Writing } from './copy-end.ts'
import { pourBetweenNodes } from './copy-nodes.ts'
import type { Pace } from './copy-pace.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { size } from './quantity.ts'
import { unlessAborted } from './unless-aborted.ts'

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

/** What is read from. */
export type From = Pick<
  Reading,
  'name' | 'place' | 'blockLength' | 'size' | 'read' | 'close' | 'parts' | 'direct'
>
/** What is written to. */
export type To = Pick<
  Writing,
  'name' | 'blockLength' | 'size' | 'ordered' | 'write' | 'readBack' | 'parts' | 'direct'
>

export interface Copying {
  readonly from: From
  readonly to: To
  readonly range: Range
  readonly pace: Pace
  readonly signal: AbortSignal
  /** Fills up the last block with zeros. */
  readonly pad: boolean
  /** Reads back what was written, and compares. */
  readonly verify: boolean
  /** Called when further bytes are written; `frontier` is the offset in the range before which all are. */
  moved(bytes: number, frontier: number): void
  /** As `NodeCopying` has them. */
  lost?(error: unknown): void
  begun?(written: () => Promise<unknown>): void
}

/** Input that is too long for where it goes, or no whole number of its blocks. All whole blocks before are written. */
export class InputLengthError extends CliError {
  override readonly name: string = 'InputLengthError'
  /** What is wrong, of the input alone. */
  readonly what: string
  /** Bytes that are written. */
  readonly written: number

  constructor(message: string, what: string, written: number) {
    super(ExitCode.FILE, message)
    this.what = what
    this.written = written
  }
}

/**
 * Copies to the end of the range. Resolves when every byte was taken; rejects when nothing is under way any more, and at once when it is aborted: then no
 * further part is begun, and `begun` has handed over what tells when the rest has ended.
 *
 * @throws InputLengthError for input that does not fit
 */
export function pour(copying: Copying): Promise<void> {
  return pourBetweenNodes(copying) ?? unlessAborted(copying.signal, pourHere(copying))
}

/** Through memory of this process. */
async function pourHere(copying: Copying): Promise<void> {
  const { from, to, range, signal, verify, moved } = copying
  const frontier = new Frontier(range.done)
  const turns = new Turns()
  const tell = (error: unknown) => void (tellsOfLoss(error) && copying.lost?.(error))
  const heard = (error: unknown) => void (mayBeLost(error) && copying.lost?.(error))
  const source = from.parts?.(copying.pace) ?? new Rooms(copying)
  const sink = to.parts?.(copying.pace) ?? to
  const written = async (at: number, data: Uint8Array) => {
    await sink.write(at, data)
    if (!verify) return
    signal.throwIfAborted()
    return to.readBack?.(at, data.length)
  }
  const writing = new Set<Promise<unknown>>()
  copying.begun?.(() => Promise.allSettled(writing))
  let wrong: InputLengthError | undefined
  const end = await inParts(copying, async (at, length) => {
    const turn = to.ordered ? turns.take() : undefined
    try {
      const input = await source.read(range.skip + at, length)
      const { length: came } = input
      signal.throwIfAborted()
      const { data, bytes, error } = fitted(copying, at, input)
      wrong ??= error
      await turn?.mine
      signal.throwIfAborted()
      const part = written(range.seek + at, data)
      // Before anybody else hears that it has ended.
      part.catch(heard)
      writing.add(part)
      const back = await part.finally(() => writing.delete(part))
      signal.throwIfAborted()
      // Lent bytes end with their nexus, and whoever was writing them found none.
      if (input.length !== came)
        throw new TransportError('ERR_SGRING_NEXUS_LOST', `${from.name} went away meanwhile`)
      if (back !== undefined) checkBack(to, range.seek + at, data, back)
      moved(bytes, frontier.reach(at, bytes))
      turn?.over()
      source.giveBack(input)
      return bytes
    } catch (error) {
      tell(error)
      turn?.over(error)
      throw error
    }
  })
  if (wrong !== undefined) throw wrong
  checkEnd(from, range, end)
}

/**
 * Compares two ends; rejects with exit code 14 and the first byte that differs.
 *
 * @param comparing what `skip` is to `from` is `seek` to `to`
 */
export async function compare(
  comparing: Pick<Copying, 'from' | 'range' | 'pace' | 'signal'> & {
    readonly to: From
    moved(bytes: number): void
  },
): Promise<void> {
  const { from, to, range, signal, moved } = comparing
  const rooms = new Rooms(comparing)
  let first = Number.POSITIVE_INFINITY
  const end = await inParts(comparing, async (at, length) => {
    if (at > first) return 0
    const start = range.seek + at
    const wanted = Math.ceil(length / to.blockLength) * to.blockLength
    const there = Math.max(0, Math.min(wanted, (to.size ?? Number.POSITIVE_INFINITY) - start))
    // Both at once: what can be read but once is read in the order of the calls.
    const [one, other] = await Promise.all([
      rooms.read(range.skip + at, length),
      to.read(start, there),
    ])
    signal.throwIfAborted()
    const differs = firstDifference(one, other.subarray(0, one.length))
    if (differs >= 0) first = Math.min(first, at + differs)
    moved(one.length)
    rooms.giveBack(one)
    return one.length
  })
  if (first === Number.POSITIVE_INFINITY) {
    checkEnd(from, range, end)
    return
  }
  const of = (end: From, at: number) =>
    end.blockLength === 1
      ? `byte ${at} of ${end.name}`
      : `block ${Math.floor(at / end.blockLength)} of ${end.name}`
  throw new CliError(
    ExitCode.MISCOMPARE,
    `they differ at byte ${first}: ${of(from, range.skip + first)}, ${of(to, range.seek + first)}`,
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
 * failure no further part is started, and a reading that waits is ended. Resolves with the end; rejects with the first failure, or one that tells of lost data.
 */
export async function inParts(
  parts: Pick<Copying, 'pace' | 'signal'> & {
    /** Ended after a failure, where it may wait. */
    readonly from?: Pick<From, 'place' | 'close'>
    readonly range: Pick<Range, 'length' | 'done'>
  },
  move: (at: number, length: number) => Promise<number>,
): Promise<number> {
  const { from, range, pace, signal } = parts
  let next = range.done
  let end = range.length ?? Number.POSITIVE_INFINITY
  let failure: { readonly error: unknown } | undefined
  const lane = async () => {
    while (failure === undefined && next < end) {
      const at = next
      const length = Math.min(pace.partBytes, end - at)
      next += length
      try {
        signal.throwIfAborted()
        const came = await move(at, length)
        if (came < length) end = Math.min(end, at + came)
      } catch (error) {
        if (failure === undefined || tellsOfLoss(error)) failure = { error }
        // Nobody is left who would take what it waits for.
        if (from !== undefined && from.place === undefined) await from.close()
      }
    }
  }
  await Promise.all(Array.from({ length: pace.depth }, lane))
  if (failure !== undefined) throw failure.error
  return end
}

/** What knows its size has to keep it; anything else may end before it was asked to. */
function checkEnd(from: From, { length }: Range, end: number): void {
  if (length === undefined || from.size === undefined || end >= length) return
  throw new CliError(ExitCode.FILE, `${from.name} has become shorter: it ended after ${end} bytes`)
}

/** What of a part's input can be written, how many bytes of the input that are, and what is wrong with the rest. */
function fitted(
  { from, to, range, pad }: Copying,
  at: number,
  input: Uint8Array,
): { readonly data: Uint8Array; readonly bytes: number; readonly error?: InputLengthError } {
  const { blockLength } = to
  const cut = (bytes: number, message: string, what: string) => {
    const error = new InputLengthError(message, what, at + bytes)
    return { data: input.subarray(0, bytes), bytes, error }
  }
  const room = to.size === undefined ? Number.POSITIVE_INFINITY : to.size - range.seek
  if (input.length > 0 && at + input.length > room) {
    const message = `${from.name} is longer than ${to.name} has room: ${size(room)}`
    return cut(Math.max(0, room - at), message, 'the input is longer than the unit has room')
  }
  const over = input.length % blockLength
  if (over === 0) return { data: input, bytes: input.length }
  if (!pad) {
    const what = `the input ends ${over} bytes into a block of ${blockLength}`
    return cut(input.length - over, `${what} of ${to.name}; --pad fills it up`, what)
  }
  const data = new Uint8Array(input.length - over + blockLength)
  data.set(input)
  return { data, bytes: input.length }
}

function checkBack(to: To, at: number, data: Uint8Array, back: Uint8Array): void {
  const differs = firstDifference(data, back)
  if (differs < 0) return
  throw new CliError(
    ExitCode.MISCOMPARE,
    `${to.name} reads back another byte than was written at ${at + differs}`,
  )
}

/** Memory for parts that are under way. It is used again, for the kernel clears new memory, and the collector of garbage has to look after it. */
class Rooms implements LentParts {
  readonly #from: From
  readonly #bytes: number
  readonly #free: Uint8Array[] = []
  /** By what was read into them. */
  readonly #lent = new Map<Uint8Array, Uint8Array>()

  constructor({ from, pace: { partBytes } }: Pick<Copying, 'from' | 'pace'>) {
    this.#from = from
    this.#bytes = partBytes
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    const room = this.#free.pop() ?? new Uint8Array(this.#bytes)
    const data = await this.#from.read(at, length, room.subarray(0, length))
    this.#lent.set(data, room)
    return data
  }

  giveBack(data: Uint8Array): void {
    const room = this.#lent.get(data)
    if (room !== undefined) this.#free.push(room)
    this.#lent.delete(data)
  }
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
