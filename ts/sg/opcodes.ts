/**
 * Which commands a node takes, known before anything is sent: those that the kernel would refuse with EPERM, and with `readOnly` those that change something, on
 * every kind of node: an sg node that is open for reading and writing takes everything of whoever may open it.
 */

import { SgringError } from '../errors.ts'
import { serviceAction } from '../scsi/command-tables.ts'
import { hexadecimal, knownCommand } from '../scsi/effect.ts'
import type { Capabilities } from './capabilities.ts'
import { privilegeFor } from './kernel-filter.ts'

/** A node of one SCSI device: /dev/bsg/H:C:T:L, /dev/sgN, or a block device. */
export type NodeKind = 'bsg' | 'sg' | 'block'

/** Commands by operation code; with a service action (of READ BUFFER the mode), those of that alone. */
export type OpcodeRule = number | { readonly opcode: number; readonly serviceAction: number }

/** What the caller wants of a node's commands. */
export interface CommandRules {
  /** Refuses commands that change something, or may. Default: false. */
  readonly readOnly?: boolean
  /** Takes these with `readOnly`, too. */
  readonly allow?: readonly OpcodeRule[]
  /** Refuses these in any case, even where `allow` has them. */
  readonly deny?: readonly OpcodeRule[]
}

/** What is known of an open node. */
export interface FilteredNode extends CommandRules {
  readonly nodeKind: NodeKind
  /** Whether the descriptor is open for writing, too. */
  readonly openedForWriting: boolean
  /** PERIPHERAL DEVICE TYPE; undefined where it is not known, and then `readOnly` takes what every kind of device reads by. */
  readonly deviceType?: number | undefined
  /** Undefined where it is not known: then the kernel decides. */
  readonly capabilities: Capabilities | undefined
}

/**
 * Looks at a command before it is sent: undefined if nothing is against it.
 *
 * @param length of the CDB; what lies beyond does not count. Default: all of it.
 */
export type CommandFilter = (cdb: Uint8Array, length?: number) => SgringError | undefined

/**
 * The filter of one node. It gives `ERR_SGRING_NOT_PERMITTED` for what the kernel would refuse, and `ERR_SGRING_READ_ONLY` for what the
 * rules do.
 */
export function commandFilter(node: FilteredNode): CommandFilter {
  const { readOnly = false, deviceType } = node
  const allowed = ruleSet(node.allow)
  const denied = ruleSet(node.deny)
  const filtered = node.capabilities?.sysRawio === false && passesFilter(node)
  const named = (cdb: Uint8Array, length: number) =>
    `${knownCommand(cdb, length, deviceType).name} (${hexadecimal(cdb[0]!)})`

  return (cdb, length = cdb.length) => {
    const opcode = cdb[0]!
    if (denied.size > 0 && matches(denied, cdb, length)) {
      return new SgringError('ERR_SGRING_READ_ONLY', `${named(cdb, length)} is denied on this node`)
    }
    if (filtered) {
      const privilege = privilegeFor(opcode)
      if (privilege === 'rawio' || (privilege === 'writing' && !node.openedForWriting)) {
        return notPermitted(named(cdb, length), node.nodeKind, privilege)
      }
    }
    if (!readOnly) return undefined
    const { effect } = knownCommand(cdb, length, deviceType)
    if (effect === 'reads' || matches(allowed, cdb, length)) return undefined
    const why =
      effect === 'changes' ? 'may change the device' : 'is not known to leave the device as it is'
    return new SgringError(
      'ERR_SGRING_READ_ONLY',
      `${named(cdb, length)} ${why}, and this node was opened readOnly; allow can take it`,
    )
  }
}

/** @throws `ERR_SGRING_INVALID_ARGUMENT` for rules that are none */
export function checkRules({ allow, deny }: CommandRules): void {
  ruleSet(allow)
  ruleSet(deny)
}

/** Whether the kernel's filter looks at the commands: of sg nodes only where they are not open for reading and writing. */
function passesFilter({ nodeKind, openedForWriting }: FilteredNode): boolean {
  return nodeKind !== 'sg' || !openedForWriting
}

function notPermitted(
  command: string,
  nodeKind: NodeKind,
  privilege: 'writing' | 'rawio',
): SgringError {
  const needs =
    privilege === 'writing'
      ? `${article(nodeKind)} node that is open for writing, or CAP_SYS_RAWIO`
      : `CAP_SYS_RAWIO on ${article(nodeKind)} node`
  const instead = nodeKind === 'sg' ? '' : '; an sg node that is open for writing does without'
  return new SgringError(
    'ERR_SGRING_NOT_PERMITTED',
    `${command} needs ${needs} (capabilities(7)): the kernel would refuse it${instead}`,
  )
}

/** What a kernel says that refuses, EPERM, where it was not known before. */
export function refusedByKernel(
  cdb: Uint8Array,
  length: number,
  { nodeKind, deviceType }: Pick<FilteredNode, 'nodeKind' | 'deviceType'>,
): SgringError {
  const { name } = knownCommand(cdb, length, deviceType)
  const privilege = privilegeFor(cdb[0]!)
  return notPermitted(
    `${name} (${hexadecimal(cdb[0]!)})`,
    nodeKind,
    privilege === 'writing' ? 'writing' : 'rawio',
  )
}

function article(nodeKind: NodeKind): string {
  return `${nodeKind === 'sg' ? 'an' : 'a'} ${nodeKind}`
}

/** Operation codes as they are, those with a service action above them. */
function ruleSet(rules: readonly OpcodeRule[] = []): ReadonlySet<number> {
  return new Set(
    rules.map((rule) => {
      if (typeof rule === 'number') return checked('an operation code', rule, 0xff)
      const opcode = checked('an operation code', rule?.opcode, 0xff)
      return actionKey(opcode, checked('a service action', rule.serviceAction, 0xffff))
    }),
  )
}

function matches(rules: ReadonlySet<number>, cdb: Uint8Array, length: number): boolean {
  const opcode = cdb[0]!
  if (rules.has(opcode)) return true
  const action = length > 1 ? serviceAction(cdb, length) : undefined
  return action !== undefined && rules.has(actionKey(opcode, action))
}

function actionKey(opcode: number, action: number): number {
  return (opcode + 1) * 0x10000 + action
}

function checked(what: string, value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) {
    return value
  }
  throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `${what} is 0 to ${most}, not ${value}`)
}
