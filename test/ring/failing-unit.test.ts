import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  connect,
  type Nexus,
  parseSense,
  SenseKey,
  type Server,
  Status,
  serve,
} from '#dist/index.js'
import { openBacking } from '#dist/target/backing.js'
import type { Unit } from '#dist/target/unit.js'
import { good } from '#dist/task/answer.js'
import type { Backing, Task } from '#dist/task/task.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const test = suite('a unit that throws')

const AT_ONCE = 0xc0
const ANSWERED = 0xc1
const IN_DONE = 0xc2
const BEHIND_TRANSFER = 0xc3
const NO_BACKING = 0xc4
const DURING_TRANSFER = 0xc5
const LENGTH = 4096

/** Throws where its operation code says. */
class FailingUnit implements Unit {
  readonly #backing: Backing

  constructor(backing: Backing) {
    this.#backing = backing
  }

  execute(task: Task): void {
    switch (task.cdb[0]) {
      case AT_ONCE:
        throw new Error('at once')
      case ANSWERED:
        task.answer(good(Uint8Array.of(1, 2, 3)))
        throw new Error('answered')
      case IN_DONE:
        task.read(this.#backing, 0, LENGTH, () => {
          throw new Error('in done')
        })
        return
      case BEHIND_TRANSFER:
        task.read(this.#backing, 0, LENGTH, () => assert.fail('its done was called'))
        throw new Error('behind a transfer')
      case DURING_TRANSFER:
        task.read(this.#backing, 0, LENGTH, () => assert.fail('its done was called'))
        task.good()
        return
      case NO_BACKING:
        task.read({ ...this.#backing, native: {} }, 0, LENGTH, () => {})
        return
      default:
        task.good()
    }
  }
}

const listen = join(temporaryFolder(), 'target.sock')
const backing = openBacking({ memory: LENGTH })
const failures: unknown[] = []
let server: Server
let nexus: Nexus
test.before(async () => {
  server = await serve({ listen, units: [new FailingUnit(backing)] })
  server.events.on('unitFailed', (error) => failures.push(error))
  nexus = await connect(listen, { slots: 64 })
  await nexus.unit(0).testUnitReady()
})
test.after(async () => {
  await nexus.close()
  await server.close()
  backing.close()
})

/** Sends it 40 times among others, and gives what it was answered. */
async function among(opcode: number) {
  const commands = Array.from({ length: 80 }, (_, index) =>
    nexus.unit(0).execute({
      cdb: Uint8Array.of(index % 2 === 0 ? opcode : 0, 0, 0, 0, 0, 0),
      dataIn: LENGTH,
    }),
  )
  const responses = await Promise.all(commands)
  for (const { status } of responses.filter((_, index) => index % 2 === 1)) {
    assert.equal(status, Status.GOOD)
  }
  return responses.filter((_, index) => index % 2 === 0)
}

for (const [where, opcode, message] of [
  ['at once', AT_ONCE, /^at once$/],
  ['when its transfer is over', IN_DONE, /^in done$/],
  ['behind a transfer that it began', BEHIND_TRANSFER, /^behind a transfer$/],
  ['because it answers while its transfer runs', DURING_TRANSFER, /still runs$/],
  ['because it names a backing that is none', NO_BACKING, /./],
] as const) {
  test(`${where} is answered HARDWARE ERROR, INTERNAL TARGET FAILURE, and told`, async () => {
    failures.length = 0
    for (const { status, sense } of await among(opcode)) {
      assert.equal(status, Status.CHECK_CONDITION)
      const { key, asc, ascq } = parseSense(sense)
      assert.deepEqual([key, asc, ascq], [SenseKey.HARDWARE_ERROR, 0x44, 0])
    }
    assert.equal(failures.length, 40)
    for (const error of failures) assert.match((error as Error).message, message)
  })
}

test('after its answer keeps the answer, and is told', async () => {
  failures.length = 0
  for (const { status, data } of await among(ANSWERED)) {
    assert.deepEqual([status, [...data]], [Status.GOOD, [1, 2, 3]])
  }
  assert.equal(failures.length, 40)
})

test.run()
