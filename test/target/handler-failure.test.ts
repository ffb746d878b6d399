import assert from 'node:assert/strict'
import { type Answer, good, type Handler, type HandlerTask, Status } from '#dist/index.js'
import type { Unit } from '#dist/target/unit.js'
import type { Task } from '#dist/task/task.js'
import { suite } from '../harness/index.ts'
import { cdb, powerOn, readyUnit, told } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite('a handler that fails')

const VENDOR = 0xc0
const FAILURE = '2 4/44/00'

/** Vendor specific commands go to `handler`. */
function vendor(handler: Handler): Handler {
  return (task, next) => (task.cdb[0] === VENDOR ? handler(task, next) : next())
}

/** An answer that no compiler would let through. */
const wrong = (answer: unknown): Handler => vendor(() => answer as Answer)

for (const [how, handler, message] of [
  [
    'throws',
    vendor(() => {
      throw new Error('at once')
    }),
    /^at once$/,
  ],
  ['rejects', vendor(() => Promise.reject(new Error('later'))), /^later$/],
  [
    'throws behind an await',
    vendor(async () => {
      await null
      throw new Error('behind')
    }),
    /^behind$/,
  ],
  ['answers nothing', wrong(undefined), /an answer is an object, not undefined/],
  ['answers null', wrong(null), /an answer is an object, not null/],
  ['answers a number', wrong(0), /an answer is an object, not 0/],
  ['answers bytes', wrong(new Uint8Array(4)), /status is one of SAM-5, not undefined/],
  ['answers a promise of nothing', wrong(Promise.resolve()), /an answer is an object/],
  ['answers a status that does not exist', wrong({ status: 0x7e }), /SAM-5, not 126/],
  ['answers an obsolete status', wrong({ status: 0x22 }), /SAM-5, not 34/],
  ['answers a status of text', wrong({ status: '0' }), /SAM-5, not 0/],
  ['answers data that are no bytes', wrong({ status: 0, data: 'text' }), /data is a Uint8Array/],
  ['answers an array', wrong({ status: 0, data: [1, 2] }), /data is a Uint8Array/],
  ['answers sense that is no bytes', wrong({ status: 2, sense: {} }), /sense is a Uint8Array/],
  [
    'answers data that only look like bytes',
    wrong({ status: 0, data: Object.create(Uint8Array.prototype) }),
    /data is a Uint8Array, not an object/,
  ],
  [
    'answers bytes that it gave away',
    vendor(() => {
      const data = new Uint8Array(8)
      structuredClone(data, { transfer: [data.buffer] })
      return good(data)
    }),
    /data has its bytes/,
  ],
  [
    'answers more bytes than a residual can say',
    vendor(() => good(new Uint8Array(2 ** 31))),
    /data has at most 2147483647 bytes, not 2147483648/,
  ],
  ['takes less than nothing', wrong({ status: 0, taken: -1 }), /taken is a number of bytes/],
  ['takes a part of a byte', wrong({ status: 0, taken: 0.5 }), /taken is a number of bytes/],
  ['takes more than a residual can say', wrong({ status: 0, taken: 2 ** 31 }), /taken is a number/],
  ['has moved what nobody moved', wrong({ status: 0, moved: 1 }), /moved is at most/],
  [
    'answers what throws when it is read',
    wrong({
      get status() {
        throw new Error('in a getter')
      },
    }),
    /^in a getter$/,
  ],
] as const) {
  test(`because it ${how} is answered HARDWARE ERROR, INTERNAL TARGET FAILURE, and told`, async () => {
    await using opened = await readyUnit({ handler })
    const commands = Array.from({ length: 20 }, (_, index) =>
      opened.unit.execute({ cdb: cdb(index % 2 === 0 ? VENDOR : 0), dataIn: 64 }),
    )
    for (const [index, response] of (await Promise.all(commands)).entries()) {
      assert.equal(told(response), index % 2 === 0 ? FAILURE : '0')
      assert.deepEqual([response.data.length, response.residual], [0, 64])
    }
    await until('ten failures', () => opened.failures.length === 10)
    for (const error of opened.failures) assert.match((error as Error).message, message)
    assert.deepEqual(opened.server.stats.handlers, { running: 0, late: 0, failed: 10 })
  })
}

