/**
 * Which units a server has had, in a file of the state folder: what was sent to a unit of an earlier server is not for another one that
 * stands at its LUN now, nor for the same one with another medium.
 *
 * Changes are numbered. For each LUN the file has who the unit was and what it stood on, each with the number of the change that brought it
 * there; a pair's ledger has the number as of which its tasks are. It is written before a unit is served, so that a death leaves
 * the old one or the new one (`durable-file.ts`).
 */

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { writeDurable } from './durable-file.ts'
import type { UnitIdentity } from './target/served-unit.ts'
import type { UnitChanges } from './target/unit.ts'

/** Who it is and what it stands on, and since when. */
export interface KeptUnit {
  readonly identity: Omit<UnitIdentity, 'made'>
  readonly changes: UnitChanges
}

/** By LUN. */
export type NotedUnits = Readonly<Record<string, KeptUnit>>

interface Kept {
  /** The number of the last change. */
  readonly last: number
  readonly units: NotedUnits
}

const NOTHING: Kept = { last: 0, units: {} }

export class KeptUnits {
  readonly #path: string
  #kept: Kept

  /**
   * @param lost called where no server has left such a file, or nobody can make sense of it: whatever else it has left is of no use then
   * @throws an error of the system, or for what is no regular file of this user
   */
  constructor(path: string, lost: () => void) {
    this.#path = path
    const kept = read(path)
    if (kept === undefined) lost()
    this.#kept = kept ?? NOTHING
  }

  /** What is noted now, for `restore`. */
  get noted(): NotedUnits {
    return this.#kept.units
  }

  /** These are served from now on: when who they are and what they stand on came to be so. */
  enter(entering: ReadonlyMap<number, UnitIdentity>): ReadonlyMap<number, UnitChanges> {
    const { last, units } = this.#kept
    const next = last + 1
    const entered = new Map<number, KeptUnit>()
    for (const [lun, { device, medium, made }] of entering) {
      const before = units[lun]
      const changes = {
        device: before?.identity.device === device ? before.changes.device : next,
        medium: !made && before?.identity.medium === medium ? before.changes.medium : next,
      }
      entered.set(lun, { identity: { device, medium }, changes })
    }
    this.#keep({ last: next, units: { ...units, ...Object.fromEntries(entered) } })
    return new Map(Array.from(entered, ([lun, { changes }]) => [lun, changes]))
  }

  /** They are not served after all: at these LUNs are those that were noted `before`. No number is given again. */
  restore(luns: Iterable<number>, before: NotedUnits): void {
    const units = { ...this.#kept.units }
    for (const lun of luns) {
      const unit = before[lun]
      if (unit === undefined) delete units[lun]
      else units[lun] = unit
    }
    this.#keep({ last: this.#kept.last, units })
  }

  /** A unit has another length, which its commands know. */
  resized(lun: number, { device, medium }: UnitIdentity): void {
    const { last, units } = this.#kept
    const { changes } = units[lun]!
    this.#keep({ last, units: { ...units, [lun]: { identity: { device, medium }, changes } } })
  }

  /** A unit is removed: one that comes there later is another. */
  forget(lun: number): void {
    const { [lun]: _removed, ...units } = this.#kept.units
    this.#keep({ last: this.#kept.last, units })
  }

  #keep(kept: Kept): void {
    writeDurable(this.#path, JSON.stringify(kept))
    this.#kept = kept
  }
}

/** Undefined where there is none, or what is there is none. */
function read(path: string): Kept | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const found = fstatSync(file)
    if (!found.isFile() || found.uid !== process.geteuid?.()) {
      throw new Error(`${path} is no regular file of this user's`)
    }
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isKept(kept) ? kept : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  } finally {
    closeSync(file)
  }
}

function isKept(value: unknown): value is Kept {
  if (!isRecord(value) || !isCount(value.last) || !isRecord(value.units)) return false
  return Object.values(value.units).every(
    (unit) =>
      isRecord(unit) &&
      isRecord(unit.identity) &&
      isRecord(unit.changes) &&
      isCount(unit.changes.device) &&
      isCount(unit.changes.medium),
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
