/** Costs of a command that are not to grow: with how many are under way, with how many units there are, with how many nexuses are idle. */

import { testUnitReady } from '#dist/index.js'
import type { Contestant } from '../contest.ts'
import { countsOf, HUNG_LUN, TargetProcess } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { DEPTH, type Execute, promiseForm } from './forms.ts'
import { ReadyLoad } from './loads.ts'

const IMAGE_BYTES = 1 << 20
const PROOF = 1024

export const DEPTHS = [1, 4, 16, 64, 256] as const
export const UNITS = [1, 32, 1024] as const
export const IDLE = [1, 16] as const

export const depths: Case = {
  name: 'depth',
  what: 'TEST UNIT READY by execute(), so many at a time, between two processes',
  bytes: 0,
  async open(setting) {
    const target = await TargetProcess.start(setting, IMAGE_BYTES, false)
    const contestants: Contestant[] = []
    for (const depth of DEPTHS) {
      const nexus = await target.connect()
      const unit = nexus.unit(0)
      contestants.push({
        ...contestant(`depth-${depth}`, target, (command) => unit.execute(command), depth),
        counts: () => countsOf(nexus),
      })
    }
    return proven(contestants, target)
  },
}

export const luns: Case = {
  name: 'luns',
  what: `TEST UNIT READY by execute(), ${DEPTH} at a time, to so many units in turn`,
  bytes: 0,
  async open(setting) {
    const most = Math.max(...UNITS)
    const target = await TargetProcess.start(setting, IMAGE_BYTES, false, { disks: most })
    const nexus = await target.connect()
    const numbers = Array.from({ length: most + 1 }, (_, lun) => lun)
    const units = numbers.filter((lun) => lun !== HUNG_LUN).map((lun) => nexus.unit(lun))
    // The unit attention of each but the first, which has told it.
    for (const unit of units.slice(1)) await unit.execute(testUnitReady())
    const contestants = UNITS.map((count) => {
      const chosen = units.slice(0, count)
      let next = 0
      return contestant(`luns-${count}`, target, (command) => {
        next = next + 1 === count ? 0 : next + 1
        return chosen[next]!.execute(command)
      })
    })
    return proven(contestants, target)
  },
}

export const idle: Case = {
  name: 'idle',
  what: `TEST UNIT READY by execute(), ${DEPTH} at a time, beside so many idle nexuses`,
  bytes: 0,
  open: openIdle,
}

/** A target each. */
async function openIdle(setting: CaseSetting): Promise<OpenCase> {
  const targets: TargetProcess[] = []
  const contestants: Contestant[] = []
  for (const count of IDLE) {
    const target = await TargetProcess.start(setting, IMAGE_BYTES, false, {
      name: `beside-${count}`,
    })
    targets.push(target)
    const nexus = await target.connect()
    for (let left = count; left > 0; left--) await target.connect()
    const unit = nexus.unit(0)
    contestants.push(contestant(`idle-${count}`, target, (command) => unit.execute(command)))
  }
  return proven(contestants, ...targets)
}

function contestant(
  name: string,
  target: TargetProcess,
  execute: Execute,
  depth = DEPTH,
): Contestant {
  const load = new ReadyLoad()
  return { name, run: (count) => promiseForm(execute, load, count, depth), target }
}

async function proven(
  contestants: readonly Contestant[],
  ...targets: readonly TargetProcess[]
): Promise<OpenCase> {
  for (const { run } of contestants) await run(PROOF)
  const close = async () => {
    for (const target of targets) await target.close()
  }
  return { contestants, close }
}