test('by more bytes than asked for is cut, and its residual negative', async () => {
  const handler = vendor(() => good(new Uint8Array(1000).fill(3)))
  await using opened = await readyUnit({ handler })
  const { status, data, residual } = await opened.unit.execute({ cdb: cdb(VENDOR), dataIn: 10 })
  assert.deepEqual([status, data, residual], [0, new Uint8Array(10).fill(3), -990])
  assert.equal((await opened.unit.execute({ cdb: cdb(VENDOR) })).residual, -1000)
  assert.deepEqual(opened.failures, [])
})

test('by lying about how many bytes there are is answered with those that there are', async () => {
  for (const lie of [
    { value: 1 << 20 },
    { value: -5 },
    {
      get() {
        throw new Error('of all things')
      },
    },
  ]) {
    const handler = vendor(() => {
      const bytes = () => Object.defineProperty(Uint8Array.of(7, 8), 'length', lie)
      return { status: Status.GOOD, data: bytes(), sense: bytes() }
    })
    await using opened = await readyUnit({ handler })
    const { status, data, sense } = await opened.unit.execute({ cdb: cdb(VENDOR), dataIn: 64 })
    assert.deepEqual([status, [...data], [...sense]], [0, [7, 8], [7, 8]])
    assert.deepEqual(opened.server.stats.handlers, { running: 0, late: 0, failed: 0 })
  }
})

test('by calling next() twice gets the answer once', async () => {
  const seconds: unknown[] = []
  const handler = vendor(async (_task, next) => {
    const first = next()
    seconds.push(await next().catch((error) => error.code))
    return first
  })
  await using opened = await readyUnit({ handler })
  assert.equal(told(await opened.unit.execute({ cdb: cdb(VENDOR) })), '2 5/20/00')
  assert.deepEqual(seconds, ['ERR_SGRING_CLOSED'])
})

test('by calling next() after its answer does nothing, and ends no process', async () => {
  let later: (() => Promise<Answer>) | undefined
  const handler = vendor((_task, next) => {
    later = next
    return good()
  })
  await using opened = await readyUnit({ handler })
  assert.equal((await opened.unit.execute({ cdb: cdb(VENDOR) })).status, Status.GOOD)
  const rejected = later?.()
  later?.()
  await assert.rejects(rejected ?? Promise.resolve(), { code: 'ERR_SGRING_CLOSED' })
  assert.equal((await opened.unit.execute({ cdb: cdb(VENDOR) })).status, Status.GOOD)
})

test('by telling a progress that is none is answered INTERNAL TARGET FAILURE', async () => {
  const handler = vendor((task) => {
    const { cdb: bytes } = task
    if (bytes[1] === 2) task.progress(0.5, { notReady: 0x1_0000 })
    task.progress(bytes[1] === 0 ? -0.1 : Number.NaN)
    return good()
  })
  await using opened = await readyUnit({ handler })
  for (const byte of [0, 1, 2]) {
    assert.equal(told(await opened.unit.execute({ cdb: cdb(VENDOR, byte) })), FAILURE)
  }
})

/** A unit behind a handler that throws where it is told to. */
class ThrowingUnit implements Unit {
  execute(task: Task): void {
    if (task.cdb[0] !== VENDOR) {
      task.good()
      return
    }
    if (task.cdb[1] === 1) task.answer(good(Uint8Array.of(5)))
    throw new Error('the unit')
  }
}

test('because the unit behind throws may answer something else, or hand it on', async () => {
  const tasks: HandlerTask[] = []
  const handler: Handler = (task, next) => {
    tasks.push(task)
    return task.cdb[2] === 1 ? next().catch(() => good(Uint8Array.of(6))) : next()
  }
  await using opened = await readyUnit({ units: [{ unit: new ThrowingUnit(), handler }] })
  const unit = opened.nexus.unit(1)
  await powerOn(opened.nexus, 1)
  const send = async (answered: number, caught: number) => {
    const bytes = Uint8Array.of(VENDOR, answered, caught, 0, 0, 0)
    const response = await unit.execute({ cdb: bytes, dataIn: 1 })
    return `${told(response)} [${response.data}]`
  }
  assert.equal(await send(0, 0), `${FAILURE} []`)
  assert.equal(await send(0, 1), '0 [6]')
  assert.equal(await send(1, 0), '0 [5]')
  await until('two failures', () => opened.failures.length === 2)
  assert.equal(tasks.length, 3)
})

test.run()
