/** Waiting for a turn. */

import assert from 'node:assert/strict'
import { Status } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { counted } from './execute.ts'
import { full } from './full.ts'
import { transferred } from './transfer.ts'

const TEST_UNIT_READY = { cdb: new Uint8Array(6) }

export function pressureContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  onScripted('commands beyond the slots wait, first come first served', async () => {
    await using opened = await openReady(contract, 'scripted', { slots: 1 })
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        await opened.unit.execute(TEST_UNIT_READY)
        order.push(index)
      }),
    )
    assert.deepEqual(
      order,
      Array.from({ length: 500 }, (_, index) => index),
    )
  })

  onScripted(
    'commands beyond the arena wait, and a small one does not overtake a large one',
    async () => {
      await using opened = await openReady(contract, 'scripted', { arenaBytes: 64 << 10 })
      const order: number[] = []
      await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const sent = pattern(index % 3 === 0 ? 24 << 10 : 100, index)
          const { data } = await opened.unit.execute(scripted.echo(sent))
          assert.deepEqual(data, sent)
          order.push(index)
        }),
      )
      assert.deepEqual(
        order,
        Array.from({ length: 60 }, (_, index) => index),
      )
    },
  )

  onScripted('one command more than maxWaiting is refused, unsent', async () => {
    await using nexus = await full(contract, 2, { maxWaiting: 3 })
    const before = await counted(nexus.other)
    const waiting = [0, 1, 2].map(() => nexus.opened.unit.execute(scripted.withStatus(0)))
    await assert.rejects(nexus.opened.unit.execute({ ...scripted.withStatus(0), tag: 5 }), {
      code: 'ERR_SGRING_BUSY',
    })
    await nexus.release()
    await Promise.all([...nexus.held, ...waiting])
    assert.equal((await counted(nexus.other)) - before, 3)
    // The refused one left no trace: neither its tag nor its place.
    assert.equal(
      (await nexus.opened.unit.execute({ ...TEST_UNIT_READY, tag: 5 })).status,
      Status.GOOD,
    )
  })

  onScripted(
    'what waits is sent once each, also when answers come in while it is sent',
    async () => {
      await using other = await openReady(contract, 'scripted')
      await using opened = await openReady(contract, 'scripted', {
        slots: 64,
        arenaBytes: 64 << 10,
        spinUs: 0,
      })
      const held = await opened.unit.execute({
        ...scripted.describing(6, 0),
        dataIn: 32 << 10,
        lease: true,
      })
      const before = await counted(other)
      const first = Array.from({ length: 8 }, () => opened.unit.execute(scripted.hold()))
      const large = opened.unit.execute(scripted.echo(pattern(20 << 10, 44)))
      const behind = Array.from({ length: 60 }, (_, index) =>
        opened.unit.execute(scripted.withStatus(index)),
      )
      while ((await counted(other)) < before + 8);
      const released = other.unit.execute(scripted.release())
      await Promise.resolve()
      // The target answers the first ones, and this side does not look: it is busy here.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
      held.release()
      await Promise.all([...first, released])
      assert.equal((await large).data.length, 20 << 10)
      for (const [index, { status }] of (await Promise.all(behind)).entries())
        assert.equal(status, index)
      assert.equal((await counted(other)) - before, 69)
    },
  )

  onScripted(
    'data-out that is transferred while its command waits is not sent, and holds up nobody',
    async () => {
      await using nexus = await full(contract, 1)
      const before = await counted(nexus.other)
      const gone = pattern(4096, 45)
      const refused = nexus.opened.unit.execute({ ...scripted.echo(gone), tag: 6 })
      const behind = nexus.opened.unit.execute(scripted.echo(pattern(4096, 46)))
      transferred(gone)
      const invalid = assert.rejects(refused, { code: 'ERR_SGRING_INVALID_ARGUMENT' })
      await nexus.release()
      await invalid
      assert.deepEqual((await behind).data, pattern(4096, 46))
      assert.equal((await counted(nexus.other)) - before, 1)
      assert.equal(
        (await nexus.opened.unit.execute({ ...TEST_UNIT_READY, tag: 6 })).status,
        Status.GOOD,
      )
    },
  )

  onScripted(
    'a command that not even the whole arena holds is refused instead of waiting for ever',
    async () => {
      await using opened = await openReady(contract, 'scripted', { arenaBytes: 64 << 10 })
      const tooSmall = { code: 'ERR_SGRING_ARENA_TOO_SMALL' }
      await assert.rejects(opened.unit.execute({ ...TEST_UNIT_READY, dataIn: 65_537 }), tooSmall)
      await assert.rejects(
        opened.unit.execute({ ...TEST_UNIT_READY, dataOut: new Uint8Array(1 << 20) }),
        tooSmall,
      )
      // Each direction alone would do.
      const sent = new Uint8Array(33 << 10)
      await assert.rejects(
        opened.unit.execute({ ...scripted.echo(sent), dataIn: 20 << 10 }),
        tooSmall,
      )
      await using odd = await openReady(contract, 'scripted', { arenaBytes: 96 << 10 })
      await assert.rejects(
        odd.unit.execute({ ...TEST_UNIT_READY, dataIn: 68 << 10, lease: true }),
        tooSmall,
      )
      assert.equal(
        (await odd.unit.execute({ ...TEST_UNIT_READY, dataIn: 68 << 10 })).status,
        Status.GOOD,
      )
    },
  )
}
