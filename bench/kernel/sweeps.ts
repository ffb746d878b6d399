/** Request and response over the kernel's nodes: one factor at a time around a base point, as `question` does on shared memory. */

import type { Case, CaseSetting, Sweep } from '../cases/case.ts'
import { ReadLoad, ReadyLoad } from '../cases/loads.ts'
import { disks, fill } from './disks.ts'
import { units, type Way } from './units.ts'

const IMAGE_BYTES = 8 << 20
/** There are many of them, and none has a goal. */
const POINT = { rounds: 5, sampleMs: 100, warmMs: 2000 }

const WAYS: readonly Way[] = [
  { name: 'io_uring', transport: 'io_uring' },
  { name: 'sg', transport: 'sg' },
  { name: 'ioctl', transport: 'ioctl', threads: 1 },
  { name: 'pool', transport: 'ioctl' },
]

/** A READ of so many bytes, or TEST UNIT READY for none, and how many are under way. */
interface Setting {
  readonly bytes: number
  readonly depth: number
}

const BASE: Setting = { bytes: 512, depth: 32 }

function point(name: string, { bytes, depth }: Setting): Case {
  const what = bytes === 0 ? 'TEST UNIT READY' : `READ of ${bytes} bytes`
  return {
    name,
    what: `${what}, batch form, ${depth} at a time; ioctl: by one thread; pool: by as many as the disk takes, up to 32`,
    bytes,
    atMost: POINT,
    open: async ({ random }: CaseSetting) => {
      const [disk] = disks()
      await fill(disk, IMAGE_BYTES)
      const load = bytes === 0 ? new ReadyLoad() : new ReadLoad(IMAGE_BYTES, bytes, random)
      return units(WAYS, depth, load)
    },
  }
}

const base = point('nodes', BASE)

/** What differs in `key` alone. */
function factor(key: keyof Setting, title: string, unit: string, values: readonly number[]) {
  const cases = values.map((at) => ({
    at,
    opened: point(`nodes-${key}-${at}`, { ...BASE, [key]: at }),
  }))
  const points = [
    { at: BASE[key], case: base.name },
    ...cases.map(({ at, opened }) => ({ at, case: opened.name })),
  ].sort((one, other) => one.at - other.at)
  const sweep: Sweep = { name: `nodes-${key}`, title, factor: unit, points }
  return { cases: cases.map(({ opened }) => opened), sweep }
}

const FACTORS = [
  factor(
    'bytes',
    `READ over a disk's nodes, ${BASE.depth} at a time; TEST UNIT READY at none`,
    'bytes of payload',
    [0, 4096, 65_536, 1 << 20],
  ),
  factor(
    'depth',
    `READ of ${BASE.bytes} bytes over a disk's nodes`,
    'commands under way',
    [1, 4, 64, 256],
  ),
]

export const sweepCases: readonly Case[] = [base, ...FACTORS.flatMap(({ cases }) => cases)]
export const SWEEPS: readonly Sweep[] = FACTORS.map(({ sweep }) => sweep)
