/** Bytes as people write and read them. */

import { CliError, ExitCode } from './exit-code.ts'

const BYTES_A_LINE = 16

/** Reads bytes: `12 00 00`, `12,0,0`, `120000`, or `0x12 0x00`; a word of one digit is a byte. */
export function parseHex(what: string, text: string): Uint8Array {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  const digits = words.map((word) => {
    const bare = word.replace(/^0x/i, '')
    const even = bare.length === 1 ? `0${bare}` : bare
    if (/^([\da-f]{2})+$/i.test(even)) return even
    throw new CliError(ExitCode.SYNTAX, `${what} is bytes in hex, as "12 00 24", not '${word}'`)
  })
  return Uint8Array.from(Buffer.from(digits.join(''), 'hex'))
}

/** One byte as the standards write it: `3fh`. */
export function hexByte(byte: number): string {
  return `${byte.toString(16).padStart(2, '0')}h`
}

/** Bytes in pairs of digits, with spaces between. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** Sixteen bytes a line, and nothing else: what `--inhex` of sg3_utils reads. */
export function hexLines(bytes: Uint8Array): string {
  return linesOf(bytes, (line) => hexBytes(line))
}

/** Sixteen bytes a line, after their offset and before what of them can be printed. */
export function hexDump(bytes: Uint8Array): string {
  return linesOf(bytes, (line, at) => {
    const text = Array.from(line, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    )
    const offset = at.toString(16).padStart(4, '0')
    return `${offset}  ${hexBytes(line).padEnd(3 * BYTES_A_LINE)} ${text.join('')}`
  })
}

function linesOf(bytes: Uint8Array, format: (line: Uint8Array, at: number) => string): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    text += `${format(bytes.subarray(at, at + BYTES_A_LINE), at)}\n`
  }
  return text
}
