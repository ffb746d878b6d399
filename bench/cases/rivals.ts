/**
 * Request and response without JavaScript: sgring's pair, and what one could use instead (`bench/rivals/native`). A case a setting, so that
 * all contestants of a setting take turns.
 */

import { fileURLToPath } from 'node:url'
import type { Goal } from '../judge.ts'
import { NativeContestants } from '../native.ts'
import type { Case, CaseSetting, OpenCase, Sweep } from './case.ts'

/** What differs from the base point: 512 B, 32 at a time, one client and its server, in two threads that spin. */
interface Change {
  readonly payload?: number
  readonly depth?: number
  readonly process?: 'yes'
  readonly sleep?: 'yes'
  readonly producers?: number
  readonly pairs?: number
  /** What a client does beside each response, in nanoseconds. */
  readonly 'client-ns'?: number
  /** And a server for each request. */
  readonly 'server-ns'?: number
}

const PROGRAM = fileURLToPath(new URL('../../rivals/sgring-rivals', import.meta.url))
const BASE_BYTES = 512

/** Native code is as fast in its first second as later. */
const NATIVE = { rounds: 15, sampleMs: 20, warmMs: 40 }
/** A point without a goal stands beside others, and there are many. */
const POINT = { rounds: 5, sampleMs: 10, warmMs: 10 }

function started({ placement: { here, there } }: CaseSetting, change: Change): NativeContestants {
  const settings = Object.entries({ cpus: `${here},${there}`, ...change })
  return new NativeContestants(
    PROGRAM,
    settings.map(([name, value]) => `${name}=${value}`),
  )
}

/** All who take part in a setting. */
function rivals(name: string, what: string, change: Change, atMost: Case['atMost'] = NATIVE): Case {
  const open = async (setting: CaseSetting): Promise<OpenCase> => {
    const native = started(setting, change)
    return { contestants: await native.everyone(), close: () => native.close() }
  }
  const bytes = change.payload ?? BASE_BYTES
  return {
    ...{ name, what: `native request and response: ${what}`, bytes },
    ...{ takesRivals: true, atMost, open },
  }
}

/** sgring's pair in several settings, each by its label. */
function settings(name: string, what: string, changes: Readonly<Record<string, Change>>): Case {
  const open = async (setting: CaseSetting): Promise<OpenCase> => {
    const parts = Object.entries(changes).map(async ([label, change]) => {
      const native = started(setting, change)
      const pair = (await native.everyone()).find((one) => one.name === 'sgring')!
      return { native, contestant: { ...pair, name: label } }
    })
    const opened = await Promise.all(parts)
    const close = async () => {
      await Promise.all(opened.map(({ native }) => native.close()))
    }
    return { contestants: opened.map(({ contestant }) => contestant), close }
  }
  return {
    ...{ name, what: `native request and response: ${what}`, bytes: 0 },
    ...{ takesRivals: true, atMost: NATIVE, open },
  }
}

const queues = rivals('native-queues', '64 at a time, no payload, two threads spin', {
  payload: 0,
  depth: 64,
})

const pairs = settings('native-pairs', 'clients with a server each, 64 at a time, all spin', {
  one: { payload: 0, depth: 64 },
  two: { payload: 0, depth: 64, pairs: 2 },
})

const ONE_AT_A_TIME: Change = { payload: 0, depth: 1, process: 'yes' }

const processes = rivals('native-processes', 'one at a time, two processes spin', ONE_AT_A_TIME)

const sleeping = rivals('native-sleeping', 'one at a time, two processes sleep', {
  ...ONE_AT_A_TIME,
  sleep: 'yes',
})

const SLEEP_DEPTHS = [1, 8, 64]
/** A ring to wake the other side, and a wait until one is rung; on both sides. */
const CALLS_A_BATCH = 4

const sleepingDepths = settings(
  'native-sleeping-depths',
  'two processes sleep',
  Object.fromEntries(
    SLEEP_DEPTHS.map((depth) => [
      `depth-${depth}`,
      { payload: 0, depth, process: 'yes', sleep: 'yes' },
    ]),
  ),
)

const question = rivals(
  'question',
  `the base point, ${BASE_BYTES} B, 32 at a time, two threads spin`,
  {},
  POINT,
)

