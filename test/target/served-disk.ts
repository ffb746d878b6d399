/** A disk whose first unit attention is over, and what sends to it. */

import { Disk, type DiskOptions } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import type { Outcome, PlainCommand, PlainTask } from './plain-task.ts'

export const BLOCKS = 1024

export interface ServedDisk {
  readonly backing: PlainBacking
  readonly nexus: PlainNexus
  readonly target: Target
  /** Runs a command to its end, which must come at once. */
  send(command: PlainCommand): Outcome
  /** `GOOD`, `5/24/00`, `status 4`: how it ends, in short. */
  end(command: PlainCommand): string
  /** Begins a command. */
  begin(command: PlainCommand): PlainTask
  /** A nexus of another initiator, ready. */
  other(): PlainNexus
}

export function servedDisk(
  options: Partial<DiskOptions> = {},
  backing: PlainBacking = new PlainBacking(BLOCKS * (options.blockLength ?? 512)),
): ServedDisk {
  const target = new Target([[0, new Disk({ ...options, backing })]])
  const other = () => {
    const nexus = new PlainNexus(target)
    run(nexus, { cdb: new Uint8Array(6) })
    return nexus
  }
  const nexus = other()
  return {
    backing,
    nexus,
    target,
    send: (command) => run(nexus, command),
    end: (command) => nexus.send(command).end,
    begin: (command) => nexus.send(command),
    other,
  }
}

export const TEST_UNIT_READY: PlainCommand = { cdb: new Uint8Array(6) }

/** Bytes that differ from block to block. */
export function bytesOf(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8) + seed)
}

/** A CDB from hexadecimal. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}
