/** What `sgring serve` serves: as its file says it, and as the server takes it. */

import { resolve } from 'node:path'
import type { PortOptions } from '../../ring/port.ts'
import type { BackingOptions } from '../../target/backing.ts'
import type { DiskUnitOptions } from '../../target/served-unit.ts'
import { ConfigError } from '../exit-code.ts'
import { snakeCase } from '../output.ts'
import { sizeBytes } from '../quantity.ts'
import { type Account, accountId } from './accounts.ts'
import { type Check, compile } from './schema.ts'

/** A disk, by what can be written down of it. */
export type UnitConfig = BackingOptions & {
  /** Default: its place in the list; where it is added to others, the first that is free. */
  readonly lun?: number
} & Pick<
    DiskUnitOptions,
    | 'blockLength'
    | 'thin'
    | 'removable'
    | 'vendor'
    | 'product'
    | 'revision'
    | 'serial'
    | 'maxTasks'
    | 'maxRunning'
    | 'taskAbortedStatus'
    | 'maxTransferBytes'
    | 'savedModes'
  >

/** Where, and to whom. */
interface Listening extends PortOptions {
  /** A name, or a path with a slash. */
  readonly listen: string
  /** Folders, and files, that a unit may be opened in later. Default: none. */
  readonly allowPaths?: readonly string[]
  /** Whether the server gives up what it does not need. Default: true. */
  readonly confine?: boolean
}

/** A file's content: disks. */
export interface Config extends Listening {
  readonly units: readonly UnitConfig[]
}

/** A file's content: a device, to which the server belongs alone. */
export interface DeviceConfig extends Listening {
  /** Its node in /dev. */
  readonly device: string
  /** What may change it is refused. Default: false. */
  readonly readOnly?: boolean
}

let checkConfig: Promise<Check> | undefined

/**
 * Reads a configuration. Relative paths in it become absolute, from `folder` on.
 *
 * @param text JSON
 * @param what what it is, for messages: a file's name
 * @throws `ConfigError` with all that is wrong
 */
export async function parseConfig(
  text: string,
  what: string,
  folder: string,
): Promise<Config | DeviceConfig> {
  checkConfig ??= compile({ $ref: 'config' })
  const value = parseJson(text, what)
  const problems = (await checkConfig)(value)
  if (problems.length > 0) throw new ConfigError(what, problems)
  const wrong: string[] = []
  const { $schema: _, mode, units, allow_paths, ...rest } = value as RawConfig
  const { max_arena_bytes, max_nexus_arena_bytes, state, ...named } = rest
  const others = numbered(named, wrong)
  const listening = {
    ...(camelCase(others) as unknown as Listening),
    ...(others.listen.includes('/') && { listen: resolve(folder, others.listen) }),
    ...(mode !== undefined && { mode: Number.parseInt(mode, 8) }),
    ...sizes({ max_arena_bytes, max_nexus_arena_bytes }),
    ...(state !== undefined && { state: resolve(folder, state) }),
    ...(allow_paths !== undefined && {
      allowPaths: allow_paths.map((path) => resolve(folder, path)),
    }),
  }
  const device = aloneIn(value as RawConfig, wrong)
  const disks = units.map((unit) => unitOf(unit, folder))
  placed(disks, wrong)
  if (wrong.length > 0) throw new ConfigError(what, wrong)
  return device === undefined ? { ...listening, units: disks } : { ...listening, ...device }
}

/**
 * Users and groups by their numbers.
 *
 * @param wrong gets a line for each name that nobody has
 */
function numbered<T extends object>(others: T, wrong: string[]): T {
  const numberOf = (place: string, kind: 'user' | 'group', account: Account) => {
    const id = accountId(kind, account)
    if (id === undefined) wrong.push(`${place}: there is no ${kind} ${JSON.stringify(account)}`)
    return id ?? 0
  }
  const entries = Object.entries(others).map(([key, value]) => {
    const kind = ACCOUNTS[key]
    if (kind === undefined) return [key, value]
    if (!Array.isArray(value)) return [key, numberOf(key, kind, value)]
    return [key, value.map((one, at) => numberOf(`${key}[${at}]`, kind, one))]
  })
  return Object.fromEntries(entries)
}

