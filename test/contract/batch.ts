/** The batch form: slots and bytes of the caller's own. */

import assert from 'node:assert/strict'
import { type Completion, type Queue, read10, Status, write10 } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'

/** Reserves a slot for this CDB. */
function reserve(queue: Queue, cdb: Uint8Array): number {
  const slot = queue.reserve()
  assert.ok(slot >= 0)
  queue.cdb(slot).set(cdb)
  return slot
}

/** For a queue that has nothing to take. */
function none(): never {
  assert.fail('a completion came')
}

export function batchContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  const { blockLength } = contract
  const dataBytes = 4 * blockLength
  const readCdb = (lba: number) => read10({ lba, blocks: 4, blockLength }).cdb
  const writeCdb = (lba: number) =>
    write10({ lba, data: new Uint8Array(dataBytes), blockLength }).cdb

  test('a queue writes and reads in place: by drain(), and by completions()', async () => {
    await using opened = await openReady(contract, 'disk')
    await using queue = opened.unit.queue({ depth: 8, dataBytes })
    for (let index = 0; index < 8; index++) {
      const slot = reserve(queue, writeCdb(4 * index))
      queue.data(slot).set(pattern(dataBytes, index))
      queue.submit(slot, 10, dataBytes, 0)
    }
    assert.equal(queue.outstanding, 8)
    let drained = 0
    for (let some = await queue.drain(taken); some > 0; some = await queue.drain(taken))
      drained += some
    function taken(done: { status: number; residualOut: number; release(): void }) {
      assert.deepEqual([done.status, done.residualOut], [Status.GOOD, 0])
      done.release()
    }
    assert.deepEqual([drained, queue.outstanding], [8, 0])

    const lbas = new Map<number, number>()
    for (let index = 0; index < 8; index++) {
      const slot = reserve(queue, readCdb(4 * index))
      lbas.set(slot, index)
      queue.submit(slot, 10, 0, dataBytes)
    }
    queue.flush()
    let seen = 0
    for await (const done of queue.completions()) {
      assert.equal(done.status, Status.GOOD)
      assert.deepEqual(done.data, pattern(dataBytes, lbas.get(done.slot) ?? -1))
      done.release()
      seen++
    }
    assert.equal(seen, 8)
  })

  test('reserve() says -1 when all slots are in use, and cancel() gives one back', async () => {
    await using opened = await openReady(contract, 'disk')
    await using queue = opened.unit.queue({ depth: 3 })
    const slots = [queue.reserve(), queue.reserve(), queue.reserve()]
    assert.deepEqual([...slots].sort(), [0, 1, 2])
    assert.equal(queue.reserve(), -1)
    queue.cancel(1)
    assert.equal(queue.reserve(), 1)
    assert.equal(queue.reserve(), -1)
    assert.equal(queue.outstanding, 0)
    for (const slot of slots) queue.cancel(slot)
    assert.equal(await queue.drain(none), 0)
  })

  onScripted('a completion tells status, sense and residuals as execute() does', async () => {
    await using opened = await openReady(contract, 'scripted')
    await using queue = opened.unit.queue({ depth: 2, dataBytes: 4096 })
    const sense = pattern(252, 30)
    const slot = reserve(queue, scripted.withStatus(Status.CHECK_CONDITION).cdb)
    queue.data(slot).set(sense)
    queue.submit(slot, 6, 252, 0)
    const plain = reserve(queue, new Uint8Array(6))
    queue.submit(plain, 6, 0, 4096)
    for await (const done of queue.completions()) {
      if (done.slot === slot) {
        assert.deepEqual(
          [done.status, done.residual, done.residualOut],
          [Status.CHECK_CONDITION, 0, 252],
        )
        assert.deepEqual(done.sense, sense)
        done.release()
        assert.deepEqual(done.sense, sense)
      } else {
        assert.deepEqual(
          [done.status, done.residual, done.data.length, done.sense.length],
          [0, 4096, 0, 0],
        )
        done.release()
      }
    }
  })

  test('a slot in the wrong state, and lengths out of range, are refused before anything is sent', async () => {
    await using opened = await openReady(contract, 'disk')
    await using queue = opened.unit.queue({ depth: 2, dataBytes })
    const invalid = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
    for (const number of [-1, 2, 0.5, Number.NaN]) {
      assert.throws(() => queue.cdb(number), invalid)
      assert.throws(() => queue.data(number), invalid)
      assert.throws(() => queue.submit(number, 6, 0, 0), invalid)
      assert.throws(() => queue.cancel(number), invalid)
    }
    assert.throws(() => queue.submit(0, 6, 0, 0), invalid)
    const slot = reserve(queue, readCdb(0))
    for (const length of [0, 5, 33, 6.5, Number.NaN]) {
      assert.throws(() => queue.submit(slot, length, 0, 0), { code: 'ERR_SGRING_CDB_LENGTH' })
    }
    for (const [out, into] of [
      [dataBytes + 1, 0],
      [0, dataBytes + 1],
      [-1, 0],
      [1, 1],
      [Number.NaN, 0],
      [0.5, 0],
      [0, 1.5],
    ] as const) {
      assert.throws(() => queue.submit(slot, 10, out, into), invalid)
    }
    assert.equal(queue.outstanding, 0)
    queue.submit(slot, 10, 0, dataBytes)
    assert.throws(() => queue.data(slot), invalid)
    assert.throws(() => queue.submit(slot, 10, 0, dataBytes), invalid)
    assert.throws(() => queue.cancel(slot), invalid)
    await queue.drain((done) => {
      done.release()
      assert.throws(() => done.release(), invalid)
    })
    for (const options of [{ depth: 0 }, { depth: 1.5 }, { depth: 1, dataBytes: -1 }]) {
      assert.throws(() => opened.unit.queue(options), invalid)
    }
  })

  test('a queue that the nexus cannot hold is refused, and takes nothing', async () => {
    await using opened = await openReady(contract, 'disk', { slots: 8, arenaBytes: 64 << 10 })
    const busy = { code: 'ERR_SGRING_BUSY' }
    for (let round = 0; round < 20; round++) {
      assert.throws(() => opened.unit.queue({ depth: 9 }), busy)
      assert.throws(() => opened.unit.queue({ depth: 8, dataBytes: 16 << 10 }), busy)
    }
    for (const dataBytes of [65 << 10, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      assert.throws(() => opened.unit.queue({ depth: 1, dataBytes }), {
        code: contract.tooLong ?? 'ERR_SGRING_ARENA_TOO_SMALL',
      })
    }
    await using queue = opened.unit.queue({ depth: 8, dataBytes: 8 << 10 })
    assert.equal(queue.depth, 8)
  })

  test('execute() goes on beside a queue, with the slots that are left', async () => {
    await using opened = await openReady(contract, 'disk', { slots: 5 })
    await using queue = opened.unit.queue({ depth: 4, dataBytes })
    const data = pattern(dataBytes, 31)
    await opened.unit.write({ lba: 0, data })
    for (let index = 0; index < 4; index++)
      queue.submit(reserve(queue, readCdb(0)), 10, 0, dataBytes)
    const reads = Array.from({ length: 20 }, () => opened.unit.read({ lba: 0, blocks: 4 }))
    for await (const done of queue.completions()) {
      assert.deepEqual(done.data, data)
      done.release()
    }
    for (const read of await Promise.all(reads)) assert.deepEqual(read, data)
  })

  test('poison overwrites the data of a released slot; without it they stay until the next command', async () => {
    await using opened = await openReady(contract, 'disk')
    await opened.unit.write({ lba: 0, data: pattern(dataBytes, 32) })
    for (const poison of [true, false]) {
      await using queue = opened.unit.queue({ depth: 1, dataBytes, poison })
      queue.submit(reserve(queue, readCdb(0)), 10, 0, dataBytes)
      await queue.drain((done) => {
        const view = done.data
        done.release()
        assert.deepEqual(
          view,
          poison ? new Uint8Array(dataBytes).fill(0xdb) : pattern(dataBytes, 32),
        )
      })
    }
  })

  test('close() waits for what is under way, also beside a loop that takes it, and detaches the data', async () => {
    await using opened = await openReady(contract, 'disk', { slots: 4 })
    // What it is handed is its own still.
    const whole = ({ data }: Completion) => assert.equal(data.length, dataBytes)
    const loops: readonly ((queue: Queue) => Promise<unknown>)[] = [
      async () => {},
      (queue) => queue.drain(whole),
      async (queue) => {
        for await (const done of queue.completions()) whole(done)
      },
    ]
    for (const loop of loops) {
      const queue = opened.unit.queue({ depth: 4, dataBytes })
      const views = [0, 1, 2, 3].map(() => {
        const slot = reserve(queue, readCdb(0))
        const view = queue.data(slot)
        queue.submit(slot, 10, 0, dataBytes)
        return view
      })
      const looping = loop(queue)
      await queue.close()
      await queue.close()
      await looping
      assert.ok(views.every((view) => view.length === 0))
      assert.throws(() => queue.reserve(), { code: 'ERR_SGRING_CLOSED' })
      assert.equal(await queue.drain(none), 0)
      // Its slots are the nexus's again.
      await Promise.all(Array.from({ length: 8 }, () => opened.unit.testUnitReady()))
    }
  })

  onScripted(
    'a queue whose nexus is closed rejects its loop, and its data are detached',
    async () => {
      const opened = await openReady(contract, 'scripted')
      const queue = opened.unit.queue({ depth: 2, dataBytes: 4096 })
      const slot = reserve(queue, scripted.hold().cdb)
      const view = queue.data(slot)
      queue.submit(slot, 6, 0, 0)
      const drained = queue.drain(none)
      await Promise.all([
        assert.rejects(drained, { code: 'ERR_SGRING_NEXUS_LOST' }),
        opened.close(),
      ])
      assert.equal(view.length, 0)
      assert.throws(() => queue.reserve(), { code: 'ERR_SGRING_NEXUS_LOST' })
      await queue.close()
    },
  )

  test('a queue takes one loop at a time', async () => {
    await using opened = await openReady(contract, 'disk')
    await using queue = opened.unit.queue({ depth: 1, dataBytes })
    for (let refused = false; !refused; ) {
      queue.submit(reserve(queue, readCdb(0)), 10, 0, dataBytes)
      const first = queue.drain((done) => done.release())
      // Where the command is over already, nobody waits for it.
      refused = await queue.drain(none).then(
        () => false,
        ({ code }) => code === 'ERR_SGRING_INVALID_ARGUMENT',
      )
      assert.equal(await first, 1)
    }
  })
}
