/** The cases of rings, and what is to be reached in them. */

import type { Goal } from '../judge.ts'
import { abort } from './abort.ts'
import type { Case, Suite } from './case.ts'
import { hung } from './hung.ts'
import { nativeTrip } from './native-trip.ts'
import { read128k } from './read-128k.ts'
import { read4k, ready } from './small-commands.ts'

const CASES: readonly Case[] = [nativeTrip, ready, read4k, read128k, abort, hung]

const GOALS: readonly Goal[] = [
  {
    case: 'native-trip',
    what: 'native round trip, both sides spinning, against a bare ping-pong',
    ours: 'ring',
    rival: 'ping-pong',
    sense: 'slower',
    limit: 1.6,
  },
  ...[
    { name: 'ready', command: 'TEST UNIT READY' },
    { name: 'read-4k', command: 'READ of 4 KiB' },
  ].flatMap(({ name, command }): Goal[] => [
    {
      case: name,
      what: `${command}, promise form, against net`,
      ours: 'promise',
      rival: 'net',
      sense: 'faster',
      limit: 3,
    },
    {
      case: name,
      what: `${command}, batch form, against net`,
      ours: 'batch',
      rival: 'net',
      sense: 'faster',
      limit: 10,
    },
  ]),
  {
    case: 'read-128k',
    what: "READ of 128 KiB, batch form, against one thread's memcpy",
    ours: 'batch',
    rival: 'memcpy',
    sense: 'faster',
    limit: 0.7,
  },
  {
    case: 'abort',
    what: 'an abort, against a TEST UNIT READY, one at a time',
    ours: 'abort',
    rival: 'ready',
    sense: 'slower',
    limit: 3,
  },
  {
    case: 'hung',
    what: "p99 beside 1000 hung commands of another unit's handler, against p99 without",
    ours: 'beside',
    rival: 'alone',
    sense: 'slower',
    limit: 1.1,
  },
]

const NOT_MEASURED = `Not measured here: the latency of single commands (all numbers are means over a sample's batch, closed loop), sleep
and wake, WRITE, file and device backings, several pairs, workers or nexuses at a time, other placements than the one
above, and what a busy machine does to any of it. The rival over net carries no data-out, no deadlines and no checks.
`

export const RINGS: Suite = {
  name: 'rings',
  cases: CASES,
  goals: GOALS,
  pins: true,
  full: { processes: 5, rounds: 15, sampleMs: 60, warmMs: 1000 },
  quick: { processes: 2, rounds: 9, sampleMs: 40, warmMs: 500 },
  notes: NOT_MEASURED,
}
