import assert from 'node:assert/strict'
import { CommandRate } from '#dist/ring/command-rate.js'
import { suite } from '../harness/index.ts'

const test = suite('the command rate of a nexus')

/** Commands that are fetched until `endMs` where there are always some, a batch at a time. */
function fetched(rate: CommandRate, batch: number, fromMs: number, endMs: number): number {
  let count = 0
  for (let now = fromMs; now <= endMs; ) {
    const delayMs = rate.delayMs(now)
    if (delayMs === 0) {
      rate.take(batch)
      count += batch
    } else now += delayMs
  }
  return count
}

test('a tenth of a second comes at once, and then what the rate says', () => {
  const rate = new CommandRate(1000, 0)
  assert.equal(fetched(rate, 1, 0, 0), 100)
  assert.equal(fetched(rate, 1, 0, 1000), 1000)
})

test('however large the batches, the rate is that of single commands but for one batch', () => {
  for (const batch of [1, 7, 64, 4096]) {
    const count = fetched(new CommandRate(500, 0), batch, 0, 60_000)
    assert.ok(count >= 60 * 500 && count <= 60 * 500 + 50 + batch, `${count} by ${batch}`)
  }
})

test('time without commands saves no more than one burst', () => {
  const rate = new CommandRate(1000, 0)
  assert.equal(rate.delayMs(3_600_000), 0)
  assert.equal(fetched(rate, 1, 3_600_000, 3_600_000), 100)
})

test('a rate of one lets one come, and the next a second later', () => {
  const rate = new CommandRate(1, 0)
  assert.equal(rate.delayMs(0), 0)
  rate.take(1)
  assert.equal(rate.delayMs(0), 1000)
  assert.equal(rate.delayMs(1000), 0)
})

test.run()
