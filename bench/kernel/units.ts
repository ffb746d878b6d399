/** A disk's unit over each of the kernel's interfaces. */

import type { KernelNode, NodeOptions } from '#dist/index.js'
import type { OpenCase } from '../cases/case.ts'
import { batchForm } from '../cases/forms.ts'
import type { CheckedLoad } from '../cases/loads.ts'
import type { Contestant } from '../contest.ts'
import { disks, ready } from './disks.ts'

/** A way to send commands to a disk, and whether the process's CPU time is taken instead of the time that passes. */
export interface Way extends NodeOptions {
  readonly name: string
  readonly cpu?: boolean
}

/** Contestants that send one load in different ways to the first disk. Each is proven before it is measured. */
export async function units(
  ways: readonly Way[],
  depth: number,
  load: CheckedLoad,
): Promise<OpenCase> {
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
