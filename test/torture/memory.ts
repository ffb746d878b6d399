/** The memory of a process of the torture, as it tells it itself. */

import { readFileSync } from 'node:fs'

/** Bytes, when all that nobody has is gone. */
export interface Memory {
  /** Of JavaScript: objects, and buffers outside of the heap. */
  readonly reached: number
  /** Of the whole process, but for what it shares and what is of files (`RssAnon`, proc_pid_status(5)). */
  readonly resident: number
}

/**
 * How much more a process may have at its end than when it began: what JavaScript reaches is exact, but for code that was compiled meanwhile; of
 * what is resident V8 and malloc keep some for later. A leak of 1 KiB a command passes it after 8192 commands of a process.
 */
export const TOLERANCE: Memory = { reached: 8 << 20, resident: 32 << 20 }

/** What a process is started with so that what it keeps for later is the same wherever it runs: neither V8 nor malloc goes by the machine. */
export const MEMORY_FLAGS: readonly string[] = ['--expose-gc', '--max-semi-space-size=16']
export const MEMORY_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' }

/** What this process has. Throws where it cannot tell. It takes `MEMORY_FLAGS`. */
export function memory(): Memory {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('it takes --expose-gc')
  // Twice: what the first finds dead may have held the next.
  gc()
  gc()
  const { heapUsed, external } = process.memoryUsage()
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  if (kib === undefined) throw new Error('the kernel does not tell RssAnon: it takes Linux 4.5')
  return { reached: heapUsed + external, resident: 1024 * Number(kib) }
}

/** What is beyond the tolerance, in words; undefined if nothing is. */
export function beyond(before: Memory, now: Memory): string | undefined {
  const kinds = Object.keys(TOLERANCE) as (keyof Memory)[]
  const over = kinds.filter((kind) => now[kind] > before[kind] + TOLERANCE[kind])
  const told = over.map(
    (kind) => `${mib(now[kind])} MiB ${kind}, ${mib(before[kind])} at its beginning`,
  )
  return told.length > 0 ? told.join(', ') : undefined
}

function mib(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1)
}
