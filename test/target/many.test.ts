import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { lunWord } from '#dist/scsi/lun.js'
import { Target } from '#dist/target/target.js'
import type { Unit } from '#dist/target/unit.js'
import { TaskAttribute } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { command, KeptUnit, Kind, served } from './kept-unit.ts'
import { PlainNexus } from './plain-nexus.ts'

const test = suite('very many commands, functions, units and nexuses')

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const { SIMPLE, ORDERED, HEAD_OF_QUEUE } = TaskAttribute
const CODES = [0x2903, 0x2a01, 0x2a09, 0x3f0e]
const reset = { function: TaskFunction.LOGICAL_UNIT_RESET, lun: 0 }

/** Bytes that are alive. */
function alive(): number {
  collect()
  return process.memoryUsage().heapUsed
}

test('ends 10,000 hung commands by one reset, and starts none of them', () => {
  for (const attributes of [[SIMPLE], [HEAD_OF_QUEUE], [SIMPLE, ORDERED], [ORDERED]]) {
    const unit = new KeptUnit({ maxRunning: 5000 })
    const [first, second] = served([unit], 2).nexuses
    const tasks = Array.from({ length: 10_000 }, (_, index) =>
      (index % 2 === 0 ? first! : second!).send(
        command({ attribute: attributes[index % attributes.length]! }),
      ),
    )
    const started = unit.started.length
    assert.equal(first!.send(reset).end, 'response 3')
    assert.ok(tasks.every(({ end }) => end === 'aborted'))
    assert.deepEqual([unit.running.size, unit.started.length], [0, started])
    assert.equal(first!.ends.length + second!.ends.length, 10_000 + 3)
    for (const nexus of [first!, second!]) {
      assert.equal(nexus.send(command({ kind: Kind.INSTANT })).end, '6/29/03')
      assert.equal(nexus.send(command({ kind: Kind.INSTANT })).end, 'GOOD')
    }
  }
})

test('aborts 10,000 ORDERED commands one by one, from the youngest, and runs what is left', () => {
  const unit = new KeptUnit()
  const [nexus] = served([unit], 1).nexuses
  const head = nexus!.send(command({ attribute: HEAD_OF_QUEUE }))
  const tasks = Array.from({ length: 10_000 }, (_, index) =>
    nexus!.send(command({ attribute: index % 2 === 0 ? SIMPLE : ORDERED, tag: BigInt(index) })),
  )
  const ordered = tasks.filter((_, index) => index % 2 === 1)
  for (const { name } of ordered.reverse()) {
    nexus!.send({ function: TaskFunction.ABORT_TASK, lun: 0, managedTag: name })
  }
  unit.finish(head)
  assert.equal(unit.running.size, 5000)
})

test('answers each of a flood of resets once, when the one transfer that they wait for ends', () => {
  const unit = new KeptUnit()
  const [first, second] = served([unit], 2).nexuses
  const moving = first!.send(command({ kind: Kind.TRANSFER }))
  const resets = Array.from({ length: 10_000 }, (_, index) =>
    (index % 2 === 0 ? first! : second!).send(reset),
  )
  assert.ok(resets.every(({ end }) => end === 'open'))
  moving.endTransfer()
  assert.ok(resets.every(({ end }) => end === 'response 3'))
  assert.equal(unit.resets, resets.length)
  assert.equal(second!.send(command({ kind: Kind.INSTANT })).end, '6/29/03')
  assert.equal(second!.send(command({ kind: Kind.INSTANT })).end, 'GOOD')
})

test('carries out thousands of functions that come at once, some at a time, on a flat stack', async () => {
  const unit = new KeptUnit()
  const [nexus] = served([unit], 1).nexuses
  const functions = Array.from({ length: 20_000 }, (_, index) =>
    nexus!.publish(reset, index % 2 === 0 ? 0 : 1),
  )
  nexus!.fetch()
  assert.ok(functions.some(({ end }) => end === 'open'))
  await until('the answers', () => functions.every(({ end }) => end === 'response 3'))
})

test('holds little for 16,384 units and 16 nexuses that have met them all, and more for no reset', () => {
  const contexts: NonNullable<KeptUnit['context']>[] = []
  const unit: Unit = {
    execute: (task) => task.good(),
    attach: (context) => contexts.push(context),
  }
  const empty = alive()
  const target = new Target(Array.from({ length: 16_384 }, (_, lun) => [lun, unit] as const))
  const nexuses = Array.from({ length: 16 }, () => new PlainNexus(target))
  const idle = alive()
  // A unit that nobody uses: its task set, and what the unit was given.
  assert.ok((idle - empty) / 16_384 < 2048, `${(idle - empty) / 16_384} bytes a unit`)
  for (const nexus of nexuses) {
    for (let at = 0; at < 16_384; at++) nexus.send(command({ at }))
    assert.equal(nexus.ends.splice(0).length, 16_384)
    assert.equal(nexus.send({ ...command(), lun: lunWord(16_383) }).end, 'GOOD')
  }
  const met = alive()
  assert.ok(met - idle < 512 * 1024, `${met - idle} bytes for 262,144 units of nexuses`)
  for (let round = 0; round < 3; round++) {
    for (const { attention } of contexts) for (const code of CODES) attention(code)
    for (const nexus of nexuses) {
      nexus.send({ function: TaskFunction.I_T_NEXUS_RESET })
      nexus.ends.length = 0
    }
  }
  const told = alive()
  assert.ok(told - met < 512 * 1024, `${told - met} bytes for attentions of 5 kinds at each`)
  assert.equal(nexuses[15]!.send(command({ at: 16_383 })).end, '6/29/03')
})

test('forgets nexuses that are gone', () => {
  const unit = new KeptUnit()
  const target = new Target([[0, unit]])
  const refs = Array.from({ length: 100 }, () => {
    const nexus = new PlainNexus(target)
    nexus.send(command())
    nexus.send(command({ tag: 1n, attribute: ORDERED }))
    nexus.lose()
    return new WeakRef(nexus)
  })
  unit.started.length = 0
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    collect()
    assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 0)
  })
})

test.run()
