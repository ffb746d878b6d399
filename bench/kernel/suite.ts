/** The kernel's transports against each other and against other programs, in one guest. */

import type { Case, CaseSetting, Suite } from '../cases/case.ts'
import { ReadLoad, ReadyLoad } from '../cases/loads.ts'
import { disks, fill } from './disks.ts'
import { SWEEPS, sweepCases } from './sweeps.ts'
import { fio, sgDd, sgpDd, sgringCopy, sgTurs } from './tools.ts'
import { units, type Way } from './units.ts'

const READY_DEPTH = 64
const READ_DEPTH = 16
const READ_BYTES = 4096
/** What is read from. */
const IMAGE_BYTES = 8 << 20
const MIB = 1 << 20

const readyCase: Case = {
  name: 'ready',
  what: `TEST UNIT READY, batch form, ${READY_DEPTH} at a time; ioctl: by one thread; sg_turs: one at a time`,
  bytes: 0,
  open: async () => {
    const ways: Way[] = [
      { name: 'io_uring', transport: 'io_uring' },
      { name: 'sg', transport: 'sg' },
      { name: 'ioctl', transport: 'ioctl', threads: 1 },
    ]
    const [disk] = disks()
    const { contestants, close } = await units(ways, READY_DEPTH, new ReadyLoad())
    const rivals = [sgTurs('turs-bsg', disk.bsg), sgTurs('turs-sg', disk.sg)]
    return { contestants: [...contestants, ...rivals], close }
  },
}

const readyCpu: Case = {
  name: 'ready-cpu',
  what: `the process's CPU time for TEST UNIT READY, batch form, ${READY_DEPTH} at a time; pool: ioctl by as many threads as the disk takes, up to 32`,
  bytes: 0,
  open: () =>
    units(
      [
        { name: 'io_uring', transport: 'io_uring', cpu: true },
        { name: 'pool', transport: 'ioctl', cpu: true },
      ],
      READY_DEPTH,
      new ReadyLoad(),
    ),
}

const read4k: Case = {
  name: 'read-4k',
  what: `READ of 4 KiB at random blocks of 8 MiB, ${READ_DEPTH} at a time`,
  bytes: READ_BYTES,
  open: async ({ random }: CaseSetting) => {
    const [disk] = disks()
    await fill(disk, IMAGE_BYTES)
    const load = new ReadLoad(IMAGE_BYTES, READ_BYTES, random)
    const ways: Way[] = [
      { name: 'io_uring', transport: 'io_uring' },
      { name: 'sg', transport: 'sg' },
    ]
    const { contestants, close } = await units(ways, READ_DEPTH, load)
    const rival = fio(disk.sg, IMAGE_BYTES, READ_BYTES, READ_DEPTH)
    return { contestants: [...contestants, rival], close }
  },
}

/** All of a disk. */
const DISK_BYTES = 64 << 20
/** Bytes of a command, as they stand in a case's name: what `sgring copy` takes by default, and what `sg_dd` does. */
const COPIES = { 'copy-1m': MIB, 'copy-64k': 64 << 10 } as const

const copies = Object.entries(COPIES).map(
  ([name, commandBytes]): Case => ({
    name,
    what: `a disk of 64 MiB to another, ${commandBytes >> 10} KiB a command; sgring: between bsg nodes; the others: between sg nodes`,
    bytes: MIB,
    open: async ({ imageBytes }) => {
      const [from, to] = disks()
      const bytes = Math.min(imageBytes, DISK_BYTES)
      await fill(from, bytes)
      const job = { from, to, bytes, commandBytes }
      const contestants = [
        sgringCopy('sgring', 'bsg', job),
        sgringCopy('sgring-sg', 'sg', job),
        sgDd(job),
        sgpDd(job),
      ]
      return { contestants, close: async () => {} }
    },
  }),
)

/** A suite that a guest of its own runs. */
export interface KernelSuite extends Suite {
  /** Whether the guest's clock counts instructions; else it is the host's. */
  readonly counted: boolean
}

/** What a command costs, in instructions. */
const COMMANDS: KernelSuite = {
  name: 'kernel',
  counted: true,
  cases: [readyCase, readyCpu, read4k, ...sweepCases],
  sweeps: SWEEPS,
  goals: [
    {
      case: 'ready',
      what: 'TEST UNIT READY, io_uring against ioctl, one thread each',
      ours: 'io_uring',
      rival: 'ioctl',
      sense: 'faster',
      limit: 1.3,
    },
    ...['turs-bsg', 'turs-sg'].map((rival) => ({
      case: 'ready',
      what: `TEST UNIT READY, io_uring against sg_turs on ${rival === 'turs-sg' ? 'sg' : 'bsg'}`,
      ours: 'io_uring',
      rival,
      sense: 'faster' as const,
      limit: 1.2,
    })),
    {
      case: 'ready-cpu',
      what: 'CPU time of TEST UNIT READY, io_uring against the pool',
      ours: 'io_uring',
      rival: 'pool',
      sense: 'slower',
      limit: 0.8,
    },
    ...['io_uring', 'sg'].map((ours) => ({
      case: 'read-4k',
      what: `READ of 4 KiB, ${ours} against fio's engine sg`,
      ours,
      rival: 'fio',
      sense: 'faster' as const,
      limit: 0.9,
    })),
  ],
  pins: false,
  full: { processes: 2, rounds: 12, sampleMs: 250, warmMs: 6000, profile: false },
  quick: { processes: 1, rounds: 7, sampleMs: 200, warmMs: 3000, profile: false },
  notes: `All in one boot of one emulated guest (TCG), whose disks are scsi_debug's, without delay. Its clock counts instructions, 8 ns each, of both
CPUs, which take turns (-icount): so the host's load does not matter, and what runs in two threads is not the faster for it. With --timed the clock
is the host's and the CPUs run at once: then an instruction takes what its emulation takes. Only ratios mean anything, and those of one boot alone.
Programs measure themselves: their start, and that of Node, does not count.
`,
}

/** What a copy takes, in time: it is done by several threads, and so is the disks' part of it. */
const COPYING: KernelSuite = {
  name: 'kernel-copy',
  counted: false,
  cases: copies,
  goals: Object.keys(COPIES).map((name) => ({
    case: name,
    what: `${name.replace('-', ' of a disk, commands of ')}, against sg_dd`,
    ours: 'sgring',
    rival: 'sg_dd',
    sense: 'faster',
    limit: 1,
  })),
  pins: false,
  full: { processes: 2, rounds: 4, sampleMs: 1, warmMs: 1, profile: false },
  quick: { processes: 1, rounds: 3, sampleMs: 1, warmMs: 1, profile: false },
  notes: `All in one boot of one emulated guest (TCG), whose disks are scsi_debug's, without delay: what a command of 512-byte blocks costs them grows with
the square of its length, so that at 1 MiB the disks take most of the time. The guest's clock is the host's, and its CPUs run at once: only on an
idle host do the ratios mean anything.
`,
}

export const SUITES: readonly KernelSuite[] = [COMMANDS, COPYING]
