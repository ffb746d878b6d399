/** Task management functions, as their initiator sees them. */

import assert from 'node:assert/strict'
import {
  type Completion,
  parseSense,
  SenseKey,
  ServiceResponse,
  Status,
  TaskFunction,
} from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, type ContractUnit, openReady, where } from './contract.ts'
import { counted } from './execute.ts'

const TEST_UNIT_READY = { cdb: new Uint8Array(6) }
const ABORTED = { code: 'ERR_SGRING_ABORTED', name: 'TransportError' }
const COMPLETE = { response: ServiceResponse.FUNCTION_COMPLETE }
const SUCCEEDED = { response: ServiceResponse.FUNCTION_SUCCEEDED }
const REJECTED = { response: ServiceResponse.FUNCTION_REJECTED }

/** Commands that are held at the unit, with tags from 0; what becomes of them. */
async function holding({ unit }: ContractUnit, count: number) {
  const before = await counted({ unit })
  const ends: string[] = []
  const held = Array.from({ length: count }, (_, tag) =>
    unit.execute({ ...scripted.hold(), tag, timeoutMs: 0 }).then(
      ({ status }) => ends.push(`${tag} ${status}`),
      ({ code }) => ends.push(`${tag} ${code}`),
    ),
  )
  while ((await counted({ unit })) < before + count);
  return { ends, over: Promise.all(held) }
}

