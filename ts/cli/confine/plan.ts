/** What `sgring serve` needs, and so keeps: parts of the file system, and capabilities. */

import { closeSync, existsSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConfinedProgram } from '../../native.ts'
import { findDevice } from '../../sg/discovery.ts'
import type { Config, DeviceConfig } from '../config/config.ts'
import { CliError, ExitCode } from '../exit-code.ts'

/** Part of the file system, and what it is opened for (`sgring_confine::Access`). */
export type ConfinedPath = ConfinedProgram['paths'][number]

/** What a server keeps. */
export interface Plan {
  /** What it serves, and may be told to serve later. */
  readonly served: readonly ConfinedPath[]
  /** Where its sockets are. */
  readonly sockets: readonly ConfinedPath[]
  /** Capabilities by which it uses them. */
  readonly keep: readonly string[]
}

/** @param socket of the target: its folder has that for its administration, too */
export async function planOf(config: Config | DeviceConfig, socket: string): Promise<Plan> {
  const served = 'device' in config ? await deviceOf(config) : disksOf(config)
  const { state } = config
  const resets = 'device' in config && config.readOnly !== true
  const givesAway = config.owner !== undefined || config.group !== undefined
  return {
    served: [
      ...served,
      // Whose folders are there already (`makeStateFolder`).
      ...(state === undefined ? [] : [{ path: state, access: 'fill' } as const]),
    ],
    sockets: [
      { path: dirname(socket), access: 'socket' },
      { path: `${socket}.lock`, access: 'write' },
    ],
    keep: [
      // The kernel asks for them where it filters commands, and for a reset (sg(4), `scsi_cmd_allowed()`).
      ...('device' in config ? ['CAP_SYS_RAWIO'] : []),
      ...(resets ? ['CAP_SYS_ADMIN'] : []),
      ...(givesAway ? ['CAP_CHOWN'] : []),
    ],
  }
}

/** Files themselves; where one is to be made, its folder. */
function disksOf({ units, allowPaths = [] }: Config): ConfinedPath[] {
  const files = units.flatMap((unit): ConfinedPath[] => {
    if (!('file' in unit)) return []
    const { file, readOnly = false, createBytes } = unit
    if (createBytes !== undefined) return [{ path: dirname(resolve(file)), access: 'fill' }]
    return [{ path: resolve(file), access: readOnly ? 'read' : 'write' }]
  })
  const allowed = allowPaths.map((path): ConfinedPath => {
    const there = statSync(path, { throwIfNoEntry: false })
    // A fence is around what is there: of what comes later it would know nothing.
    if (there === undefined) {
      throw new CliError(ExitCode.FILE, `${path}, which is to be allowed, is not there`)
    }
    return { path: resolve(path), access: there.isDirectory() ? 'fill' : 'write' }
  })
  return [...files, ...allowed]
}

/** Every node of the device: which one is best, and which one resets it, is seen later. */
async function deviceOf({ device, readOnly = false }: DeviceConfig): Promise<ConfinedPath[]> {
  const nodes = Object.values((await findDevice(device))?.nodes ?? {})
  const paths = [device, ...nodes.filter((path): path is string => path !== null)]
  return paths.map((path) => ({ path, access: readOnly ? 'read' : 'write' }))
}

/**
 * The lock beside a socket is a file, which has to be there for a fence to let it through.
 *
 * @returns those that were not
 */
export function makeLocks({ sockets }: Plan): string[] {
  return sockets.flatMap(({ path, access }) => {
    if (access !== 'write') return []
    try {
      closeSync(openSync(path, 'wx', 0o600))
      return [path]
    } catch {
      // It is there, or whoever listens says what is wrong.
      return []
    }
  })
}

/**
 * What the program itself is read from: whatever of it is mapped now, its modules with those that it loads later, and what Node, its libraries
 * and the command line name. Nothing of that is written.
 */
export function programPaths(config: string | undefined): ConfinedPath[] {
  const read = [
    ...mappedFiles(),
    ...BEFORE_MAIN,
    ...named([...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)]),
    process.execPath,
    modulesFolder(),
    realpathSync(process.argv[1] ?? process.execPath),
    ...(config === undefined ? [] : [resolve(config)]),
    '/proc',
    '/sys',
  ]
  const { NODE_V8_COVERAGE } = process.env
  return [
    ...read.filter((path) => path !== '').map((path): ConfinedPath => ({ path, access: 'read' })),
    { path: '/dev/null', access: 'write' },
    ...(NODE_V8_COVERAGE ? [{ path: NODE_V8_COVERAGE, access: 'fill' as const }] : []),
  ]
}

/** What the dynamic loader, OpenSSL and Node look at before a program's first line (ld.so(8), config(5ssl)). */
const BEFORE_MAIN = [
  '/etc/ld.so.cache',
  '/etc/ld.so.preload',
  '/etc/ld-musl-x86_64.path',
  '/etc/ld-musl-aarch64.path',
  '/etc/ssl/openssl.cnf',
  '/usr/lib/ssl/openssl.cnf',
  process.env.OPENSSL_CONF ?? '',
  process.env.NODE_EXTRA_CA_CERTS ?? '',
]

/** The executable, its libraries and add-ons (proc_pid_maps(5)). */
function mappedFiles(): string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n')
  const files = lines.map((line) => /^\S+ +\S+ +\S+ +\S+ +[1-9]\d* +(\/.*)$/.exec(line)?.[1] ?? '')
  return [...new Set(files)].filter((path) => path !== '' && existsSync(path))
}

/** Files among options: `--import ./hook.js`, `--require=hook.js`. */
function named(options: readonly string[]): string[] {
  return options
    .flatMap((option) => option.split('='))
    .filter((option) => option !== '' && statSync(option, { throwIfNoEntry: false })?.isFile())
}

/** The outermost `node_modules` that this package lies in, with whatever it depends on; in a checkout, the checkout. */
function modulesFolder(): string {
  const own = realpathSync(fileURLToPath(new URL('../../../', import.meta.url)))
  const at = own.indexOf('/node_modules/')
  return at < 0 ? own : own.slice(0, at + '/node_modules'.length)
}
