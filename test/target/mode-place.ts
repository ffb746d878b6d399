/** A disk whose mode parameters are changed, and the pages of MODE SELECT. */

import { Disk, type DiskOptions } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import type { Outcome } from './plain-task.ts'

export const SP = 1
export const PF = 0x10
export const HEADER = [0, 0, 0, 0]
export const caching = (flags: number) => [0x08, 18, flags, ...new Array<number>(17).fill(0)]
export const control = (...bytes: number[]) => [
  0x0a,
  10,
  ...bytes,
  ...new Array<number>(10 - bytes.length).fill(0),
]
export const WCE = 4
export const RCD = 1
export const D_SENSE = control(4, 0x10)
export const SWP = control(0, 0x10, 8)
export const TAS = control(0, 0x10, 0, 0x40)
export const PLAIN = control(0, 0x10)

/** A disk with two nexuses that have heard of its power on. */
export class Place {
  readonly backing: PlainBacking
  readonly target: Target
  readonly one: PlainNexus
  readonly other: PlainNexus

  constructor(options: Partial<DiskOptions> = {}, backing: { readOnly?: boolean } = {}) {
    this.backing = new PlainBacking(0x10000, { kind: 'file', ...backing })
    this.target = new Target([[0, new Disk({ backing: this.backing, ...options })]])
    this.one = new PlainNexus(this.target)
    this.other = new PlainNexus(this.target)
    for (const nexus of [this.one, this.other]) run(nexus, { cdb: new Uint8Array(6) })
  }

  select(pages: readonly number[], flags = PF, header: readonly number[] = HEADER): Outcome {
    const list = [...header, ...pages]
    return run(this.one, {
      cdb: Uint8Array.of(0x15, flags, 0, 0, list.length, 0),
      dataOut: Uint8Array.from(list),
    })
  }

  /** A page with its header, by PC. */
  page(code: number, pageControl = 0): number[] {
    const cdb = Uint8Array.of(0x1a, 8, (pageControl << 6) | code, 0, 255, 0)
    return [...run(this.one, { cdb, dataInLength: 255 }).data.subarray(4)]
  }

  ready(nexus: PlainNexus): string {
    return nexus.send({ cdb: new Uint8Array(6) }).end
  }

  write(): Outcome {
    const cdb = Uint8Array.of(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0)
    return run(this.one, { cdb, dataOut: new Uint8Array(512) })
  }

  read(): Outcome {
    const cdb = Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0)
    return run(this.one, { cdb, dataInLength: 512 })
  }

  get log(): string[] {
    return this.backing.log.splice(0)
  }
}
