/** What takes no promise: the calls of which a command's way is made, and of which `benchmark` has an opinion, too. */

import assert from 'node:assert/strict'
import { parseSense, read10 } from '#dist/index.js'
import type { Contestant } from '../contest.ts'
import { addon } from '../rivals/napi/addon.ts'
import type { Case } from './case.ts'

/** MEDIUM ERROR, UNRECOVERED READ ERROR, in the fixed format (SPC-4 4.5.3). */
const SENSE = Uint8Array.of(0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0)
const TEST_UNIT_READY = new Uint8Array(6)

export const calls: Case = {
  name: 'calls',
  what: 'single calls on one thread: through Node-API, the CDB of a READ(10), sense data parsed',
  bytes: 0,
  async open() {
    const call = addon().caller()
    let lba = 0
    const contestants = [
      synchronous('call', () => call(TEST_UNIT_READY) === 0),
      synchronous('read10', () => {
        lba = (lba + 8) >>> 0
        return read10({ lba, blocks: 8, blockLength: 512 }).cdb[8] === 8
      }),
      synchronous('parse-sense', () => parseSense(SENSE).asc === 0x11),
    ]
    return { contestants, async close() {} }
  },
}

/** @param isRight does it once, and says whether it went right */
function synchronous(name: string, isRight: () => boolean): Contestant {
  const operation = () => {
    if (!isRight()) assert.fail(`${name}: wrong`)
  }
  const run = async (count: number) => {
    const started = performance.now()
    for (let left = count; left > 0; left--) operation()
    return performance.now() - started
  }
  return { name, run, operation, threads: 1 }
}