/** One factor: its points, and the base point among them at `base`. */
function factor(
  { base, ...sweep }: Omit<Sweep, 'points'> & { readonly base: number },
  changes: Readonly<Record<number, Change>>,
): { readonly cases: readonly Case[]; readonly sweep: Sweep } {
  const cases = Object.entries(changes).map(([at, change]) => {
    const name = `${sweep.name}-${at}`
    return { at: Number(at), opened: rivals(name, `${at} ${sweep.factor}`, change, POINT) }
  })
  const points = [
    { at: base, case: question.name },
    ...cases.map(({ at, opened }) => ({ at, case: opened.name })),
  ].sort((one, other) => one.at - other.at)
  return { cases: cases.map(({ opened }) => opened), sweep: { ...sweep, points } }
}

const TITLE = 'Request and response in native code'

const FACTORS = [
  factor(
    {
      name: 'question-payload',
      title: `${TITLE}: 32 at a time, two threads spin`,
      factor: 'bytes of payload',
      base: BASE_BYTES,
    },
    {
      0: { payload: 0 },
      64: { payload: 64 },
      4096: { payload: 4096 },
      65536: { payload: 65_536 },
      1048576: { payload: 1 << 20 },
    },
  ),
  factor(
    {
      name: 'question-depth',
      title: `${TITLE}: ${BASE_BYTES} B, two threads spin`,
      factor: 'requests at a time',
      base: 32,
    },
    { 1: { depth: 1 }, 4: { depth: 4 }, 8: { depth: 8 }, 256: { depth: 256 } },
  ),
  factor(
    {
      name: 'question-producers',
      title: `${TITLE}: ${BASE_BYTES} B, 32 at a time a client, all threads spin`,
      factor: 'clients of one server',
      base: 1,
    },
    { 2: { producers: 2 }, 4: { producers: 4 } },
  ),
  factor(
    {
      name: 'question-pairs',
      title: `${TITLE}: ${BASE_BYTES} B, 32 at a time a client, all threads spin`,
      factor: 'clients with a server each',
      base: 1,
    },
    { 2: { pairs: 2 }, 4: { pairs: 4 } },
  ),
]

/** The question of the SG v4 discussion: which interface, for which payload, depth, number of clients, and pace. */
const QUESTION: readonly Case[] = [
  question,
  ...FACTORS.flatMap(({ cases }) => cases),
  rivals('question-processes', 'the base point, but in two processes', { process: 'yes' }, POINT),
  rivals('question-sleeping', 'the base point, but both sides sleep', { sleep: 'yes' }, POINT),
  rivals('question-slow-server', 'a server that works 1 us', { 'server-ns': 1000 }, POINT),
  rivals('question-slow-client', 'a client that works 1 us', { 'client-ns': 1000 }, POINT),
  rivals(
    'question-slow-both',
    'client and server work 1 us each',
    { 'client-ns': 1000, 'server-ns': 1000 },
    POINT,
  ),
]

export const RIVALS: readonly Case[] = [
  ...[queues, pairs, processes, sleeping, sleepingDepths],
  ...QUESTION,
]

export const RIVAL_SWEEPS: readonly Sweep[] = FACTORS.map(({ sweep }) => sweep)

export const RIVAL_GOALS: readonly Goal[] = [
  {
    case: queues.name,
    what: 'entries that publish themselves, against rtrb in chunks',
    ours: 'entries',
    rival: 'rtrb-chunks',
    sense: 'faster',
    limit: 0.95,
  },
  {
    case: queues.name,
    what: "entries that publish themselves, against crossbeam's ArrayQueue",
    ours: 'entries',
    rival: 'crossbeam',
    sense: 'faster',
    limit: 3,
  },
  {
    case: pairs.name,
    what: 'two native pairs, against one',
    ours: 'two',
    rival: 'one',
    sense: 'faster',
    limit: 1.6,
  },
  {
    case: processes.name,
    what: 'native round trip between processes, both spinning, against a bare ping-pong',
    ours: 'sgring',
    rival: 'ping-pong',
    sense: 'slower',
    limit: 1.4,
  },
  {
    case: processes.name,
    what: "native round trip between processes, both spinning, against iceoryx2's",
    ours: 'sgring',
    rival: 'iceoryx2',
    sense: 'slower',
    limit: 0.5,
  },
  {
    case: sleeping.name,
    what: 'native round trip between processes, both sleeping, against a bare socketpair',
    ours: 'sgring',
    rival: 'stream',
    sense: 'slower',
    limit: 1,
  },
  ...SLEEP_DEPTHS.map(
    (depth): Goal => ({
      case: sleepingDepths.name,
      what: `both sides sleeping, ${depth} at a time, system calls`,
      ours: `depth-${depth}`,
      count: 'system calls',
      sense: 'counted',
      limit: (1.05 * CALLS_A_BATCH) / depth,
    }),
  ),
]
