/** A unit that is copied to, once Ctrl-C was pressed. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { openUnitWriting } from '#dist/cli/copy-unit.js'
import { type Command, type Handler, serve } from '#dist/index.js'
import { LogicalUnit } from '#dist/initiator/unit.js'
import { Opcode } from '#dist/scsi/opcode.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

const test = suite('a unit that is copied to')

const BLOCK = 512
const HELD: ReadonlySet<number> = new Set([
  Opcode.READ_16,
  Opcode.WRITE_16,
  Opcode.SYNCHRONIZE_CACHE_16,
])

test('leaves alone what was sent when Ctrl-C is pressed, until it is closed', async () => {
  const listen = join(temporaryFolder(), 'unit.sock')
  const ended: AbortSignal[] = []
  const handler: Handler = (task, next) => {
    if (!HELD.has(task.cdb[0]!)) return next()
    ended.push(task.signal)
    return new Promise(() => {})
  }
  await using _server = await serve({ listen, units: [{ memory: 64 * BLOCK, handler }] })
  const ctrlC = new AbortController()
  const call = { operands: [], given: [], json: true, values: {}, signal: ctrlC.signal }
  const to = await openUnitWriting(`ring:${listen}`, call)
  const sent: Command[] = []
  let unit: LogicalUnit | undefined
  const { execute } = LogicalUnit.prototype
  LogicalUnit.prototype.execute = function (command) {
    unit = this
    if (HELD.has(command.cdb[0]!)) sent.push(command)
    return execute.call(this, command)
  }
  const patience = new AbortController()
  try {
    const lost = [
      assert.rejects(to.write(0, new Uint8Array(BLOCK)), { code: 'ERR_SGRING_NEXUS_LOST' }),
      assert.rejects(to.readBack!(0, BLOCK), { code: 'ERR_SGRING_NEXUS_LOST' }),
    ]
    await until('both are held', () => ended.length === 2)
    ctrlC.abort()
    const synced = to.sync(patience.signal)
    await until('the cache is synchronized', () => ended.length === 3)
    patience.abort()
    await assert.rejects(synced, patience.signal.reason)
    // An ABORT TASK would have come before it.
    await unit?.testUnitReady()
    const isEnded = ended.map(({ aborted }) => aborted)
    assert.deepEqual(isEnded, [false, false, false])
    // How long the kernel may take for it is not how long this side waits.
    const given = sent.map(({ signal, timeoutMs }) => signal ?? timeoutMs)
    assert.deepEqual(given, [undefined, undefined, undefined])
    await to.stop({ keep: false })
    await Promise.all(lost)
  } finally {
    LogicalUnit.prototype.execute = execute
  }
})

test.run()
