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

/** Whether a command's effect is `'reads'`. */
export function onlyReads(
  cdb: Uint8Array,
  length: number,
  deviceType: number | undefined,
): boolean {
  return effectOf(cdb, length, deviceType) === 'reads'
}

/** A command's effect, for whoever asks at each command: most are known by their operation codes from then on. */
export function effectOf(cdb: Uint8Array, length: number, deviceType: number | undefined): Effect {
  const opcode = cdb[0] ?? 0
  const kind = deviceType ?? ANY_KIND
  let known = KNOWN[kind]
  if (known === undefined) {
    known = new Uint8Array(256)
    KNOWN[kind] = known
  }
  if (known[opcode] === ASK) {
    const uniform = tablesOf(deviceType).every((table) => table.isUniform(opcode))
    const { effect } = knownCommand(plainCdb(opcode), cdbLength(opcode), deviceType)
    known[opcode] = uniform ? EFFECTS.indexOf(effect) : DIFFERS
  }
  return known[opcode] === DIFFERS || !isPlainCdb(cdb, length)
    ? knownCommand(cdb, length, deviceType).effect
    : EFFECTS[known[opcode]!]!
}

/** By kinds of devices, and by operation codes: the number of the effect. */
const KNOWN: (Uint8Array | undefined)[] = []
/** No device type has more than 5 bits. */
const ANY_KIND = 32
const ASK = 0
const DIFFERS = 1
/** From the third number on. */
const EFFECTS: readonly (Effect | undefined)[] = [
  undefined,
  undefined,
  'reads',
  'changes',
  'unknown',
]

function plainCdb(opcode: number): Uint8Array {
  const cdb = new Uint8Array(cdbLength(opcode))
  cdb[0] = opcode
  return cdb
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
