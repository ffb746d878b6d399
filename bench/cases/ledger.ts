/** What a server pays for what it keeps beyond its death: the same commands to two shipped targets, of which one has a state folder. */

import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Nexus, read10, write10 } from '#dist/index.js'
import type { Contestant } from '../contest.ts'
import { BLOCK_BYTES } from '../image.ts'
import type { Random } from '../random.ts'
import { countsOf, TargetProcess } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { DEPTH, type Load, promiseForm } from './forms.ts'
import { checkGood, ReadyLoad } from './loads.ts'

const IMAGE_BYTES = 64 << 20
const PROOF = 1024
/** Short ones: what a hypervisor takes away meanwhile is in few of them, and in every long one. */
const SAMPLES = { rounds: Infinity, sampleMs: 4, warmMs: Infinity }
/** Before the clock starts: the target, which slept while others had their turn, is awake then, and the other one asleep. */
const AWAKE = 256

/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS = 0x0102_1994
/** Where a disk in memory is as fast as without a state folder; elsewhere its file's threads are what is measured. */
const PLACE = ['/dev/shm', tmpdir()].find((place) => systemOf(place) === TMPFS) ?? tmpdir()

/** The file system's kind, by its number (statfs(2)); undefined where there is no such folder. */
function systemOf(place: string): number | undefined {
  try {
    return statfsSync(place).type
  } catch {
    return undefined
  }
}

const SYSTEM =
  systemOf(PLACE) === TMPFS ? 'tmpfs' : `no tmpfs but 0x${systemOf(PLACE)?.toString(16)}`

/** What a block that was written holds. */
const WRITTEN = new Uint8Array(BLOCK_BYTES).fill(0xb5)

export const DEPTHS = [1, DEPTH] as const
export const COMMANDS = ['ready', 'write'] as const

/** A contestant's name; `kept` for the target with the state folder. */
export function nameOf(command: string, depth: number, kept: boolean): string {
  return `${command}-${depth}${kept ? '-kept' : ''}`
}

export const ledger: Case = {
  name: 'ledger',
  what: `TEST UNIT READY, and WRITE of ${BLOCK_BYTES} bytes at random blocks of 64 MiB, by execute(), to a target with a state folder in ${PLACE} (${SYSTEM}), and to one without`,
  bytes: 0,
  atMost: SAMPLES,
  open,
}

async function open(setting: CaseSetting): Promise<OpenCase> {
  const state = mkdtempSync(join(PLACE, 'sgring-bench-state-'))
  process.once('exit', () => rmSync(state, { recursive: true, force: true }))
  const contestants: Contestant[] = []
  const targets: TargetProcess[] = []
  for (const kept of [false, true]) {
    const more = kept ? { name: 'kept', state } : { name: 'plain' }
    const target = await TargetProcess.start(setting, IMAGE_BYTES, false, more)
    targets.push(target)
    for (const depth of DEPTHS) {
      const nexus = await target.connect()
      const [ready, write] = [new ReadyLoad(), new WriteLoad(setting.random)]
      const loads = { ready, write }
      for (const command of COMMANDS) {
        const name = nameOf(command, depth, kept)
        const made = { ...contestant(name, nexus, loads[command], depth), target }
        await made.run(PROOF)
        contestants.push(made)
      }
      await checkWritten(nexus, write.last)
    }
  }
  const close = async () => {
    for (const target of targets) await target.close()
  }
  return { contestants, close }
}

function contestant(name: string, nexus: Nexus, load: Load, depth: number): Contestant {
  const unit = nexus.unit(0)
  const run = (count: number) => promiseForm((command) => unit.execute(command), load, count, depth)
  return {
    name,
    run: async (count) => {
      await run(AWAKE)
      return run(count)
    },
    counts: () => countsOf(nexus),
  }
}

/** WRITE(10) of one block. */
class WriteLoad implements Load {
  readonly cdb: Uint8Array
  readonly dataBytes = 0
  readonly dataOut = WRITTEN
  readonly #random: Random
  last = 0

  constructor(random: Random) {
    this.cdb = write10({ lba: 0, blockLength: BLOCK_BYTES, data: WRITTEN }).cdb
    this.#random = random
  }

  prepare(cdb: Uint8Array): number {
    const lba = this.#random.below(IMAGE_BYTES / BLOCK_BYTES)
    cdb[2] = lba >>> 24
    cdb[3] = lba >>> 16
    cdb[4] = lba >>> 8
    cdb[5] = lba
    this.last = lba
    return lba
  }

  check(status: number, residual: number): void {
    checkGood(status, residual)
  }
}

async function checkWritten(nexus: Nexus, lba: number): Promise<void> {
  const data = await nexus.unit(0).run(read10({ lba, blocks: 1, blockLength: BLOCK_BYTES }))
  if (Buffer.compare(data, WRITTEN) !== 0) throw new Error(`block ${lba} was not written`)
}
