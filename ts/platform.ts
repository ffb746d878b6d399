/** Which native library fits the process: what it is built for, and the package that has it. */

import { closeSync, openSync, readSync } from 'node:fs'

/**
 * The name that @napi-rs/cli gives to the platform of this process, such as `linux-x64-musl`.
 *
 * What counts is the C library that the process runs on, so its own program is asked: a machine can have both, and `ldd` tells of the
 * other one. A diagnostic report would tell, too, but it interrupts every worker, and waits for a busy one.
 *
 * @param program the running program
 * @returns undefined where there is no native library
 */
export function nativePlatform(program = '/proc/self/exe'): string | undefined {
  const { platform, arch } = process
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) return undefined
  const libc = interpreter(program)?.includes('/ld-musl-') ? 'musl' : 'gnu'
  return `linux-${arch}-${libc}`
}

/** Program headers whose type is PT_INTERP name the dynamic loader (elf(5)). */
const PT_INTERP = 3

/**
 * The dynamic loader that a program names, such as `/lib/ld-musl-x86_64.so.1` (elf(5), of 64 bits, little-endian).
 *
 * @returns undefined when the file cannot be read, is no such program, or names none
 */
export function interpreter(program: string): string | undefined {
  let fd: number
  try {
    fd = openSync(program, 'r')
  } catch {
    return undefined
  }
  try {
    const header = bytesAt(fd, 0, 64)
    if (header.length < 64 || header.readUInt32BE(0) !== 0x7f45_4c46) return undefined
    if (header[4] !== 2 || header[5] !== 1) return undefined
    const size = header.readUInt16LE(54)
    const table = bytesAt(fd, Number(header.readBigUInt64LE(32)), size * header.readUInt16LE(56))
    for (let at = 0; at + 56 <= table.length; at += Math.max(size, 56)) {
      if (table.readUInt32LE(at) !== PT_INTERP) continue
      const start = Number(table.readBigUInt64LE(at + 8))
      // A path ends with a NUL, and has at most PATH_MAX bytes.
      const path = bytesAt(fd, start, Math.min(Number(table.readBigUInt64LE(at + 32)), 4096))
      return path.toString('latin1').replace(/\0.*$/s, '')
    }
    return undefined
  } catch {
    return undefined
  } finally {
    closeSync(fd)
  }
}

/** As many bytes as there are, up to `length`. */
function bytesAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position))
}
