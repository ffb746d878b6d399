/** Where the time goes of what falls short of a goal: of V8's profile what is kept, and of whom one is taken. */

import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'

const test = suite('profiles')

interface Spot {
  name: string
  place: string
  share: number
}

interface Spent {
  samples: number
  idle: number
  top: Spot[]
}

interface Module {
  spentOf(profile: object, root: string): Spent
  sidesOf(line: string): (Spent & { side: string })[]
  whyNot(error: unknown): string
  itself: { profile(): Promise<() => Promise<Spent>> }
}

interface Contest {
  profilesOf(contestant: object, options: object): Promise<object[]>
}

interface Native {
  NativeContestants: new (
    program: string,
    args: string[],
  ) => { contestant(name: string): object; close(): Promise<void> }
}

const ROOT = 'file:///home/somebody/checkout/'
const PAIR = `${ROOT}dist/ring/pair.js`

const node = (id: number, name: string, url: string, lineNumber: number, hitCount: number) => ({
  ...{ id, hitCount, children: [] as number[] },
  callFrame: { functionName: name, url, lineNumber },
})

async function spent(...nodes: object[]): Promise<Spent> {
  const { spentOf } = await compiled<Module>('profile.js')
  return spentOf({ nodes }, ROOT)
}

async function spots(...nodes: object[]): Promise<Spot[]> {
  return (await spent(...nodes)).top
}

test('idle time is told by itself, of all the time', async () => {
  const { samples, idle } = await spent(
    node(1, '(idle)', '', -1, 30),
    node(2, 'drain', PAIR, 290, 6),
    node(3, 'drain', PAIR, 300, 4),
  )
  assert.deepEqual([samples, idle], [10, 0.75])
  assert.deepEqual(await spent(), { samples: 0, idle: 0, top: [] })
})

test('shares are of the time that was not idle, of each function once, the largest first', async () => {
  const found = await spots(
    node(1, '(root)', '', -1, 0),
    node(2, '(idle)', '', -1, 900),
    node(3, 'drain', PAIR, 290, 10),
    node(4, '(garbage collector)', '', -1, 30),
    node(5, 'drain', PAIR, 290, 50),
    node(6, 'drain', PAIR, 300, 10),
  )
  assert.deepEqual(found, [
    { name: 'drain', place: 'ring/pair.js:291', share: 0.6 },
    { name: '(garbage collector)', place: '', share: 0.3 },
    { name: 'drain', place: 'ring/pair.js:301', share: 0.1 },
  ])
})

test('places tell nothing of the machine', async () => {
  const urls = [
    `${ROOT}build/bench/cases/forms.js`,
    `${ROOT}node_modules/tinybench/dist/index.js`,
    'node:internal/timers',
    'file:///home/somebody/elsewhere/secret.js',
    '/home/somebody/elsewhere/other.cjs',
  ]
  const found = await spots(...urls.map((url, index) => node(index + 1, '', url, 6, 9 - index)))
  assert.deepEqual(
    found.map(({ name, place }) => [name, place]),
    [
      ['(anonymous)', 'bench/cases/forms.js:7'],
      ['(anonymous)', 'node_modules/tinybench/dist/index.js:7'],
      ['(anonymous)', 'node:internal/timers:7'],
      ['(anonymous)', 'secret.js:7'],
      ['(anonymous)', 'other.cjs:7'],
    ],
  )
})

test('native code goes by who calls it, for V8 names all functions of add-ons after any of them', async () => {
  const found = await spots(
    { ...node(1, '(root)', '', -1, 0), children: [2, 5] },
    { ...node(2, '#reap', PAIR, 284, 1), children: [3] },
    { ...node(3, 'fileStore', '', -1, 4), children: [4] },
    node(4, 'mappedStore', '', -1, 3),
    node(5, 'close', '', -1, 2),
  )
  assert.deepEqual(found, [
    { name: '#reap: native code', place: 'ring/pair.js:285', share: 0.7 },
    { name: 'native code', place: '', share: 0.2 },
    { name: '#reap', place: 'ring/pair.js:285', share: 0.1 },
  ])
})

test('twelve functions at most, and none where nothing but idleness was', async () => {
  const many = Array.from({ length: 20 }, (_, id) => node(id, `f${id}`, PAIR, id, 20 - id))
  const found = await spots(...many)
  assert.deepEqual([found.length, found[0]?.name, found[11]?.name], [12, 'f0', 'f11'])
  assert.deepEqual(await spots(node(1, '(idle)', '', -1, 5)), [])
})

