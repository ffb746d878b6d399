import assert from 'node:assert/strict'
import { type Timed, Wheel } from '#dist/ring/wheel.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from '../scsi/random.ts'

const test = suite('deadlines in a wheel')

const { setInterval, clearInterval } = globalThis
/** The wheel's timer, while it runs: the tests turn it by hand, and the clock with it. */
let turn: (() => void) | undefined
let now = 0
test.before(() => {
  const timer = { unref: () => timer }
  const started = (callback: () => void) => {
    assert.equal(turn, undefined)
    turn = callback
    return timer
  }
  const stopped = () => {
    turn = undefined
  }
  Object.assign(globalThis, { setInterval: started, clearInterval: stopped })
  Object.assign(performance, { now: () => now })
})
test.after(() => {
  Object.assign(globalThis, { setInterval, clearInterval })
  Reflect.deleteProperty(performance, 'now')
})

/** How late a turn is at most. */
const LATE = 60

/** What the wheel promises, and the time to the turn that shows it. */
const latest = (ms: number) => (ms < 10_000 ? 200 : 500) + 100 + LATE

class Deadline implements Timed {
  deadline = 0
  earlier: Timed | undefined = undefined
  later: Timed | undefined = undefined
  readonly expired: () => void

  constructor(expired: () => void) {
    this.expired = expired
  }
}

test('none expires early, and each within what it promises; the timer runs only while there is one', () => {
  const next = generator(seed)
  const due = new Map<Deadline, [at: number, by: number]>()
  const noted = new Set<Deadline>()
  const wheel = new Wheel(() => noted)
  for (let step = 0; step < 50_000; step++) {
    const kind = next() % 4
    if (kind === 0) {
      // Up to 60 s: more than a round.
      const ms = 1 + (next() % 60_000)
      const one = new Deadline(() => {
        const [at, by] = due.get(one)!
        assert.ok(now >= at && now < by, `seed ${seed}: at ${now}, due at ${at}`)
        due.delete(one)
        noted.delete(one)
      })
      due.set(one, [now + ms, now + ms + latest(ms)])
      if (next() % 2 === 0) {
        wheel.start(one, ms)
      } else {
        noted.add(one)
        wheel.note(one, ms)
      }
    } else if (kind === 1) {
      const some = [...due.keys()][next() % Math.max(1, due.size)]
      if (some !== undefined) {
        wheel.stop(some)
        wheel.stop(some)
        due.delete(some)
        // What is stopped may be listed for a while.
        if (next() % 2 === 0) noted.delete(some)
      }
    } else if (turn !== undefined) {
      // Timers are late, and their lateness does not add up.
      now += 100 + (next() % LATE)
      turn()
    }
    for (const [, by] of due.values()) assert.ok(now < by)
    assert.ok(due.size === 0 || turn !== undefined)
  }
  for (; due.size > 0; now += 100) turn!()
  now += 100
  turn?.()
  assert.equal(turn, undefined)
})

test('while the event loop stands still no time is up', () => {
  const told: number[] = []
  const wheel = new Wheel(() => [])
  const one = new Deadline(() => told.push(now))
  const started = now
  wheel.start(one, 1000)
  now += 5000
  turn!()
  assert.equal(told.length, 0)
  // Nor is it for what is given a deadline while it stands.
  now += 5000
  wheel.start(new Deadline(() => told.push(-1)), 200)
  turn!()
  assert.equal(told.length, 0)
  for (; turn !== undefined; now += 100) turn()
  assert.ok(told.includes(-1) && told.some((at) => at > started + 10_000))
})

test('one that expires may stop others of its tick, and start again', () => {
  const wheel = new Wheel(() => [])
  const told: string[] = []
  const second = new Deadline(() => told.push('second'))
  const first: Deadline = new Deadline(() => {
    told.push('first')
    wheel.stop(second)
    if (told.length < 3) wheel.start(first, 50)
  })
  wheel.start(first, 50)
  wheel.start(second, 50)
  for (; turn !== undefined; now += 100) turn()
  assert.deepEqual(told, ['first', 'first', 'first'])
})

test('0 is no deadline, and a closed wheel has none', () => {
  const wheel = new Wheel(() => [])
  const never = new Deadline(() => assert.fail('it expired'))
  wheel.start(never, 0)
  assert.equal(turn, undefined)
  wheel.stop(never)
  wheel.start(never, 10)
  wheel.close()
  assert.equal(turn, undefined)
  wheel.start(new Deadline(() => assert.fail('it expired')), 10)
  assert.equal(turn, undefined)
})

test.run()
