/** From what was measured to what is said of it. */

import assert from 'node:assert/strict'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'

const test = suite('results')

interface Ratio {
  name: string
  unit: string
  goal: number
  direction: string
  value: number | null
  low: number | null
  high: number | null
  yardstick?: { contestant: string; value: number }
  verdict: string
  reason?: string
  placement: unknown
}

interface Module {
  judged(cases: object[], suite: { goals: object[] }, environment: object): Ratio[]
}

const PLACEMENT = { here: 0, there: 1, pinned: true }
const goal = {
  case: 'ready',
  what: 'goal',
  ours: 'ours',
  rival: 'rival',
  sense: 'faster',
  limit: 3,
}

/** Our time is 2 in all rounds, the rival's 8. */
function ready(threads = 2): object {
  const score = (name: string, ns: number) => ({
    ...{ name, threads, samples: [ns, ns, ns] },
    counts: { wakes: 0.01 },
  })
  const scores = [score('ours', 2), score('rival', 8)]
  return { name: 'ready', processes: [scores, scores] }
}

async function judge(one: object, cases: object[]): Promise<Ratio> {
  const { judged } = await compiled<Module>('results.js')
  const [ratio] = judged(cases, { goals: [one] }, { cpus: 2, placement: PLACEMENT })
  assert.ok(ratio)
  return ratio
}

test('a goal has its number, its unit, its interval and where that was', async () => {
  assert.deepEqual(await judge(goal, [ready()]), {
    ...{ name: 'goal', case: 'ready', ours: 'ours', rival: 'rival' },
    ...{ unit: 'times as fast', goal: 3, direction: 'at_least' },
    ...{ value: 4, low: 4, high: 4, verdict: 'met', placement: PLACEMENT },
  })
})

test('a goal is for how many times as fast, how many times the time, nanoseconds more, or a count', async () => {
  const number = async (change: object) => {
    const { value, direction, verdict } = await judge({ ...goal, ...change }, [ready()])
    return [value, direction, verdict]
  }
  assert.deepEqual(await number({ sense: 'slower', limit: 0.2 }), [0.25, 'at_most', 'missed'])
  assert.deepEqual(await number({ sense: 'above', limit: 0 }), [-6, 'at_most', 'met'])
  const counted = { sense: 'counted', count: 'wakes', limit: 0.05 }
  assert.deepEqual(await number(counted), [0.01, 'at_most', 'met'])
})

test('a goal whose case, contestant or count is not there is unclear, and says so', async () => {
  const reason = async (one: object, cases: object[]) => {
    const { value, verdict, reason } = await judge(one, cases)
    assert.deepEqual([value, verdict], [null, 'unclear'])
    return reason
  }
  assert.equal(await reason(goal, []), 'did not run')
  assert.equal(await reason({ ...goal, rival: 'nobody' }, [ready()]), 'nobody did not run')
  assert.equal(await reason({ ...goal, ours: 'nobody' }, [ready()]), 'nobody did not run')
  const counted = { ...goal, sense: 'counted', count: 'sighs' }
  assert.equal(await reason(counted, [ready()]), 'ours does not count sighs')
  const failed = { name: 'ready', processes: [], failure: 'no luck' }
  assert.equal(await reason(goal, [failed]), 'failed: no luck')
})

test('a yardstick is how many times as fast as the rival it is in the same rounds, and changes no verdict', async () => {
  const score = (name: string, samples: number[]) => ({ name, samples, threads: 2, counts: {} })
  const scores = [
    score('ours', [2, 2, 2]),
    score('rival', [8, 10, 90]),
    // Of the medians the ratio would be 5; those of the rounds are 8, 5 and 9.
    score('part', [1, 2, 10]),
  ]
  const found = { name: 'ready', processes: [scores] }
  const measured = await judge({ ...goal, limit: 20, yardstick: 'part' }, [found])
  assert.deepEqual(measured.yardstick, { contestant: 'part', value: 8 })
  const { yardstick, ...rest } = measured
  assert.deepEqual(rest, await judge({ ...goal, limit: 20 }, [found]))
  for (const cases of [[], [{ ...found, processes: [scores.slice(0, 2)] }]])
    assert.equal((await judge({ ...goal, yardstick: 'part' }, cases)).yardstick, undefined)
})

test('a goal of more threads than CPUs has its number and no verdict', async () => {
  const { value, verdict, reason } = await judge(goal, [ready(3)])
  assert.deepEqual([value, verdict, reason], [4, 'unclear', 'oversubscribed'])
})

interface Progress {
  begin(what: string): void
  skip(done: number): void
  tell(text: string): void
  end(): void
}

type Progresses = {
  Progress: new (
    steps: number,
    stream: { isTTY?: boolean; write(text: string): void },
    now: () => number,
  ) => Progress
}

test('progress is one line on a terminal, with the time that is left by what the steps before took', async () => {
  const { Progress } = await compiled<Progresses>('progress.js')
  let [written, now] = ['', 0]
  const write = (text: string) => {
    written += text
  }
  const progress = new Progress(4, { isTTY: true, write }, () => now)
  progress.begin('one')
  now = 30_000
  progress.begin('two')
  now = 50_000
  progress.begin('three')
  progress.tell('what stays')
  progress.end()
  assert.deepEqual(written.split('\r\u001b[K'), [
    '',
    'bench: one (1 of 4)',
    'bench: two (2 of 4), 1 min 30 s left',
    'bench: three (3 of 4), 50 s left',
    'bench: what stays\n',
    '',
  ])
})

test('progress is a line for each step elsewhere', async () => {
  const { Progress } = await compiled<Progresses>('progress.js')
  const written: string[] = []
  const progress = new Progress(9, { write: (text) => void written.push(text) }, () => 0)
  progress.begin('one')
  progress.skip(8)
  progress.begin('nine')
  progress.end()
  assert.deepEqual(written, ['bench: one (1 of 9)\n', 'bench: nine (9 of 9)\n'])
})

interface CrossCheck {
  crossCheck(
    operation: () => void,
    options: { rounds: number; sampleMs: number },
  ): { mean: number; low: number; high: number; samples: number }
}

test('benchmark takes the time of what needs no promise, and throws what that throws', async () => {
  const { crossCheck } = await compiled<CrossCheck>('cross-check.js')
  let calls = 0
  const size = { rounds: 3, sampleMs: 1 }
  const { mean, low, high, samples } = crossCheck(() => void calls++, size)
  assert.ok(calls > samples && samples >= 3)
  assert.ok(low <= mean && mean <= high && mean > 0)
  const fail = () => {
    throw new RangeError('no')
  }
  assert.throws(() => crossCheck(fail, size), RangeError)
})

test('a second opinion agrees where the intervals overlap', async () => {
  const { secondOpinions } = await compiled<{
    secondOpinions(cases: object[]): { contestant: string; agree: boolean }[]
  }>('report/goals.js')
  const score = (name: string, mean: number) => ({
    ...{ name, samples: [9, 10, 11] },
    crossCheck: { mean, low: mean - 1, high: mean + 1, samples: 3 },
  })
  const processes = [[score('near', 11.5), score('far', 13), { name: 'none', samples: [1] }]]
  const opinions = secondOpinions([{ name: 'case', processes }])
  assert.deepEqual(
    opinions.map(({ contestant, agree }) => [contestant, agree]),
    [
      ['near', true],
      ['far', false],
    ],
  )
})

test.run()
