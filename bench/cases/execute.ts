/** `execute()` over the ring to a native target, and over all that a user would pick instead, each to a peer that answers at once. */

import type { Contestant } from '../contest.ts'
import { NativeTarget } from '../native-target.ts'
import { threadsOf } from '../place.ts'
import { promisesOf } from '../promises.ts'
import { addon } from '../rivals/napi/addon.ts'
import { CallUnit, TsfnUnit, WorkUnit } from '../rivals/napi/client.ts'
import { NetPeer } from '../rivals/net/peer-process.ts'
import { SabUnit } from '../rivals/sab/client.ts'
import { WorkerUnit } from '../rivals/worker/client.ts'
import { countsOf } from '../target-process.ts'
import type { Case, CaseSetting, OpenCase } from './case.ts'
import { DEPTH, type Execute, type Load, promiseForm } from './forms.ts'
import { ReadyLoad } from './loads.ts'

const PROOF = 4 * DEPTH

export const execute: Case = {
  name: 'execute',
  what: `TEST UNIT READY by execute(), ${DEPTH} at a time, to a peer on another CPU that answers at once`,
  bytes: 0,
  // One thread that does what `work` asks for: with more, there would be more than CPUs, and than the others have.
  env: { UV_THREADPOOL_SIZE: '1' },
  open: (setting) => opened(setting, throughput),
}

/** A contestant by its way to execute a command. */
type Make = (name: string, execute: Execute, load: Load) => Contestant

const throughput: Make = (name, execute, load) => ({
  name,
  run: (count) => promiseForm(execute, load, count),
  promises: () => promisesOf(execute, load.cdb),
})

/** All ways, each as `make` would have it. */
export async function opened(setting: CaseSetting, make: Make): Promise<OpenCase> {
  const target = await NativeTarget.start(setting)
  const nexus = await target.connect()
  const ring = nexus.unit(0)
  const native = await target.connectNet()
  const { folder, placement } = setting
  const net = await NetPeer.start(folder, placement, 'coalesced')
  const plain = await NetPeer.start(folder, placement, 'plain')
  const pool = await addon().workThread()
  const [[worker, sab, tsfn], peers] = await threadsOf(
    async () => [await WorkerUnit.start(), await SabUnit.start(), new TsfnUnit()] as const,
  )
  const [call, work] = [new CallUnit(), new WorkUnit()]
  const load = new ReadyLoad()
  const contestants: Contestant[] = [
    {
      ...make('ring', (command) => ring.execute(command), load),
      counts: () => countsOf(nexus),
    },
    make('net', (command) => net.unit.execute(command), load),
    make('net-plain', (command) => plain.unit.execute(command), load),
    make('net-native', (command) => native.execute(command), load),
    make('worker', (command) => worker.execute(command), load),
    make('sab', (command) => sab.execute(command), load),
    { ...make('call', (command) => call.execute(command), load), threads: 1 },
    make('tsfn', (command) => tsfn.execute(command), load),
    make('work', (command) => work.execute(command), load),
  ]
  for (const contestant of contestants) await contestant.run(PROOF)
  const close = async () => {
    tsfn.close()
    await worker.close()
    await sab.close()
    await net.close()
    await plain.close()
    await target.close()
  }
  return { contestants, there: [pool, ...peers], close }
}
