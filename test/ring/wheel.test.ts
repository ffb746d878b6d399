import assert from 'node:assert/strict'
import { type Timed, Wheel } from '#dist/ring/wheel.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from '../scsi/random.ts'

const test = suite('deadlines in a wheel')

const { setInterval, clearInterval } = globalThis
/** The wheel's timer, while it runs: the tests turn it by hand. */
let turn: (() => void) | undefined
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
})
test.after(() => {
  Object.assign(globalThis, { setInterval, clearInterval })
})

class Deadline implements Timed {
  deadline = 0
  earlier: Timed | undefined = undefined
  later: Timed | undefined = undefined
  readonly expired: () => void

  constructor(expired: () => void) {
    this.expired = expired
  }
}

test('none expires early, and each within two ticks; the timer runs only while there is one', () => {
  const next = generator(seed)
  const due = new Map<Deadline, number>()
  const noted = new Set<Deadline>()
  const wheel = new Wheel(() => noted)
  let now = 0
  for (let step = 0; step < 50_000; step++) {
    const kind = next() % 4
    if (kind === 0) {
      // Up to 60 s: more than a round.
      const ms = 1 + (next() % 60_000)
      const one = new Deadline(() => {
        const at = due.get(one)!
        assert.ok(now >= at && now < at + 200, `seed ${seed}: at ${now}, due at ${at}`)
        due.delete(one)
        noted.delete(one)
      })
      due.set(one, now + ms)
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
      now += 100
      turn()
    }
    for (const at of due.values()) assert.ok(now < at + 200)
    assert.ok(due.size === 0 || turn !== undefined)
  }
  for (; due.size > 0; now += 100) turn!()
  turn?.()
  assert.equal(turn, undefined)
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
  while (turn !== undefined) turn()
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
