/** What commands are called. */

import { MaintenanceIn, Opcode, SanitizeAction, ServiceActionIn16 } from '../scsi/opcode.ts'
import { hexByte } from './hex.ts'
import { nameOf } from './output.ts'

/** Operation codes whose commands are told apart by a service action, in bits 4 to 0 of byte 1. */
const ACTIONS = new Map<number, Readonly<Record<string, number>>>([
  [Opcode.SERVICE_ACTION_IN_16, ServiceActionIn16],
  [Opcode.MAINTENANCE_IN, MaintenanceIn],
  [Opcode.SANITIZE, SanitizeAction],
])

/** A command as the standards write it: `READ(10)`, `SANITIZE: BLOCK ERASE`. */
export function commandName(opcode: number, serviceAction: number | undefined): string {
  const name = numbered(nameOf(Opcode, opcode))
  if (name === 'unknown') return `operation code ${hexByte(opcode)}`
  if (serviceAction === undefined) return name
  const action = numbered(nameOf(ACTIONS.get(opcode) ?? {}, serviceAction))
  return `${name}: ${action === 'unknown' ? `service action ${hexByte(serviceAction)}` : action}`
}

/** The command that a CDB is. */
export function nameOfCdb(cdb: Uint8Array): string {
  const [opcode = 0, second = 0] = cdb
  return commandName(opcode, ACTIONS.has(opcode) ? second & 0x1f : undefined)
}

function numbered(name: string): string {
  return name.replace(/ (\d+)$/, '($1)')
}