export function functionsContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  onScripted(
    'ABORT TASK ends the command of this tag, and tells it before it is answered (sam-5 7.2)',
    async () => {
      await using opened = await openReady(contract, 'scripted')
      const { ends, over } = await holding(opened, 3)
      const abort = { function: TaskFunction.ABORT_TASK, tag: 1 }
      assert.deepEqual(await opened.unit.taskManagement(abort), COMPLETE)
      assert.deepEqual(ends, ['1 ERR_SGRING_ABORTED'])
      // It is not there any more: nothing happens.
      assert.deepEqual(await opened.unit.taskManagement({ ...abort, tag: 1n }), COMPLETE)
      await opened.unit.execute(scripted.release())
      await over
      assert.deepEqual(ends.sort(), ['0 0', '1 ERR_SGRING_ABORTED', '2 0'])
    },
  )

  onScripted('a function reaches no command of another nexus by its tag (sam-5 4.8)', async () => {
    await using opened = await openReady(contract, 'scripted')
    await using other = await openReady(contract, 'scripted')
    const { ends, over } = await holding(opened, 1)
    const abort = { function: TaskFunction.ABORT_TASK, tag: 0 }
    assert.deepEqual(await other.unit.taskManagement(abort), COMPLETE)
    const query = { function: TaskFunction.QUERY_TASK, tag: 0 }
    assert.deepEqual(await other.unit.taskManagement(query), COMPLETE)
    assert.deepEqual(await opened.unit.taskManagement(query), SUCCEEDED)
    await other.unit.execute(scripted.release())
    await over
    assert.deepEqual(ends, ['0 0'])
  })

  onScripted('queries tell what is there (sam-5 7.8, 7.9)', async () => {
    await using opened = await openReady(contract, 'scripted')
    const query = { function: TaskFunction.QUERY_TASK_SET }
    assert.deepEqual(await opened.unit.taskManagement(query), COMPLETE)
    const { over } = await holding(opened, 1)
    assert.deepEqual(await opened.unit.taskManagement(query), SUCCEEDED)
    await opened.unit.execute(scripted.release())
    await over
    const one = { function: TaskFunction.QUERY_TASK, tag: 0 }
    assert.deepEqual(await opened.unit.taskManagement(one), COMPLETE)
  })

  onScripted(
    'QUERY ASYNCHRONOUS EVENT tells the unit attention that would be told next (sam-5 7.10)',
    async () => {
      await using opened = await contract.open('scripted')
      const query = { function: TaskFunction.QUERY_ASYNCHRONOUS_EVENT }
      const event = { senseKey: SenseKey.UNIT_ATTENTION, asc: 0x29, ascq: 0, more: false }
      for (let round = 0; round < 2; round++) {
        assert.deepEqual(await opened.unit.taskManagement(query), { ...SUCCEEDED, event })
      }
      await opened.unit.testUnitReady()
      assert.deepEqual(await opened.unit.taskManagement(query), COMPLETE)
    },
  )

  onScripted("ABORT TASK SET ends this nexus's commands only (sam-5 7.3)", async () => {
    await using opened = await openReady(contract, 'scripted')
    await using other = await openReady(contract, 'scripted')
    const mine = await holding(opened, 20)
    const theirs = await holding(other, 2)
    const abort = { function: TaskFunction.ABORT_TASK_SET }
    assert.deepEqual(await opened.unit.taskManagement(abort), COMPLETE)
    assert.equal(mine.ends.filter((end) => end.endsWith('ERR_SGRING_ABORTED')).length, 20)
    assert.deepEqual(theirs.ends, [])
    await opened.unit.execute(scripted.release())
    await theirs.over
    assert.deepEqual(theirs.ends.sort(), ['0 0', '1 0'])
    assert.equal((await opened.unit.execute(TEST_UNIT_READY)).status, Status.GOOD)
  })

  onScripted(
    'CLEAR TASK SET and LOGICAL UNIT RESET end all commands, and the others are told why (sam-5 7.5, 6.3.3)',
    async () => {
      const told = [
        [TaskFunction.CLEAR_TASK_SET, 0x2f],
        [TaskFunction.LOGICAL_UNIT_RESET, 0x29],
      ] as const
      for (const [code, asc] of told) {
        await using opened = await openReady(contract, 'scripted')
        await using other = await openReady(contract, 'scripted')
        const mine = await holding(opened, 2)
        const theirs = await holding(other, 2)
        assert.deepEqual(await opened.unit.taskManagement({ function: code }), COMPLETE)
        await Promise.all([mine.over, theirs.over])
        for (const { ends } of [mine, theirs]) {
          assert.deepEqual(ends.sort(), ['0 ERR_SGRING_ABORTED', '1 ERR_SGRING_ABORTED'])
        }
        const { sense } = await other.unit.execute(TEST_UNIT_READY)
        assert.equal(parseSense(sense).asc, asc)
      }
    },
  )

  onScripted('what the target does not support, it rejects', async () => {
    await using opened = await openReady(contract, 'scripted')
    for (const code of [TaskFunction.CLEAR_ACA, 99]) {
      const request = { function: code as TaskFunction }
      assert.deepEqual(await opened.unit.taskManagement(request), REJECTED)
    }
  })

  onScripted('functions beyond what can be under way wait their turn', async () => {
    await using opened = await openReady(contract, 'scripted', { slots: 1 })
    const query = { function: TaskFunction.QUERY_TASK_SET }
    const asked = Array.from({ length: 200 }, () => opened.unit.taskManagement(query))
    for (const result of await Promise.all(asked)) assert.deepEqual(result, COMPLETE)
  })

  onScripted('a function is sent when every slot hangs', async () => {
    await using opened = await openReady(contract, 'scripted', { slots: 1 })
    const command = opened.unit.execute({ ...scripted.hold(), tag: 5 })
    const waits = opened.unit.execute(TEST_UNIT_READY)
    const abort = { function: TaskFunction.ABORT_TASK, tag: 5 }
    const [answer] = await Promise.all([
      opened.unit.taskManagement(abort),
      assert.rejects(command, ABORTED),
    ])
    assert.deepEqual(answer, COMPLETE)
    assert.equal((await waits).status, Status.GOOD)
  })

  onScripted("a queue tells its commands' tags, and which of them were aborted", async () => {
    await using opened = await openReady(contract, 'scripted')
    await using queue = opened.unit.queue({ depth: 3, dataBytes: 512 })
    const slots = Array.from({ length: 3 }, () => queue.reserve())
    assert.throws(() => queue.tag(slots[0]!), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
    for (const slot of slots) {
      queue.cdb(slot).set(scripted.hold().cdb)
      queue.submit(slot, 6, 0, 512)
    }
    const tags = slots.map((slot) => queue.tag(slot))
    assert.equal(new Set(tags).size, 3)
    assert.ok(tags.every((tag) => tag >= 2n ** 63n))
    queue.flush()
    const seen: unknown[] = []
    const take = (done: Completion) => {
      assert.equal(queue.tag(done.slot), tags[slots.indexOf(done.slot)])
      seen.push([done.slot, done.aborted, done.delivered, done.status, done.data.length])
      done.release()
    }
    const abort = { function: TaskFunction.ABORT_TASK, tag: tags[1]! }
    assert.deepEqual(await opened.unit.taskManagement(abort), COMPLETE)
    await queue.drain(take)
    await opened.unit.execute(scripted.release())
    while ((await queue.drain(take)) > 0);
    assert.deepEqual(seen, [
      [slots[1], true, false, -1, 0],
      [slots[0], false, true, 0, 512],
      [slots[2], false, true, 0, 512],
    ])
  })

  onScripted('a wrong request is refused before anything is sent', async () => {
    await using opened = await openReady(contract, 'scripted')
    const wrong = [
      undefined,
      null,
      'ABORT TASK',
      {},
      { function: 0 },
      { function: 256 },
      { function: 1.5 },
      { function: TaskFunction.ABORT_TASK },
      { function: TaskFunction.QUERY_TASK },
      { function: TaskFunction.ABORT_TASK, tag: -1 },
      { function: TaskFunction.ABORT_TASK, tag: 2n ** 64n },
      { function: TaskFunction.ABORT_TASK, tag: '1' },
      { function: TaskFunction.QUERY_TASK_SET, timeoutMs: -1 },
      { function: TaskFunction.QUERY_TASK_SET, signal: {} },
      { function: TaskFunction.QUERY_TASK_SET, timeoutMs: Number.NaN },
    ]
    for (const request of wrong) {
      await assert.rejects(opened.unit.taskManagement(request as never), {
        code: 'ERR_SGRING_INVALID_ARGUMENT',
      })
    }
  })

  onScripted(
    'a function on a closed nexus rejects, as does one that is under way when it closes',
    async () => {
      const opened = await openReady(contract, 'scripted')
      const query = { function: TaskFunction.QUERY_TASK_SET }
      const lost = Array.from({ length: 20 }, () => opened.unit.taskManagement(query))
      const rejected = lost.map((call) => assert.rejects(call, { code: 'ERR_SGRING_NEXUS_LOST' }))
      await Promise.all([...rejected, opened.close()])
      await assert.rejects(opened.unit.taskManagement(query), { code: 'ERR_SGRING_CLOSED' })
    },
  )
}
