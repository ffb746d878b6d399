/** The batch form when something ends under it: the queue, the nexus, or the caller's hold of the bytes. */

import assert from 'node:assert/strict'
import { type Completion, Status } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { INQUIRY_36 } from './execute.ts'
import { transferred } from './transfer.ts'

export function batchEndsContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  test('a queue that is closed while its completions are taken hands out no more of them', async () => {
    await using opened = await openReady(contract, 'disk', { slots: 8 })
    const queue = opened.unit.queue({ depth: 4 })
    for (let slot = queue.reserve(); slot >= 0; slot = queue.reserve()) queue.submit(slot, 6, 0, 0)
    const taken: Completion[] = []
    const closed: Promise<void>[] = []
    await queue.drain((done) => {
      taken.push(done)
      closed.push(queue.close())
    })
    await Promise.all(closed)
    assert.equal(await queue.drain((done) => taken.push(done)), 0)
    for (const done of taken) {
      assert.deepEqual([done.delivered, done.status], [true, Status.GOOD])
      done.release()
      done.release()
    }
    // Its slots are the nexus's again, each once.
    const again = opened.unit.queue({ depth: 8 })
    assert.equal(again.depth, 8)
    await again.close()
  })

  test('a loop that was just handed a completion has its bytes, also beside the end of the queue', async () => {
    await using opened = await openReady(contract, 'disk', { slots: 4 })
    const queue = opened.unit.queue({ depth: 2, dataBytes: 4096 })
    for (let slot = queue.reserve(); slot >= 0; slot = queue.reserve()) {
      queue.cdb(slot).set(INQUIRY_36)
      queue.submit(slot, INQUIRY_36.length, 0, 36)
    }
    while (queue.outstanding > 0) await new Promise((resolve) => setImmediate(resolve))
    const loop = queue.completions()
    await loop.next()
    const handed = loop.next()
    const closed = queue.close()
    const { value: done } = await handed
    assert.deepEqual([done?.status, done?.data.length], [Status.GOOD, 36])
    await closed
    assert.equal(done?.data.length, 0)
  })

  test('a nexus that is lost takes the completions that came with it, and a release is nothing', async () => {
    const opened = await openReady(contract, 'disk', { slots: 4 })
    const queue = opened.unit.queue({ depth: 4, dataBytes: 4096, poison: true })
    for (let slot = queue.reserve(); slot >= 0; slot = queue.reserve()) queue.submit(slot, 6, 0, 0)
    const loop = queue.completions()
    const first = (await loop.next()).value as Completion
    assert.equal(first.status, Status.GOOD)
    while (queue.outstanding > 0) await new Promise((resolve) => setImmediate(resolve))
    await opened.close()
    const lost = { code: 'ERR_SGRING_NEXUS_LOST' }
    await assert.rejects(loop.next(), lost)
    await assert.rejects(
      queue.drain(() => assert.fail('a completion came')),
      lost,
    )
    assert.equal(first.data.length, 0)
    first.release()
    await queue.close()
  })

  onScripted(
    "who has transferred a queue's bytes keeps them to the end, and no command gets them",
    async () => {
      await using opened = await openReady(contract, 'scripted', { arenaBytes: 64 << 10 })
      const queue = opened.unit.queue({ depth: 1, dataBytes: 4096, poison: true })
      const slot = queue.reserve()
      const sent = pattern(4096, 33)
      queue.data(slot).set(sent)
      const kept = transferred(queue.data(slot))
      queue.submit(slot, 6, 0, 4096)
      await queue.drain((done) => {
        assert.deepEqual([done.status, done.data.length], [Status.GOOD, 0])
        done.release()
      })
      await queue.close()
      const other = pattern(1024, 34)
      for (let round = 0; round < 100; round++) {
        assert.deepEqual((await opened.unit.execute(scripted.echo(other))).data, other)
      }
      assert.deepEqual(kept, sent)
    },
  )
}
