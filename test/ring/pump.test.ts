import assert from 'node:assert/strict'
import { Pump } from '#dist/ring/pump.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'

const test = suite('a pump')

test('looks again as long as it finds something, and sleeps only after a look that armed', async () => {
  const found = [3, 1, 0]
  const armed: boolean[] = []
  const pump = new Pump((arm) => {
    armed.push(arm)
    return found.shift() ?? 0
  }, 0)
  pump.wake()
  await until('it to sleep', () => !pump.awake)
  assert.deepEqual(armed, [true, true, true])
  pump.wake()
  assert.deepEqual([armed.length, pump.awake], [4, false])
})

test('watches an empty queue for a while without arming, and then arms', async () => {
  const armed: boolean[] = []
  const pump = new Pump((arm) => {
    armed.push(arm)
    return 0
  }, 100_000)
  pump.wake()
  await until('it to sleep', () => !pump.awake)
  assert.deepEqual([armed.at(0), armed.at(-1), armed.filter(Boolean).length], [false, true, 1])
})

test('looks again behind the microtasks that a look has caused', async () => {
  const order: string[] = []
  const pump: Pump = new Pump(() => {
    order.push('look')
    if (order.length > 1) return -1
    queueMicrotask(() => order.push('caused', String(pump.looksSoon)))
    return 1
  }, 100_000)
  pump.wake()
  await until('it to look again', () => order.length > 3)
  assert.deepEqual(order, ['look', 'caused', 'true', 'look'])
})

test('lets timers and other turns of the loop pass while it looks', async () => {
  let others = 0
  const pump = new Pump(() => (others < 10 ? 1 : 0), 100)
  pump.wake()
  while (others < 10) {
    await new Promise((resolve) => setTimeout(resolve, 0))
    others++
  }
  await until('it to sleep', () => !pump.awake)
})

test('that is woken while it is awake does not look twice', async () => {
  let depth = 0
  let found = 5
  const pump: Pump = new Pump(() => {
    assert.equal(++depth, 1)
    pump.wake()
    depth--
    return found > 0 ? found-- : 0
  }, 0)
  pump.wake()
  await until('it to sleep', () => !pump.awake)
  assert.equal(found, 0)
})

test('stops when it is told to, or when a look says so', async () => {
  let looks = 0
  const told = new Pump(() => ++looks, 0)
  told.wake()
  told.stop()
  told.wake()
  const ended = new Pump(() => -1, 0)
  ended.wake()
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(looks, 1)
})

test('goes on after a look that throws', async () => {
  const looks = ['throws', 'finds', 'nothing']
  const pump = new Pump(() => {
    const look = looks.shift()
    if (look === 'throws') throw new Error('once')
    return look === 'finds' ? 1 : 0
  }, 0)
  assert.throws(() => pump.wake(), /once/)
  await until('it to sleep', () => !pump.awake)
  assert.deepEqual(looks, [])
})

test('that throws when nobody called it does so as a callback, and goes on', async () => {
  const looks = ['finds', 'throws', 'nothing']
  const thrown = new Promise((resolve) => {
    process.once('uncaughtException', (error, origin) => resolve(`${origin}: ${error.message}`))
  })
  const pump = new Pump(() => {
    const look = looks.shift()
    if (look === 'throws') throw new Error('once')
    return look === 'finds' ? 1 : 0
  }, 100)
  pump.wake()
  assert.equal(await thrown, 'uncaughtException: once')
  await until('it to sleep', () => !pump.awake)
  assert.deepEqual(looks, [])
})

test.run()