test('the profiler sees this very function', async () => {
  const { itself } = await compiled<Module>('profile.js')
  const end = await itself.profile()
  const until = performance.now() + 100
  const spinsHere = () => {
    while (performance.now() < until);
  }
  spinsHere()
  const { top } = await end()
  assert.ok(
    top.some(({ name, place }) => /^spinsHere/.test(name) && /^test\/bench\/profile/.test(place)),
  )
})

test('of a native side the time without a CPU is idle, and shares are of its samples', async () => {
  const { sidesOf } = await compiled<Module>('profile.js')
  const seen = (name: string, place: string, samples: number) => ({ name, place, samples })
  const [reap, recv] = [seen('reap', 'crates/task/src/initiator.rs:293', 30), seen('recv', '', 10)]
  const sides = [
    { side: 'initiator', cpuNs: 4000, wallNs: 16_000, functions: [recv, reap] },
    { side: 'target', cpuNs: 1, wallNs: 0, functions: [] },
  ]
  assert.deepEqual(sidesOf(JSON.stringify(sides)), [
    {
      ...{ side: 'initiator', samples: 40, idle: 0.75 },
      top: [
        { name: 'reap', place: reap!.place, share: 0.75 },
        { name: 'recv', place: '', share: 0.25 },
      ],
    },
    { side: 'target', samples: 0, idle: 0, top: [] },
  ])
})

const SIZE = { rounds: 1, sampleMs: 1, warmMs: 1 }

/** Takes samples of a microsecond an operation, and tells for how many it was looked into. */
const PROGRAM = `
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [profile, count] = /^(profile )?ring (\\d+)$/.exec(line).slice(1)
  const functions = [{ name: 'ring', place: 'ring.rs:7', samples: Number(count) }]
  const sides = [{ side: 'target', cpuNs: 1, wallNs: 1, functions }]
  console.log(profile === undefined ? Number(count) * 1000 : JSON.stringify(sides))
})`

test('a native contestant is looked into by its own program, for four seconds', async () => {
  const { profilesOf } = await compiled<Contest>('contest.js')
  const { NativeContestants } = await compiled<Native>('native.js')
  const native = new NativeContestants(process.execPath, ['-e', PROGRAM])
  try {
    assert.deepEqual(await profilesOf(native.contestant('ring'), SIZE), [
      {
        ...{ side: 'target', samples: 4_000_000, idle: 0 },
        top: [{ name: 'ring', place: 'ring.rs:7', share: 1 }],
      },
    ])
  } finally {
    await native.close()
  }
})

test('why there is none is a sentence without a path, and an error by itself is not', async () => {
  const { profilesOf } = await compiled<Contest>('contest.js')
  const { NativeContestants } = await compiled<Native>('native.js')
  const { whyNot } = await compiled<Module>('profile.js')
  const fio = { name: 'fio', run: () => Promise.resolve(1), elsewhere: true }
  const error = await profilesOf(fio, SIZE).catch((error: unknown) => error)
  assert.equal(whyNot(error), 'it is a program that does not tell where its time goes')
  const native = new NativeContestants(process.execPath, ['-e', ''])
  const early = await profilesOf(native.contestant('ring'), SIZE).catch((error: unknown) => error)
  assert.equal(whyNot(early), `taking it failed (${basename(process.execPath)} ended early)`)
  await native.close()
})

interface Results {
  shortfalls(ratios: object[]): object[]
}

test('of whom falls short by what was measured, and of each once', async () => {
  const { shortfalls } = await compiled<Results>('results.js')
  const ratio = (ours: string, verdict: string, reason?: string) => ({
    ...{ case: 'ready', ours, verdict },
    ...(reason !== undefined && { reason }),
  })
  assert.deepEqual(
    shortfalls([
      ratio('promise', 'missed'),
      ratio('promise', 'unclear'),
      ratio('batch', 'unclear'),
      ratio('ring', 'met'),
      ratio('two', 'unclear', 'oversubscribed'),
      ratio('depth-4', 'unclear', 'did not run'),
    ]),
    [
      { case: 'ready', contestant: 'promise' },
      { case: 'ready', contestant: 'batch' },
    ],
  )
})

interface Wanted {
  wantedOf(args: string[], suite: object): { options: { profile: boolean } }
}

test('is taken in a whole run, and in a shorter one where that is asked for', async () => {
  const { wantedOf } = await compiled<Wanted>('options.js')
  const { RINGS } = await compiled<{ RINGS: object }>('cases/index.js')
  const takes = (...args: string[]) => wantedOf(args, RINGS).options.profile
  assert.deepEqual(
    [[], ['--only=ready'], ['--quick'], ['--smoke'], ['--quick', '--profile']].map((args) =>
      takes(...args),
    ),
    [true, true, false, false, true],
  )
})

test.run()
