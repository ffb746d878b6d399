/** The kernel's transports against each other and against other programs, in one guest. */

import type { KernelNode, NodeOptions } from '#dist/index.js'
import type { Case, CaseSetting, OpenCase, Suite } from '../cases/case.ts'
import { batchForm } from '../cases/forms.ts'
import { type CheckedLoad, ReadLoad, ReadyLoad } from '../cases/loads.ts'
import type { Contestant } from '../contest.ts'
import { disks, fill, ready } from './disks.ts'
import { COPY_MIB, fio, sgDd, sgringCopy, sgTurs } from './tools.ts'

const READY_DEPTH = 64
const READ_DEPTH = 16
const READ_BYTES = 4096
/** What is read from. */
const IMAGE_BYTES = 8 << 20
const MIB = 1 << 20

/** A way to send commands to a disk, and whether the process's CPU time is taken instead of the time that passes. */
interface Way extends NodeOptions {
  readonly name: string
  readonly cpu?: boolean
}

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

const copy: Case = {
  name: 'copy',
  what: `${COPY_MIB} MiB from one disk to another, 1 MiB a command`,
  bytes: MIB,
  open: async () => {
    const [from, to] = disks()
    await fill(from, COPY_MIB * MIB)
    const contestants = [sgringCopy(from, to), sgDd('sg_dd', from, to)]
    return { contestants, close: async () => {} }
  },
}

/** Contestants that send one load in different ways to the first disk. Each is proven before it is measured. */
async function units(ways: readonly Way[], depth: number, load: CheckedLoad): Promise<OpenCase> {
  const [disk] = disks()
  const contestants: Contestant[] = []
  const closing: (() => Promise<void>)[] = []
  for (const { name, cpu = false, ...options } of ways) {
    const unit = await ready(options.transport === 'sg' ? disk.sg : disk.bsg, options)
    const queue = unit.queue({ depth, dataBytes: load.dataBytes })
    const run = (count: number) => batchForm(queue, load, count)
    await run(4 * depth)
    contestants.push(metered(name, unit.node, cpu ? cpuTimeOf(run) : run))
    closing.push(
      () => queue.close(),
      () => unit.close(),
    )
  }
  load.trust()
  const close = async () => {
    for (const step of closing) await step()
  }
  return { contestants, close }
}

/** Counts native calls that published commands, rings of the initiator's bell, and the times that a thread of the process went to sleep. */
function metered(name: string, node: KernelNode, run: Contestant['run']): Contestant {
  let sleeps = 0
  return {
    name,
    counts: () => {
      const { batches, wakes } = node.stats
      return { batches, wakes, sleeps }
    },
    run: async (count) => {
      const before = process.resourceUsage().voluntaryContextSwitches
      const ms = await run(count)
      sleeps += process.resourceUsage().voluntaryContextSwitches - before
      return ms
    },
  }
}

/** Milliseconds that all of this process's threads were running. */
function cpuTimeOf(run: Contestant['run']): Contestant['run'] {
  return async (count) => {
    const before = process.cpuUsage()
    await run(count)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
}

export const KERNEL: Suite = {
  name: 'kernel',
  cases: [readyCase, readyCpu, read4k, copy],
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
    {
      case: 'copy',
      what: 'copy from disk to disk against sg_dd',
      ours: 'sgring',
      rival: 'sg_dd',
      sense: 'faster',
      limit: 1,
    },
  ],
  pins: false,
  full: { processes: 2, rounds: 12, sampleMs: 250, warmMs: 6000 },
  quick: { processes: 1, rounds: 7, sampleMs: 200, warmMs: 3000 },
  notes: `All in one boot of one emulated guest (TCG), whose disks are scsi_debug's, without delay. Its clock counts instructions, 8 ns each, of both
CPUs, which take turns (-icount): so the host's load does not matter, and what runs in two threads is not the faster for it. With --timed the clock
is the host's and the CPUs run at once: then an instruction takes what its emulation takes. Only ratios mean anything, and those of one boot alone.
Programs measure themselves: their start, and that of Node, does not count.
`,
}
