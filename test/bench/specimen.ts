/** Results as a run leaves them, of fixed samples: sweeps, limits, latencies, and what goes wrong. */

/** Samples around a time, always the same. */
function around(ns: number, seed: number): number[] {
  return Array.from({ length: 9 }, (_, round) => ns * (1 + 0.06 * Math.sin(seed * 7 + round * 2.3)))
}

interface Setting {
  readonly name: string
  readonly ns: number
  readonly threads?: number
  readonly tail?: number
}

function score({ name, ns, threads = 2, tail }: Setting, seed: number) {
  const latency = {
    loop: tail === undefined || seed > 2 ? 'closed' : 'open',
    rate: 50_000,
    count: 100_000,
    percentiles: [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100].map((percentile) => {
      const nines = -Math.log10(Math.max(1e-5, 1 - percentile / 100))
      return [percentile, ns * (tail ?? 1) ** nines * (1 + 0.05 * seed)]
    }),
  }
  return {
    ...{ name, threads, operations: 1000, samples: around(ns, seed + name.length) },
    counts: { wakes: ns / 1e6, batches: 0.0156 },
    ...(tail !== undefined && { latency }),
  }
}

function caseOf(name: string, what: string, bytes: number, contestants: readonly Setting[]) {
  const processes = [1, 2].map((seed) => contestants.map((setting) => score(setting, seed)))
  return { name, what, bytes, processes, beside: [] }
}

const RIVALS = [
  ['sgring', 150],
  ['entries', 90],
  ['counters', 130],
  ['shared-tail', 240],
  ['rtrb', 75],
  ['rtrb-chunks', 62],
  ['crossbeam', 310],
  ['msg-ring', 900],
  ['iceoryx2', 650],
  ['eventfd', 1500],
  ['pipe', 1900],
  ['stream', 2300],
  ['seqpacket', 2600],
  ['ioctl', 480],
] as const

/** Payloads from nothing on; the message queue cannot carry the largest, and memcpy none at all. */
const PAYLOADS = [0, 512, 4096, 65_536, 1 << 20].map((payload) => {
  const contestants: Setting[] = RIVALS.map(([name, ns]) => ({ name, ns: ns + payload / 9 }))
  if (payload > 0) contestants.push({ name: 'memcpy', ns: payload / 11 })
  if (payload <= 4096) contestants.push({ name: 'mqueue', ns: 3100 + payload / 7 })
  return {
    payload,
    found: caseOf(`payload-${payload}`, `${payload} B, 32 at a time`, payload, contestants),
  }
})

const PLACEMENT = { here: 0, there: 1, pinned: true }

const met = {
  ...{ case: 'ready', ours: 'promise', rival: 'net', unit: 'times as fast', direction: 'at_least' },
  placement: PLACEMENT,
}

/** A name that is markup, if nobody looks. */
export const HOSTILE = `<script>alert("1")</script>&'\u0000`

export const specimen = {
  ...{ suite: 'rings', notes: 'Not measured here: anything.', pins: true, changes: [] },
  environment: {
    ...{
      cpu: 'Imagined CPU 9000',
      cpus: 2,
      virtual: true,
      lastCacheBytes: 32 << 20,
      sameCore: false,
    },
    ...{
      memoryBytes: 2 ** 34,
      kernel: '6.18',
      node: 'v22.13.0',
      v8: '12.4',
      rustc: 'rustc 1.88.0',
      glibc: '2.36',
    },
    ...{ placement: PLACEMENT, load: 0.04 },
  },
  options: { processes: 2, rounds: 9, sampleMs: 40, warmMs: 500, smoke: false },
  ratios: [
    {
      ...met,
      name: 'TEST UNIT READY, promise form',
      goal: 6,
      value: 6.4,
      low: 6.1,
      high: 6.6,
      verdict: 'met',
    },
    {
      ...met,
      name: 'READ of 4 KiB, promise form',
      goal: 4,
      value: 3.2,
      low: 3.1,
      high: 3.3,
      yardstick: { contestant: 'memcpy', value: 3.6 },
      verdict: 'missed',
    },
    {
      ...{ ...met, name: 'wake-ups', rival: null, unit: 'wakes a command', direction: 'at_most' },
      ...{ goal: 0.05, value: 0, low: 0, high: 0.06, verdict: 'unclear' },
    },
    {
      ...{
        ...met,
        name: 'four pairs',
        goal: 3.2,
        value: 1.1,
        low: 1,
        high: 1.2,
        verdict: 'unclear',
      },
      reason: 'oversubscribed',
    },
    {
      ...{
        ...met,
        name: 'worker messages',
        goal: 6,
        value: null,
        low: null,
        high: null,
        verdict: 'unclear',
      },
      reason: 'did not run',
    },
  ],
  cases: [
    caseOf('ready', 'TEST UNIT READY, 64 at a time', 0, [
      { name: 'promise', ns: 499 },
      { name: 'batch', ns: 214 },
      { name: 'net', ns: 2282 },
      { name: HOSTILE, ns: 9000, threads: 4 },
    ]),
    caseOf('device', 'a device that takes 20 µs, one at a time', 0, [
      { name: 'promise', ns: 21_500, tail: 1.7 },
      { name: 'batch', ns: 20_900, tail: 1.5 },
      { name: 'net', ns: 61_000, tail: 2.2 },
    ]),
    ...PAYLOADS.map(({ found }) => found),
    { ...caseOf('broken', 'does not run', 0, []), processes: [], failure: 'no such luck' },
  ],
  profiles: [
    {
      ...{ case: 'ready', contestant: 'idle', side: 'target' },
      ...{ samples: 0, idle: 0.9987, top: [] },
    },
    {
      ...{ case: 'ready', contestant: 'promise', side: 'initiator' },
      ...{ samples: 840, idle: 0.1215 },
      top: [
        { name: 'execute', place: 'ring/commands.js:57', share: 0.286 },
        { name: '(program)', place: '', share: 0.119 },
      ],
    },
    {
      ...{ case: 'ready', contestant: 'promise', side: 'target' },
      ...{ samples: 9000, idle: 0 },
      top: [{ name: '#startTransfers: native code', place: 'ring/port-pair.js:410', share: 0.648 }],
    },
    {
      ...{ case: 'payload-512', contestant: HOSTILE, side: 'initiator' },
      ...{ samples: 3, idle: 0.9 },
      top: [{ name: HOSTILE, place: HOSTILE, share: 1 }],
    },
  ],
  unprofiled: [{ case: 'device', contestant: 'promise', why: 'it is a specimen' }],
  sweeps: [
    {
      ...{ name: 'payload', title: 'Request and response, 32 at a time', factor: 'payload, bytes' },
      points: PAYLOADS.map(({ payload, found }) => ({ at: payload, case: found.name })),
    },
  ],
}
