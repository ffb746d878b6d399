/** Units inside the test's own process whose POWER ON unit attention is over. */

import type { Nexus, Response } from '#dist/index.js'
import { parseSense } from '#dist/index.js'
import { type TestUnit, type TestUnitOptions, testUnit } from '#dist/testing/index.js'
import { senseText } from '../target/plain-task.ts'

/** A test unit, and what its server has told of units and handlers that failed. */
export interface ReadyUnit extends TestUnit {
  readonly failures: unknown[]
}

/** A test unit, ready. */
export async function readyUnit(options?: TestUnitOptions): Promise<ReadyUnit> {
  const test = await testUnit(options)
  const failures: unknown[] = []
  test.server.events.on('unitFailed', (error) => failures.push(error))
  await powerOn(test.nexus, 0)
  return Object.assign(test, { failures })
}

/** Takes the POWER ON unit attention condition off a unit. The target tells it: no handler sees that command. */
export async function powerOn(nexus: Nexus, lun: number): Promise<void> {
  await nexus.unit(lun).execute({ cdb: new Uint8Array(6) })
}

/** Status, and what the sense data say, as `2 5/24/00`. */
export function told({ status, sense }: Response): string {
  return sense.length === 0 ? `${status}` : `${status} ${senseText(parseSense(sense))}`
}

/** A CDB of six bytes. */
export function cdb(opcode: number, byte = 0): Uint8Array {
  return Uint8Array.of(opcode, byte, 0, 0, 0, 0)
}
