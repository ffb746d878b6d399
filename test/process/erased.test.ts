/** A target that is killed while it erases a disk. */

import assert from 'node:assert/strict'
import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type LogicalUnit } from '#dist/index.js'
import { formatUnit, sanitizeBlockErase } from '#dist/scsi/block-medium.js'
import type { TypedCommand } from '#dist/scsi/command.js'
import { parseSense } from '#dist/scsi/sense.js'
import { deadlineScale } from '../harness/deadline.ts'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'
import { PATIENT } from './home.ts'

const test = suite('a disk whose target is killed while it erases it')

/** Holes, which are as many steps to erase as bytes would be: nobody waits for all of them, and they take no room. */
const BYTES = 15 * 2 ** 40
const root = temporaryFolder()

for (const [name, command, inProgress, failed] of [
  ['FORMAT UNIT', formatUnit, '2/404', '3/3100'],
  ['SANITIZE', sanitizeBlockErase, '2/41b', '3/3103'],
] as const) {
  test(
    `by ${name} with IMMED is not whole at the next one, whatever that one was answered (sbc-3 4.11, 5.3)`,
    async () => {
      const folder = mkdtempSync(join(root, 'home-'))
      const file = join(folder, 'disk.img')
      writeFileSync(file, '')
      truncateSync(file, BYTES)
      const config = {
        listen: join(folder, 'target.sock'),
        state: join(folder, 'state'),
        graceMs: 60_000 * deadlineScale,
        units: [{ file, thin: true }],
      }
      await using first = await ServerProcess.start(config)
      await using nexus = await connect(config.listen, { recovery: PATIENT })
      const unit = nexus.unit(0)
      await unit.testUnitReady()
      await unit.run(command({ immed: true }) as TypedCommand<void>)
      assert.equal(await condition(unit), inProgress)
      await first.killed()
      await using _second = await ServerProcess.start(config)
      assert.equal(await condition(unit), '6/2900')
      assert.equal(await condition(unit), failed)
    },
    { deadlineMs: 60_000 },
  )
}

/** What TEST UNIT READY is told: sense key, and sense code. */
async function condition(unit: LogicalUnit): Promise<string> {
  const { sense } = await unit.execute({ cdb: new Uint8Array(6) })
  const { key, asc, ascq } = parseSense(sense)
  return `${key}/${((asc << 8) | ascq).toString(16)}`
}

test.run()
