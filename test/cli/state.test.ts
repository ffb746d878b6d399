/** `sgring serve --state`: a server that ends or is killed, confined, and the one that follows it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { connect } from '#dist/index.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring serve --state')
/** Many processes, one after the other. */
const SLOW = { deadlineMs: 120_000 }
/** Long enough for any machine to start the next one. */
const PATIENT = { recovery: { waitMs: 100_000 * deadlineScale } } as const
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

/** INQUIRY of the unit serial number page (SPC-4 7.8.15). */
const SERIAL = { cdb: Uint8Array.of(0x12, 1, 0x80, 0, 255, 0), dataIn: 255 } as const
const DISK = '--listen ./s --memory 1M --state ./kept --grace 60'.split(' ')

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(
    `a client goes on after ${signal}, with what it has written to a disk in memory`,
    async () => {
      const first = await place.serve(DISK)
      const nexus = await connect(place.path('s'), PATIENT)
      try {
        const disk = nexus.unit(0)
        const [before] = await Promise.all([disk.inquiry(), disk.testUnitReady()])
        await disk.write({ lba: 9, data: new Uint8Array(512).fill(9) })
        const serial = await disk.execute(SERIAL)
        const interrupted = once(nexus.events, 'interrupted')
        const resumed = once(nexus.events, 'resumed')
        first.child.kill(signal)
        await interrupted
        // It has the folder as long as it lives.
        await first.ended()
        const reading = disk.read({ lba: 9, blocks: 1 })
        const second = await place.serve(DISK)
        await resumed
        assert.deepEqual(await reading, new Uint8Array(512).fill(9))
        assert.deepEqual(await disk.inquiry(), before)
        assert.deepEqual((await disk.execute(SERIAL)).data, serial.data)
        assert.equal(nexus.targetPid, second.child.pid)
      } finally {
        await nexus.close()
      }
    },
    SLOW,
  )
}

test(
  "the folder is its user's alone, and one server's at a time",
  async () => {
    await place.serve(DISK)
    assert.equal(statSync(place.path('kept')).mode & 0o777, 0o700)
    const other = await place.sgring(['serve', ...DISK.with(1, './other')])
    assert.equal(other.code, 15)
    assert.match(other.stderr, /another server has the state folder/)
  },
  SLOW,
)

test(
  'what a removed disk in memory held goes with it',
  async () => {
    await place.serve(DISK)
    const kept = () => readdirSync(place.path('kept')).includes('lun-0.memory')
    assert.equal(kept(), true)
    const address = `ring:${place.path('s')}`
    const { code, stderr } = await place.sgring(['admin', address, 'remove', '0'])
    assert.equal(code, 0, stderr)
    assert.equal(kept(), false)
  },
  SLOW,
)

test.run()
