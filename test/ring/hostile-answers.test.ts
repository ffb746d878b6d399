/**
 * Targets that answer by the rules of the ring, and whatever they like: any status, flags, sense data, residuals and bytes. Each call of the
 * initiator ends, soon, in a value or a typed error, and nothing is written beside the caller's bytes.
 */

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { type LogicalUnit, SgringError, TaskFunction } from '#dist/index.js'
import { FLAG_SERVICE_RESPONSE } from '#dist/ring/layout.gen.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from '../scsi/random.ts'
import { type Answer, type Fetched, RawTarget } from './raw-target.ts'

const test = suite('a target that answers what it likes')

const OPTIONS = { slots: 8, arenaBytes: 256 << 10, spinUs: 0 }
const ROUNDS = 150
/** A helper sends a command again, or the parts of a range: never as many as this. */
const MOST_COMMANDS = 200
const GUARD = 64
const BLOCKS = 8
const LENGTH = 512 * BLOCKS

/** What a caller can ask of a unit. Bytes of its own stand between others that are nobody's. */
const calls: Record<string, (unit: LogicalUnit, own: Uint8Array) => Promise<unknown>> = {
  'TEST UNIT READY': (unit) => unit.testUnitReady(),
  INQUIRY: (unit) => unit.inquiry(),
  'READ CAPACITY': (unit) => unit.readCapacity(),
  'REPORT LUNS': (unit) => unit.reportLuns(),
  READ: (unit, into) => unit.read({ lba: 0, blocks: BLOCKS, into }),
  'READ into memory of its own': (unit) => unit.read({ lba: 7, blocks: 2000 }),
  WRITE: (unit, data) => unit.write({ lba: 0, data }),
  'SYNCHRONIZE CACHE': (unit) => unit.synchronizeCache(),
  'a command with data of its own': (unit, dataIn) =>
    unit.execute({ cdb: new Uint8Array(6), dataIn }).then(({ data }) => within(data, LENGTH)),
  'a command with a lease': async (unit) => {
    const cdb = new Uint8Array(6)
    const response = await unit.execute({ cdb, dataIn: LENGTH, lease: true })
    within(response.data, LENGTH)
    response.release()
  },
  'a function': (unit) => unit.taskManagement({ function: TaskFunction.QUERY_ASYNCHRONOUS_EVENT }),
  'a queue': async (unit) => {
    const queue = unit.queue({ depth: 2, dataBytes: LENGTH })
    try {
      for (const _ of [1, 2]) queue.submit(queue.reserve(), 6, 0, LENGTH)
      await queue.drain((done) => {
        within(done.data, LENGTH)
        done.release()
      })
    } finally {
      await queue.close()
    }
  },
}

function within(data: Uint8Array, length: number): void {
  assert.ok(data.length <= length, `${data.length} of ${length} bytes`)
}

/** Anything, and often enough what lets a caller go on. */
function anything(next: () => number, task: Fetched): Answer {
  const likely = next() % 4
  const byte = () => next() & 0xff
  const word = () => [0, next(), next() % (2 * LENGTH), -(next() % LENGTH)][next() % 4]!
  const data = randomBytes(next, next() % 3 === 0 ? 96 : LENGTH)
  // LOGICAL BLOCK LENGTH of READ CAPACITY(16): lengths that some disk has, now and then.
  if (task.cdb[0] === 0x9e && next() % 2 === 0) new DataView(data.buffer).setUint32(8, 512)
  const flags = byte()
  return {
    status: likely === 0 ? byte() : likely === 1 ? 2 : 0,
    flags: likely > 1 ? flags & ~FLAG_SERVICE_RESPONSE : flags,
    sense: randomBytes(next, next() % 253),
    inResidual: likely === 3 ? 0 : word(),
    outResidual: likely === 3 ? 0 : word(),
    data,
  }
}

for (const [name, call] of Object.entries(calls)) {
  test(`ends ${name} in a value or a typed error, and writes to nobody else's bytes`, async () => {
    const next = generator(seed)
    await using target = await RawTarget.open(OPTIONS)
    const { nexus } = target
    const bytes = new Uint8Array(GUARD + LENGTH + GUARD)
    const own = bytes.subarray(GUARD, GUARD + LENGTH)
    for (let round = 0; round < ROUNDS; round++) {
      let over = false
      let answered = 0
      // A unit of its own: what it has learnt of another answer is not kept.
      const ended = call(nexus.unit(round), own)
        .catch((error: unknown) => {
          assert.ok(error instanceof SgringError, `SGRING_SEED=${seed}, round ${round}: ${error}`)
        })
        .finally(() => {
          over = true
        })
      while (!over) {
        for (const task of target.some()) {
          answered++
          target.answer(task, anything(next, task))
        }
        await turn()
        assert.ok(answered <= MOST_COMMANDS, `${answered} commands, SGRING_SEED=${seed}`)
      }
      await ended
    }
    assert.ok([...bytes.subarray(0, GUARD), ...bytes.subarray(-GUARD)].every((byte) => byte === 0))
    const { outstanding, quarantined, waiting, arenaUsedBytes } = nexus.stats
    assert.deepEqual([outstanding, quarantined, waiting, arenaUsedBytes], [0, 0, 0, 0])
  })
}

test.run()
