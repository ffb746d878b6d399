/** Aborts that meet completions, other commands, and the end of their nexus. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { read10 } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'

const reason = new Error('enough')

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

export function abortRacesContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  onScripted('a command that is faster than its abort resolves', async () => {
    await using opened = await openReady(contract, 'scripted')
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController()
      const { signal } = controller
      const sent = pattern(100, round)
      const command = opened.unit.execute({ ...scripted.echo(sent), signal, tag: 1 })
      // It stands before its ABORT TASK in the same queue, and needs no time.
      controller.abort(reason)
      assert.deepEqual((await command).data, sent)
      assert.equal(listeners(signal), 0)
    }
  })

  onScripted(
    'an abort never meets a later command that was given the same tag by its caller',
    async () => {
      await using opened = await openReady(contract, 'scripted')
      for (let round = 0; round < 200; round++) {
        const controller = new AbortController()
        const { signal } = controller
        const command = round % 2 === 0 ? scripted.hold() : scripted.withStatus(0)
        const first = opened.unit.execute({ ...command, signal, tag: 4 })
        controller.abort(reason)
        await first.catch((error) => assert.equal(error, reason))
        const next = opened.unit.execute({ ...scripted.withStatus(0x7e), tag: 4 })
        assert.equal((await next).status, 0x7e)
      }
    },
  )

  test('transfers that are aborted while they run reach no bytes of later commands', async () => {
    const { blockLength, longRead = 1536 << 10, share = 1 } = contract
    // Room for two of them: what one gives back the next one uses.
    await using opened = await openReady(contract, 'disk', {
      arenaBytes: 2 * longRead + (512 << 10),
    })
    const { cdb } = read10({ lba: 0, blocks: longRead / blockLength, blockLength })
    for (let round = 0; round < 100 * share; round++) {
      const controller = new AbortController()
      const { signal } = controller
      const onAbort = round % 2 === 0 ? 'wait' : 'detach'
      const read = opened.unit.execute({ cdb, dataIn: longRead, signal, onAbort })
      const settled = read.catch((error) => assert.equal(error, reason))
      for (let turns = round % 5; turns > 0; turns--) await new Promise(setImmediate)
      controller.abort(reason)
      const data = pattern(256 << 10, round)
      const lba = contract.blocks / 2 + round
      await opened.unit.write({ lba, data })
      const back = await opened.unit.read({ lba, blocks: data.length / blockLength })
      assert.ok(Buffer.from(back).equals(data))
      await settled
    }
  })

  onScripted('a signal that fires while the nexus ends settles nothing twice', async () => {
    const opened = await openReady(contract, 'scripted', { slots: 4 })
    const controller = new AbortController()
    const { signal } = controller
    opened.events.once('end', () => controller.abort(reason))
    const lost = Array.from({ length: 8 }, () =>
      opened.unit.execute({ ...scripted.hold(), signal }),
    )
    await opened.close()
    const error = { code: 'ERR_SGRING_NEXUS_LOST' }
    await Promise.all(lost.map((command) => assert.rejects(command, error)))
    assert.deepEqual([signal.aborted, listeners(signal)], [true, 0])
  })
}
