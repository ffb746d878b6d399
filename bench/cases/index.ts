/** The cases of rings, and what is to be reached in them. */

import { abort } from './abort.ts'
import { batch } from './batch.ts'
import { calls } from './calls.ts'
import type { Case, Suite } from './case.ts'
import { device } from './device.ts'
import { execute } from './execute.ts'
import { fifo } from './fifo.ts'
import { GOALS } from './goals.ts'
import { depths, idle, luns } from './growth.ts'
import { hung } from './hung.ts'
import { read1m, read128k } from './large-reads.ts'
import { latency, latencyOpen } from './latency.ts'
import { ledger } from './ledger.ts'
import { nativeTrip } from './native-trip.ts'
import { RIVAL_GOALS, RIVAL_SWEEPS, RIVALS } from './rivals.ts'
import { read4k, ready } from './small-commands.ts'
import { SWEEPS } from './sweeps.ts'

const CASES: readonly Case[] = [
  nativeTrip,
  execute,
  batch,
  latency,
  latencyOpen,
  ready,
  read4k,
  read128k,
  read1m,
  device,
  depths,
  luns,
  idle,
  fifo,
  calls,
  abort,
  hung,
  ledger,
  ...RIVALS,
]

const NOT_MEASURED = `Numbers are means over a sample's batch in a closed loop, but for latency, latency-open and hung. Not measured here: larger WRITEs,
file and device backings, several workers or nexuses at work at a time, other placements than the one above, and what a busy
machine does to any of it. The rivals have no deadlines and no checks, and those of execute() carry no data-out.
`

export const RINGS: Suite = {
  name: 'rings',
  cases: CASES,
  goals: [...GOALS, ...RIVAL_GOALS],
  sweeps: [...SWEEPS, ...RIVAL_SWEEPS],
  pins: true,
  full: { processes: 5, rounds: 15, sampleMs: 60, warmMs: 1000, profile: true },
  quick: { processes: 2, rounds: 9, sampleMs: 40, warmMs: 500, profile: false },
  notes: NOT_MEASURED,
}
