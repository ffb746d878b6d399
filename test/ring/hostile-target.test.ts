/** Targets that publish what they must not: the client gives the nexus up with a reason, and each command has an end. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { connect, type Nexus, type Server, serve } from '#dist/index.js'
import { OUTCOME_UNKNOWN } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { RawTarget } from './raw-target.ts'
import { type Entry, mappedSegments, SharedBytes } from './shared-bytes.ts'

const test = suite('a target that writes what it likes to its queue')

const listen = join(temporaryFolder(), 'target.sock')
let server: Server
let honest: Nexus
test.before(async () => {
  server = await serve({ listen, units: [{ memory: 1 << 20 }] })
  honest = await connect(listen)
})
test.after(async () => {
  await honest.close()
  await server.close()
})

const LOST = 'ERR_SGRING_NEXUS_LOST'
/** A slot of the four that no command is in. */
const FREE = -1
const cases: readonly (readonly [what: string, reason: RegExp, forged: Partial<Entry>])[] = [
  ['a completion of a later lap', /neither the next/, { lap: 3 }],
  ['the completion of a slot that was not submitted', /not its to/, { slot: FREE, generation: 0 }],
  ['the completion of a slot beyond the last', /beyond the last slot/, { slot: 0xffff }],
  ['the completion of a later generation', /another generation/, { generation: 2 }],
]

for (const [what, reason, forged] of cases) {
  test(`and publishes ${what} is given up, with all commands and with a reason`, async () => {
    const before = mappedSegments()
    await using target = await RawTarget.open({ slots: 4 })
    using bytes = SharedBytes.since(before)
    const ended = once(target.nexus.events, 'end')
    const commands = Array.from({ length: 3 }, () =>
      target.nexus.unit(0).execute({ cdb: new Uint8Array(6), timeoutMs: 0 }),
    )
    const ends = Promise.allSettled(commands)
    const fetched = await target.fetch(3)
    const [task] = fetched
    assert.ok(task)
    const own: Entry = { lap: 1, slot: task.word & 0xffff, generation: 1 }
    // The slot that none of them has stands for the one that was not submitted.
    const taken = fetched.map(({ word }) => word & 0xffff)
    const free = [0, 1, 2, 3].find((one) => !taken.includes(one))
    const slot = forged.slot === FREE ? free! : (forged.slot ?? own.slot)
    bytes.complete(target.entries, 0, { ...own, ...forged, slot })
    // Rings, and publishes nothing.
    target.complete([])
    for (const end of await ends) {
      assert.equal(end.status === 'rejected' && end.reason.code, LOST)
    }
    const [why] = await ended
    assert.match(String(why), reason)
    await assert.rejects(target.nexus.unit(0).testUnitReady())
    await honest.unit(0).testUnitReady()
  })
}

for (const [form, rerun] of [
  ['commands', () => 'rerun' as const],
  ['a queue', 'rerun'],
] as const) {
  test(`and says of ${form} that nobody had before it that their outcome is unknown is given up`, async () => {
    const recovery = { policy: rerun }
    await using target = await RawTarget.open({ slots: 4, spinUs: 0, recovery }, true)
    const ended = once(target.nexus.events, 'end')
    const unit = target.nexus.unit(0)
    const queue = unit.queue({ depth: 2 })
    const ends: Promise<unknown>[] = []
    for (let number = 0; number < 2; number++) {
      if (form === 'commands') ends.push(unit.execute({ cdb: new Uint8Array(6) }))
      else queue.submit(queue.reserve(), 6, 0, 0)
    }
    if (form === 'a queue') ends.push(queue.drain(() => {}))
    const lost = ends.map((end) => assert.rejects(end, { code: LOST }))
    target.complete(await target.fetch(2), OUTCOME_UNKNOWN)
    const [why] = await ended
    assert.match(String(why), /an outcome is unknown only of what an earlier target had/)
    await Promise.all(lost)
  })
}

test.run()
