/**
 * How long single commands take: one at a time, each as soon as the one before has ended; and at a rate, whether or not those before have
 * ended. In the second a command's time begins when its turn is, not when it is sent: one that had to wait because another was slow has
 * waited.
 */

import type { Contestant } from '../contest.ts'
import { Latencies } from '../latencies.ts'
import type { Case, CaseSetting } from './case.ts'
import { opened } from './execute.ts'
import type { Execute, Load } from './forms.ts'

/** Commands a second: fewer than the slowest of the contestants can have one after the other. */
const RATE = 10_000

export const latency: Case = {
  name: 'latency',
  what: 'TEST UNIT READY by execute(), one at a time, to a peer on another CPU that answers at once: means',
  bytes: 0,
  env: { UV_THREADPOOL_SIZE: '1' },
  open: (setting: CaseSetting) => opened(setting, closedLoop),
}

export const latencyOpen: Case = {
  name: 'latency-open',
  what: `TEST UNIT READY by execute(), ${RATE} a second, to a peer on another CPU that answers at once: mean latencies`,
  bytes: 0,
  env: { UV_THREADPOOL_SIZE: '1' },
  open: (setting: CaseSetting) => opened(setting, openLoop),
}

function closedLoop(name: string, execute: Execute, load: Load): Contestant {
  const latencies = new Latencies()
  const run = async (count: number) => {
    const cdb = load.cdb.slice()
    const started = performance.now()
    let before = started
    for (let left = count; left > 0; left--) {
      const { status, residual, data } = await execute({ cdb })
      const now = performance.now()
      latencies.record(now - before)
      before = now
      load.check(status, residual, data, 0)
    }
    return performance.now() - started
  }
  return { name, run, warm: () => latencies.reset(), latency: () => latencies.latency }
}

function openLoop(name: string, execute: Execute, load: Load): Contestant {
  const latencies = new Latencies(RATE)
  const run = (count: number) =>
    new Promise<number>((resolve, reject) => {
      const cdb = load.cdb.slice()
      const started = performance.now()
      let sent = 0
      let ended = 0
      let sum = 0
      const send = async (due: number) => {
        const { status, residual, data } = await execute({ cdb })
        const ms = performance.now() - due
        latencies.record(ms)
        sum += ms
        load.check(status, residual, data, 0)
        if (++ended === count) resolve(sum)
      }
      const turn = () => {
        const due = Math.min(count, ((performance.now() - started) * RATE) / 1000)
        for (; sent < due; sent++) send(started + (sent * 1000) / RATE).catch(reject)
        if (sent < count) setImmediate(turn)
      }
      turn()
    })
  return { name, run, rate: RATE, warm: () => latencies.reset(), latency: () => latencies.latency }
}
