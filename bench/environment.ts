/** Where a run took place: what a reader must know before comparing its numbers with others. */

import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import type { Placement } from './place.ts'

export interface Environment {
  readonly cpu: string
  readonly cpus: number
  readonly virtual: boolean
  /** Largest cache of the initiator's CPU. */
  readonly lastCacheBytes: number
  /** Whether the two CPUs are threads of one core; null where the kernel does not say. */
  readonly sameCore: boolean | null
  readonly memoryBytes: number
  /** Major and minor. */
  readonly kernel: string
  readonly node: string
  readonly v8: string
  readonly rustc: string
  /** Major and minor; null where Node is linked to another C library. */
  readonly glibc: string | null
  readonly placement: Placement
  /** Runnable threads in the minute before: more than a few tenths and the numbers mean little. */
  readonly load: number
}

const SYSTEM = '/sys/devices/system/cpu'

export function environment(placement: Placement, rustc: string): Environment {
  const cpuInfo = read('/proc/cpuinfo')
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(cpuInfo),
    lastCacheBytes: lastCacheBytes(placement.here),
    sameCore: sameCore(placement),
    memoryBytes: totalmem(),
    kernel: release().split('.').slice(0, 2).join('.'),
    node: process.version,
    v8: process.versions.v8,
    rustc: rustc.split('\n')[0] ?? '',
    glibc: glibc(),
    placement,
    load: loadavg()[0]!,
  }
}

/** Bytes of the largest cache that a CPU has; 32 MiB where the kernel does not say. */
export function lastCacheBytes(cpu: number): number {
  const sizes = [0, 1, 2, 3, 4]
    .map((index) => read(`${SYSTEM}/cpu${cpu}/cache/index${index}/size`).trim())
    .map((size) => Number.parseInt(size, 10) * (size.endsWith('M') ? 1 << 20 : 1 << 10))
    .filter((bytes) => bytes > 0)
  return sizes.length > 0 ? Math.max(...sizes) : 32 << 20
}

function glibc(): string | null {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime ?? null
}

function sameCore({ here, there }: Placement): boolean | null {
  const core = (cpu: number) => read(`${SYSTEM}/cpu${cpu}/topology/thread_siblings`).trim()
  return core(here) === '' ? null : core(here) === core(there)
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
