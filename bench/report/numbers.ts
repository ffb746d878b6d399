/** Numbers as a person reads them: three digits, with their unit. */

export function nanoseconds(ns: number): string {
  if (ns < 1e3) return `${digits(ns)} ns`
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`
  return ns < 1e9 ? `${digits(ns / 1e6)} ms` : `${digits(ns / 1e9)} s`
}

/** Operations a second. */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${digits(perSecond / 1e6)} M/s`
  return perSecond >= 1e3 ? `${digits(perSecond / 1e3)} k/s` : `${digits(perSecond)} /s`
}

/** Bytes in a time. */
export function flow(bytes: number, ns: number): string {
  const perSecond = (bytes / ns) * 1e9
  if (perSecond >= 1e9) return `${digits(perSecond / 1e9)} GB/s`
  return perSecond >= 1e6 ? `${digits(perSecond / 1e6)} MB/s` : `${digits(perSecond / 1e3)} kB/s`
}

/** A factor's value: powers of two as sizes are told. */
export function count(value: number): string {
  if (value >= 1 << 20 && value % (1 << 20) === 0) return `${value >> 20} Mi`
  return value >= 1024 && value % 1024 === 0 ? `${value >> 10} Ki` : String(value)
}

export function mib(bytes: number): string {
  return `${Math.round(bytes / (1 << 20))} MiB`
}

/** What `told` makes of a round number, without the zeros that nobody measured: `10 µs`, not `10.0 µs`. */
export function plain(told: string): string {
  return told.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '')
}

/** Three digits, as many of them behind the point as fit; no more zeros than a number needs. */
export function digits(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 99.95) return value.toFixed(0)
  if (size >= 9.995) return value.toFixed(1)
  return size >= 0.0995 ? value.toFixed(2) : String(Number(value.toPrecision(2)))
}
