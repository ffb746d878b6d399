/** Giving up on a command: signals and timeouts. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { type Command, Status } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady, where } from './contract.ts'
import { counted } from './execute.ts'
import { full } from './full.ts'

const TEST_UNIT_READY = { cdb: new Uint8Array(6) }
const reason = new Error('enough')

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** Sends commands while the clock stands still: they have one deadline, however late this process is run on. */
function atOnce<T>(send: () => T): T {
  const now = performance.now()
  Object.assign(performance, { now: () => now })
  try {
    return send()
  } finally {
    Reflect.deleteProperty(performance, 'now')
  }
}

export function givingUpContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  onScripted('a signal that is aborted before the call sends nothing', async () => {
    await using opened = await openReady(contract, 'scripted')
    const signal = AbortSignal.abort(reason)
    const before = await counted(opened)
    const call = () => opened.unit.execute({ ...scripted.withStatus(0), signal, tag: 9 })
    await assert.rejects(call(), reason)
    await assert.rejects(call(), reason)
    assert.deepEqual([listeners(signal), (await counted(opened)) - before], [0, 0])
  })

  onScripted(
    'a command that is aborted while it waits leaves unsent, and those behind it move up',
    async () => {
      await using nexus = await full(contract, 2)
      const before = await counted(nexus.other)
      const controller = new AbortController()
      const { signal } = controller
      const waiting = Array.from({ length: 10 }, (_, index) => {
        const command: Command = { ...scripted.withStatus(index), tag: index }
        return nexus.opened.unit.execute(index % 2 === 0 ? { ...command, signal } : command)
      })
      assert.equal(listeners(signal), 1)
      controller.abort(reason)
      const settled = Promise.allSettled(waiting)
      assert.equal(listeners(signal), 0)
      await nexus.release()
      for (const [index, result] of (await settled).entries()) {
        if (index % 2 === 0) assert.equal(result.status === 'rejected' && result.reason, reason)
        else assert.equal(result.status === 'fulfilled' && result.value.status, index)
      }
      assert.equal((await counted(nexus.other)) - before, 5)
    },
  )

  onScripted(
    'a signal aborts a command that was sent, and its slot and bytes come back (sam-5 7.2)',
    async () => {
      await using other = await openReady(contract, 'scripted')
      await using opened = await openReady(contract, 'scripted', { slots: 2, arenaBytes: 64 << 10 })
      for (let round = 0; round < 5; round++) {
        const controller = new AbortController()
        const { signal } = controller
        const into = new Uint8Array(16 << 10)
        const before = await counted(other)
        const held = [1, 2].map(() =>
          opened.unit.execute({ ...scripted.hold(0xaa), dataIn: into, signal }),
        )
        while ((await counted(other)) < before + 2);
        assert.equal(listeners(signal), 1)
        controller.abort(reason)
        await Promise.all(held.map((command) => assert.rejects(command, reason)))
        assert.equal(listeners(signal), 0)
        await other.unit.execute(scripted.release())
        const sent = pattern(20 << 10, round)
        const echoes = [1, 2, 3].map(() => opened.unit.execute(scripted.echo(sent)))
        for (const { data } of await Promise.all(echoes)) assert.deepEqual(data, sent)
        assert.ok(into.every((byte) => byte === 0))
      }
    },
  )

  onScripted(
    'one signal aborts any number of commands, and no warning of too many listeners comes',
    async () => {
      await using other = await openReady(contract, 'scripted')
      await using opened = await openReady(contract, 'scripted', { slots: 100 })
      const warnings: Error[] = []
      const warned = (warning: Error) => warnings.push(warning)
      process.on('warning', warned)
      const controller = new AbortController()
      const { signal } = controller
      const before = await counted(other)
      const held = Array.from({ length: 300 }, () =>
        opened.unit.execute({ ...scripted.hold(), signal }),
      )
      while ((await counted(other)) < before + 100);
      assert.equal(listeners(signal), 1)
      controller.abort(reason)
      for (const result of await Promise.allSettled(held)) {
        assert.equal(result.status === 'rejected' && result.reason, reason)
      }
      assert.equal(listeners(signal), 0)
      assert.equal(await counted(other), before + 100)
      const all = Array.from({ length: 100 }, (_, status) =>
        opened.unit.execute(scripted.withStatus(status)),
      )
      for (const [index, { status }] of (await Promise.all(all)).entries()) {
        assert.equal(status, index)
      }
      await new Promise((resolve) => setImmediate(resolve))
      process.off('warning', warned)
      assert.deepEqual(warnings, [])
    },
  )

  onScripted(
    "a signal settles it at once with onAbort: 'detach', and the rest comes by itself",
    async () => {
      await using opened = await openReady(contract, 'scripted', { slots: 2, arenaBytes: 64 << 10 })
      const controller = new AbortController()
      const { signal } = controller
      const into = new Uint8Array(16 << 10)
      const options = { dataIn: into, signal, onAbort: 'detach', tag: 3 } as const
      const detached = opened.unit.execute({ ...scripted.hold(0xaa), ...options })
      await counted(opened)
      controller.abort(reason)
      // Its tag is still outstanding at the target.
      const again = opened.unit.execute({ ...TEST_UNIT_READY, tag: 3 })
      await Promise.all([
        assert.rejects(detached, reason),
        assert.rejects(again, { code: 'ERR_SGRING_TAG_IN_USE' }),
      ])
      assert.equal(listeners(signal), 0)
      // Behind the ABORT TASK, and its end.
      await opened.unit.execute(TEST_UNIT_READY)
      assert.equal((await opened.unit.execute({ ...TEST_UNIT_READY, tag: 3 })).status, Status.GOOD)
      assert.ok(into.every((byte) => byte === 0))
      // All slots and all of the arena are there again.
      await Promise.all(
        Array.from({ length: 9 }, () => opened.unit.execute(scripted.echo(pattern(20 << 10, 1)))),
      )
    },
  )

  onScripted(
    'no listener is left on a signal that many commands share, however they end',
    async () => {
      await using nexus = await full(contract, 1)
      const { signal } = new AbortController()
      const opened = await openReady(contract, 'scripted', { slots: 3, maxWaiting: 40 })
      const commands = Array.from({ length: 50 }, (_, index) =>
        opened.unit.execute({ ...scripted.withStatus(index), signal, tag: index % 45 }),
      )
      assert.equal(listeners(signal), 1)
      const results = await Promise.allSettled(commands)
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 43)
      assert.equal(listeners(signal), 0)
      const lost = opened.unit.execute({ ...scripted.hold(), signal })
      assert.equal(listeners(signal), 1)
      await Promise.all([assert.rejects(lost, { code: 'ERR_SGRING_NEXUS_LOST' }), opened.close()])
      assert.equal(listeners(signal), 0)
      await nexus.release()
    },
  )

  test('a caller that gives up takes no other with it', async () => {
    await using opened = await contract.open('disk')
    const controller = new AbortController()
    const { signal } = controller
    const range = { lba: 0, blocks: 1 }
    const gone = opened.unit.read({ ...range, signal, onAbort: 'detach' })
    const stays = opened.unit.read(range)
    controller.abort(reason)
    await assert.rejects(gone, reason)
    assert.equal((await stays).length, contract.blockLength)
  })

  onScripted(
    'a command that is not over in timeoutMs is aborted, and its slot comes back',
    async () => {
      await using other = await openReady(contract, 'scripted')
      await using opened = await openReady(contract, 'scripted', { slots: 2 })
      const before = await counted(other)
      const held = [500, 650].map((timeoutMs) =>
        opened.unit.execute({ ...scripted.hold(), timeoutMs }),
      )
      // All slots are taken: it waits, and leaves the line unsent, long before there is a slot.
      const waits = opened.unit.execute({ ...scripted.withStatus(0x7e), timeoutMs: 1 })
      const timeout = { code: 'ERR_SGRING_TIMEOUT', name: 'TransportError' }
      await Promise.all([...held, waits].map((command) => assert.rejects(command, timeout)))
      assert.equal(await counted(other), before + 2)
      const all = [1, 2].map((status) => opened.unit.execute(scripted.withStatus(status)))
      assert.deepEqual(
        (await Promise.all(all)).map(({ status }) => status),
        [1, 2],
      )
    },
  )

  onScripted('commands that time out together all leave the line unsent', async () => {
    await using other = await openReady(contract, 'scripted')
    await using opened = await openReady(contract, 'scripted', { arenaBytes: 64 << 10 })
    const held = await opened.unit.execute({
      ...scripted.describing(6, 0),
      dataIn: 32 << 10,
      lease: true,
    })
    const before = await counted(other)
    const late = [
      scripted.echo(pattern(20 << 10, 42)),
      scripted.withStatus(0),
      scripted.withStatus(0),
    ]
    const sent = atOnce(() =>
      late.map((command) => opened.unit.execute({ ...command, timeoutMs: 50 })),
    )
    const timeout = { code: 'ERR_SGRING_TIMEOUT' }
    await Promise.all(sent.map((command) => assert.rejects(command, timeout)))
    assert.equal(await counted(other), before)
    held.release()
  })
}