const ACCOUNTS: Readonly<Record<string, 'user' | 'group'>> = {
  allowed_uids: 'user',
  allowed_gids: 'group',
  read_only_uids: 'user',
  read_only_gids: 'group',
  owner: 'user',
  group: 'group',
}

/**
 * The device, if there is one: it has no other unit beside it, and one client at a time.
 *
 * @param wrong gets a line for each thing that stands against that
 */
function aloneIn({ units, max_nexuses: most = 1, state }: RawConfig, wrong: string[]) {
  const at = units.findIndex(({ device }) => device !== undefined)
  if (at < 0) return undefined
  const { device = '', read_only: readOnly = false } = units[at]!
  if (units.length > 1) wrong.push(`units[${at}].device: a device is served alone`)
  if (most > 1) wrong.push(`max_nexuses: a device is for 1 at a time, not for ${most}`)
  if (state !== undefined) wrong.push('state: of a device nothing is kept')
  return { device, readOnly }
}

/** A unit that the schema has found right. */
export function unitOf(unit: RawUnit, folder: string): UnitConfig {
  const { memory, create_bytes, max_transfer_bytes, file, saved_modes, ...others } = unit
  return {
    ...camelCase(others),
    ...(saved_modes !== undefined && { savedModes: camelCase(saved_modes) }),
    ...(file !== undefined && { file: resolve(folder, file) }),
    ...sizes({ memory, create_bytes, max_transfer_bytes }),
  } as UnitConfig
}

/**
 * The units by their LUNs.
 *
 * @param wrong gets a line for each LUN that stands twice
 */
export function placed(units: readonly UnitConfig[], wrong: string[]): Map<number, UnitConfig> {
  const places = new Map<number, number>()
  const byLun = new Map<number, UnitConfig>()
  for (const [at, unit] of units.entries()) {
    const { lun = at } = unit
    const other = places.get(lun)
    if (other !== undefined) wrong.push(`units[${at}].lun: LUN ${lun} is that of units[${other}]`)
    places.set(lun, at)
    byLun.set(lun, unit)
  }
  return byLun
}

/** As it stands in a file: `parseConfig` reads the same again. */
export function configJson({ mode, ...config }: Config): Record<string, unknown> {
  const { units, ...others } = snakeCase(config) as Record<string, unknown>
  const octal = mode === undefined ? {} : { mode: mode.toString(8).padStart(4, '0') }
  return { ...others, ...octal, units }
}

/** What a text of JSON says, or where it is none, as far as the engine tells. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const said = (error as Error).message.replace(/ \(line \d+ column \d+\)$/, '')
    const [, position] = /position (\d+)/.exec(said) ?? []
    if (position === undefined) throw new ConfigError(what, [`no JSON: ${said}`])
    const before = text.slice(0, Number(position)).split('\n')
    const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`
    throw new ConfigError(what, [`${place}: no JSON: ${said}`])
  }
}

type Size = number | string | undefined

/** What the schema lets through: the keys that are read by name here. */
interface RawConfig {
  readonly $schema?: string
  readonly listen: string
  readonly mode?: string
  readonly max_nexuses?: number
  readonly max_arena_bytes?: Size
  readonly max_nexus_arena_bytes?: Size
  readonly allow_paths?: readonly string[]
  readonly state?: string
  readonly units: readonly RawUnit[]
}

/** As above. */
export interface RawUnit {
  readonly file?: string
  readonly device?: string
  readonly read_only?: boolean
  readonly saved_modes?: object
  readonly memory?: Size
  readonly create_bytes?: Size
  readonly max_transfer_bytes?: Size
}

/** Sizes in bytes, under their names in camelCase; those that are undefined are left out. */
function sizes(values: Readonly<Record<string, Size>>): Record<string, unknown> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return camelCase(Object.fromEntries(given.map(([key, value = 0]) => [key, bytesOf(value)])))
}

/** A size that the schema has found right, in bytes. */
export function bytesOf(value: number | string): number {
  return typeof value === 'string' ? (sizeBytes(value) ?? 0) : value
}

/** The keys of an object, not of those in it, in camelCase. */
function camelCase(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      inner,
    ]),
  )
}
