/** What is to be reached in the cases of rings. */

import type { Goal } from '../judge.ts'
import { DEPTHS, IDLE, UNITS } from './growth.ts'
import { COMMANDS, nameOf } from './ledger.ts'

/** How many times as fast as each rival of `execute()`. */
const EXECUTE: readonly Goal[] = [
  ...[
    { rival: 'net', limit: 6, what: 'coalesced net to another Node process' },
    { rival: 'worker', limit: 6, what: 'worker messages' },
    { rival: 'tsfn', limit: 2.5, what: "a thread-safe function's call for each completion" },
    { rival: 'work', limit: 15, what: 'napi_async_work' },
  ].map(
    ({ rival, limit, what }): Goal => ({
      case: 'execute',
      what: `execute() to a native target, against ${what}`,
      ours: 'ring',
      rival,
      sense: 'faster',
      limit,
      // It has one promise a command, too.
      yardstick: 'call',
    }),
  ),
  {
    case: 'execute',
    what: 'execute() to a native target, wake-ups',
    ours: 'ring',
    count: 'wakes',
    sense: 'counted',
    limit: 0.05,
  },
  {
    case: 'execute',
    what: 'execute() to a native target, promises',
    ours: 'ring',
    count: 'promises',
    sense: 'counted',
    // One a command, and a few a batch.
    limit: 1.05,
  },
]

const BATCH: readonly Goal[] = [
  { rival: 'net', limit: 20, what: 'coalesced net to another Node process' },
  {
    rival: 'calls',
    limit: 2,
    what: 'the same ring with a call for each submission and completion',
  },
].map(
  ({ rival, limit, what }): Goal => ({
    case: 'batch',
    what: `batch form to a native target, against ${what}`,
    ours: 'batch',
    rival,
    sense: 'faster',
    limit,
  }),
)

/** From each to the next: a command costs no more than with fewer under way. */
const GROWTH: readonly Goal[] = [
  ...DEPTHS.slice(1).map(
    (depth, index): Goal => ({
      case: 'depth',
      what: `a command at depth ${depth}, against depth ${DEPTHS[index]}`,
      ours: `depth-${depth}`,
      rival: `depth-${DEPTHS[index]}`,
      sense: 'slower',
      limit: 1,
    }),
  ),
  ...UNITS.slice(1).map(
    (count): Goal => ({
      case: 'luns',
      what: `a command to one of ${count} units, against one unit`,
      ours: `luns-${count}`,
      rival: 'luns-1',
      sense: 'slower',
      limit: 1.2,
    }),
  ),
  ...IDLE.slice(1).map(
    (count): Goal => ({
      case: 'idle',
      what: `a command beside ${count} idle nexuses, against beside one`,
      ours: `idle-${count}`,
      rival: `idle-${IDLE[0]}`,
      sense: 'slower',
      limit: 1.2,
    }),
  ),
]

/** Between the same two programs, the shipped target's among them. */
const HEADLINE: readonly Goal[] = [
  ...[
    { name: 'ready', command: 'TEST UNIT READY' },
    { name: 'read-4k', command: 'READ of 4 KiB', yardstick: 'memcpy' },
  ].map(
    ({ name, command, ...yardstick }): Goal => ({
      case: name,
      what: `headline: ${command} to the shipped target by execute(), against net`,
      ours: 'promise',
      rival: 'net',
      sense: 'faster',
      limit: 4,
      ...yardstick,
    }),
  ),
  {
    case: 'ready',
    what: 'TEST UNIT READY to another process by execute(), against messages to a child process',
    ours: 'promise',
    rival: 'ipc',
    sense: 'faster',
    limit: 6,
  },
]

/** What is kept for the next target costs next to nothing. */
const LEDGER = COMMANDS.flatMap((command): Goal[] => {
  const called = command === 'ready' ? 'TEST UNIT READY' : 'WRITE of 512 bytes'
  const at = (depth: number) => ({
    case: 'ledger',
    what: `${called} to a target with a state folder, ${depth} at a time, against one without`,
    ours: nameOf(command, depth, true),
    rival: nameOf(command, depth, false),
  })
  return [
    { ...at(64), sense: 'slower', limit: 1.05 },
    { ...at(1), sense: 'above', limit: 25 },
  ]
})

export const GOALS: readonly Goal[] = [
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
    { name: 'read-4k', command: 'READ of 4 KiB', yardstick: 'memcpy' },
  ].flatMap(({ name, command, ...yardstick }): Goal[] => [
    {
      case: name,
      what: `${command}, promise form, against net`,
      ours: 'promise',
      rival: 'net',
      sense: 'faster',
      limit: 3,
      ...yardstick,
    },
    {
      case: name,
      what: `${command}, batch form, against net`,
      ours: 'batch',
      rival: 'net',
      sense: 'faster',
      limit: 10,
      ...yardstick,
    },
  ]),
  ...EXECUTE,
  ...BATCH,
  ...HEADLINE,
  ...GROWTH,
  {
    case: 'device',
    what: 'what execute() adds to a device of 20 us, one command at a time',
    ours: 'ring',
    rival: 'device',
    sense: 'above',
    limit: 3000,
  },
  {
    case: 'read-1m',
    what: "READ of 1 MiB, batch form, against one thread's memcpy",
    ours: 'batch',
    rival: 'memcpy',
    sense: 'faster',
    limit: 0.85,
  },
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
  ...LEDGER,
]
