/**
 * What a command does to its device, as far as its CDB tells: whether it only reads, or changes something that outlasts it: the medium, parameters,
 * power, where media are, reservations, or what other initiators may do.
 *
 * A tape's position counts for reading, since nobody could read without it. What is doubtful counts as a change.
 */

import { ataEffect } from './ata/effect.ts'
import { type CommandTable, tablesOf } from './command-tables.ts'
import { cdbLength, isPlainCdb } from './opcode.ts'

/** `unknown`: a command that the standards of this kind of device do not have, or a CDB that is too short to tell. */
export type Effect = 'reads' | 'changes' | 'unknown'

/** A command by its name in the standards, and its effect. */
export interface KnownCommand {
  /** As `WRITE BUFFER(10)`, or `operation code C1h` where it has none. */
  readonly name: string
  readonly effect: Effect
}

/**
 * Looks a command up.
 *
 * @param length of the CDB; what lies beyond in `cdb` does not count
 * @param deviceType PERIPHERAL DEVICE TYPE; where it is undefined, a command reads if it does so on every kind of device
 */
export function knownCommand(
  cdb: Uint8Array,
  length: number,
  deviceType: number | undefined,
): KnownCommand {
  const opcode = cdb[0] ?? 0
  if (length < cdbLength(opcode)) return { name: nameless(opcode), effect: 'unknown' }
  const found = tablesOf(deviceType).map((table) => inTable(table, cdb, length))
  const { name } = found.find(({ effect }) => effect !== 'unknown') ?? { name: nameless(opcode) }
  const [effect = 'unknown', ...others] = new Set(found.map(({ effect }) => effect))
  if (others.length > 0) return { name, effect: 'unknown' }
  // Where it ends in CHECK CONDITION it leaves an ACA condition behind, which stops the others, and Linux cannot clear it.
  if (effect === 'reads' && !isPlainCdb(cdb, length)) {
    return { name: `${name} with NACA`, effect: 'changes' }
  }
  return { name, effect }
}

function inTable(table: CommandTable, cdb: Uint8Array, length: number): KnownCommand {
  const opcode = cdb[0]!
  const found = table.find(cdb, length)
  if (found === undefined) return { name: nameless(opcode), effect: 'unknown' }
  const { name, effect } = found
  return { name, effect: effect === 'ata' ? ataEffect(cdb, length) : effect }
}

/** A number as the standards write it: `3Bh`. */
export function hexadecimal(value: number): string {
  return `${value.toString(16).toUpperCase().padStart(2, '0')}h`
}

function nameless(opcode: number): string {
  return `operation code ${hexadecimal(opcode)}`
}
