/** How long one pair keeps the event loop, and so every other pair, timer and socket. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect, type Handler, read10, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const BLOCK_BYTES = 512
const COMMANDS = 24
const MIB = 1 << 20

const test = suite('turns of the event loop')

test('end after two MiB that a pair has had copied, and not after all that it asks for', async () => {
  const socket = join(temporaryFolder(), 'unit.sock')
  let turn = 0
  const begun = new Map<number, number>()
  const handler: Handler = (_, next) => {
    begun.set(turn, (begun.get(turn) ?? 0) + 1)
    return next()
  }
  await using _server = await serve({
    listen: socket,
    units: [{ memory: 4 * MIB, handler }],
    spinUs: 100_000,
  })
  await using nexus = await connect(socket)
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  begun.clear()
  let goesOn = true
  const count = () => {
    turn++
    if (goesOn) setImmediate(count)
  }
  count()
  const { cdb } = read10({ lba: 0, blocks: MIB / BLOCK_BYTES, blockLength: BLOCK_BYTES })
  const reads = Array.from({ length: COMMANDS }, () => unit.execute({ cdb, dataIn: MIB }))
  for (const { status } of await Promise.all(reads)) assert.equal(status, 0)
  goesOn = false
  const most = Math.max(...begun.values())
  assert.equal(
    [...begun.values()].reduce((sum, some) => sum + some),
    COMMANDS,
  )
  assert.ok(most <= 3, `${most} of them in one turn`)
})

test.run()
