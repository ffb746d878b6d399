/** Numbers as people write and read them. */

import { CliError, ExitCode } from './exit-code.ts'

const SUFFIXES = ['', 'K', 'M', 'G', 'T']

/** Bytes of a size: a number of them, or of K, M, G or T by powers of 1024, as `64M`; undefined for what is none, or no safe integer. */
export function sizeBytes(text: string): number | undefined {
  const [, digits = '', suffix = ''] = /^(\d+)([KMGT]?)$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** SUFFIXES.indexOf(suffix.toUpperCase())
  return digits !== '' && bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Reads a size, as `sizeBytes` does. */
export function parseSize(option: string, text: string): number {
  const bytes = sizeBytes(text)
  if (bytes !== undefined) return bytes
  throw new CliError(
    ExitCode.SYNTAX,
    `${option} is a number of bytes, or of K, M, G or T as 64M, not '${text}'`,
  )
}

/** Reads a number of blocks or a block address: decimal, or hexadecimal after 0x. */
export function parseCount(option: string, text: string): bigint {
  if (/^(\d{1,20}|0x[\da-f]{1,16})$/i.test(text) && BigInt(text) < 1n << 64n) return BigInt(text)
  throw new CliError(ExitCode.SYNTAX, `${option} is a number, as 2048 or 0x800, not '${text}'`)
}

/** Reads a duration in seconds; the answer is in milliseconds. */
export function parseSeconds(option: string, text: string): number {
  const ms = Math.ceil(Number(text) * 1000)
  if (/^\d+(\.\d+)?$/.test(text) && ms > 0 && ms < 2 ** 31) return ms
  throw new CliError(
    ExitCode.SYNTAX,
    `${option} is a number of seconds, as 2 or 0.5, not '${text}'`,
  )
}

/** The smaller one. */
export function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

/** Bytes by powers of 1024: `117.9 MiB`. */
export function size(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'])
}

/** Bytes in a second by powers of 1000: `1.4 GB/s`. */
export function rate(bytes: number, seconds: number): string {
  return scaled(seconds > 0 ? bytes / seconds : 0, 1000, ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'])
}

/** Seconds as `4:05` or `1:04:05`. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const [first, ...rest] = parts[0] === 0 ? parts.slice(1) : parts
  return [first, ...rest.map((part) => String(part).padStart(2, '0'))].join(':')
}

/** Nanoseconds in three digits: `12.3 µs`. */
export function duration(ns: number): string {
  const units = ['ns', 'µs', 'ms', 's']
  let value = ns
  let unit = 0
  // What would be rounded up to 1000 belongs to the next unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  const digits = value >= 99.95 || unit === 0 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${units[unit]}`
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0
  // What would be rounded up to the base belongs to the next unit.
  while (value >= base - 0.05 && unit < units.length - 1) {
    value /= base
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
