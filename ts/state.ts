/**
 * What a server keeps beyond its death: a folder of its user's alone, which one server has at a time.
 *
 *     lock           held for life
 *     ledgers/       of the pairs (`ts/ring/ledgers.ts`)
 *     orders         in which order the units were changed (`ts/target/write-order.ts`)
 *     conditions     which media are not whole (`ts/target/kept-condition.ts`)
 *     units          which units there were (`ts/kept-units.ts`)
 *     lun-N.memory   the bytes of a disk in memory; `.old` behind it for one that is being removed
 *     intent-N       what was being copied there, on tmpfs (`crates/store/src/intent.rs`)
 */

import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncNames } from './durable-file.ts'
import { SgringError } from './errors.ts'
import { KeptUnits } from './kept-units.ts'
import { type KeptLock, native, translated } from './native.ts'
import type { KeptMemory } from './target/backing.ts'
import { KeptConditions } from './target/kept-condition.ts'
import type { UnitIdentity } from './target/served-unit.ts'
import type { UnitChanges } from './target/unit.ts'
import { ORDER_WORDS } from './target/write-order.ts'

/**
 * Makes the folder, with those in it, if it is not there.
 *
 * @throws `ERR_SGRING_BACKING` if it cannot be made, or is not this user's alone
 */
export function makeStateFolder(folder: string): void {
  try {
    mkdirSync(join(folder, 'ledgers'), { recursive: true, mode: 0o700 })
    for (const path of [folder, join(folder, 'ledgers')]) checkPrivate(path)
  } catch (cause) {
    throw unusable(folder, cause)
  }
}

/** Whoever else may write there decides what this process maps, and whose answers it gives. */
function checkPrivate(path: string): void {
  const found = lstatSync(path)
  if (!found.isDirectory()) throw new Error(`${path} is no folder, or a link to one`)
  if (found.uid !== process.geteuid?.()) throw new Error(`${path} is user ${found.uid}'s`)
  if ((found.mode & 0o077) !== 0) throw new Error(`${path} is open to others: chmod go= ${path}`)
}

const REMOVED = /^lun-\d+\.memory\.old$/

export class StateFolder {
  readonly #folder: string
  readonly #lock: KeptLock
  readonly #units: KeptUnits
  /** `ORDER_WORDS`, for all units: the next one at a LUN goes on where the last one was. */
  readonly order: Float64Array<ArrayBuffer>
  /** Of the media of its disks. */
  readonly conditions: KeptConditions
  #closed = false

  /**
   * Makes the folder if it is not there.
   *
   * @throws `ERR_SGRING_BACKING` if it cannot be used, `ERR_SGRING_ADDRESS_IN_USE` while another server has it
   */
  constructor(folder: string) {
    this.#folder = folder
    makeStateFolder(folder)
    this.#lock = this.#within(() => native().keptLock(join(folder, 'lock')))
    try {
      this.order = new Float64Array(this.#file('orders', 8 * ORDER_WORDS))
      this.conditions = this.#within(() => new KeptConditions(join(folder, 'conditions')))
      this.#units = this.#within(() => {
        for (const name of readdirSync(folder)) {
          if (REMOVED.test(name)) rmSync(join(folder, name))
        }
        return new KeptUnits(join(folder, 'units'), () => this.#discardLedgers())
      })
    } catch (error) {
      this.#lock.release()
      throw error
    }
  }

  /** The files for the bytes of a disk in memory. */
  memoryOf(lun: number): KeptMemory {
    const within = (name: string) => join(this.#folder, name)
    return { path: within(`lun-${lun}.memory`), intent: within(`intent-${lun}`) }
  }

  /**
   * Notes that these units are served from now on, each at its LUN, and has them served: where that fails, what was noted there before is
   * noted again.
   *
   * @param serve told when each came to be what it is
   * @returns what `serve` does
   * @throws `ERR_SGRING_BACKING` if that cannot be noted, `ERR_SGRING_CLOSED`, or what `serve` throws
   */
  enter<T>(
    entering: ReadonlyMap<number, UnitIdentity>,
    serve: (changes: ReadonlyMap<number, UnitChanges>) => T,
  ): T {
    const before = this.#units.noted
    const changes = this.#within(() => this.#units.enter(entering))
    try {
      return serve(changes)
    } catch (error) {
      this.#ifItCan(() => this.#units.restore(entering.keys(), before))
      throw error
    }
  }

  /** Without a word where it cannot be noted: the next server takes it for another medium, which is no worse than it has to be. */
  resized(lun: number, identity: UnitIdentity): void {
    this.#ifItCan(() => this.#units.resized(lun, identity))
  }

  /**
   * A unit is about to be removed. What a disk in memory has is nobody's any more, whoever serves a unit there next, and whenever.
   *
   * @throws `ERR_SGRING_BACKING` if that cannot be brought about, `ERR_SGRING_CLOSED`
   */
  removing(lun: number, inMemory: boolean): void {
    this.#within(() => {
      this.#units.forget(lun)
      const { path, intent } = this.memoryOf(lun)
      if (!inMemory || !existsSync(path)) return
      renameSync(path, this.#removedOf(lun))
      syncNames(this.#folder)
      // A new disk there begins without it in any case.
      this.#ifItCan(() => rmSync(intent, { force: true }))
    })
  }

  /** It is removed, and nothing uses its bytes. The next server sees to what is left here. */
  removed(lun: number): void {
    this.#ifItCan(() => rmSync(this.#removedOf(lun), { force: true }))
  }

  #removedOf(lun: number): string {
    return `${this.memoryOf(lun).path}.old`
  }

  /** What their pairs were about is not known. */
  #discardLedgers(): void {
    const ledgers = join(this.#folder, 'ledgers')
    for (const name of readdirSync(ledgers)) rmSync(join(ledgers, name), { recursive: true })
  }

  /** Another server may have it: what was given out is detached, and nothing is written here any more. Idempotent. */
  close(): void {
    this.#closed = true
    native().detach(this.order.buffer)
    this.conditions.close()
    this.#lock.release()
  }

  #file(name: string, lengthBytes: number): ArrayBuffer {
    return this.#within(() => native().keptFile(join(this.#folder, name), lengthBytes))
  }

  #ifItCan(write: () => void): void {
    try {
      this.#within(write)
    } catch {}
  }

  #within<T>(open: () => T): T {
    if (this.#closed) throw new SgringError('ERR_SGRING_CLOSED')
    try {
      return translated(open)
    } catch (error) {
      if (error instanceof SgringError && error.code === 'ERR_SGRING_ADDRESS_IN_USE') {
        throw new SgringError(error.code, `another server has the state folder ${this.#folder}`)
      }
      throw unusable(this.#folder, error)
    }
  }
}

function unusable(folder: string, cause: unknown): SgringError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SgringError(
    'ERR_SGRING_BACKING',
    `the state folder ${folder} cannot be used: ${why}`,
    {
      cause,
    },
  )
}
