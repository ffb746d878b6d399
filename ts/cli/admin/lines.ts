/** A stream of bytes as lines of bounded length. */

import { SgringError } from '../../errors.ts'

const NEWLINE = 0x0a

/**
 * The lines of a stream, without their ends. What follows the last end is none.
 *
 * @param maxBytes of a line
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for a longer one as soon as it is longer, and for one that is not UTF-8
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string, void> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const textOf = (bytes: Uint8Array) => {
    try {
      return utf8.decode(bytes)
    } catch {
      throw wrong('a line is not UTF-8')
    }
  }
  let parts: Uint8Array[] = []
  let length = 0
  const add = (part: Uint8Array) => {
    length += part.length
    if (length > maxBytes) throw wrong(`a line has ${maxBytes} bytes at most`)
    parts.push(part)
  }
  for await (const chunk of stream) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end))
      const bytes = Buffer.concat(parts)
      parts = []
      length = 0
      from = end + 1
      yield textOf(bytes)
    }
    // A copy: a chunk may be part of a larger buffer.
    if (from < chunk.length) add(Uint8Array.from(chunk.subarray(from)))
  }
}

function wrong(message: string): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', message)
}
