/** Targets that publish what they must not: the client gives the nexus up with a reason, and each command has an end. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { connect, type Nexus, type Server, serve } from '#dist/index.js'
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

const LOST = { code: 'ERR_SGRING_NEXUS_LOST' }
const cases: readonly (readonly [what: string, reason: RegExp, forged: Partial<Entry>])[] = [
  ['a completion of a later lap', /neither the next/, { lap: 3 }],
  ['the completion of a slot that was not submitted', /not its to/, { slot: 1, generation: 0 }],
  ['the completion of a slot beyond the last', /beyond the last slot/, { slot: 0xffff }],
  ['the completion of a later generation', /another generation/, { generation: 2 }],
]

for (const [what, reason, forged] of cases) {
  test(`and publishes ${what} is given up, with all commands and with a reason`, async () => {
    const before = mappedSegments()
    await using target = await RawTarget.open({ slots: 4 })
    using bytes = SharedBytes.since(before)
    const ended = once(target.nexus.events, 'end')
    const command = target.nexus.unit(0).execute({ cdb: new Uint8Array(6), timeoutMs: 0 })
    const [task] = await target.fetch(1)
    assert.ok(task)
    const own: Entry = { lap: 1, slot: task.word & 0xffff, generation: 1 }
    // What another slot is, is the first that is not this one.
    const slot = forged.slot === own.slot ? own.slot + 1 : (forged.slot ?? own.slot)
    bytes.complete(target.entries, 0, { ...own, ...forged, slot })
    // Rings, and publishes nothing.
    target.complete([])
    await assert.rejects(command, LOST)
    const [why] = await ended
    assert.match(String(why), reason)
    await assert.rejects(target.nexus.unit(0).testUnitReady())
    await honest.unit(0).testUnitReady()
  })
}

test.run()
