/** A server that is closed while commands wait, or are answered, or nobody has been at its door. */

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Nexus, type ServeOptions, type Server, serve } from '#dist/index.js'
import { type BellEvents, watchBell } from '#dist/ring/bell.js'
import { type PortEvents, RingPort } from '#dist/ring/port.js'
import { makeStateFolder } from '#dist/state.js'
import type { Repetition } from '#dist/target/repetition.js'
import { Target } from '#dist/target/target.js'
import type { Unit } from '#dist/target/unit.js'
import type { Task } from '#dist/task/task.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { Program } from '../support/program.ts'
import { until } from '../support/until.ts'

const test = suite('a server that ends')

const PATIENT = { recovery: { waitMs: 100_000 * deadlineScale } } as const
const root = temporaryFolder()

function home(): Pick<ServeOptions, 'listen' | 'state' | 'graceMs'> & { listen: string } {
  const folder = mkdtempSync(join(root, 'home-'))
  return { listen: join(folder, 's'), state: join(folder, 'state'), graceMs: 60_000 }
}

/** One command at a time, which waits for the test. */
class Narrow implements Unit {
  readonly maxRunning = 1
  readonly begun: number[] = []
  task: Task | undefined

  repetition(cdb: Uint8Array): Repetition {
    return cdb[0] === VENDOR ? 'last' : 'free'
  }

  execute(task: Task): void {
    if (task.cdb[0] !== VENDOR) {
      task.good()
      return
    }
    this.begun.push(task.cdb[1]!)
    this.task = task
  }
}

const VENDOR = 0xc1
const numbered = (number: number) => ({ cdb: Uint8Array.of(VENDOR, number, 0, 0, 0, 0) })

async function ready(nexus: Nexus): Promise<Nexus> {
  await nexus.unit(0).testUnitReady()
  return nexus
}

test('begins none of the commands that waited for one that ends with it, on whichever pair they are', async () => {
  const options = home()
  const unit = new Narrow()
  const first = await serve({ ...options, units: [unit] })
  const one = await ready(await connect(options.listen, PATIENT))
  const other = await ready(await connect(options.listen, PATIENT))
  const running = assert.rejects(one.unit(0).execute(numbered(1)), {
    code: 'ERR_SGRING_OUTCOME_UNKNOWN',
  })
  await until('the first is begun', () => unit.begun.length === 1)
  const waiting = other.unit(0).execute(numbered(2))
  await until('the second waits', () => first.commandsAt(0) === 2)
  await first.close()
  assert.deepEqual(unit.begun, [1])
  const next = new Narrow()
  await using _second = await serve({ ...options, units: [next] })
  await until('the second is begun', () => next.begun.length === 1)
  next.task?.good()
  assert.equal((await waiting).status, 0)
  await running
  assert.deepEqual(next.begun, [2])
  await one.close()
  await other.close()
})

test('still sends the answers that there are', async () => {
  const options = home()
  const unit = new Narrow()
  const first = await serve({ ...options, units: [unit] })
  const nexus = await ready(await connect(options.listen, PATIENT))
  const answered = nexus.unit(0).execute(numbered(1))
  await until('it is begun', () => unit.begun.length === 1)
  // The answer would go out when this turn is over.
  unit.task?.good()
  await first.close()
  assert.equal((await answered).status, 0)
  await nexus.close()
})

test('and lives on without a pair, for whatever reason: that one waits for nobody', async () => {
  const { listen, state } = home()
  makeStateFolder(state!)
  const bells: BellEvents[] = []
  const port = new RingPort(
    listen,
    new Target([[0, new Narrow()]]),
    { state: state! },
    new EventEmitter<PortEvents>(),
    (fd, events) => {
      bells.push(events)
      return watchBell(fd, events)
    },
  )
  const nexus = await ready(await connect(listen, PATIENT))
  nexus.events.on('interrupted', () => assert.fail('it waits'))
  const ended = once(nexus.events, 'end')
  // As where the kernel has no memory for a ring: the bell is hung up.
  bells.at(-1)?.end()
  await ended
  await port.close()
})

/** Keeps the thread until something holds; then for `ms` more. */
function busyUntil(holds: () => boolean, ms: number): void {
  while (!holds()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Whether the kernel has a connection at the socket, beside the listener. */
function isAtTheDoor(path: string): boolean {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n')
  return lines.filter((line) => line.endsWith(` ${path}`)).length > 1
}

for (const [when, turns] of [
  ['as soon as it listens', 0],
  ['later', 1],
] as const) {
  test(`a grace time does not end while the server is busy, ${when}, and clients are at its door`, async () => {
    const options = home()
    const units = [{ memory: 1 << 20 }]
    const first = await serve({ ...options, units })
    const client = new Program(new URL('./programs.js', import.meta.url), [
      'goes on with the next target',
      options.listen,
    ])
    assert.equal(await client.line(), 'ready')
    await first.close()
    assert.equal(await client.line(), 'interrupted')
    await using _second: Server = await serve({ ...options, units, graceMs: 500 })
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    busyUntil(() => isAtTheDoor(options.listen), 1000 * deadlineScale)
    assert.equal(await client.line(), 'resumed')
    const { code, stderr } = await client.ended
    assert.deepEqual([code, stderr], [0, ''])
  })
}

test.run()
