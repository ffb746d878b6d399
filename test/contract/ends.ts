/** The end of a nexus, from the side that closes it; and wrong calls. */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type Command, TaskAttribute, TransportError } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { counted } from './execute.ts'

const TEST_UNIT_READY = { cdb: new Uint8Array(6) }

export function endsContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  onScripted(
    'close() is idempotent, rejects what is under way or waits, and refuses what comes later',
    async () => {
      const opened = await openReady(contract, 'scripted', { slots: 2 })
      const ends: (Error | undefined)[] = []
      opened.events.on('end', (reason) => ends.push(reason))
      const commands = Array.from({ length: 5 }, () => opened.unit.execute(scripted.hold()))
      const settled = Promise.allSettled(commands)
      await opened.close()
      await opened.close()
      await opened[Symbol.asyncDispose]()
      for (const result of await settled) {
        assert.ok(result.status === 'rejected' && result.reason instanceof TransportError)
        assert.equal(result.reason.code, 'ERR_SGRING_NEXUS_LOST')
      }
      const closed = { code: 'ERR_SGRING_CLOSED' }
      await assert.rejects(opened.unit.execute(TEST_UNIT_READY), closed)
      await assert.rejects(opened.unit.testUnitReady(), closed)
      await assert.rejects(opened.unit.read({ lba: 0, blocks: 1 }), closed)
      assert.throws(() => opened.unit.queue({ depth: 1 }), closed)
      assert.deepEqual(ends, [undefined])
    },
  )

  const skip = contract.oneNexus === true ? 'the disk takes one nexus at a time' : undefined
  test(
    'a closed nexus harms no other',
    async () => {
      await using other = await openReady(contract, 'disk')
      for (let round = 0; round < 10 * (contract.share ?? 1); round++) {
        const opened = await openReady(contract, 'disk')
        const reads = Array.from({ length: 50 }, () => opened.unit.read({ lba: 0, blocks: 64 }))
        const settled = Promise.allSettled(reads)
        await opened.close()
        await settled
        await other.unit.read({ lba: 0, blocks: 64 })
      }
    },
    { skip },
  )

  onScripted('wrong calls are refused before anything is sent', async () => {
    await using opened = await openReady(contract, 'scripted')
    const before = await counted(opened)
    const good = scripted.withStatus(0)
    for (const length of [0, 1, 5, 261]) {
      await assert.rejects(opened.unit.execute({ cdb: new Uint8Array(length).fill(0xc0) }), {
        code: 'ERR_SGRING_CDB_LENGTH',
      })
    }
    const wrong: readonly unknown[] = [
      undefined,
      null,
      'TEST UNIT READY',
      { cdb: [0, 0, 0, 0, 0, 0] },
      { cdb: undefined },
      { cdb: 'TEST UNIT READY' },
      { cdb: new DataView(new ArrayBuffer(6)) },
      { ...good, dataOut: 'bytes' },
      { ...good, dataOut: 12 },
      { ...good, dataIn: -1 },
      { ...good, dataIn: 1.5 },
      { ...good, dataIn: Number.NaN },
      { ...good, dataIn: 10n },
      { ...good, dataIn: '10' },
      { ...good, dataIn: null },
      { ...good, dataIn: new ArrayBuffer(8) },
      { ...good, tag: -1 },
      { ...good, tag: 1.5 },
      { ...good, tag: 2 ** 53 },
      { ...good, tag: -1n },
      { ...good, tag: 2n ** 63n },
      { ...good, tag: '1' },
      { ...good, attribute: 3 },
      { ...good, attribute: 'SIMPLE' },
      { ...good, priority: -1 },
      { ...good, priority: 16 },
      { ...good, priority: 1.5 },
      { ...good, priority: '1' },
      { ...good, priority: 1, attribute: TaskAttribute.ORDERED },
      { ...good, dataOut: Object.create(null) },
      { ...good, timeoutMs: -1 },
      { ...good, timeoutMs: Number.NaN },
      { ...good, timeoutMs: '5' },
      { ...good, onAbort: 'ignore' },
      { ...good, signal: {} },
      { ...good, signal: new EventTarget() },
      { ...good, lease: 1 },
    ]
    for (const command of wrong) {
      await assert.rejects(
        opened.unit.execute(command as Command),
        { code: 'ERR_SGRING_INVALID_ARGUMENT', name: 'SgringError' },
        inspect(command),
      )
    }
    assert.equal(await counted(opened), before)
  })
}
