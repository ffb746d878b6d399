/** Whom a server lets in, how much each may have, and what it keeps, by flags of `sgring serve`. */

import { resolve } from 'node:path'
import { accountId } from './config/accounts.ts'
import type { Config } from './config/config.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseCount, parseSize } from './quantity.ts'
import type { Call } from './verb.ts'

export const LISTEN_FLAGS = {
  'allow-user': {
    type: 'string',
    multiple: true,
    value: 'USER',
    help: 'a user who may connect, besides this one: a name or a number',
  },
  'allow-group': {
    type: 'string',
    multiple: true,
    value: 'GROUP',
    help: 'a group whose members may connect, whichever of theirs it is',
  },
  'read-only-user': {
    type: 'string',
    multiple: true,
    value: 'USER',
    help: 'a user who may connect, and change nothing',
  },
  'read-only-group': {
    type: 'string',
    multiple: true,
    value: 'GROUP',
    help: 'a group whose members may connect, and change nothing',
  },
  mode: {
    type: 'string',
    value: 'BITS',
    help: "the socket's permissions, in octal; default: 600, or 666 if others may connect: the kernel says who they are",
  },
  owner: { type: 'string', value: 'USER', help: "the socket's owner" },
  group: { type: 'string', value: 'GROUP', help: "the socket's group" },
  'max-nexuses': { type: 'string', value: 'N', help: 'nexuses at a time; default: 64' },
  'max-user-nexuses': {
    type: 'string',
    value: 'N',
    help: 'nexuses of one user; default: half of them if several users may connect',
  },
  'max-nexus-pairs': { type: 'string', value: 'N', help: 'queue pairs of one nexus' },
  'max-nexus-slots': { type: 'string', value: 'N', help: 'tasks outstanding of one nexus' },
  'max-nexus-arena': { type: 'string', value: 'SIZE', help: 'bytes of all arenas of one nexus' },
  'max-nexus-rate': {
    type: 'string',
    value: 'N',
    help: 'commands a second of one nexus: more of them wait until they are looked at',
  },
  'allow-path': {
    type: 'string',
    multiple: true,
    value: 'PATH',
    help: 'a folder, or a file, that "sgring admin add" may open later',
  },
  unconfined: {
    type: 'boolean',
    help: 'keep capabilities, and access to all files: for programs within Node that need them',
  },
} as const

/** How they are written. */
export const LISTEN_OPTIONS =
  '[--allow-user USER]… [--allow-group GROUP]… [--read-only-user USER]… [--read-only-group GROUP]… [--mode BITS] [--owner USER] [--group GROUP] [--max-nexuses N] [--max-user-nexuses N] [--max-nexus-pairs N] [--max-nexus-slots N] [--max-nexus-arena SIZE] [--max-nexus-rate N] [--allow-path PATH]… [--unconfined]'

type Listening = Omit<Config, 'listen' | 'units'>

/** What they say; nothing of what they do not. */
export function listeningOf({ given, values }: Call<typeof LISTEN_FLAGS>): Listening {
  const users = accounts(given, 'allow-user', 'user')
  const groups = accounts(given, 'allow-group', 'group')
  const readers = accounts(given, 'read-only-user', 'user')
  const reading = accounts(given, 'read-only-group', 'group')
  const paths = given.filter(({ name }) => name === 'allow-path').map(({ value = '' }) => value)
  const numbers: Record<string, number> = {}
  for (const [flag, key] of NUMBERS) {
    const text = values[flag]
    if (text !== undefined) numbers[key] = Number(parseCount(`--${flag}`, text))
  }
  const { mode, owner, group, 'max-nexus-arena': arena, unconfined } = values
  return {
    ...(users.length > 0 && { allowedUids: [process.geteuid?.() ?? 0, ...users] }),
    ...(groups.length > 0 && { allowedGids: groups }),
    ...(readers.length > 0 && { readOnlyUids: readers }),
    ...(reading.length > 0 && { readOnlyGids: reading }),
    ...(mode !== undefined && { mode: parseMode(mode) }),
    ...(owner !== undefined && { owner: account('--owner', 'user', owner) }),
    ...(group !== undefined && { group: account('--group', 'group', group) }),
    ...numbers,
    ...(arena !== undefined && { maxNexusArenaBytes: parseSize('--max-nexus-arena', arena) }),
    ...(paths.length > 0 && { allowPaths: paths.map((path) => resolve(path)) }),
    ...(unconfined === true && { confine: false }),
  }
}

const NUMBERS = [
  ['max-nexuses', 'maxNexuses'],
  ['max-user-nexuses', 'maxUserNexuses'],
  ['max-nexus-pairs', 'maxNexusPairs'],
  ['max-nexus-slots', 'maxNexusSlots'],
  ['max-nexus-rate', 'maxNexusCommandRate'],
] as const

function accounts(given: Call['given'], flag: string, kind: 'user' | 'group'): number[] {
  return given
    .filter(({ name }) => name === flag)
    .map(({ value = '' }) => account(`--${flag}`, kind, value))
}

function account(option: string, kind: 'user' | 'group', text: string): number {
  const id = accountId(kind, text)
  if (id !== undefined) return id
  throw new CliError(ExitCode.SYNTAX, `${option}: there is no ${kind} '${text}'`)
}

function parseMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8)
  throw new CliError(ExitCode.SYNTAX, `--mode is permission bits in octal, as 660, not '${text}'`)
}
