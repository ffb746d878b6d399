/** The order in which commands are carried out, and how many there may be. */

import assert from 'node:assert/strict'
import { type Command, ServiceResponse, Status, TaskAttribute, TaskFunction } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import * as scripted from '../support/scripted-unit.ts'
import { type Contract, type ContractUnit, openReady, where } from './contract.ts'

const { ORDERED, HEAD_OF_QUEUE } = TaskAttribute
const TEST_UNIT_READY = { cdb: new Uint8Array(6) }

/** Sends commands, and notes their names as they end. */
class Ends {
  readonly names: string[] = []
  readonly #over: Promise<unknown>[] = []

  send({ unit }: ContractUnit, name: string, command: Command): void {
    this.#over.push(
      unit.execute({ ...command, timeoutMs: 0 }).then(({ status }) => {
        assert.equal(status, Status.GOOD, name)
        this.names.push(name)
      }),
    )
  }

  async all(): Promise<string[]> {
    await Promise.all(this.#over)
    return this.names
  }
}

/** How many commands the unit was given, past all that wait for their turn; what this nexus sent before has arrived then. */
async function given({ unit }: ContractUnit): Promise<number> {
  const { data } = await unit.execute({ ...scripted.count(), attribute: HEAD_OF_QUEUE })
  return data[0]! * 256 + data[1]!
}

const releaseAll = ({ unit }: ContractUnit) =>
  unit.execute({ ...scripted.release(), attribute: HEAD_OF_QUEUE })

export function orderContract(test: Suite, contract: Contract): void {
  const onScripted = where(test, contract, 'scripted units')
  const echo = scripted.echo(Uint8Array.of(1))

  onScripted(
    'ORDERED waits for all that is older, and all that is younger for it, of every nexus (sam-5 8.7)',
    async () => {
      await using opened = await openReady(contract, 'scripted')
      await using other = await openReady(contract, 'scripted')
      const before = await given(opened)
      const ends = new Ends()
      ends.send(opened, 'older', scripted.hold())
      assert.equal((await given(opened)) - before, 1)
      ends.send(other, 'ordered', { ...echo, attribute: ORDERED })
      assert.equal((await given(other)) - before, 1)
      ends.send(opened, 'younger', echo)
      ends.send(opened, 'ordered, too', { ...echo, attribute: ORDERED })
      ends.send(opened, 'youngest', echo)
      assert.equal((await given(opened)) - before, 1)
      assert.deepEqual(ends.names, [])
      await releaseAll(opened)
      const order = await ends.all()
      // Each nexus has its own order of being told.
      assert.deepEqual(
        order.filter((name) => name !== 'ordered'),
        ['older', 'younger', 'ordered, too', 'youngest'],
      )
      assert.equal((await given(opened)) - before, 5)
    },
  )

  onScripted('HEAD OF QUEUE waits for nobody, and what is younger for it (sam-5 8.7)', async () => {
    await using opened = await openReady(contract, 'scripted')
    const before = await given(opened)
    const ends = new Ends()
    ends.send(opened, 'older', scripted.hold())
    ends.send(opened, 'ordered', { ...echo, attribute: ORDERED })
    ends.send(opened, 'head', { ...scripted.hold(), attribute: HEAD_OF_QUEUE })
    ends.send(opened, 'younger', echo)
    assert.equal((await given(opened)) - before, 2)
    await releaseAll(opened)
    const order = await ends.all()
    assert.deepEqual(order.slice(0, 2).sort(), ['head', 'older'])
    assert.deepEqual(order.slice(2), ['ordered', 'younger'])
  })

  onScripted(
    'what waits for the unit only starts by its priority, then by its age (sam-5 8.8)',
    async () => {
      await using opened = await openReady(contract, 'narrow')
      const before = await given(opened)
      const ends = new Ends()
      ends.send(opened, 'held', scripted.hold())
      for (const priority of [0, 15, 7, 1]) ends.send(opened, `${priority}`, { ...echo, priority })
      assert.equal((await given(opened)) - before, 1)
      await releaseAll(opened)
      assert.deepEqual(await ends.all(), ['held', '1', '7', '15', '0'])
    },
  )

  onScripted(
    'a full task set is TASK SET FULL, and BUSY for a nexus with nothing in it (sam-5 5.3.1)',
    async () => {
      await using opened = await openReady(contract, 'narrow')
      await using other = await openReady(contract, 'narrow')
      const { maxTasks = 0 } = scripted.NARROW
      const aborted = Array.from({ length: maxTasks }, () =>
        assert.rejects(opened.unit.execute({ ...scripted.hold(), timeoutMs: 0 }), {
          code: 'ERR_SGRING_ABORTED',
        }),
      )
      assert.equal((await opened.unit.execute(TEST_UNIT_READY)).status, Status.TASK_SET_FULL)
      assert.equal((await other.unit.execute(TEST_UNIT_READY)).status, Status.BUSY)
      // INQUIRY is never refused for room (SPC-4 6.6): this unit answers GOOD to whatever it does not know.
      const inquiry = { cdb: Uint8Array.of(0x12, 0, 0, 0, 36, 0) }
      for (const { unit } of [opened, other]) {
        assert.equal((await unit.execute(inquiry)).status, Status.GOOD)
      }
      const abort = { function: TaskFunction.ABORT_TASK_SET }
      const { FUNCTION_COMPLETE } = ServiceResponse
      assert.equal((await opened.unit.taskManagement(abort)).response, FUNCTION_COMPLETE)
      await Promise.all(aborted)
      for (const { unit } of [opened, other]) {
        assert.equal((await unit.execute(TEST_UNIT_READY)).status, Status.GOOD)
      }
    },
  )
}
