/** A fuzzer's loop, led by coverage: inputs that reach something new are kept, and changed again. */

import { generator } from '../scsi/random.ts'
import type { Coverage } from './coverage.ts'
import type { Parser } from './parser.ts'

/** Inputs between two looks at the coverage, each of which takes longer than they do. */
const BATCH = 128
const LONGEST = 600
/** Values that lengths, counts and flags often have. */
const TELLING = [0, 1, 2, 3, 4, 7, 8, 0x0f, 0x10, 0x20, 0x2c, 0x2f, 0x7f, 0x80, 0xff]

/** The inputs of one parser. */
export class Fuzzed {
  executions = 0
  readonly #parser: Parser
  readonly #coverage: Coverage
  readonly #next: () => number
  readonly #kept: Uint8Array[]

  /** @param first inputs that are tried before anything else */
  constructor(parser: Parser, coverage: Coverage, seed: number, first: readonly Uint8Array[] = []) {
    this.#parser = parser
    this.#coverage = coverage
    this.#next = generator(seed)
    this.#kept = [...first, ...parser.seeds]
  }

  /** What it begins with is known, whatever it reaches. */
  async begin(): Promise<void> {
    await this.#run(this.#kept)
    this.#coverage.note()
  }

  async batch(): Promise<void> {
    await this.#search(Array.from({ length: BATCH }, () => this.#changed()))
  }

  /** Those of some inputs that reach something new are found by halves, and kept. */
  async #search(inputs: readonly Uint8Array[]): Promise<void> {
    await this.#run(inputs)
    if (!this.#coverage.isNew()) return
    if (inputs.length === 1) {
      await this.#run(inputs)
      this.#coverage.note()
      this.#kept.push(...inputs)
      return
    }
    const middle = inputs.length >> 1
    await this.#search(inputs.slice(0, middle))
    await this.#search(inputs.slice(middle))
  }

  async #run(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) {
      this.executions++
      await check(this.#parser, input)
    }
  }

  /** One that was kept, changed in a few places. */
  #changed(): Uint8Array {
    let bytes = this.#any()
    for (let changes = 1 + (this.#next() % 4); changes > 0; changes--) bytes = this.#change(bytes)
    return bytes.length > LONGEST ? bytes.slice(0, LONGEST) : bytes
  }

  #change(bytes: Uint8Array): Uint8Array {
    const at = this.#next() % (bytes.length + 1)
    const end = at + (this.#next() % (bytes.length - at + 1))
    const value = TELLING[this.#next() % TELLING.length]!
    switch (this.#next() % 8) {
      case 0:
        return joined(bytes.subarray(0, at), bytes.subarray(end))
      case 1:
        return joined(bytes.subarray(0, end), bytes.subarray(at))
      case 2:
        return joined(bytes.subarray(0, at), this.#any().subarray(this.#next() % 32))
      case 3:
        return joined(bytes.subarray(0, at), Uint8Array.of(value), bytes.subarray(at))
      case 4:
        // A length of what follows, in one byte or at the end of two.
        return replaced(bytes, at, bytes.length - at - 1)
      case 5:
        return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << (this.#next() % 8)))
      case 6:
        return replaced(bytes, at, this.#next())
      default:
        return replaced(bytes, at, value)
    }
  }

  #any(): Uint8Array {
    return this.#kept[this.#next() % this.#kept.length]!
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

function replaced(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = value
  return copy
}

/** A parser has failed: the message has the bytes in hex. */
export class ParserFailed extends Error {
  readonly parser: string
  readonly input: Uint8Array

  constructor(parser: string, input: Uint8Array, what: string, cause?: unknown) {
    super(`${parser}: ${what}: ${Buffer.from(input).toString('hex')}`, { cause })
    this.name = 'ParserFailed'
    this.parser = parser
    this.input = input
  }
}

/**
 * Any bytes make a result or a refusal of the parser's own; and what a device says in words can go to a terminal.
 *
 * @throws ParserFailed
 */
export async function check(parser: Parser, input: Uint8Array): Promise<void> {
  const { name, read, refuses, fromDevice } = parser
  const before = input.slice()
  const failed = (what: string, cause?: unknown) => new ParserFailed(name, before, what, cause)
  let result: unknown
  try {
    result = await read(input)
  } catch (error) {
    if (!refuses(error)) throw failed('neither a result nor a refusal', error)
  }
  if (fromDevice && !isFitForTerminals(result)) throw failed('a control character in a result')
  if (Buffer.compare(input, before) !== 0) throw failed('its input was changed')
}

function isFitForTerminals(result: unknown): boolean {
  if (typeof result === 'string') return !/[\p{Cc}]/u.test(result)
  if (typeof result !== 'object' || result === null || ArrayBuffer.isView(result)) return true
  const parts = result instanceof Map ? [...result] : Object.values(result)
  return parts.every(isFitForTerminals)
}
